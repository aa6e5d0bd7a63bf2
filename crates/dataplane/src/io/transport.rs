//! One connection's byte stream, plain or TLS, behind the same five operations.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::tls::TlsStream;

/// A connected byte stream.
pub enum Transport {
    /// As it comes.
    Plain(TcpStream),
    /// Through rustls.
    Tls(Box<TlsStream>),
}

// === impl Transport ===

impl Transport {
    /// Reads what there is; 0: the other end has finished writing.
    pub fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        match self {
            // Not `try_read`: only this way a short read is known to have emptied the socket, which saves
            // the system call that would find out (2 of 4 reads a request).
            Transport::Plain(tcp) => {
                let mut buffer = ReadBuf::new(buffer);
                ready!(Pin::new(tcp).poll_read(cx, &mut buffer))?;
                Poll::Ready(Ok(buffer.filled().len()))
            }
            Transport::Tls(tls) => tls.poll_read(cx, buffer),
        }
    }

    /// Something may be readable or the other end has closed. Costs no system call.
    pub fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Transport::Plain(tcp) => tcp.poll_read_ready(cx),
            Transport::Tls(tls) => {
                if tls.is_readable() {
                    return Poll::Ready(Ok(()));
                }
                tls.tcp().poll_read_ready(cx)
            }
        }
    }

    /// Writes all slices with one system call, as far as they go.
    pub fn poll_write(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        match self {
            Transport::Plain(tcp) => match slices {
                [one] => Pin::new(tcp).poll_write(cx, one),
                many => Pin::new(tcp).poll_write_vectored(cx, many),
            },
            Transport::Tls(tls) => tls.poll_write_vectored(cx, slices),
        }
    }

    /// Everything accepted by `poll_write` has been handed to the kernel.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Transport::Plain(_) => Poll::Ready(Ok(())),
            Transport::Tls(tls) => tls.poll_flush(cx),
        }
    }

    /// Ends our direction, orderly.
    pub fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Transport::Plain(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Transport::Tls(tls) => tls.poll_shutdown(cx),
        }
    }

    /// The other end's address, if it is still known.
    pub fn peer_address(&self) -> Option<SocketAddr> {
        self.tcp().peer_addr().ok()
    }

    /// The socket under it.
    pub fn tcp(&self) -> &TcpStream {
        match self {
            Transport::Plain(tcp) => tcp,
            Transport::Tls(tls) => tls.tcp(),
        }
    }
}
