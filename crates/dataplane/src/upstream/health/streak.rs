//! When checks change their mind: only several results in a row do.

use crate::plan::document::HealthCheck;

#[derive(Debug)]
pub(super) struct Streak {
    unhealthy: bool,
    /// Results in a row that speak against the present standing.
    against: u32,
}

// === impl Streak ===

impl Streak {
    pub(super) fn new(unhealthy: bool) -> Self {
        Self { unhealthy, against: 0 }
    }

    /// Takes one result; true when the standing changes by it.
    pub(super) fn turns(&mut self, check: &HealthCheck, succeeded: bool) -> bool {
        if succeeded != self.unhealthy {
            self.against = 0;
            return false;
        }
        self.against += 1;
        if self.against < if self.unhealthy { check.healthy } else { check.unhealthy } {
            return false;
        }
        *self = Self::new(!self.unhealthy);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::document::Probe;

    const CHECK: HealthCheck =
        HealthCheck { probe: Probe::Tcp, interval_ms: 1000, timeout_ms: 1000, healthy: 2, unhealthy: 3 };

    /// `+` and `-` are results; the answer marks each turn with `!`.
    fn after(results: &str) -> String {
        let mut streak = Streak::new(false);
        results.chars().map(|result| if streak.turns(&CHECK, result == '+') { '!' } else { result }).collect()
    }

    #[test]
    fn only_results_in_a_row_turn_the_standing() {
        for (results, turns) in [
            ("++++", "++++"),
            ("--+--+--", "--+--+--"),
            ("---", "--!"),
            ("---+-++", "--!+-+!"),
            ("---++---", "--!+!--!"),
            ("-----", "--!--"),
        ] {
            assert_eq!(after(results), turns, "3 failures turn it unhealthy, 2 successes healthy");
        }
    }

    #[test]
    fn an_endpoint_known_as_unhealthy_must_prove_itself() {
        let mut streak = Streak::new(true);
        assert!(!streak.turns(&CHECK, true), "one success of two");
        assert!(streak.turns(&CHECK, true), "two successes in a row bring it back");
    }
}
