//! The hash of ring keys and ring points. Seedless on purpose: all who stand in front of one service
//! must send a key to the same endpoint, whatever its build or machine.

/// Odd constants with well-spread bits (fractional parts of the golden ratio and of the square root of 3).
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
const LAST: u64 = 0xbb67_ae85_84ca_a73b;

/// 64 well-mixed bits of any bytes; the same on every machine and in every version.
pub fn hash(bytes: &[u8]) -> u64 {
    let mut state = STEP ^ (bytes.len() as u64);
    let mut words = bytes.chunks_exact(8);
    for word in &mut words {
        state = fold(state ^ u64::from_le_bytes(word.try_into().unwrap_or_default()), STEP);
    }
    let mut tail = [0; 8];
    tail[..words.remainder().len()].copy_from_slice(words.remainder());
    fold(fold(state ^ u64::from_le_bytes(tail), STEP), LAST)
}

/// Multiplies to 128 bits and folds both halves: every input bit reaches every output bit.
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a | 1 << 63) * u128::from(b);
    (product as u64) ^ ((product >> 64) as u64) ^ a.rotate_left(29)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_keep_their_hash_between_versions() {
        assert_eq!(hash(b""), 0xca6b_ed52_8e00_d642, "a changed hash would send every key elsewhere on an upgrade");
        assert_eq!(
            hash(b"user-1234"),
            0x77cc_16d5_11c6_b1f3,
            "a changed hash would send every key elsewhere on an upgrade"
        );
    }

    #[test]
    fn one_changed_bit_changes_half_of_the_hash() {
        let base = *b"a key of some length";
        let mut flipped = 0;
        for bit in 0..base.len() * 8 {
            let mut other = base;
            other[bit / 8] ^= 1 << (bit % 8);
            flipped += (hash(&base) ^ hash(&other)).count_ones();
        }
        let mean = f64::from(flipped) / (base.len() as f64 * 8.0);
        assert!((28.0..36.0).contains(&mean), "about 32 of 64 bits must change with one input bit, not {mean}");
    }

    #[test]
    fn short_keys_do_not_collide() {
        let mut seen: Vec<u64> = (0..100_000_u32).map(|n| hash(n.to_string().as_bytes())).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 100_000, "100,000 short keys must have as many hashes");
    }
}
