//! Both ends of a connection, in one test.

use std::future::poll_fn;
use std::io::{self, IoSlice};

use tokio::net::{TcpListener, TcpStream};

use crate::plan::document::{ClientTls, ServerTls};
use crate::tls::{Acceptor, Connector, TlsError, TlsStream};

/// A connected pair of sockets: the accepted end, the connecting end.
pub(super) async fn sockets() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("its address");
    let (accepted, connected) = tokio::join!(listener.accept(), TcpStream::connect(address));
    let (accepted, connected) = (accepted.expect("an accepted connection").0, connected.expect("a connection"));
    for socket in [&accepted, &connected] {
        socket.set_nodelay(true).expect("no delay");
    }
    (accepted, connected)
}

pub(super) async fn finish(mut stream: TlsStream) -> Result<TlsStream, TlsError> {
    poll_fn(|cx| stream.poll_handshake(cx)).await?;
    Ok(stream)
}

/// One handshake; what the server and the client say of it.
pub(super) async fn handshake(
    acceptor: &Acceptor,
    connector: &Connector,
) -> (Result<TlsStream, TlsError>, Result<TlsStream, TlsError>) {
    let (accepted, connected) = sockets().await;
    let server = acceptor.accept(accepted).expect("a listener's configuration");
    let client = connector.connect(connected, "localhost").expect("an endpoint's name");
    tokio::join!(finish(server), finish(client))
}

pub(super) async fn established(acceptor: &Acceptor, connector: &Connector) -> (TlsStream, TlsStream) {
    let (server, client) = handshake(acceptor, connector).await;
    (server.expect("the server accepts"), client.expect("the client accepts"))
}

pub(super) async fn read(stream: &mut TlsStream, buffer: &mut [u8]) -> io::Result<usize> {
    poll_fn(|cx| stream.poll_read(cx, buffer)).await
}

pub(super) async fn write_all(stream: &mut TlsStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let taken = poll_fn(|cx| stream.poll_write_vectored(cx, &[IoSlice::new(bytes)])).await?;
        bytes = &bytes[taken..];
    }
    poll_fn(|cx| stream.poll_flush(cx)).await
}

/// Says `text` on one end and checks that the other end hears it.
pub(super) async fn say(from: &mut TlsStream, to: &mut TlsStream, text: &[u8]) {
    write_all(from, text).await.expect("a write");
    let mut heard = vec![0; text.len()];
    let mut filled = 0;
    while filled < heard.len() {
        let read = read(to, &mut heard[filled..]).await.expect("a read");
        assert_ne!(read, 0, "the connection ended before the text did");
        filled += read;
    }
    assert_eq!(heard, text, "what was heard is not what was said");
}

pub(super) fn acceptor(document: &ServerTls) -> Acceptor {
    Acceptor::build(document, None).expect("a listener's document")
}

pub(super) fn connector(document: &ClientTls) -> Connector {
    Connector::build(document, None).expect("an upstream's document")
}
