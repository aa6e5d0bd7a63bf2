//! When a name is asked for again. Durations in, durations out: no clock.

use std::time::Duration;

/// Asked more often than this, a name server has reason to complain.
const SHORTEST: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Schedule {
    refresh: Duration,
    /// How long the next failure waits; none while all is well.
    retry: Option<Duration>,
}

// === impl Schedule ===

impl Schedule {
    pub(super) fn new(refresh: Duration) -> Self {
        Self { refresh: refresh.max(SHORTEST), retry: None }
    }

    pub(super) fn is_failing(&self) -> bool {
        self.retry.is_some()
    }

    /// When the answer may no longer be used, and at the latest after `refresh`.
    pub(super) fn after_answer(&mut self, lifetime: Duration) -> Duration {
        self.retry = None;
        lifetime.clamp(SHORTEST, self.refresh)
    }

    /// Soon at first, then twice as long each time, up to `refresh`.
    pub(super) fn after_failure(&mut self) -> Duration {
        let delay = self.retry.unwrap_or(SHORTEST).min(self.refresh);
        self.retry = Some(delay * 2);
        delay
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_lasts_as_long_as_it_says_within_bounds() {
        let mut schedule = Schedule::new(Duration::from_secs(30));
        for (ttl, due) in [(0, 1), (1, 1), (7, 7), (30, 30), (86_400, 30)] {
            assert_eq!(schedule.after_answer(Duration::from_secs(ttl)).as_secs(), due, "a TTL of {ttl} s");
        }
    }

    #[test]
    fn failures_are_retried_soon_then_less_often() {
        let mut schedule = Schedule::new(Duration::from_secs(5));
        let delays: Vec<_> = (0..5).map(|_| schedule.after_failure().as_secs()).collect();
        assert_eq!(delays, [1, 2, 4, 5, 5], "twice as long each time, at most the refresh time");
        schedule.after_answer(Duration::from_secs(5));
        assert!(!schedule.is_failing(), "an answer ends the failure");
        assert_eq!(schedule.after_failure().as_secs(), 1, "the next failure is retried soon again");
    }

    #[test]
    fn a_refresh_below_a_second_is_a_second() {
        assert_eq!(Schedule::new(Duration::from_millis(10)).after_answer(Duration::ZERO), SHORTEST);
    }
}
