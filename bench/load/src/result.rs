//! What was counted, and the two lines that the harness reads.

use std::io::Write;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde_json::json;

/// Counts and latencies of one load.
pub struct Tally {
    latencies: Histogram<u64>,
    /// Responses that were right.
    pub completed: u64,
    /// Requests that were due, where the load sets the pace.
    pub offered: u64,
    /// Handshakes, also before the measured time, that resumed a session.
    pub resumed: u64,
    /// Body bytes of right responses or accepted uploads.
    pub bytes: u64,
    errors: u64,
    first_error: Option<String>,
    begin: Instant,
    end: Instant,
}

// === impl Tally ===

impl Tally {
    /// An empty tally for the time from `warmup` seconds from now, `seconds` long.
    pub fn new(warmup: f64, seconds: f64) -> Self {
        let begin = Instant::now() + Duration::from_secs_f64(warmup);
        // Up to 10 minutes at 1 us, 3 digits: the range that any run can reach.
        let latencies = Histogram::new_with_bounds(1, 600_000_000, 3).expect("constant bounds");
        let end = begin + Duration::from_secs_f64(seconds);
        Self { latencies, completed: 0, offered: 0, resumed: 0, bytes: 0, errors: 0, first_error: None, begin, end }
    }

    /// When the measured time begins.
    pub fn begin(&self) -> Instant {
        self.begin
    }

    /// When it is over.
    pub fn end(&self) -> Instant {
        self.end
    }

    /// A right response to what was due (or asked) at `since`. Counts only in the measured time.
    pub fn complete(&mut self, since: Instant, bytes: usize) {
        let now = Instant::now();
        if now < self.begin || now >= self.end {
            return;
        }
        self.completed += 1;
        self.bytes += bytes as u64;
        self.latencies.saturating_record((now - since).as_nanos() as u64 / 1000);
    }

    /// Something that went wrong. Counts at any time: a run with one is not valid.
    pub fn fail(&mut self, reason: impl Into<String>) {
        self.errors += 1;
        self.first_error.get_or_insert_with(|| reason.into());
    }

    /// Says that the measured time begins, when it does.
    pub async fn announce(begin: Instant) {
        tokio::time::sleep_until(begin.into()).await;
        say(&json!({"event": "start"}));
    }

    /// The last line.
    pub fn print(&self) {
        let at = |quantile: f64| self.latencies.value_at_quantile(quantile);
        say(&json!({
            "event": "result", "completed": self.completed, "offered": self.offered, "bytes": self.bytes, "resumed": self.resumed,
            "errors": self.errors, "first_error": self.first_error, "seconds": (self.end - self.begin).as_secs_f64(),
            "p50_us": at(0.5), "p99_us": at(0.99), "p999_us": at(0.999),
        }));
    }
}

/// One line to the harness, at once.
pub fn say(line: &serde_json::Value) {
    let mut out = std::io::stdout().lock();
    // A harness that is gone ends this process with its pipe; there is nobody left to tell.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}
