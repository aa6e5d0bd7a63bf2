//! Consistent hashing: each endpoint stands at many points of a ring, a key belongs to the next point
//! clockwise. An endpoint that leaves takes only its own keys along.

use std::net::{IpAddr, SocketAddr};

use super::hash::hash;

/// Points of an endpoint of weight 1: shares differ by about one part in the square root of this.
const POINTS: u64 = 160;
/// More are scaled down, so that ten thousand endpoints stay within a few megabytes.
const MOST_POINTS: u64 = 1 << 18;

#[derive(Debug)]
pub(in crate::upstream) struct Ring(Box<[Point]>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Point {
    place: u64,
    position: u32,
}

// === impl Ring ===

impl Ring {
    pub(in crate::upstream) fn new(members: impl Iterator<Item = (SocketAddr, u32)> + Clone) -> Self {
        let total: u64 = members.clone().map(|(_, weight)| POINTS * u64::from(weight)).sum();
        // By powers of two: one endpoint more or less then rarely changes the others' number of points.
        let halvings = (0..64).find(|halvings| total >> halvings <= MOST_POINTS).unwrap_or(0);
        let mut points = Vec::new();
        for (position, (address, weight)) in (0_u32..).zip(members) {
            let count = ((POINTS * u64::from(weight)) >> halvings).max(1);
            points.extend((0..count).map(|number| Point { place: place(address, number), position }));
        }
        points.sort_unstable();
        Self(points.into_boxed_slice())
    }

    /// Positions from the key's place on, clockwise, once around; neighbours of one endpoint repeat it.
    pub(in crate::upstream) fn walk(&self, key: u64) -> impl Iterator<Item = usize> {
        let start = self.0.partition_point(|point| point.place < key);
        let (before, after) = self.0.split_at(start);
        after.iter().chain(before).map(|point| point.position as usize)
    }
}

fn place(address: SocketAddr, number: u64) -> u64 {
    let mut bytes = [0; 26];
    match address.ip() {
        IpAddr::V4(ip) => bytes[..4].copy_from_slice(&ip.octets()),
        IpAddr::V6(ip) => bytes[..16].copy_from_slice(&ip.octets()),
    }
    bytes[16..18].copy_from_slice(&address.port().to_le_bytes());
    bytes[18..].copy_from_slice(&number.to_le_bytes());
    hash(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn addresses(count: u16) -> Vec<SocketAddr> {
        (0..count).map(|n| SocketAddr::from(([10, 0, (n >> 8) as u8, n as u8], 80))).collect()
    }

    fn owners(addresses: &[SocketAddr], keys: u32) -> Vec<SocketAddr> {
        let ring = Ring::new(addresses.iter().map(|&address| (address, 1)));
        let owner = |key: u32| ring.walk(hash(&key.to_le_bytes())).next().map(|position| addresses[position]);
        (0..keys).filter_map(owner).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn an_endpoint_that_leaves_moves_only_its_own_keys(count in 2_u16..30, leaver: prop::sample::Index) {
            let all = addresses(count);
            let gone = all[leaver.index(all.len())];
            let rest: Vec<_> = all.iter().copied().filter(|&address| address != gone).collect();
            let (before, after) = (owners(&all, 4000), owners(&rest, 4000));
            let moved = before.iter().zip(&after).filter(|(a, b)| a != b).count();
            let owned = before.iter().filter(|&&owner| owner == gone).count();
            prop_assert_eq!(moved, owned, "a key of a remaining endpoint moved");
            let share = 4000.0 / f64::from(count);
            prop_assert!((moved as f64) < 1.8 * share, "{} of 4000 keys moved with one of {}", moved, count);
        }
    }

    #[test]
    fn keys_are_spread_by_weight() {
        let all = addresses(3);
        let ring = Ring::new(all.iter().copied().zip([1, 1, 2]));
        let mut got = [0; 3];
        for key in 0..40_000_u32 {
            got[ring.walk(hash(&key.to_le_bytes())).next().expect("a ring of three")] += 1;
        }
        for (position, due) in [(0, 10_000), (1, 10_000), (2, 20_000_i32)] {
            let off = (got[position] - due).abs() * 100 / due;
            assert!(off < 25, "endpoint {position} must get about {due} keys, not {}", got[position]);
        }
    }

    #[test]
    fn ten_thousand_endpoints_fit_in_memory() {
        let ring = Ring::new(addresses(10_000).into_iter().map(|address| (address, 3)));
        assert!(ring.0.len() as u64 <= MOST_POINTS, "{} points", ring.0.len());
    }

    #[test]
    fn an_empty_ring_owns_nothing() {
        assert_eq!(Ring::new(std::iter::empty()).walk(7).next(), None);
    }
}
