//! The core's own log: rare events, as JSON lines on stderr.
//!
//! Not for what every exchange does, that is what metrics and the access log are for. An event that
//! repeats (a scanner at the TLS port) is written at most so often a second; the next line of its
//! kind says how many were left out.

use std::collections::HashMap;
use std::fmt::Display;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::clock::WallClock;
use super::json;
use super::spool::{Batch, Spool, Target};

/// Lines of one kind a second.
const PER_SECOND: u32 = 5;

/// Lines that may wait for a slow reader of stderr.
const QUEUE: usize = 1024;

/// How much an event matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // the field's own words
pub enum Level {
    Info,
    Warn,
    Error,
}

/// The kind of an event: where it comes from, what happened. Constants, so that kinds are few.
type EventKind = (&'static str, &'static str);

struct Logger {
    spool: Spool,
    state: Mutex<State>,
}

struct State {
    clock: WallClock,
    samples: HashMap<EventKind, Sample>,
}

/// What one kind has used of its current second.
struct Sample {
    since: Instant,
    written: u32,
    suppressed: u64,
}

/// Writes an event; never waits. `target` is the part of the core that speaks, as `upstream`.
pub fn event(level: Level, target: &'static str, message: &'static str, fields: &[(&str, &dyn Display)]) {
    logger().event(level, (target, message), fields);
}

/// Waits until all events until now are written: for the end of the process. `false`: it took too long.
pub fn settle(deadline: Duration) -> bool {
    logger().spool.settle(deadline)
}

fn logger() -> &'static Logger {
    static LOGGER: OnceLock<Logger> = OnceLock::new();
    // The thread starts with the first event: never in a process that only checks a plan, or forks.
    LOGGER.get_or_init(|| Logger::new(Target::stderr().unwrap_or_else(|_| Target::nowhere())))
}

// === impl Logger ===

impl Logger {
    fn new(target: Target) -> Self {
        let spool = Spool::new("log", QUEUE, |_| ());
        let _ = spool.switch(target); // without a thread there is no log; the proxy goes on all the same
        Self { spool, state: Mutex::new(State { clock: WallClock::new(), samples: HashMap::new() }) }
    }

    fn event(&self, level: Level, kind: EventKind, fields: &[(&str, &dyn Display)]) {
        let now = Instant::now();
        let mut bytes = Vec::with_capacity(256);
        {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(suppressed) = state.take(kind, now) else { return };
            state.clock.synchronise();
            bytes.extend_from_slice(b"{\"time\":\"");
            state.clock.write(&mut bytes, now);
            bytes.push(b'"');
            drop(state);
            append(&mut bytes, level, kind, fields, suppressed);
        }
        let _ = self.spool.sender().send(Batch { bytes, lines: 1, home: None }); // a full queue: the line is lost
    }
}

fn append(out: &mut Vec<u8>, level: Level, kind: EventKind, fields: &[(&str, &dyn Display)], suppressed: u64) {
    let (target, message) = kind;
    for (key, value) in [("level", level.label()), ("target", target), ("message", message)] {
        append_field(out, key, value);
    }
    for (key, value) in fields {
        append_field(out, key, &value.to_string());
    }
    if suppressed > 0 {
        out.extend_from_slice(json::key!("suppressed"));
        json::number(out, suppressed);
    }
    out.extend_from_slice(b"}\n");
}

fn append_field(out: &mut Vec<u8>, key: &str, value: &str) {
    out.push(b',');
    json::text(out, key.as_bytes());
    out.push(b':');
    json::text(out, value.as_bytes());
}

// === impl State ===

impl State {
    /// Whether a line of that kind may be written now, and how many were left out since the last one.
    fn take(&mut self, kind: EventKind, now: Instant) -> Option<u64> {
        let sample = self.samples.entry(kind).or_insert(Sample { since: now, written: 0, suppressed: 0 });
        if now.saturating_duration_since(sample.since) >= Duration::from_secs(1) {
            (sample.since, sample.written) = (now, 0);
        }
        if sample.written == PER_SECOND {
            sample.suppressed += 1;
            return None;
        }
        sample.written += 1;
        Some(std::mem::take(&mut sample.suppressed))
    }
}

// === impl Level ===

impl Level {
    fn label(self) -> &'static str {
        match self {
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Error => "error",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::os::fd::AsRawFd;

    use super::*;

    /// A logger into a pipe; what it wrote is read once it is gone.
    fn written(speak: impl Fn(&Logger)) -> Vec<serde_json::Value> {
        let (reader, writer) = rustix::pipe::pipe().expect("a pipe");
        let target = Target::file(&format!("/proc/self/fd/{}", writer.as_raw_fd())).expect("the pipe's writing end");
        drop(writer);
        let logger = Logger::new(target);
        speak(&logger);
        assert!(logger.spool.close(Duration::from_secs(10)), "the log must end");
        let lines = BufReader::new(std::fs::File::from(reader)).lines();
        lines.map(|line| serde_json::from_str(&line.expect("a line")).expect("every line must be JSON")).collect()
    }

    #[test]
    fn an_event_is_one_json_line_with_its_fields() {
        let lines = written(|logger| {
            logger.event(Level::Warn, ("tls", "client refused"), &[("reason", &"expired"), ("client \"x\"", &"a\nb")]);
        });
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0]["level"], "warn");
        assert_eq!(lines[0]["target"], "tls");
        assert_eq!(lines[0]["message"], "client refused");
        assert_eq!(lines[0]["reason"], "expired");
        assert_eq!(lines[0]["client \"x\""], "a\nb");
        assert!(lines[0]["time"].as_str().is_some_and(|time| time.ends_with('Z')), "the time must be there, in UTC");
    }

    #[test]
    fn an_event_that_repeats_is_sampled_by_kind() {
        let lines = written(|logger| {
            for _ in 0..1_000 {
                logger.event(Level::Warn, ("tls", "client refused"), &[]);
            }
            logger.event(Level::Info, ("plan", "applied"), &[]);
        });
        let of = |target: &str| lines.iter().filter(|line| line["target"] == target).count();
        assert!((1..=20).contains(&of("tls")), "{} of 1000 repeated events were written", of("tls"));
        assert_eq!(of("plan"), 1, "another kind must not suffer from one that repeats");
    }

    #[test]
    fn the_next_line_of_a_kind_says_how_many_were_left_out() {
        let mut state = State { clock: WallClock::new(), samples: HashMap::new() };
        let start = Instant::now();
        let kind = ("upstream", "endpoint ejected");
        let allowed = (0..12).filter(|_| state.take(kind, start).is_some()).count();
        assert_eq!(allowed, 5, "so many lines of a kind are written in a second");
        assert_eq!(state.take(kind, start + Duration::from_secs(1)), Some(7));
        assert_eq!(state.take(kind, start + Duration::from_secs(1)), Some(0));
    }
}
