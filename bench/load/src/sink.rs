//! A service that reads every upload to its end and answers with the number of bytes that it read.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The answer is a number of this many digits, so that the client knows what length to expect.
pub const RECEIPT_LENGTH: usize = 20;

const READ_SIZE: usize = 256 * 1024;

/// Serves until the process is ended.
pub async fn serve(address: &str) -> io::Result<()> {
    let listener = TcpListener::bind(address).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::task::spawn_local(async move {
            // What ends a connection is seen by the client, which counts it.
            let _ = Upload::new(stream).converse().await;
        });
    }
}

/// How the length of a body is told.
enum Framing {
    Length(u64),
    Chunked,
}

/// One connection and what was read of it beyond what was used.
struct Upload {
    stream: TcpStream,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

// === impl Upload ===

impl Upload {
    fn new(stream: TcpStream) -> Self {
        Self { stream, buffer: vec![0; READ_SIZE], start: 0, end: 0 }
    }

    async fn converse(mut self) -> io::Result<()> {
        loop {
            let count = match self.head().await? {
                Framing::Length(length) => self.discard(length).await?,
                Framing::Chunked => self.chunks().await?,
            };
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {RECEIPT_LENGTH}\r\n\r\n{count:020}"
            );
            self.stream.write_all(answer.as_bytes()).await?;
        }
    }

    async fn head(&mut self) -> io::Result<Framing> {
        loop {
            let bytes = &self.buffer[self.start..self.end];
            if let Some(end) = memchr::memmem::find(bytes, b"\r\n\r\n") {
                let framing = framing(&bytes[..end + 4]);
                self.start += end + 4;
                return framing;
            }
            self.fill().await?;
        }
    }

    /// Reads and drops `length` bytes.
    async fn discard(&mut self, length: u64) -> io::Result<u64> {
        let mut left = length;
        loop {
            let here = left.min((self.end - self.start) as u64);
            self.start += here as usize;
            left -= here;
            if left == 0 {
                return Ok(length);
            }
            self.fill().await?;
        }
    }

    async fn chunks(&mut self) -> io::Result<u64> {
        let mut total = 0;
        loop {
            let line = self.line().await?;
            let digits = line.split(|byte| *byte == b';').next().unwrap_or_default();
            let size = std::str::from_utf8(digits).ok().and_then(|text| u64::from_str_radix(text.trim(), 16).ok());
            match size.ok_or(io::ErrorKind::InvalidData)? {
                0 => break,
                size => total += self.discard(size).await?,
            }
            self.discard(2).await?;
        }
        while !self.line().await?.is_empty() {}
        Ok(total)
    }

    async fn line(&mut self) -> io::Result<Vec<u8>> {
        loop {
            let bytes = &self.buffer[self.start..self.end];
            if let Some(end) = memchr::memmem::find(bytes, b"\r\n") {
                let line = bytes[..end].to_vec();
                self.start += end + 2;
                return Ok(line);
            }
            self.fill().await?;
        }
    }

    async fn fill(&mut self) -> io::Result<()> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        let count = self.stream.read(&mut self.buffer[self.end..]).await?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.end += count;
        Ok(())
    }
}

fn framing(head: &[u8]) -> io::Result<Framing> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut request = httparse::Request::new(&mut headers);
    request.parse(head).map_err(|_| io::ErrorKind::InvalidData)?;
    let value = |name: &str| request.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
    if value("transfer-encoding").is_some() {
        return Ok(Framing::Chunked);
    }
    let length = match value("content-length") {
        None => 0,
        Some(header) => std::str::from_utf8(header.value)
            .ok()
            .and_then(|text| text.parse().ok())
            .ok_or(io::ErrorKind::InvalidData)?,
    };
    Ok(Framing::Length(length))
}
