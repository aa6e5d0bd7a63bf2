//! A TLS connection over its socket, in poll style; it lives on one data thread.

use std::io::{self, IoSlice, Read, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rustls::{ClientConnection, Connection, ServerConnection};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::client_verifier::ClientVerifier;
use super::peer::PeerCertificate;
use super::refusal::{Refusal, TlsError};
use super::server_verifier::ServerVerifier;
use super::session::{Session, Verifier};

/// A connection that speaks TLS, or is about to.
pub struct TlsStream {
    tcp: TcpStream,
    session: Box<Session>,
    /// The first byte decides whether the peer speaks TLS at all.
    spoken_to: bool,
    closing: bool,
}

/// The socket as rustls wants it: `WouldBlock` where a poll is pending.
struct Socket<'a, 'b> {
    tcp: &'a mut TcpStream,
    cx: &'a mut Context<'b>,
    first: Option<u8>,
}

// === impl TlsStream ===

impl TlsStream {
    pub(super) fn server(tcp: TcpStream, connection: ServerConnection, verifier: Option<Arc<ClientVerifier>>) -> Self {
        Self::new(tcp, Connection::Server(connection), Verifier::Client(verifier))
    }

    pub(super) fn client(tcp: TcpStream, connection: ClientConnection, verifier: Arc<ServerVerifier>) -> Self {
        Self::new(tcp, Connection::Client(connection), Verifier::Server(verifier))
    }

    fn new(tcp: TcpStream, connection: Connection, verifier: Verifier) -> Self {
        Self { tcp, session: Box::new(Session::new(connection, verifier)), spoken_to: false, closing: false }
    }

    /// Carries the handshake on. After an error the connection is of no use; the peer was sent an alert.
    pub fn poll_handshake(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), TlsError>> {
        while self.session.connection.is_handshaking() {
            if self.session.connection.wants_write() {
                ready!(self.poll_flush(cx)).map_err(closed)?;
            } else {
                ready!(self.poll_handshake_input(cx))?;
            }
        }
        if let Err(error) = self.session.settle() {
            return Poll::Ready(Err(self.refuse(cx, error)));
        }
        // The last flight (session tickets) need not be waited for: it goes before the first plaintext.
        match self.poll_flush(cx) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(closed(error))),
            _ => Poll::Ready(Ok(())),
        }
    }

    fn poll_handshake_input(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), TlsError>> {
        let mut socket = Socket { tcp: &mut self.tcp, cx, first: None };
        let read = self.session.connection.read_tls(&mut socket);
        let first = socket.first;
        match read {
            Ok(0) => return Poll::Ready(Err(TlsError::new(Refusal::Closed, ""))),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Poll::Pending,
            // rustls holds 64 KiB of one message, and no more.
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                return Poll::Ready(Err(TlsError::new(Refusal::Malformed, error.to_string())));
            }
            Err(error) => return Poll::Ready(Err(closed(error))),
        }
        let tls = self.spoken_to || matches!(first, Some(0x15 | 0x16)); // an alert or a handshake record
        self.spoken_to = true;
        Poll::Ready(self.session.process().map_err(|error| {
            let error = if tls { error } else { TlsError::new(Refusal::NotTls, error.detail) };
            self.refuse(cx, error)
        }))
    }

    /// Sends the alert that rustls has prepared, as far as the socket takes it now.
    fn refuse(&mut self, cx: &mut Context<'_>, error: TlsError) -> TlsError {
        let _ = self.poll_flush(cx);
        error
    }

    /// Reads plaintext. 0 bytes: the peer said `close_notify`; `UnexpectedEof`: it went away without.
    pub fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        loop {
            match self.session.connection.reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return Poll::Ready(done),
            }
            let mut socket = Socket { tcp: &mut self.tcp, cx, first: None };
            match self.session.connection.read_tls(&mut socket) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Poll::Pending,
                Err(error) => return Poll::Ready(Err(error)),
                Ok(_) => {}
            }
            if let Err(error) = self.session.process() {
                let error = self.refuse(cx, error);
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, error)));
            }
            if self.session.connection.wants_write() {
                let _ = self.poll_flush(cx)?; // an answer to a key update; a full socket can wait
            }
        }
    }

    /// Takes plaintext and sends it in one call, whatever number of slices it comes in. What the socket does not
    /// take stays here as ciphertext (at most 64 KiB of plaintext's worth) and goes first next time.
    pub fn poll_write_vectored(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        if self.session.connection.wants_write() {
            ready!(self.poll_flush(cx))?;
        }
        let taken = self.session.connection.writer().write_vectored(slices)?;
        let _ = self.poll_flush(cx)?;
        Poll::Ready(Ok(taken))
    }

    /// Sends what is still here as ciphertext.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.session.connection.wants_write() {
            let mut socket = Socket { tcp: &mut self.tcp, cx, first: None };
            match self.session.connection.write_tls(&mut socket) {
                Ok(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Poll::Pending,
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Says `close_notify`, then closes the writing half of the socket. Reading goes on.
    pub fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.closing {
            self.closing = true;
            self.session.connection.send_close_notify();
        }
        ready!(self.poll_flush(cx))?;
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }

    /// Plaintext is already here: the next read will not wait.
    pub fn is_readable(&self) -> bool {
        !self.session.connection.wants_read() && !self.session.connection.is_handshaking()
    }

    /// Who the peer is, when the handshake is done: a client in mode `mutual`, or an upstream that is verified by
    /// its identity. Shared, so that an exchange can keep it.
    pub fn peer(&self) -> Option<&Arc<PeerCertificate>> {
        self.session.peer.as_ref()
    }

    /// The handshake continued an earlier session.
    pub fn resumed(&self) -> bool {
        self.session.resumed()
    }

    /// The socket, for its addresses and options. Never read or write it.
    pub fn tcp(&self) -> &TcpStream {
        &self.tcp
    }

    /// The name that the client asked for, in lower case.
    pub fn sni(&self) -> Option<&str> {
        self.session.server_name.as_deref()
    }

    /// The protocol agreed on by ALPN.
    pub fn alpn(&self) -> Option<&[u8]> {
        self.session.connection.alpn_protocol()
    }
}

#[allow(clippy::needless_pass_by_value)] // the shape that map_err wants
fn closed(error: io::Error) -> TlsError {
    TlsError::new(Refusal::Closed, error.to_string())
}

// === impl Socket ===

impl Read for Socket<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut buffer = ReadBuf::new(buffer);
        match Pin::new(&mut *self.tcp).poll_read(self.cx, &mut buffer) {
            Poll::Ready(done) => done?,
            Poll::Pending => return Err(io::ErrorKind::WouldBlock.into()),
        }
        self.first = buffer.filled().first().copied();
        Ok(buffer.filled().len())
    }
}

impl Write for Socket<'_, '_> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(buffer)])
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match Pin::new(&mut *self.tcp).poll_write_vectored(self.cx, slices) {
            Poll::Ready(done) => done,
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
