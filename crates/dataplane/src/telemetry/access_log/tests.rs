use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use proptest::prelude::*;
use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat};
use serde_json::Value;

use super::*;

const SOON: Duration = Duration::from_secs(10);

/// A folder of the test's own, gone when the test is over.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("flatproxy-access-log-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).expect("a folder for the test");
        Self(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().expect("a UTF-8 path").to_owned()
    }

    /// A FIFO, and its reading end, from which nobody reads yet.
    fn fifo(&self, name: &str) -> (String, File) {
        let path = self.path(name);
        mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a FIFO");
        let reader = open_reader(&path);
        (path, reader)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn open_reader(path: &str) -> File {
    let nonblocking = OFlags::NONBLOCK.bits().cast_signed();
    let reader = OpenOptions::new().read(true).custom_flags(nonblocking).open(path).expect("the FIFO's reading end");
    rustix::fs::fcntl_setfl(&reader, OFlags::empty()).expect("reads that wait");
    reader
}

fn start(path: &str) -> Arc<AccessLog> {
    AccessLog::start(&document::AccessLog::File(path.to_owned()), 1).expect("a log that opens")
}

fn lines(path: &str) -> Vec<Value> {
    let text = fs::read_to_string(path).expect("a log file");
    text.lines().map(|line| serde_json::from_str(line).expect("every line must be JSON")).collect()
}

fn line_of(ended: &Ended<'_>) -> Value {
    let mut out = Vec::new();
    line::append(&mut out, &mut WallClock::new(), ended);
    assert_eq!(out.pop(), Some(b'\n'), "a line must end in a line feed");
    assert!(out.iter().all(|byte| (0x20..0x7f).contains(byte)), "a line must be printable ASCII");
    serde_json::from_slice(&out).expect("a line must be JSON")
}

#[test]
fn a_line_says_everything_about_an_exchange() {
    let mut line = line_of(&Ended::example());
    let time = line["time"].take();
    assert_eq!(time.as_str().map(str::len), Some("2026-01-31T23:59:59.123Z".len()), "time was {time}");
    let expected = serde_json::json!({
        "time": null, "listener": "web", "route": "orders", "peer": "spiffe://demo.mesh/shop/cart",
        "client": "192.0.2.7:51234", "method": "GET", "host": "orders.demo", "path": "/v1/orders/17",
        "protocol": "HTTP/1.1", "status": 200, "flag": null, "request_bytes": 0, "response_bytes": 61,
        "total_us": 1250, "connect_us": 310, "filters_us": 20, "upstream_us": 800,
        "attempts": 1, "upstream": "orders", "endpoint": "127.0.0.1:9001",
        "request_id": "0198c9a2-3e1b-7cc4-9a55-1d2f00c0ffee", "trace_id": null, "user_agent": "curl/8.5.0",
    });
    assert_eq!(line, expected);
}

#[test]
fn every_key_is_documented() {
    let page = include_str!("../../../../../docs/access-log.md");
    for key in line_of(&Ended::example()).as_object().expect("an object").keys() {
        assert!(page.contains(&format!("| `{key}` |")), "docs/access-log.md does not explain {key}");
    }
}

#[test]
fn addresses_are_written_as_the_standard_library_does() {
    for address in ["1.2.3.4:5", "255.255.255.255:65535", "[::1]:80", "[2001:db8::ff:0:1]:8443", "[::ffff:1.2.3.4]:1"] {
        let client: std::net::SocketAddr = address.parse().expect("an address");
        assert_eq!(line_of(&Ended { client, ..Ended::example() })["client"], client.to_string());
    }
}

proptest! {
    #[test]
    fn whatever_a_client_sends_the_line_is_json_and_gives_it_back(
        method in any::<Vec<u8>>(), host in any::<Vec<u8>>(), path in any::<Vec<u8>>(),
        agent in proptest::option::of(any::<Vec<u8>>()), id in proptest::option::of(any::<Vec<u8>>()),
        peer in proptest::option::of(any::<String>()), status in any::<u16>(), bytes in any::<u64>(), total in any::<Duration>(),
    ) {
        let ended = Ended {
            method: &method, host: &host, path: &path, user_agent: agent.as_deref(), request_id: id.as_deref(),
            peer: peer.as_deref(), status, request_bytes: bytes,
            stages: crate::telemetry::Stages { total, ..Default::default() },
            ..Ended::example()
        };
        let line = line_of(&ended);
        let lossy = |bytes: &[u8]| Value::from(String::from_utf8_lossy(bytes));
        prop_assert_eq!(&line["method"], &lossy(&method));
        prop_assert_eq!(&line["host"], &lossy(&host));
        prop_assert_eq!(&line["path"], &lossy(&path));
        prop_assert_eq!(&line["user_agent"], &agent.as_deref().map_or(Value::Null, lossy));
        prop_assert_eq!(&line["request_id"], &id.as_deref().map_or(Value::Null, lossy));
        prop_assert_eq!(&line["peer"], &peer.as_deref().map_or(Value::Null, Value::from));
        prop_assert_eq!(&line["status"], &Value::from(status));
        prop_assert_eq!(&line["request_bytes"], &Value::from(bytes));
    }
}

#[test]
fn closing_writes_every_line_of_every_thread() {
    let folder = Folder::new();
    let path = folder.path("log");
    let log = start(&path);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut writer = log.line_writer();
                (0..1_000).for_each(|_| writer.write(&Ended::example()));
            });
        }
    });
    assert!(log.close(SOON), "the writer must end in time");
    assert_eq!(lines(&path).len(), 2_000, "every line must be in the file");
    assert_eq!(log.dropped(), 0);
}

#[test]
fn a_flush_brings_out_lines_that_do_not_fill_a_buffer() {
    let folder = Folder::new();
    let path = folder.path("log");
    let log = start(&path);
    let mut writer = log.line_writer();
    writer.write(&Ended::example());
    assert!(log.settle(SOON));
    assert_eq!(lines(&path).len(), 0, "a line must wait for its buffer to fill");
    writer.flush();
    assert!(log.settle(SOON));
    assert_eq!(lines(&path).len(), 1, "a flush must hand the line over");
}

#[test]
fn an_access_log_that_is_off_takes_no_memory_and_can_be_switched_on() {
    let folder = Folder::new();
    let path = folder.path("log");
    let log = AccessLog::start(&document::AccessLog::Off, 1).expect("nothing to open");
    let mut writer = log.line_writer();
    writer.write(&Ended::example());
    assert_eq!(writer.buffer.capacity(), 0, "a log that is off must not format anything");
    log.switch(&document::AccessLog::File(path.clone())).expect("a file that opens");
    writer.write(&Ended::example());
    drop(writer);
    assert!(log.close(SOON));
    assert_eq!(lines(&path).len(), 1, "only the line after switching on must be there");
}

#[test]
fn after_rotation_lines_go_to_the_new_file() {
    let folder = Folder::new();
    let (path, moved) = (folder.path("log"), folder.path("log.1"));
    let log = start(&path);
    let mut writer = log.line_writer();
    writer.write(&Ended { status: 201, ..Ended::example() });
    writer.flush();
    assert!(log.settle(SOON));
    fs::rename(&path, &moved).expect("the log can be moved");
    log.reopen().expect("the file opens again");
    writer.write(&Ended { status: 202, ..Ended::example() });
    writer.flush();
    assert!(log.settle(SOON));
    let statuses = |path: &str| lines(path).iter().map(|line| line["status"].clone()).collect::<Vec<_>>();
    assert_eq!(statuses(&moved), [201], "the moved file must keep what came before");
    assert_eq!(statuses(&path), [202], "a new file must take what comes after");
}

#[test]
fn a_destination_that_does_not_open_is_refused_and_the_old_one_goes_on() {
    let folder = Folder::new();
    let path = folder.path("log");
    let log = start(&path);
    let missing = document::AccessLog::File(folder.path("missing/log"));
    let error = log.switch(&missing).expect_err("a folder that is not there");
    assert!(error.to_string().contains("missing/log"), "the error must name the file: {error}");
    let mut writer = log.line_writer();
    writer.write(&Ended::example());
    drop(writer);
    assert!(log.close(SOON));
    assert_eq!(lines(&path).len(), 1, "the old file must still be written");
}

#[test]
fn a_fifo_without_a_reader_is_refused_at_once() {
    let folder = Folder::new();
    let (path, reader) = folder.fifo("log");
    drop(reader);
    assert!(AccessLog::start(&document::AccessLog::File(path), 1).is_err(), "opening it must not wait for a reader");
}

#[test]
fn a_reader_that_stalls_costs_lines_and_never_time() {
    let folder = Folder::new();
    let (path, reader) = folder.fifo("log");
    let log = start(&path);
    let mut writer = log.line_writer();
    let mut sent = 0_u64;
    while log.dropped() == 0 {
        writer.write(&Ended::example());
        sent += 1;
        assert!(sent < 1_000_000, "with nobody reading, lines must be dropped some time");
    }
    drop(writer);
    let counting = std::thread::spawn(move || {
        BufReader::new(reader).lines().fold(0, |count, line| {
            serde_json::from_str::<Value>(&line.expect("a line")).expect("whole lines only");
            count + 1
        })
    });
    assert!(log.close(SOON), "once someone reads, all that waits must be written");
    let dropped = log.dropped();
    assert_eq!(counting.join().expect("the reader") + dropped, sent, "each line must be either read or counted");
    let mut metrics = String::new();
    log.render(&mut metrics);
    let expected = format!("flatproxy_access_log_dropped_total{{reason=\"queue_full\"}} {dropped}\n");
    assert!(metrics.contains(&expected), "metrics must show the drops: {metrics}");
}

#[test]
fn closing_with_a_stalled_reader_gives_up_at_the_deadline() {
    let folder = Folder::new();
    let (path, _reader) = folder.fifo("log");
    let log = start(&path);
    let mut writer = log.line_writer();
    (0..1_000).for_each(|_| writer.write(&Ended::example())); // far beyond the 64 KiB of a pipe
    drop(writer);
    let began = Instant::now();
    assert!(!log.close(Duration::from_millis(50)), "what can't be written must not be called written");
    assert!(began.elapsed() < SOON, "closing must not wait for the reader");
}

#[test]
fn a_full_disk_loses_lines_counts_them_and_stops_nothing() {
    let log = start("/dev/full");
    let mut writer = log.line_writer();
    (0..100).for_each(|_| writer.write(&Ended::example()));
    writer.flush();
    assert!(log.settle(SOON), "the writer must live on");
    assert_eq!(log.dropped(), 100, "every line must be counted as lost");
    let folder = Folder::new();
    let path = folder.path("log");
    log.switch(&document::AccessLog::File(path.clone())).expect("a file that opens");
    writer.write(&Ended::example());
    drop(writer);
    assert!(log.close(SOON));
    assert_eq!(lines(&path).len(), 1, "with room again lines must be written again");
}

#[test]
fn switching_away_from_a_stalled_reader_works() {
    let folder = Folder::new();
    let (fifo, _reader) = folder.fifo("fifo");
    let path = folder.path("log");
    let log = start(&fifo);
    let mut writer = log.line_writer();
    (0..1_000).for_each(|_| writer.write(&Ended::example())); // far beyond the 64 KiB of a pipe
    writer.flush();
    log.switch(&document::AccessLog::File(path.clone())).expect("a file that opens");
    writer.write(&Ended { status: 299, ..Ended::example() });
    drop(writer);
    assert!(log.close(SOON), "a stalled reader must not keep the next destination waiting");
    assert_eq!(lines(&path).last().expect("a line")["status"], 299);
}

#[test]
fn lines_of_two_processes_into_one_pipe_are_never_mixed() {
    let folder = Folder::new();
    let (path, reader) = folder.fifo("log");
    let logs = [start(&path), start(&path)]; // two logs stand for two processes: each has its own writer
    let counting = std::thread::spawn(move || {
        BufReader::new(reader).lines().fold(0, |count, line| {
            serde_json::from_str::<Value>(&line.expect("a line")).expect("whole lines only");
            count + 1
        })
    });
    std::thread::scope(|scope| {
        for log in &logs {
            scope.spawn(|| {
                let mut writer = log.line_writer();
                (0..2_000).for_each(|_| writer.write(&Ended::example()));
            });
        }
    });
    assert!(logs.iter().all(|log| log.close(SOON)), "with a reader, all must be written");
    drop(logs);
    assert_eq!(counting.join().expect("the reader"), 4_000);
}

#[test]
fn a_line_torn_by_an_error_does_not_spoil_the_next_one() {
    let folder = Folder::new();
    let (path, mut reader) = folder.fifo("log");
    let log = start(&path);
    let mut writer = log.line_writer();
    let path_of_4_kib = vec![b'x'; 4_096]; // more than a pipe takes in one piece
    (0..40).for_each(|_| writer.write(&Ended { path: &path_of_4_kib, ..Ended::example() }));
    writer.flush();
    reader.read_exact(&mut [0; 10_000]).expect("the first lines");
    drop(reader);
    assert!(log.settle(SOON), "a closed pipe must be an error, not a wait");
    assert!(log.dropped() > 0, "what the pipe did not take must be counted");
    let reader = open_reader(&path);
    writer.write(&Ended { status: 299, ..Ended::example() });
    drop(writer);
    let last = std::thread::spawn(move || BufReader::new(reader).lines().last());
    assert!(log.close(SOON));
    drop(log);
    let last = last.join().expect("the reader").expect("a last line").expect("text");
    let last: Value = serde_json::from_str(&last).expect("the line after a torn one must be whole");
    assert_eq!(last["status"], 299);
}

#[test]
#[cfg_attr(debug_assertions, ignore = "a budget of optimised code")]
fn counting_and_logging_an_exchange_stays_within_its_budget() {
    let registry = crate::telemetry::Registry::new(1);
    let cells = registry.route("web", "orders");
    let log = start("/dev/null");
    let mut writer = log.line_writer();
    let ended = Ended::example();
    let round = |writer: &mut LineWriter| {
        let began = Instant::now();
        for _ in 0..1_000 {
            cells.of(0).record(std::hint::black_box(&ended));
            writer.write(std::hint::black_box(&ended));
        }
        began.elapsed() / 1_000
    };
    let best = (0..50).map(|_| round(&mut writer)).min().expect("a round");
    eprintln!("record + write: {} ns", best.as_nanos());
    // The best of many rounds: the machine may be busy with something else. Measured: see docs/metrics.md.
    assert!(best < Duration::from_micros(1), "an exchange cost {best:?} of telemetry; the budget is 1 us");
}
