//! Reads one response at a time and checks its status and length.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

const READ_SIZE: usize = 64 * 1024;
const MAX_HEADERS: usize = 64;

/// A buffer that keeps what a read brought beyond one response.
pub struct Reader {
    buffer: Vec<u8>,
    filled: usize,
}

/// The part of a head that the checks need.
struct Head {
    end: usize,
    status: u16,
    length: Option<usize>,
}

// === impl Reader ===

impl Reader {
    /// An empty reader.
    pub fn new() -> Self {
        Self { buffer: vec![0; READ_SIZE], filled: 0 }
    }

    /// A reader for a connection that mostly waits: its buffer is only as large as a small response.
    pub fn small() -> Self {
        Self { buffer: vec![0; 2048], filled: 0 }
    }

    /// Reads one response to its end; it must be a 200 with a body of `length` bytes.
    pub async fn expect(
        &mut self,
        stream: &mut (impl AsyncRead + Unpin + ?Sized),
        length: usize,
    ) -> Result<(), String> {
        let head = self.head(stream).await?;
        if head.status != 200 {
            return Err(format!("status {} instead of 200", head.status));
        }
        if head.length != Some(length) {
            return Err(format!("length {:?} instead of {length}", head.length));
        }
        self.skip(stream, head.end + length).await
    }

    async fn head(&mut self, stream: &mut (impl AsyncRead + Unpin + ?Sized)) -> Result<Head, String> {
        loop {
            if let Some(head) = parse(&self.buffer[..self.filled])? {
                return Ok(head);
            }
            if self.filled == self.buffer.len() {
                return Err("a head longer than the buffer".into());
            }
            self.fill(stream).await?;
        }
    }

    /// Drops the next `count` bytes, reading as many as are still to come.
    async fn skip(&mut self, stream: &mut (impl AsyncRead + Unpin + ?Sized), mut count: usize) -> Result<(), String> {
        while count > self.filled {
            count -= self.filled;
            self.filled = 0;
            self.fill(stream).await?;
        }
        self.buffer.copy_within(count..self.filled, 0);
        self.filled -= count;
        Ok(())
    }

    async fn fill(&mut self, stream: &mut (impl AsyncRead + Unpin + ?Sized)) -> Result<(), String> {
        let count = stream.read(&mut self.buffer[self.filled..]).await.map_err(|error| describe(&error))?;
        if count == 0 {
            return Err("closed before the end of a response".into());
        }
        self.filled += count;
        Ok(())
    }
}

/// The head at the start of `bytes`, once it is all there.
fn parse(bytes: &[u8]) -> Result<Option<Head>, String> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let end = match response.parse(bytes).map_err(|error| format!("not a response: {error}"))? {
        httparse::Status::Partial => return Ok(None),
        httparse::Status::Complete(end) => end,
    };
    let length = response
        .headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case("content-length"))
        .and_then(|header| std::str::from_utf8(header.value).ok()?.parse().ok());
    Ok(Some(Head { end, status: response.code.unwrap_or(0), length }))
}

/// An I/O error in a few words.
pub fn describe(error: &io::Error) -> String {
    format!("{} ({error})", error.kind())
}
