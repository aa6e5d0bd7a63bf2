//! Monotonic time as one number, so that it fits an atomic: a jump of the wall clock ejects nobody.

use std::sync::LazyLock;
use std::time::Instant;

/// Milliseconds since the process first asked.
pub(super) type Millis = u64;

static EPOCH: LazyLock<Instant> = LazyLock::new(Instant::now);

pub(super) fn now() -> Millis {
    // One more than elapsed: 0 stays free to say "never".
    EPOCH.elapsed().as_millis() as Millis + 1
}
