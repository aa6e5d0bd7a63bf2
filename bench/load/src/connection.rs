//! Connections to the target, plain or TLS.

use std::cell::Cell;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use rustls::HandshakeKind;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpSocket;
use tokio_rustls::TlsConnector;

use crate::response::describe;
use crate::spec::Target;
use crate::tls;

/// Either kind of stream.
pub trait Stream: AsyncRead + AsyncWrite + Unpin {}
impl<T: AsyncRead + AsyncWrite + Unpin> Stream for T {}

/// Opens connections to one target.
pub struct Dialer {
    address: SocketAddr,
    host: String,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    next_source: Cell<u8>,
    resumed: Cell<u64>,
}

// === impl Dialer ===

impl Dialer {
    /// Reads the certificates; touches no network.
    pub fn new(target: &Target) -> Result<Self, String> {
        let address = target.address.parse().map_err(|_| format!("{} is not an address", target.address))?;
        let tls = match &target.tls {
            None => None,
            Some(spec) => {
                let name = ServerName::try_from(target.host.clone()).map_err(|error| error.to_string())?;
                Some((tls::connector(spec)?, name))
            }
        };
        Ok(Self { address, host: target.host.clone(), tls, next_source: Cell::new(0), resumed: Cell::new(0) })
    }

    /// The `Host` header of every request.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// How many handshakes so far resumed an earlier session.
    pub fn resumed(&self) -> u64 {
        self.resumed.get()
    }

    /// A connection whose handshake is done.
    pub async fn connect(&self) -> io::Result<Box<dyn Stream>> {
        let socket = TcpSocket::new_v4()?;
        if self.address.ip().is_loopback() {
            socket.bind(SocketAddr::from((self.source(), 0)))?;
        }
        let stream = socket.connect(self.address).await?;
        stream.set_nodelay(true)?;
        match &self.tls {
            None => Ok(Box::new(stream)),
            Some((connector, name)) => {
                let stream = connector.connect(name.clone(), stream).await?;
                if stream.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed) {
                    self.resumed.set(self.resumed.get() + 1);
                }
                Ok(Box::new(stream))
            }
        }
    }

    /// Several of them, one after the other, so that none is refused for arriving with all others.
    pub async fn connect_all(&self, count: usize) -> Result<Vec<Box<dyn Stream>>, String> {
        let mut streams = Vec::with_capacity(count);
        for _ in 0..count {
            streams.push(self.connect().await.map_err(|error| describe(&error))?);
        }
        Ok(streams)
    }

    /// The loopback addresses in turn: one address alone runs out of ports while closed connections linger.
    fn source(&self) -> Ipv4Addr {
        let last = self.next_source.get() % 200;
        self.next_source.set(last + 1);
        Ipv4Addr::new(127, 0, 1, last + 1)
    }
}
