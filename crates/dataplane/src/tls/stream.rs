//! A TLS connection over its socket, in poll style; it lives on one data thread.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::handshake::{Facts, Handshake, Side};
use super::peer::PeerCertificate;
use super::queue::Queue;
use super::record::{Fault, record_length};
use super::refusal::{Refusal, TlsError};
use super::scratch::{self, SEAL};
use super::traffic::{Sink, Traffic};

/// The least that is asked of a socket: one record of the longest kind.
const LEAST_READ: usize = 18 << 10;

/// As much unsent ciphertext goes out together with what is written next: session tickets, most of all.
const MERGED: usize = 4 << 10;

/// A connection that speaks TLS, or is about to.
pub struct TlsStream {
    tcp: TcpStream,
    phase: Phase,
    facts: Facts,
    /// Ciphertext that is not opened yet: most often nothing, or the beginning of a record.
    received: Vec<u8>,
    /// Plaintext that the caller's buffer did not hold.
    spill: Queue,
    /// Ciphertext that the socket did not take.
    unsent: Queue,
}

enum Phase {
    Handshake(Box<Handshake>),
    Open(Box<Traffic>),
    /// After an error nothing is read or written any more.
    Broken,
}

// === impl TlsStream ===

impl TlsStream {
    pub(super) fn new(tcp: TcpStream, side: Side) -> Self {
        Self {
            tcp,
            phase: Phase::Handshake(Box::new(Handshake::new(side))),
            facts: Facts::default(),
            received: Vec::new(),
            spill: Queue::default(),
            unsent: Queue::default(),
        }
    }

    /// Carries the handshake on. After an error the connection is of no use; the peer was sent an alert.
    pub fn poll_handshake(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), TlsError>> {
        let result = scratch::with_received(|buffer| {
            let mut length = self.restore(buffer);
            let result = self.poll_shake(cx, buffer, &mut length);
            self.received = buffer[..length].to_vec();
            result
        });
        if let Poll::Ready(Err(_)) = &result {
            self.phase = Phase::Broken;
        }
        result
    }

    /// Works until the handshake is over; leaves in `received` what is not done with, `length` bytes.
    fn poll_shake(
        &mut self,
        cx: &mut Context<'_>,
        received: &mut [u8],
        length: &mut usize,
    ) -> Poll<Result<(), TlsError>> {
        loop {
            let Phase::Handshake(handshake) = &mut self.phase else { return Poll::Ready(Ok(())) };
            let (used, over) =
                handshake.advance(&mut received[..*length], &mut self.unsent.bytes, &mut self.spill.bytes);
            received.copy_within(used..*length, 0);
            *length -= used;
            let over = match over {
                Ok(true) if handshake.last_flight_may_wait() => return Poll::Ready(self.open()),
                over => over,
            };
            // Not waited for: what the socket does not take goes before the first plaintext.
            let sent = self.poll_send(cx);
            if over? {
                return Poll::Ready(self.open());
            }
            if let Poll::Ready(Err(error)) = sent {
                return Poll::Ready(Err(closed(&error)));
            }
            match ready!(self.poll_receive(cx, &mut received[*length..])) {
                Ok(0) => return Poll::Ready(Err(TlsError::new(Refusal::Closed, ""))),
                Ok(read) => *length += read,
                Err(error) => return Poll::Ready(Err(closed(&error))),
            }
        }
    }

    /// The handshake is over: from here on we seal and open records ourselves.
    fn open(&mut self) -> Result<(), TlsError> {
        if let Phase::Handshake(handshake) = std::mem::replace(&mut self.phase, Phase::Broken) {
            let (traffic, facts) = handshake.finish()?;
            self.phase = Phase::Open(Box::new(traffic));
            self.facts = facts;
        }
        Ok(())
    }

    /// Reads plaintext. 0 bytes: the peer said `close_notify`; `UnexpectedEof`: it went away without.
    /// `InvalidData`: it broke the protocol or sent an alert; the error holds a [`TlsError`].
    pub fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        if !self.spill.is_empty() || buffer.is_empty() {
            return Poll::Ready(Ok(self.spill.take(buffer)));
        }
        scratch::with_received(|received| {
            let mut length = self.restore(received);
            let result = self.poll_open(cx, &mut received[..], &mut length, buffer);
            self.received = received[..length].to_vec();
            result
        })
    }

    /// Opens records until there is plaintext; leaves in `received` what is not done with, `length` bytes.
    fn poll_open(
        &mut self,
        cx: &mut Context<'_>,
        received: &mut [u8],
        length: &mut usize,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            let Phase::Open(traffic) = &mut self.phase else { return Poll::Ready(Err(not_open())) };
            let mut sink = Sink { buffer, filled: 0, spill: &mut self.spill.bytes };
            let opened = traffic.open(&mut received[..*length], &mut sink);
            let filled = sink.filled;
            let used = match opened {
                Ok(used) => used,
                Err(fault) => {
                    *length = 0;
                    return Poll::Ready(Err(self.break_off(cx, fault)));
                }
            };
            if traffic.peer_closed {
                *length = 0; // what comes after close_notify is to be ignored (RFC 8446 section 6.1)
                return Poll::Ready(Ok(filled));
            }
            received.copy_within(used..*length, 0);
            *length -= used;
            if filled > 0 {
                return Poll::Ready(Ok(filled));
            }
            let limit = (*length + buffer.len().max(LEAST_READ)).min(received.len());
            match ready!(self.poll_receive(cx, &mut received[*length..limit]))? {
                0 => return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
                read => *length += read,
            }
        }
    }

    /// Takes plaintext and sends it in one call, whatever number of slices it comes in. What the socket does not
    /// take stays here as ciphertext (at most 64 KiB of plaintext's worth) and goes first next time.
    pub fn poll_write_vectored(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        if self.unsent.waiting().len() > MERGED {
            ready!(self.poll_send(cx))?;
        }
        scratch::with_sealed(|sealed| {
            let Phase::Open(traffic) = &mut self.phase else { return Poll::Ready(Err(not_open())) };
            if traffic.closed {
                return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
            }
            sealed.extend_from_slice(self.unsent.waiting());
            self.unsent = Queue::default();
            match traffic.seal(slices, SEAL, sealed) {
                Ok(taken) => Poll::Ready(self.send_or_keep(cx, sealed).map(|()| taken)),
                Err(fault) => Poll::Ready(Err(self.break_off(cx, fault))),
            }
        })
    }

    fn send_or_keep(&mut self, cx: &mut Context<'_>, sealed: &[u8]) -> io::Result<()> {
        let mut sent = 0;
        while sent < sealed.len() {
            match Pin::new(&mut self.tcp).poll_write(cx, &sealed[sent..])? {
                Poll::Ready(0) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(written) => sent += written,
                Poll::Pending => {
                    self.unsent.bytes.extend_from_slice(&sealed[sent..]);
                    break;
                }
            }
        }
        Ok(())
    }

    /// Sends what is still here as ciphertext.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_send(cx)
    }

    /// Says `close_notify`, then closes the writing half of the socket. Reading goes on.
    pub fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Phase::Open(traffic) = &mut self.phase {
            traffic.close(&mut self.unsent.bytes).map_err(broken)?;
        }
        ready!(self.poll_send(cx))?;
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }

    /// Plaintext is already here, or a whole record of it: the next read will not wait.
    pub fn is_readable(&self) -> bool {
        let whole = || matches!(record_length(&self.received), Ok(Some(length)) if length <= self.received.len());
        !self.spill.is_empty() || whole()
    }

    /// Who the peer is, when the handshake is done: a client in mode `mutual`, or an upstream that is verified by
    /// its identity. Shared, so that an exchange can keep it.
    pub fn peer(&self) -> Option<&Arc<PeerCertificate>> {
        self.facts.peer.as_ref()
    }

    /// The handshake continued an earlier session.
    pub fn resumed(&self) -> bool {
        self.facts.resumed
    }

    /// The socket, for its addresses and options. Never read or write it.
    pub fn tcp(&self) -> &TcpStream {
        &self.tcp
    }

    /// The name that the client asked for, in lower case.
    pub fn sni(&self) -> Option<&str> {
        self.facts.server_name.as_deref()
    }

    /// The protocol agreed on by ALPN.
    pub fn alpn(&self) -> Option<&[u8]> {
        self.facts.alpn
    }

    /// How much memory its buffers hold.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.received.capacity() + self.spill.bytes.capacity() + self.unsent.bytes.capacity()
    }

    /// Moves what was left last time to the beginning of the shared buffer.
    fn restore(&mut self, buffer: &mut [u8]) -> usize {
        let kept = std::mem::take(&mut self.received);
        buffer[..kept.len()].copy_from_slice(&kept);
        kept.len()
    }

    fn poll_receive(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        if buffer.is_empty() {
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, "a message over its limit")));
        }
        let mut buffer = ReadBuf::new(buffer);
        ready!(Pin::new(&mut self.tcp).poll_read(cx, &mut buffer))?;
        Poll::Ready(Ok(buffer.filled().len()))
    }

    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.unsent.is_empty() {
            match ready!(Pin::new(&mut self.tcp).poll_write(cx, self.unsent.waiting()))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                sent => self.unsent.advance(sent),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Ends the connection with an alert, as far as the socket takes it now.
    fn break_off(&mut self, cx: &mut Context<'_>, fault: Fault) -> io::Error {
        if let Phase::Open(traffic) = &mut self.phase {
            traffic.break_off(&fault, &mut self.unsent.bytes);
        }
        self.phase = Phase::Broken;
        let _ = self.poll_send(cx);
        broken(fault)
    }
}

fn closed(error: &io::Error) -> TlsError {
    let refusal = if error.kind() == io::ErrorKind::InvalidData { Refusal::Malformed } else { Refusal::Closed };
    TlsError::new(refusal, error.to_string())
}

fn broken(fault: Fault) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, TlsError::new(Refusal::Malformed, fault.what))
}

fn not_open() -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, "TLS: the connection is not open")
}
