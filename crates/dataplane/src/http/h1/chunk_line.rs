//! The line before a chunk and the line end after it (RFC 9112 section 7.1), a byte at a time.

use super::body::BodyError;

/// Where we are between two pieces of chunk data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ChunkLine {
    /// Within the size; so many digits have been read.
    Size { size: u64, digits: u8 },
    /// Within the extensions, which are read over; so many bytes of them have been.
    Extension { size: u64, bytes: u16 },
    /// After the CR of the line.
    LineFeed { size: u64 },
    /// After the data of a chunk.
    DataReturn,
    /// After the CR behind the data.
    DataLineFeed,
    /// The line is complete: so much data follows.
    Complete { size: u64 },
}

/// 64 bits; more would let leading zeros grow without end.
const DIGITS: u8 = 16;

/// Nobody uses extensions; a sender that fills the line with them is wasting our time.
const EXTENSION_BYTES: u16 = 256;

// === impl ChunkLine ===

impl ChunkLine {
    pub(super) const START: ChunkLine = ChunkLine::Size { size: 0, digits: 0 };

    /// One byte further.
    #[inline]
    pub(super) fn step(self, byte: u8) -> Result<ChunkLine, BodyError> {
        match (self, byte) {
            (ChunkLine::Size { size, digits }, byte) => in_size(size, digits, byte),
            (ChunkLine::Extension { size, .. }, b'\r') => Ok(ChunkLine::LineFeed { size }),
            (ChunkLine::Extension { size, bytes }, b'\t' | b' '..=b'~' | 0x80..) if bytes < EXTENSION_BYTES => {
                Ok(ChunkLine::Extension { size, bytes: bytes + 1 })
            }
            (ChunkLine::Extension { .. }, _) => Err(BodyError::ChunkExtension),
            (ChunkLine::LineFeed { size }, b'\n') => Ok(ChunkLine::Complete { size }),
            (ChunkLine::DataReturn, b'\r') => Ok(ChunkLine::DataLineFeed),
            (ChunkLine::DataLineFeed, b'\n') => Ok(ChunkLine::START),
            _ => Err(BodyError::ChunkLineEnd),
        }
    }
}

fn in_size(size: u64, digits: u8, byte: u8) -> Result<ChunkLine, BodyError> {
    match (byte, char::from(byte).to_digit(16)) {
        (_, Some(digit)) if digits < DIGITS => {
            Ok(ChunkLine::Size { size: size << 4 | u64::from(digit), digits: digits + 1 })
        }
        (b'\r', _) if digits > 0 => Ok(ChunkLine::LineFeed { size }),
        (b';', _) if digits > 0 => Ok(ChunkLine::Extension { size, bytes: 0 }),
        _ => Err(BodyError::ChunkSize),
    }
}
