//! What the process itself takes, under the names that every Prometheus client uses.

use std::fs;

use super::text::{Exposition, Kind};

/// The unit of CPU time in /proc: `USER_HZ`, 100 on every architecture that we build for.
const TICKS_PER_SECOND: u64 = 100;

/// Writes what /proc tells; what it does not tell is left out.
pub(super) fn render(text: &mut Exposition<'_>) {
    if let Some(ticks) = cpu_ticks(&fs::read_to_string("/proc/self/stat").unwrap_or_default()) {
        let name = "process_cpu_seconds_total";
        text.family(name, Kind::Counter, "CPU time used, user and system.");
        text.time(name, &[], ticks * (1_000_000_000 / TICKS_PER_SECOND));
    }
    if let Some(bytes) = resident_bytes(&fs::read_to_string("/proc/self/status").unwrap_or_default()) {
        let name = "process_resident_memory_bytes";
        text.family(name, Kind::Gauge, "Memory in use.");
        text.sample(name, &[], bytes);
    }
    if let Ok(files) = fs::read_dir("/proc/self/fd") {
        let name = "process_open_fds";
        text.family(name, Kind::Gauge, "Open files and sockets.");
        // One of them is the directory being read.
        text.sample(name, &[], (files.count() as u64).saturating_sub(1));
    }
}

/// Fields 14 and 15 of `proc_pid_stat(5)`; the second one, in parentheses, may contain anything.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

fn resident_bytes(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.split_ascii_whitespace().next()?.parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_name_does_not_shift_the_fields() {
        let stat = "7 (a) b) S 1 2 3 4 5 6 7 8 9 10 250 51 0 0 20 0";
        assert_eq!(cpu_ticks(stat), Some(301));
    }

    #[test]
    fn this_process_is_seen() {
        let mut out = String::new();
        render(&mut Exposition::new(&mut out));
        for name in ["process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds"] {
            let value = out.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse::<f64>().ok());
            assert!(value.is_some(), "{name} must be a number in:\n{out}");
        }
    }
}
