//! The connection of one check, in the clear or over the upstream's TLS.

use std::future::poll_fn;
use std::io::{self, IoSlice};

use tokio::net::TcpStream;

use crate::io::Transport;
use crate::tls::Connector;
use crate::upstream::endpoint::Endpoint;

pub(super) async fn connect(endpoint: &Endpoint, connector: Option<&Connector>) -> Result<Transport, String> {
    let tcp = TcpStream::connect(endpoint.address).await.map_err(|error| format!("connect: {error}"))?;
    let Some(connector) = connector else { return Ok(Transport::Plain(tcp)) };
    let failed = |error| format!("TLS: {error}");
    let mut stream = Box::new(connector.connect(tcp, &endpoint.host).map_err(failed)?);
    poll_fn(|cx| stream.poll_handshake(cx)).await.map_err(failed)?;
    Ok(Transport::Tls(stream))
}

pub(super) async fn write_all(transport: &mut Transport, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let taken = poll_fn(|cx| transport.poll_write(cx, &[IoSlice::new(bytes)])).await?;
        bytes = &bytes[taken..];
    }
    poll_fn(|cx| transport.poll_flush(cx)).await
}

/// 0: the other end is done.
pub(super) async fn read(transport: &mut Transport, buffer: &mut [u8]) -> io::Result<usize> {
    poll_fn(|cx| transport.poll_read(cx, buffer)).await
}
