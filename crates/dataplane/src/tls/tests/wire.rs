//! What a hostile or broken client may send instead of a handshake: an error in the end, never a panic or a wait.

use std::sync::Arc;

use proptest::prelude::*;
use rustls::ClientConnection;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;

use super::authority::Authority;
use super::pair::{acceptor, finish, sockets};
use super::raw::{self, write_plain};
use crate::plan::document::{ServerTls, TlsVersion};
use crate::tls::{Refusal, TlsError};

/// A well-formed first message of a client.
fn hello(name: &'static str) -> Vec<u8> {
    let config = Arc::new(raw::config(&rustls::version::TLS13, None));
    let name = ServerName::try_from(name).expect("a name");
    let mut client = ClientConnection::new(config, name).expect("a client");
    let mut bytes = Vec::new();
    client.write_tls(&mut bytes).expect("a hello");
    bytes
}

/// What the listener says when a client sends these bytes and then closes its writing half.
async fn answer(listener: &ServerTls, bytes: &[u8]) -> TlsError {
    let (accepted, connected) = sockets().await;
    let server = finish(acceptor(listener).accept(accepted).expect("a listener"));
    let client = async {
        // A server that has refused need not read the rest.
        let _ = write_plain(&connected, bytes).await;
        let _ = rustix::net::shutdown(&connected, rustix::net::Shutdown::Write);
        connected
    };
    let (server, _connected) = tokio::join!(server, client);
    server.err().expect("the handshake fails")
}

#[tokio::test]
async fn plain_text_is_told_from_tls() {
    let listener = Authority::new("root").simple();
    for text in
        [&b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"[..], b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\0\0\0\0\0\0", b"\xff"]
    {
        assert_eq!(answer(&listener, text).await.refusal, Refusal::NotTls, "{text:?}");
    }
}

#[tokio::test]
async fn a_client_that_leaves_is_seen_to_leave() {
    let listener = Authority::new("root").simple();
    let hello = hello("localhost");
    for length in [0, 1, 5, 6, hello.len() / 2, hello.len() - 1, hello.len()] {
        assert_eq!(answer(&listener, &hello[..length]).await.refusal, Refusal::Closed, "after {length} bytes");
    }
}

#[tokio::test]
async fn garbage_in_a_record_is_malformed() {
    let listener = Authority::new("root").simple();
    let mut huge_hello = vec![0x16, 3, 1, 0x40, 0, 1, 0xff, 0xff, 0xff]; // a hello of 16 MiB announces itself
    huge_hello.resize(5 + 0x4000, 0);
    let mut endless = vec![0x16, 3, 1, 0x40, 0, 1, 0, 0xff, 0xff]; // 64 KiB in one message, then more of the same
    endless.resize(5 + 0x4000, 0);
    let endless = endless.repeat(8);
    let mut oversized_record = vec![0x16, 3, 1, 0xff, 0xff];
    oversized_record.resize(5 + 0xffff, 0);
    let alert = [0x15, 3, 1, 0, 2, 2, 40];
    let data = [0x17, 3, 3, 0, 1, 0];
    for (bytes, expected) in [
        (&huge_hello[..], Refusal::Malformed),
        (&endless, Refusal::Malformed),
        (&oversized_record, Refusal::Malformed),
        (&[0x16, 3, 1, 0, 0], Refusal::Malformed),
        (&[0x16, 3, 1, 0, 4, 99, 0, 0, 0], Refusal::Malformed),
        (&alert, Refusal::Other),
        (&data, Refusal::NotTls),
    ] {
        let error = answer(&listener, bytes).await;
        assert_eq!(error.refusal, expected, "{:?}...: {error}", &bytes[..bytes.len().min(12)]);
    }
}

#[tokio::test]
async fn a_client_below_our_version_is_refused() {
    let authority = Authority::new("root");
    let listener = ServerTls { min_version: TlsVersion::V1_3, ..authority.simple() };
    let (accepted, connected) = sockets().await;
    let server = finish(acceptor(&listener).accept(accepted).expect("a listener"));
    let config = Arc::new(raw::config(&rustls::version::TLS12, None));
    let (server, client) = tokio::join!(server, raw::handshake(&connected, &config));
    assert_eq!(server.err().expect("refused").refusal, Refusal::Version);
    let alert = client.expect_err("refused").to_string();
    assert!(alert.contains("ProtocolVersion"), "the client is told why, by an alert: {alert}");
}

#[tokio::test]
async fn a_client_without_our_protocol_is_refused() {
    let listener = acceptor(&Authority::new("root").simple());
    for (offered, agreed) in [(&["h2", "http/1.1"][..], true), (&[], true), (&["h2"], false)] {
        let mut config = raw::config(&rustls::version::TLS13, None);
        config.alpn_protocols = offered.iter().map(|name| name.as_bytes().to_vec()).collect();
        let (accepted, connected) = sockets().await;
        let server = finish(listener.accept(accepted).expect("a listener"));
        let config = Arc::new(config);
        let (server, _) = tokio::join!(server, raw::handshake(&connected, &config));
        assert_eq!(server.is_ok(), agreed, "a client that offers {offered:?}");
    }
}

#[tokio::test]
async fn a_hello_in_single_bytes_is_as_good_as_whole() {
    let listener = acceptor(&Authority::new("root").simple());
    let (accepted, connected) = sockets().await;
    connected.set_nodelay(true).expect("no delay");
    let server = finish(listener.accept(accepted).expect("a listener"));
    let client = async {
        for byte in hello("localhost") {
            write_plain(&connected, &[byte]).await.expect("a write");
            tokio::task::yield_now().await;
        }
        connected.readable().await.expect("an answer");
        let mut record = [0; 1];
        assert_eq!(connected.try_read(&mut record).expect("an answer"), 1);
        assert_eq!(record, [0x16], "the server answers the hello with its own");
        drop::<TcpStream>(connected);
    };
    let (server, ()) = tokio::join!(server, client);
    assert_eq!(server.err().expect("the client left").refusal, Refusal::Closed);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_hello_with_flipped_bytes_never_panics(flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let mut bytes = hello("localhost");
        for (index, value) in flips {
            let at = index.index(bytes.len());
            bytes[at] = value;
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let error = runtime.block_on(answer(&Authority::new("root").simple(), &bytes));
        prop_assert!(!error.refusal.label().is_empty());
    }
}
