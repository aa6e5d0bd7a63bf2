//! Where lines end up.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;

/// How often a writer whose reader stalls looks whether it is still wanted.
const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

/// A place for lines; none: nowhere.
#[derive(Debug)]
pub(in crate::telemetry) struct Target(Option<File>);

// === impl Target ===

impl Target {
    pub(in crate::telemetry) fn nowhere() -> Self {
        Self(None)
    }

    pub(super) fn is_nowhere(&self) -> bool {
        self.0.is_none()
    }

    pub(in crate::telemetry) fn stdout() -> io::Result<Self> {
        Ok(Self(Some(io::stdout().as_fd().try_clone_to_owned()?.into())))
    }

    pub(in crate::telemetry) fn stderr() -> io::Result<Self> {
        Ok(Self(Some(io::stderr().as_fd().try_clone_to_owned()?.into())))
    }

    /// Opens a file to append to. Readable by owner and group: it tells who talked to whom.
    pub(in crate::telemetry) fn file(path: &str) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        // Non-blocking, because opening a FIFO that nobody reads would wait for a reader.
        options.append(true).create(true).mode(0o640).custom_flags(OFlags::NONBLOCK.bits().cast_signed());
        Ok(Self(Some(options.open(path)?)))
    }

    /// Writes all of it, or says how much was written when the error came.
    pub(super) fn write(&self, bytes: &[u8], wanted: impl Fn() -> bool) -> Result<(), (usize, io::Error)> {
        let Some(mut file) = self.0.as_ref() else { return Ok(()) };
        let mut done = 0;
        while done < bytes.len() {
            match file.write(&bytes[done..]) {
                Ok(0) => return Err((done, ErrorKind::WriteZero.into())),
                Ok(count) => done += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock && wanted() => wait_until_writable(file),
                Err(error) => return Err((done, error)),
            }
        }
        Ok(())
    }
}

// Whatever it answers, the next write says what is wrong.
fn wait_until_writable(file: &File) {
    let _ = poll(&mut [PollFd::new(file, PollFlags::OUT)], Some(&LOOK));
}
