//! The closed list of flags that metrics count.

/// Every flag; the last one counts what is none of the others.
pub const FLAGS: [&str; 25] = [
    "BAD_REQUEST",
    "HEAD_TOO_LARGE",
    "URI_TOO_LONG",
    "BODY_TOO_LARGE",
    "HEAD_TIMEOUT",
    "BODY_TIMEOUT",
    "EXPECTATION",
    "VERSION",
    "UNSUPPORTED",
    "NO_ROUTE",
    "LOOP",
    "DENY",
    "FILTER",
    "OVERLOAD",
    "NO_ENDPOINT",
    "CONNECT",
    "CONNECT_TIMEOUT",
    "UPSTREAM_TLS",
    "UPSTREAM_RESET",
    "UPSTREAM_PROTOCOL",
    "TIMEOUT",
    "UPSTREAM_STALL",
    "CLIENT_GONE",
    "INTERNAL",
    "OTHER",
];

/// The place of a flag in the list.
pub(super) fn index(flag: &str) -> usize {
    FLAGS.iter().position(|known| *known == flag).unwrap_or(FLAGS.len() - 1)
}
