//! Weights as a list of turns: each position stands in it as often as it weighs, spread evenly.
//!
//! Walking the list is smooth weighted round robin; a random turn is a weighted random choice.

/// Longer lists are scaled down: a weight of 1 in 4,096 is finer than anyone measures.
const MOST_TURNS: u64 = 4096;

/// Whose turn it is.
#[derive(Debug)]
pub(in crate::upstream) enum Slots {
    /// All weigh the same: no list is needed.
    Equal(usize),
    Weighted(Box<[u32]>),
}

// === impl Slots ===

impl Slots {
    pub(in crate::upstream) fn new(weights: &[u32]) -> Self {
        if weights.windows(2).all(|pair| pair[0] == pair[1]) {
            return Slots::Equal(weights.len());
        }
        let mut turns = Vec::new();
        for (position, weight) in (0_u32..).zip(scaled(weights)) {
            // Evenly spaced in one round; each starts elsewhere, so that equals do not stand together.
            let phase = u64::from((position + 1).wrapping_mul(0x9e37_79b9));
            turns.extend((0..weight).map(|turn| (((turn << 32) | phase) / weight, position)));
        }
        turns.sort_unstable();
        Slots::Weighted(turns.into_iter().map(|(_, position)| position).collect())
    }

    pub(in crate::upstream) fn len(&self) -> usize {
        match self {
            Slots::Equal(count) => *count,
            Slots::Weighted(turns) => turns.len(),
        }
    }

    /// Who has this turn. `turn < len()`.
    pub(in crate::upstream) fn position(&self, turn: usize) -> usize {
        match self {
            Slots::Equal(_) => turn,
            Slots::Weighted(turns) => turns[turn] as usize,
        }
    }
}

/// The same proportions in few enough turns, none below 1.
fn scaled(weights: &[u32]) -> Vec<u64> {
    let divisor = weights.iter().fold(0, |divisor, &weight| common_divisor(divisor, weight)).max(1);
    let reduced: Vec<u64> = weights.iter().map(|&weight| u64::from(weight / divisor)).collect();
    let total: u64 = reduced.iter().sum();
    let most = MOST_TURNS.max(4 * weights.len() as u64);
    if total <= most {
        return reduced;
    }
    reduced
        .into_iter()
        .map(|weight| ((u128::from(weight) * u128::from(most) / u128::from(total)) as u64).max(1))
        .collect()
}

fn common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn turns(weights: &[u32]) -> Vec<usize> {
        let slots = Slots::new(weights);
        (0..slots.len()).map(|turn| slots.position(turn)).collect()
    }

    #[test]
    fn a_heavy_one_does_not_take_all_its_turns_at_once() {
        let turns = turns(&[5, 1, 1]);
        let longest = turns.chunk_by(|a, b| a == b).map(<[usize]>::len).max();
        assert!(longest <= Some(4), "5 of 7 turns must be spread, not {turns:?}");
    }

    #[test]
    fn weights_of_a_million_fit_a_short_list() {
        let turns = turns(&[1_000_000, 500_001, 1]);
        assert!(turns.len() as u64 <= MOST_TURNS + 3, "{} turns are kept for three endpoints", turns.len());
        assert!(turns.contains(&2), "even the lightest gets a turn");
    }

    proptest! {
        #[test]
        fn every_round_gives_each_its_weight(weights in prop::collection::vec(1_u32..20, 1..12)) {
            let turns = turns(&weights);
            for (position, &weight) in weights.iter().enumerate() {
                let got = turns.iter().filter(|&&turn| turn == position).count() as u64;
                // Equal weights need one turn each; others have a common divisor taken out.
                prop_assert_eq!(got * weights.iter().map(|&w| u64::from(w)).sum::<u64>(),
                    u64::from(weight) * turns.len() as u64, "{} of {:?} in {:?}", position, weights, turns);
            }
        }

        #[test]
        fn no_prefix_of_a_round_is_far_from_the_weights(weights in prop::collection::vec(1_u32..20, 2..12)) {
            let turns = turns(&weights);
            let total = f64::from(weights.iter().sum::<u32>());
            let mut got = vec![0.0; weights.len()];
            for (at, &turn) in turns.iter().enumerate() {
                got[turn] += 1.0;
                for (position, &weight) in weights.iter().enumerate() {
                    let due = (at + 1) as f64 * f64::from(weight) / total;
                    prop_assert!((got[position] - due).abs() <= 3.0, "{position} of {weights:?} in {turns:?} at {at}");
                }
            }
        }
    }
}
