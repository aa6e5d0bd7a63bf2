//! Reads a body by its framing. The bytes of the body stay where the caller has them: the decoder only
//! says which are data and which are framing.

use super::chunk_line::ChunkLine;
use super::error::HeadError;
use super::trailers::TrailerSection;
use crate::http::{Fields, Framing};

#[cfg(test)]
mod tests;

/// Where one body is.
#[derive(Debug)]
pub struct BodyDecoder {
    state: State,
    section: TrailerSection,
    trailers: Fields,
}

/// What the next bytes of the input are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// So many bytes are framing: discard them and ask again.
    Framing(usize),
    /// So many bytes are body; tell `took` how many of them were used.
    Data(usize),
    /// More input is needed.
    More,
    /// The body is complete. What is left of the input is not part of it.
    End,
}

/// What is wrong with a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyError {
    /// Not up to 16 hexadecimal digits.
    ChunkSize,
    /// Too long, or with a control byte.
    ChunkExtension,
    /// No CR LF where the line or the chunk must end.
    ChunkLineEnd,
    /// In the trailer section.
    Trailers(HeadError),
    /// The sender closed before the end.
    Cut,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Length(u64),
    UntilClose,
    ChunkLine(ChunkLine),
    ChunkData(u64),
    Trailers,
    Done,
}

// === impl BodyDecoder ===

impl BodyDecoder {
    /// Begins a body.
    pub fn new(framing: Framing) -> Self {
        let state = match framing {
            Framing::None | Framing::Length(0) => State::Done,
            Framing::Length(length) => State::Length(length),
            Framing::Chunked => State::ChunkLine(ChunkLine::START),
            Framing::UntilClose => State::UntilClose,
        };
        Self { state, section: TrailerSection::default(), trailers: Fields::default() }
    }

    /// Says what the first bytes of `input` are. `input` begins with the first byte that was neither
    /// discarded nor taken.
    pub fn next(&mut self, input: &[u8]) -> Result<Next, BodyError> {
        match self.state {
            State::Done => Ok(Next::End),
            _ if input.is_empty() => Ok(Next::More),
            State::UntilClose => Ok(Next::Data(input.len())),
            State::Length(left) | State::ChunkData(left) => {
                Ok(Next::Data(usize::try_from(left).unwrap_or(usize::MAX).min(input.len())))
            }
            State::ChunkLine(_) | State::Trailers => self.read_framing(input).map(Next::Framing),
        }
    }

    /// The caller has used so many bytes of what `next` said is data.
    pub fn took(&mut self, count: usize) {
        let count = count as u64;
        self.state = match self.state {
            State::Length(left) if left <= count => State::Done,
            State::Length(left) => State::Length(left - count),
            State::ChunkData(left) if left <= count => State::ChunkLine(ChunkLine::DataReturn),
            State::ChunkData(left) => State::ChunkData(left - count),
            other => other,
        };
    }

    /// The trailer fields, once the body is done: without those that may not be in a trailer section.
    pub fn trailers(&mut self) -> &mut Fields {
        &mut self.trailers
    }

    /// The body is complete.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// The sender has closed: the end of a body that lasts until then, a cut in any other.
    pub fn closed(&mut self) -> Result<(), BodyError> {
        match self.state {
            State::Done | State::UntilClose => {
                self.state = State::Done;
                Ok(())
            }
            _ => Err(BodyError::Cut),
        }
    }

    /// Reads to the next data, the end of the body, or the end of the input.
    fn read_framing(&mut self, input: &[u8]) -> Result<usize, BodyError> {
        let mut used = 0;
        while used < input.len() {
            match self.state {
                State::ChunkLine(line) => {
                    used += 1;
                    self.state = match line.step(input[used - 1])? {
                        ChunkLine::Complete { size: 0 } => State::Trailers,
                        ChunkLine::Complete { size } => State::ChunkData(size),
                        line => State::ChunkLine(line),
                    };
                }
                State::Trailers => {
                    let (taken, complete) =
                        self.section.take(&input[used..], &mut self.trailers).map_err(BodyError::Trailers)?;
                    used += taken;
                    if complete {
                        self.state = State::Done;
                    }
                }
                _ => break,
            }
        }
        Ok(used)
    }
}

// === impl BodyError ===

impl BodyError {
    /// The status of the answer to a request whose body is wrong in this way.
    pub fn status(&self) -> u16 {
        match self {
            BodyError::Trailers(error) => error.status(),
            _ => 400,
        }
    }
}

impl std::fmt::Display for BodyError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            BodyError::ChunkSize => f.write_str("malformed chunk size"),
            BodyError::ChunkExtension => f.write_str("malformed or oversized chunk extension"),
            BodyError::ChunkLineEnd => f.write_str("chunk that does not end in CR LF"),
            BodyError::Trailers(error) => write!(f, "{error}, in the trailers"),
            BodyError::Cut => f.write_str("body cut short"),
        }
    }
}

impl std::error::Error for BodyError {}
