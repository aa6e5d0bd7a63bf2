//! Where lines end up.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;

/// How often a writer whose reader stalls looks whether it is still wanted.
const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

/// What Linux writes to a pipe in one piece, whoever else writes to it (`PIPE_BUF`, pipe(7)).
const ATOMIC_IN_A_PIPE: usize = 4096;

/// A place for lines; none: nowhere.
#[derive(Debug)]
pub(in crate::telemetry) struct Target(Option<Stream>);

#[derive(Debug)]
struct Stream {
    file: File,
    /// The most to be written at once.
    piece: usize,
}

// === impl Target ===

impl Target {
    pub(in crate::telemetry) fn nowhere() -> Self {
        Self(None)
    }

    pub(super) fn is_nowhere(&self) -> bool {
        self.0.is_none()
    }

    pub(in crate::telemetry) fn stdout() -> io::Result<Self> {
        Self::of(io::stdout().as_fd().try_clone_to_owned()?.into())
    }

    pub(in crate::telemetry) fn stderr() -> io::Result<Self> {
        Self::of(io::stderr().as_fd().try_clone_to_owned()?.into())
    }

    /// Opens a file to append to. Readable by owner and group: it tells who talked to whom.
    pub(in crate::telemetry) fn file(path: &str) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        // Non-blocking, because opening a FIFO that nobody reads would wait for a reader.
        options.append(true).create(true).mode(0o640).custom_flags(OFlags::NONBLOCK.bits().cast_signed());
        Self::of(options.open(path)?)
    }

    // A file takes a write whole (`O_APPEND`); into a pipe others may write in between, so no line
    // is split there unless it is longer than such a piece.
    fn of(file: File) -> io::Result<Self> {
        let piece = if file.metadata()?.file_type().is_fifo() { ATOMIC_IN_A_PIPE } else { usize::MAX };
        Ok(Self(Some(Stream { file, piece })))
    }

    /// Writes all of it, or says how much was written when the error came. A stalled reader is an
    /// error once `patient` says no.
    pub(super) fn write(&self, bytes: &[u8], patient: impl Fn() -> bool) -> Result<(), (usize, io::Error)> {
        let Some(stream) = &self.0 else { return Ok(()) };
        let mut file = &stream.file;
        let mut done = 0;
        while done < bytes.len() {
            match file.write(whole_lines(&bytes[done..], stream.piece)) {
                Ok(0) => return Err((done, ErrorKind::WriteZero.into())),
                Ok(count) => done += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock && patient() => wait_until_writable(file),
                Err(error) => return Err((done, error)),
            }
        }
        Ok(())
    }
}

/// As many lines as fit; a part of the first one when not even that does.
fn whole_lines(bytes: &[u8], most: usize) -> &[u8] {
    let Some(piece) = bytes.get(..most) else { return bytes };
    &piece[..memchr::memrchr(b'\n', piece).map_or(most, |end| end + 1)]
}

// Whatever it answers, the next write says what is wrong.
fn wait_until_writable(file: &File) {
    let _ = poll(&mut [PollFd::new(file, PollFlags::OUT)], Some(&LOOK));
}
