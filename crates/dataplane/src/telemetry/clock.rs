//! Wall-clock time as RFC 3339 text, without asking the system for it line by line.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const SECONDS_PER_DAY: u64 = 86_400;

/// Turns instants into `2026-01-31T23:59:59.123Z`. The text of the current second is kept.
#[derive(Debug)]
pub(super) struct WallClock {
    instant: Instant,
    since_epoch: Duration,
    second: u64,
    text: [u8; 20],
}

// === impl WallClock ===

impl WallClock {
    pub(super) fn new() -> Self {
        let mut clock =
            Self { instant: Instant::now(), since_epoch: Duration::ZERO, second: 0, text: *b"1970-01-01T00:00:00." };
        clock.synchronise();
        clock
    }

    /// Asks the system for the time; to be called now and then, as wall clocks are stepped.
    pub(super) fn synchronise(&mut self) {
        self.instant = Instant::now();
        self.since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    }

    /// Writes the time of an instant, in UTC with milliseconds.
    pub(super) fn write(&mut self, out: &mut Vec<u8>, at: Instant) {
        let time = match at.checked_duration_since(self.instant) {
            Some(later) => self.since_epoch + later,
            None => self.since_epoch.saturating_sub(self.instant - at),
        };
        if time.as_secs() != self.second {
            self.second = time.as_secs();
            self.text = second_text(self.second);
        }
        let millis = time.subsec_millis();
        out.extend_from_slice(&self.text);
        out.extend_from_slice(&[digit(millis / 100), digit(millis / 10), digit(millis), b'Z']);
    }
}

fn digit(value: u32) -> u8 {
    b'0' + (value % 10) as u8
}

fn second_text(since_epoch: u64) -> [u8; 20] {
    let (year, month, day) = date(since_epoch / SECONDS_PER_DAY);
    let second = (since_epoch % SECONDS_PER_DAY) as u32;
    let mut text = *b"0000-00-00T00:00:00.";
    let (century, year) = (year / 100, year % 100);
    let parts =
        [(0, century), (2, year), (5, month), (8, day), (11, second / 3600), (14, second / 60 % 60), (17, second % 60)];
    for (place, value) in parts {
        text[place] = digit(value / 10);
        text[place + 1] = digit(value);
    }
    text
}

/// Year, month and day of the Gregorian calendar. Years are counted from March, so that the leap
/// day is the last of its year and the lengths of the months before it follow one formula.
fn date(days_since_epoch: u64) -> (u32, u32, u32) {
    const DAYS_FROM_YEAR_0_MARCH: u64 = 719_468; // 0000-03-01 to 1970-01-01
    const DAYS_PER_400_YEARS: u64 = 146_097;
    let days = days_since_epoch + DAYS_FROM_YEAR_0_MARCH;
    let (cycle, day) = (days / DAYS_PER_400_YEARS, days % DAYS_PER_400_YEARS);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = cycle * 400 + year + u64::from(month <= 2);
    (year as u32, month as u32, day as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_around_leap_days_and_centuries_are_right() {
        let shown = |seconds| String::from_utf8(second_text(seconds).to_vec()).expect("ASCII");
        assert_eq!(shown(0), "1970-01-01T00:00:00.");
        assert_eq!(shown(951_782_399), "2000-02-28T23:59:59.");
        assert_eq!(shown(951_782_400), "2000-02-29T00:00:00.");
        assert_eq!(shown(1_767_225_599), "2025-12-31T23:59:59.");
        assert_eq!(shown(4_107_542_400), "2100-03-01T00:00:00.");
    }

    #[test]
    fn every_day_follows_the_one_before() {
        let (mut year, mut month, mut day) = (1970, 1, 1);
        for days in 1..60_000 {
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let length = [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month as usize - 1];
            (day, month) = if day == length { (1, month + 1) } else { (day + 1, month) };
            (year, month) = if month == 13 { (year + 1, 1) } else { (year, month) };
            assert_eq!(date(days), (year, month, day), "day {days} since 1970");
        }
    }

    #[test]
    fn an_instant_before_the_last_synchronisation_is_shown_in_the_past() {
        let mut clock = WallClock::new();
        clock.since_epoch = Duration::from_millis(10_250);
        let mut out = Vec::new();
        let anchor = clock.instant;
        clock.instant += Duration::from_millis(500);
        clock.write(&mut out, anchor);
        clock.write(&mut out, anchor + Duration::from_millis(1_255));
        assert_eq!(String::from_utf8_lossy(&out), "1970-01-01T00:00:09.750Z1970-01-01T00:00:11.005Z");
    }
}
