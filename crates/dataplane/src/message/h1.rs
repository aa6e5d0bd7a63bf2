//! HTTP/1.1: one connection carries one pair of messages after the other (RFC 9112).

use std::io;
use std::task::{Context, Poll, ready};

use super::output::Output;
use super::{CarryError, Downstream, Part, Sink, Source, Upstream};
use crate::http::h1::{
    BodyDecoder, HeadLimits, HeadScanner, Next, parse_request, parse_response, write_chunk_head, write_last_chunk,
    write_request, write_response,
};
use crate::http::{Fields, Framing, Method, RequestHead, ResponseHead};
use crate::io::buffer::PAGE;
use crate::io::{Buffer, Transport};
use crate::plan::document::PathPolicy;

/// One HTTP/1.1 connection, either end.
pub struct Wire {
    transport: Transport,
    input: Buffer,
    output: Output,
    scanner: HeadScanner,
    decoder: BodyDecoder,
    sending: Sending,
    limits: Limits,
    /// The other end has finished writing.
    ended: bool,
    received_any: bool,
}

/// Bounds of one connection.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Of a message's head.
    pub head: HeadLimits,
    /// How much of a body may wait here for a slow reader before its sender is stopped, in bytes.
    pub buffer: usize,
}

/// The framing of the body that goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sending {
    /// No body, or as it comes until we close.
    Raw,
    /// So many bytes are still owed.
    Length(u64),
    /// Chunks; so many bytes of the present one are still owed.
    Chunked(usize),
}

// === impl Wire ===

impl Wire {
    /// Takes over a connection.
    pub fn new(transport: Transport, limits: Limits) -> Self {
        Self {
            transport,
            input: Buffer::default(),
            output: Output::default(),
            scanner: HeadScanner::default(),
            decoder: BodyDecoder::new(Framing::None),
            sending: Sending::Raw,
            limits,
            ended: false,
            received_any: false,
        }
    }

    /// The byte stream under it.
    pub fn transport(&self) -> &Transport {
        &self.transport
    }

    /// A message, or its beginning, is already here.
    pub fn has_input(&self) -> bool {
        !self.input.is_empty()
    }

    /// The limits of a new plan hold from the next head on.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Waits, holding no memory, until the first byte of a message or the end is here.
    pub fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.input.is_empty() {
            return Poll::Ready(Ok(()));
        }
        self.input.release_if_empty();
        self.output.release_if_empty();
        ready!(self.transport.poll_readable(cx))?;
        // Readiness may be left over from the last read: only a read tells.
        let filled = self.poll_fill(cx);
        self.input.release_if_empty();
        filled
    }

    /// An unused connection is as it should be: open, and nothing was said out of turn.
    pub fn is_quiet(&mut self, cx: &mut Context<'_>) -> bool {
        if !self.input.is_empty() || self.ended {
            return false;
        }
        if self.transport.poll_readable(cx).is_pending() {
            return true;
        }
        // Readiness may be left over from the last read: only a read tells.
        let quiet = self.poll_fill(cx).is_pending();
        self.input.release_if_empty();
        quiet
    }

    /// Reads the next request's head; `false`: the client closed instead of sending one.
    pub fn poll_request(
        &mut self,
        cx: &mut Context<'_>,
        paths: &PathPolicy,
        head: &mut RequestHead,
    ) -> Poll<Result<bool, CarryError>> {
        match ready!(self.poll_head(cx))? {
            None => Poll::Ready(Ok(false)),
            Some(length) => {
                parse_request(&self.input.filled()[..length], &self.limits.head, paths, head)?;
                self.begin_receiving(length, head.framing);
                Poll::Ready(Ok(true))
            }
        }
    }

    /// Ends our direction, orderly.
    pub fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.output.poll_flush(cx, &mut self.transport))?;
        self.transport.poll_shutdown(cx)
    }

    /// Reads and forgets whatever still comes, up to `limit` bytes in all; ready when the other end has closed.
    pub fn poll_discard(&mut self, cx: &mut Context<'_>, limit: &mut usize) -> Poll<()> {
        loop {
            *limit = limit.saturating_sub(self.input.len());
            self.input.consume(self.input.len());
            if *limit == 0 || self.ended {
                return Poll::Ready(());
            }
            if ready!(self.poll_fill(cx)).is_err() {
                return Poll::Ready(());
            }
        }
    }

    /// The length of the head at the front of the input; `None`: closed before its first byte.
    fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<usize>, CarryError>> {
        loop {
            if let Some(length) = self.scanner.scan(self.input.filled(), &self.limits.head)? {
                self.scanner.reset();
                return Poll::Ready(Ok(Some(length)));
            }
            if self.ended {
                let cut = !self.input.is_empty();
                return Poll::Ready(if cut { Err(eof().into()) } else { Ok(None) });
            }
            if self.input.space().is_empty() {
                self.input.grow((self.limits.head.bytes + 1).max(PAGE * 2));
            }
            ready!(self.poll_fill(cx))?;
        }
    }

    fn begin_receiving(&mut self, head_length: usize, framing: Framing) {
        self.input.consume(head_length);
        self.decoder = BodyDecoder::new(framing);
    }

    fn begin_sending(&mut self, framing: Framing) {
        self.sending = match framing {
            Framing::Length(bytes) => Sending::Length(bytes),
            Framing::Chunked => Sending::Chunked(0),
            Framing::None | Framing::UntilClose => Sending::Raw,
        };
    }

    /// Reads once. At the end of the stream `ended` is set.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let space = self.input.space();
        let room = space.len();
        let n = ready!(self.transport.poll_read(cx, space))?;
        self.input.filled_more(n);
        self.ended = n == 0;
        self.received_any |= n > 0;
        if n == room && room == PAGE {
            self.input.widen(self.limits.buffer);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<usize>, CarryError>> {
        loop {
            match self.decoder.next(self.input.filled())? {
                Next::Framing(n) => self.input.consume(n),
                Next::Data(n) => return Poll::Ready(Ok(Some(n))),
                Next::End => return Poll::Ready(Ok(None)),
                Next::More if self.ended => self.decoder.closed()?,
                Next::More => ready!(self.poll_fill(cx))?,
            }
        }
    }
}

impl Source for Wire {
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Result<Part<'_>, CarryError>> {
        let part = match ready!(self.poll_data(cx))? {
            Some(n) => Part::Data(&self.input.filled()[..n]),
            None => Part::End,
        };
        Poll::Ready(Ok(part))
    }

    fn took(&mut self, bytes: usize) {
        self.input.consume(bytes);
        self.decoder.took(bytes);
    }

    fn trailers(&mut self) -> &Fields {
        self.decoder.trailers()
    }

    fn is_received(&self) -> bool {
        self.decoder.is_done()
    }
}

impl Sink for Wire {
    fn poll_send(&mut self, cx: &mut Context<'_>, data: &[u8]) -> Poll<Result<usize, CarryError>> {
        let allowed = match &mut self.sending {
            Sending::Raw => data.len(),
            Sending::Length(left) => usize::try_from(*left).unwrap_or(usize::MAX).min(data.len()),
            Sending::Chunked(left) => {
                if *left == 0 && !data.is_empty() {
                    write_chunk_head(data.len(), self.output.bytes());
                    *left = data.len();
                }
                (*left).min(data.len())
            }
        };
        if allowed == 0 && !data.is_empty() {
            return Poll::Ready(Err(io::Error::other("the body is longer than it was declared").into()));
        }
        let Poll::Ready(sent) = self.output.poll_send(cx, &mut self.transport, &data[..allowed]) else {
            // Who does not read has nothing to say meanwhile that would need a page of ours.
            self.input.release_if_empty();
            return Poll::Pending;
        };
        let sent = sent?;
        match &mut self.sending {
            Sending::Raw => {}
            Sending::Length(left) => *left -= sent as u64,
            Sending::Chunked(left) => {
                *left -= sent;
                if *left == 0 && sent > 0 {
                    self.output.bytes().extend_from_slice(b"\r\n");
                }
            }
        }
        Poll::Ready(Ok(sent))
    }

    fn poll_finish(&mut self, cx: &mut Context<'_>, trailers: &Fields) -> Poll<Result<(), CarryError>> {
        match self.sending {
            Sending::Length(1..) => {
                return Poll::Ready(Err(io::Error::other("the body is shorter than it was declared").into()));
            }
            Sending::Chunked(_) => {
                write_last_chunk(trailers, self.output.bytes());
                self.sending = Sending::Raw;
            }
            Sending::Length(0) | Sending::Raw => {}
        }
        self.poll_flush(cx)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), CarryError>> {
        Poll::Ready(Ok(ready!(self.output.poll_flush(cx, &mut self.transport))?))
    }
}

impl Downstream for Wire {
    fn respond(&mut self, head: &ResponseHead, close: bool) {
        write_response(head, close, self.output.bytes());
        self.begin_sending(head.framing);
    }

    fn inform(&mut self, head: &ResponseHead) {
        write_response(head, false, self.output.bytes());
    }

    fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<CarryError> {
        // What is read here belongs to the next message; one page of it is enough to know that the client lives.
        while !self.ended && self.input.is_empty() {
            if let Err(error) = ready!(self.poll_fill(cx)) {
                return Poll::Ready(error.into());
            }
        }
        Poll::Pending
    }
}

impl Upstream for Wire {
    fn request(&mut self, head: &RequestHead) {
        self.received_any = false;
        write_request(head, self.output.bytes());
        self.begin_sending(head.framing);
    }

    fn poll_reply(
        &mut self,
        cx: &mut Context<'_>,
        method: &Method,
        head: &mut ResponseHead,
    ) -> Poll<Result<(), CarryError>> {
        let Some(length) = ready!(self.poll_head(cx))? else { return Poll::Ready(Err(eof().into())) };
        parse_response(&self.input.filled()[..length], &self.limits.head, method, head)?;
        self.begin_receiving(length, head.framing);
        Poll::Ready(Ok(()))
    }

    fn has_replied(&self) -> bool {
        self.received_any
    }
}

fn eof() -> io::Error {
    io::ErrorKind::UnexpectedEof.into()
}
