//! How long an endpoint that fails is left alone. No clock and no atomics: times come in, times go out.

use super::clock::Millis;
use crate::plan::document::Ejection;

/// What is remembered of one endpoint's ejections.
#[derive(Debug, Default)]
pub(super) struct Ejections {
    /// Recent ones; forgotten one by one while it serves well.
    times: u32,
    /// When the last one ends, or ended.
    until: Millis,
}

// === impl Ejections ===

impl Ejections {
    /// Ejects at `now`, unless it is ejected already: says until when, and for the how many-th time.
    pub(super) fn eject(&mut self, rule: &Ejection, now: Millis) -> Option<(Millis, u32)> {
        if now < self.until {
            return None;
        }
        let served_well = (now - self.until) / rule.base_ms.max(1);
        self.times = self.times.saturating_sub(u32::try_from(served_well).unwrap_or(u32::MAX)).saturating_add(1);
        let length = rule.base_ms.saturating_mul(u64::from(self.times)).min(rule.max_ms).max(1);
        self.until = now.saturating_add(length);
        Some((self.until, self.times))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: Ejection = Ejection { failures: 5, base_ms: 100, max_ms: 250, panic_percent: 0 };

    #[test]
    fn each_ejection_is_longer_up_to_the_longest() {
        let mut ejections = Ejections::default();
        let mut now = 1;
        let mut lengths = Vec::new();
        for _ in 0..4 {
            let (until, _) = ejections.eject(&RULE, now).expect("an endpoint in use can be ejected");
            lengths.push(until - now);
            now = until;
        }
        assert_eq!(lengths, [100, 200, 250, 250], "the n-th ejection lasts n times the base, at most max");
    }

    #[test]
    fn an_ejected_endpoint_is_not_ejected_again() {
        let mut ejections = Ejections::default();
        let (until, _) = ejections.eject(&RULE, 1).expect("the first ejection");
        assert_eq!(ejections.eject(&RULE, until - 1), None, "late failures must not lengthen the ejection");
    }

    #[test]
    fn good_service_makes_ejections_short_again() {
        let mut ejections = Ejections::default();
        let (first, _) = ejections.eject(&RULE, 1).expect("the first ejection");
        let (second, times) = ejections.eject(&RULE, first).expect("the second ejection");
        assert_eq!(times, 2, "an ejection right after another counts up");
        let (_, times) = ejections.eject(&RULE, second + 2 * RULE.base_ms).expect("the third ejection");
        assert_eq!(times, 1, "two base times of good service forget two ejections");
    }
}
