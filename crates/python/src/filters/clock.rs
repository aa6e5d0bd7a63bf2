//! The clock that filters see: it only goes forward, and a test may stand it still.

use std::cell::Cell;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

thread_local! {
    static FIXED: Cell<Option<f64>> = const { Cell::new(None) };
}

/// Seconds.
pub fn now() -> f64 {
    FIXED.get().unwrap_or_else(|| since_start(Instant::now()).as_secs_f64())
}

/// Runs something on this thread during which the clock shows that.
pub fn fixed<T>(seconds: f64, work: impl FnOnce() -> T) -> T {
    FIXED.set(Some(seconds));
    let done = work();
    FIXED.set(None);
    done
}

/// Moves a clock that stands still.
pub fn set(seconds: f64) {
    FIXED.set(Some(seconds));
}

/// The real time that has passed.
pub fn since_start(now: Instant) -> Duration {
    static START: OnceLock<Instant> = OnceLock::new();
    now.saturating_duration_since(*START.get_or_init(Instant::now))
}
