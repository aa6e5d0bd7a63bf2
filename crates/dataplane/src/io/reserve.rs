//! Things that one data thread keeps for reuse, as many as it lately had a use for.
//!
//! A busy thread allocates nothing; a peak, or an attack, leaves nothing behind but for some seconds.

/// A stack of things out of use.
#[derive(Debug)]
pub struct Reserve<T> {
    kept: Vec<T>,
    most: usize,
    /// So many were never taken since the last call of `shrink`.
    unused: usize,
}

// === impl Reserve ===

impl<T> Reserve<T> {
    /// An empty one that will keep at most so many.
    pub const fn new(most: usize) -> Self {
        Self { kept: Vec::new(), most, unused: 0 }
    }

    /// What was given last, if there is something.
    pub fn take(&mut self) -> Option<T> {
        let taken = self.kept.pop();
        self.unused = self.unused.min(self.kept.len());
        taken
    }

    /// Keeps something, unless there is enough of it.
    pub fn give(&mut self, thing: T) {
        if self.kept.len() < self.most {
            self.kept.push(thing);
        }
    }

    /// Lets half of what nobody took since the last call go. To be called at regular intervals.
    pub fn shrink(&mut self) {
        self.kept.drain(..self.unused.div_ceil(2));
        self.unused = self.kept.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full(most: usize) -> Reserve<usize> {
        let mut reserve = Reserve::new(most);
        (0..2 * most).for_each(|thing| reserve.give(thing));
        reserve
    }

    #[test]
    fn it_keeps_no_more_than_it_may_and_hands_out_what_it_got_last() {
        let mut reserve = full(3);
        assert_eq!([reserve.take(), reserve.take(), reserve.take(), reserve.take()], [Some(2), Some(1), Some(0), None]);
    }

    #[test]
    fn what_nobody_takes_is_gone_within_ten_intervals() {
        let mut reserve = full(256);
        (0..=10).for_each(|_| reserve.shrink());
        assert_eq!(reserve.take(), None, "a reserve of 256 should be let go by halves");
    }

    #[test]
    fn what_is_in_use_between_two_intervals_stays() {
        let mut reserve = full(8);
        for _ in 0..20 {
            let taken: Vec<_> = (0..5).filter_map(|_| reserve.take()).collect();
            assert_eq!(taken.len(), 5, "five are in use in every interval");
            for thing in taken {
                reserve.give(thing);
            }
            reserve.shrink();
        }
    }
}
