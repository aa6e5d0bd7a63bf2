//! Stops an inline phase that does not end.
//!
//! Each data thread says when it has entered Python, and when that must be over. One thread looks; where time is up it has
//! Python raise an error in the data thread, at the next bytecode. A call into C (a `time.sleep`) is not reached by that: the
//! error is raised when it returns.

use std::cell::OnceCell;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::{Duration, Instant};

use pyo3::prelude::*;

use super::clock::since_start;

/// How often it looks: an error may come so much late.
const INTERVAL: Duration = Duration::from_millis(20);
const MODULE: &str = "flatproxy.core.filters.interrupt";

/// One data thread, as the watch sees it.
struct Watched {
    /// As `threading.get_ident` has it.
    thread: u64,
    /// Nanoseconds since the start when it must be over; 0: nothing runs.
    due: AtomicU64,
    /// The value of `due` at which it was interrupted last.
    interrupted: AtomicU64,
}

thread_local! {
    static HERE: OnceCell<Arc<Watched>> = const { OnceCell::new() };
}

static THREADS: Mutex<Vec<Arc<Watched>>> = Mutex::new(Vec::new());
static STARTED: Once = Once::new();

/// Runs inline Python code on this thread, for at most so long; zero: without a limit.
pub fn within<T>(py: Python<'_>, limit: Duration, code: impl FnOnce() -> PyResult<T>) -> PyResult<T> {
    if limit.is_zero() {
        return code();
    }
    let here = HERE.with(|here| here.get_or_init(|| register(py)).clone());
    let due = (since_start(Instant::now() + limit).as_nanos() as u64).max(1);
    here.due.store(due, Relaxed);
    let outcome = code();
    here.due.store(0, Relaxed);
    if here.interrupted.load(Relaxed) == due { Err(late(py, here.thread, limit, outcome)) } else { outcome }
}

/// The error of a phase that was interrupted, whatever became of it; with the trace of where it was.
fn late<T>(py: Python<'_>, thread: u64, limit: Duration, outcome: PyResult<T>) -> PyErr {
    let error = py.import(MODULE).and_then(|module| {
        // It may not have been raised yet, and would be on to whoever runs next.
        module.call_method1("clear", (thread,))?;
        module.call_method1("error", (limit.as_secs_f64(),))
    });
    let error = error.map_or_else(|failed| failed, PyErr::from_value);
    error.set_traceback(py, outcome.err().and_then(|raised| raised.traceback(py)));
    error
}

fn register(py: Python<'_>) -> Arc<Watched> {
    let thread = py.import("threading").and_then(|module| module.call_method0("get_ident")?.extract());
    let watched =
        Arc::new(Watched { thread: thread.unwrap_or(0), due: AtomicU64::new(0), interrupted: AtomicU64::new(0) });
    THREADS.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&watched));
    STARTED.call_once(|| {
        // Without it phases run without a limit, as the log of the failure says.
        let started = std::thread::Builder::new().name("filter-watch".into()).spawn(look);
        if let Err(error) = started {
            dataplane::telemetry::log::event(
                dataplane::telemetry::log::Level::Error,
                "filter",
                "filters run without a time-out: no thread to watch them",
                &[("error", &error)],
            );
        }
    });
    watched
}

fn look() {
    loop {
        #[allow(clippy::disallowed_methods)] // it serves nobody
        std::thread::sleep(INTERVAL);
        let now = since_start(Instant::now()).as_nanos() as u64;
        let late = |watched: &Watched| {
            let due = watched.due.load(Relaxed);
            due != 0 && due < now && watched.interrupted.load(Relaxed) != due
        };
        let threads: Vec<_> =
            THREADS.lock().unwrap_or_else(PoisonError::into_inner).iter().filter(|it| late(it)).cloned().collect();
        for watched in threads {
            Python::attach(|py| interrupt(py, &watched, now));
        }
    }
}

/// With the interpreter attached the data thread cannot come to its end meanwhile.
fn interrupt(py: Python<'_>, watched: &Watched, now: u64) {
    let due = watched.due.load(Relaxed);
    if due == 0 || due >= now {
        return;
    }
    watched.interrupted.store(due, Relaxed);
    let told = py.import(MODULE).and_then(|module| module.call_method1("interrupt", (watched.thread,)));
    if let Err(error) = told {
        error.write_unraisable(py, None);
    }
}
