//! The closed list of flags that metrics count.

/// Every flag; the last one counts what is none of the others.
pub const FLAGS: [&str; 16] = [
    "BAD_REQUEST",
    "TOO_LARGE",
    "NO_ROUTE",
    "DENY",
    "FILTER",
    "OVERLOAD",
    "UPSTREAM",
    "CONNECT",
    "TIMEOUT",
    "STALL",
    "CLIENT_GONE",
    "UPGRADE",
    "LOOP",
    "DRAIN",
    "INTERNAL",
    "OTHER",
];

/// The place of a flag in the list.
pub(super) fn index(flag: &str) -> usize {
    FLAGS.iter().position(|known| *known == flag).unwrap_or(FLAGS.len() - 1)
}
