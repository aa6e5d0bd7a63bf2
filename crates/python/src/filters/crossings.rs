//! How often data threads have crossed into Python: each counts for itself, whoever asks gets the sum.

use std::cell::OnceCell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// One count per thread that ever crossed; that of a thread which has ended stays.
static COUNTS: Mutex<Vec<Arc<AtomicU64>>> = Mutex::new(Vec::new());

thread_local! {
    static OWN: OnceCell<Arc<AtomicU64>> = const { OnceCell::new() };
}

/// One more, by this thread.
pub fn count() {
    OWN.with(|own| {
        let count = own.get_or_init(|| {
            let count = Arc::<AtomicU64>::default();
            COUNTS.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&count));
            count
        });
        // Only this thread writes: no locked instruction.
        count.store(count.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    });
}

/// In the Prometheus text format.
pub fn metrics() -> String {
    let counts = COUNTS.lock().unwrap_or_else(PoisonError::into_inner);
    let sum: u64 = counts.iter().map(|count| count.load(Ordering::Relaxed)).sum();
    format!(
        "# HELP flatproxy_python_crossings_total Phases for which a data thread entered Python: one per segment and phase.\n\
         # TYPE flatproxy_python_crossings_total counter\n\
         flatproxy_python_crossings_total {sum}\n"
    )
}
