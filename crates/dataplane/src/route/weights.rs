//! Which of several weighted upstreams a request goes to.

use crate::plan::PlanError;
use crate::plan::document::WeightedUpstream;

/// The weights of one route, summed up for a single search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weighted {
    /// Sum of the weights up to and with each upstream.
    ends: Box<[u64]>,
}

// === impl Weighted ===

impl Weighted {
    /// Refuses a list in which nothing can be picked.
    pub fn build(upstreams: &[WeightedUpstream]) -> Result<Weighted, PlanError> {
        let mut total = 0;
        let ends: Box<[u64]> = upstreams
            .iter()
            .map(|upstream| {
                total += u64::from(upstream.weight);
                total
            })
            .collect();
        if total == 0 {
            return Err(PlanError::new("at least one upstream needs a weight above 0"));
        }
        Ok(Weighted { ends })
    }

    /// The place in the list of the upstream that this random number picks; weight 0 is never picked.
    pub fn pick(&self, random: u64) -> usize {
        if self.ends.len() == 1 {
            return 0;
        }
        let total = self.ends.last().copied().unwrap_or_default();
        // Scales 0..2^64 to 0..total without the division of a remainder, and without its bias.
        let point = (u128::from(random) * u128::from(total)) >> 64;
        self.ends.partition_point(|&end| u128::from(end) <= point)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weighted(weights: &[u32]) -> Result<Weighted, PlanError> {
        let named = |(index, weight): (usize, &u32)| WeightedUpstream { upstream: index.to_string(), weight: *weight };
        Weighted::build(&weights.iter().enumerate().map(named).collect::<Vec<_>>())
    }

    #[test]
    fn picks_follow_the_weights() {
        let weighted = weighted(&[9, 0, 1]).expect("legal");
        let mut picked = [0; 3];
        for step in 0..1_000_u64 {
            picked[weighted.pick(step * (u64::MAX / 1_000))] += 1;
        }
        assert_eq!(picked, [901, 0, 99], "nine to one over evenly spread numbers, and weight 0 never");
    }

    #[test]
    fn the_ends_of_the_range_pick_the_first_and_the_last() {
        let weighted = weighted(&[0, 1, 1, 0]).expect("legal");
        assert_eq!(weighted.pick(0), 1, "the smallest number picks the first with a weight");
        assert_eq!(weighted.pick(u64::MAX), 2, "the greatest number picks the last with a weight");
    }

    #[test]
    fn a_list_that_picks_nothing_is_refused() {
        assert!(weighted(&[]).is_err(), "no upstream");
        assert!(weighted(&[0, 0]).is_err(), "no weight");
        assert_eq!(weighted(&[u32::MAX; 3]).expect("the sum does not overflow").pick(u64::MAX), 2, "the last");
    }
}
