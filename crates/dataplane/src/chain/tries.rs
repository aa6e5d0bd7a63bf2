//! What filters ask of every try at an upstream. It is known when a chain is built, so that exchanges which go well pay
//! nothing for it.

use std::time::Duration;

/// The rules of a chain, or what one filter of it asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TryRules {
    /// A reply with one of these is a try that has failed: `on_failure` is asked.
    pub failure_statuses: Statuses,
    /// A try has failed when its reply's head is not there by then; zero: no limit but the exchange's.
    pub timeout: Duration,
    /// `on_failure` is asked when there is no reply's head by then, and may have another endpoint asked as well; zero: never.
    pub hedge_after: Duration,
}

/// A set of statuses, 0 to 599.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Statuses([u64; 10]);

// === impl TryRules ===

impl TryRules {
    /// What both ask for: every status, and the shorter of two times.
    #[must_use]
    pub fn and(mut self, other: &TryRules) -> Self {
        for (own, others) in self.failure_statuses.0.iter_mut().zip(other.failure_statuses.0) {
            *own |= others;
        }
        self.timeout = shorter(self.timeout, other.timeout);
        self.hedge_after = shorter(self.hedge_after, other.hedge_after);
        self
    }
}

fn shorter(one: Duration, other: Duration) -> Duration {
    [one, other].into_iter().filter(|time| !time.is_zero()).min().unwrap_or_default()
}

// === impl Statuses ===

impl Statuses {
    /// Adds one; `false`: there is no such status.
    pub fn add(&mut self, status: u16) -> bool {
        let Some(word) = self.0.get_mut(usize::from(status / 64)).filter(|_| status < 600) else { return false };
        *word |= 1 << (status % 64);
        true
    }

    /// Whether it is one of them.
    pub fn contains(&self, status: u16) -> bool {
        self.0.get(usize::from(status / 64)).is_some_and(|word| word & (1 << (status % 64)) != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statuses(all: &[u16]) -> Statuses {
        let mut set = Statuses::default();
        assert!(all.iter().all(|status| set.add(*status)));
        set
    }

    #[test]
    fn every_status_of_any_filter_counts_and_the_shortest_time() {
        let ms = Duration::from_millis;
        let one = TryRules { failure_statuses: statuses(&[503]), timeout: ms(0), hedge_after: ms(20) };
        let other = TryRules { failure_statuses: statuses(&[429, 599]), timeout: ms(5), hedge_after: ms(10) };
        let both = one.and(&other);
        assert_eq!(
            both,
            TryRules { failure_statuses: statuses(&[429, 503, 599]), timeout: ms(5), hedge_after: ms(10) }
        );
        let failing: Vec<u16> = (0..=u16::MAX).filter(|status| both.failure_statuses.contains(*status)).collect();
        assert_eq!(failing, [429, 503, 599]);
    }

    #[test]
    fn what_is_no_status_is_refused() {
        assert!(!Statuses::default().add(600) && !Statuses::default().add(u16::MAX));
    }
}
