//! Bytes through an open connection: large, small, held up, and cut off.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::sync::Arc;
use std::task::Poll;

use rustix::net::sockopt::{set_socket_recv_buffer_size, set_socket_send_buffer_size};

use super::authority::Authority;
use super::pair::{acceptor, connector, established, finish, read, say, sockets, write_all};
use super::raw;
use crate::tls::TlsStream;
use crate::tls::provider::provider;
use crate::tls::traffic::Traffic;

/// Bytes that tell their place, so that a swapped, lost or doubled piece shows.
fn pattern(length: usize) -> Vec<u8> {
    (0..length as u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).take(length).collect()
}

async fn read_to_end(stream: &mut TlsStream, buffer_size: usize) -> io::Result<Vec<u8>> {
    let (mut all, mut buffer) = (Vec::new(), vec![0; buffer_size]);
    loop {
        match read(stream, &mut buffer).await? {
            0 => return Ok(all),
            read => all.extend_from_slice(&buffer[..read]),
        }
    }
}

async fn shutdown(stream: &mut TlsStream) -> io::Result<()> {
    poll_fn(|cx| stream.poll_shutdown(cx)).await
}

async fn pair_with_tiny_buffers() -> (TlsStream, TlsStream) {
    let authority = Authority::new("root");
    let (accepted, connected) = sockets().await;
    for socket in [&accepted, &connected] {
        set_socket_send_buffer_size(socket, 8 << 10).expect("a small send buffer");
        // Smaller than one segment of loopback, and TCP would wait for its persist timer again and again.
        set_socket_recv_buffer_size(socket, 128 << 10).expect("a small receive buffer");
    }
    let server = acceptor(&authority.simple()).accept(accepted).expect("a listener");
    let client = connector(&authority.upstream(None)).connect(connected, "localhost").expect("a name");
    let (server, client) = tokio::join!(finish(server), finish(client));
    (server.expect("the server accepts"), client.expect("the client accepts"))
}

async fn plain_pair() -> (TlsStream, TlsStream) {
    let authority = Authority::new("root");
    established(&acceptor(&authority.simple()), &connector(&authority.upstream(None))).await
}

#[tokio::test]
async fn megabytes_pass_whole_through_tiny_sockets_both_ways() {
    let sent = pattern(1 << 20);
    for buffer_size in [1 << 16, 16 << 10, 1000] {
        let (mut server, mut client) = pair_with_tiny_buffers().await;
        for _ in 0..2 {
            let write = async {
                write_all(&mut client, &sent).await.expect("a write");
                shutdown(&mut client).await.expect("a shutdown");
            };
            let (received, ()) = tokio::join!(read_to_end(&mut server, buffer_size), write);
            assert!(received.expect("a clean end") == sent, "what arrived is not what was sent");
            std::mem::swap(&mut server, &mut client); // a half-closed connection still carries the other way
        }
    }
}

#[tokio::test]
async fn a_writer_waits_for_a_slow_reader() {
    let (mut server, mut client) = pair_with_tiny_buffers().await;
    let chunk = vec![7; 256 << 10];
    let mut accepted = 0;
    while let Poll::Ready(taken) =
        poll_fn(|cx| Poll::Ready(client.poll_write_vectored(cx, &[IoSlice::new(&chunk)]))).await
    {
        accepted += taken.expect("a write");
        assert!(accepted < 1 << 20, "a connection whose peer does not read takes more and more");
    }
    let flush = async {
        poll_fn(|cx| client.poll_flush(cx)).await.expect("a flush");
        shutdown(&mut client).await.expect("a shutdown");
    };
    let (received, ()) = tokio::join!(read_to_end(&mut server, 1 << 16), flush);
    assert_eq!(received.expect("a clean end").len(), accepted, "what was taken must arrive");
}

#[tokio::test]
async fn slices_arrive_in_their_order() {
    let (mut server, mut client) = plain_pair().await;
    let body = pattern(40_000);
    let slices = [&b"head"[..], b"", b"\r\n\r\n", &body[..10], &body[10..], b"tail"];
    let whole = slices.concat();
    let mut taken = 0;
    while taken < whole.len() {
        let mut skip = taken;
        let rest: Vec<IoSlice<'_>> = slices
            .iter()
            .map(|slice| {
                let cut = skip.min(slice.len());
                skip -= cut;
                IoSlice::new(&slice[cut..])
            })
            .collect();
        taken += poll_fn(|cx| client.poll_write_vectored(cx, &rest)).await.expect("a write");
    }
    shutdown(&mut client).await.expect("a shutdown");
    assert!(read_to_end(&mut server, 1 << 16).await.expect("a clean end") == whole, "the order was lost");
}

#[tokio::test]
async fn plaintext_that_waits_here_is_reported() {
    let (mut server, mut client) = plain_pair().await;
    write_all(&mut client, b"0123456789").await.expect("a write");
    let mut buffer = [0; 4];
    assert!(!server.is_readable(), "nothing was read from the socket yet");
    assert_eq!(read(&mut server, &mut buffer).await.expect("a read"), 4);
    assert!(server.is_readable(), "six bytes are here");
    assert_eq!(read(&mut server, &mut [0; 16]).await.expect("a read"), 6);
    assert!(!server.is_readable(), "all was read");
}

#[tokio::test]
async fn a_clean_end_is_told_from_a_cut() {
    let (mut server, mut client) = plain_pair().await;
    write_all(&mut client, b"last words").await.expect("a write");
    shutdown(&mut client).await.expect("a shutdown");
    assert_eq!(read_to_end(&mut server, 64).await.expect("a clean end"), b"last words");
    assert_eq!(read(&mut server, &mut [0; 16]).await.expect("the end again"), 0, "an end stays an end");
    say(&mut server, &mut client, b"the other half still speaks").await;

    let (mut server, mut client) = plain_pair().await;
    write_all(&mut client, b"cut o").await.expect("a write");
    drop(client);
    let error = read_to_end(&mut server, 64).await.expect_err("a cut");
    assert!(
        matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset),
        "a cut is no end: {error}"
    );
}

#[tokio::test]
async fn a_forged_record_ends_the_connection() {
    for version in [&rustls::version::TLS13, &rustls::version::TLS12] {
        let (accepted, connected) = sockets().await;
        let config = Arc::new(raw::config(version, None));
        let server = finish(acceptor(&Authority::new("root").simple()).accept(accepted).expect("a listener"));
        let (server, client) = tokio::join!(server, raw::handshake(&connected, &config));
        let mut server = server.expect("the server accepts");
        client.expect("the client accepts");
        let mut record = vec![0x17, 3, 3, 0, 40];
        record.extend([0x55; 40]);
        raw::write_plain(&connected, &record).await.expect("a write");
        let error = read(&mut server, &mut [0; 64]).await.expect_err("a forged record");
        assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{error}");
    }
}

#[tokio::test]
async fn every_cipher_that_we_offer_carries_data() {
    // The RSA ones differ from their ECDSA twins in the handshake only.
    let suites = provider().cipher_suites.iter().filter(|suite| !format!("{suite:?}").contains("ECDHE_RSA"));
    let acceptor = acceptor(&Authority::new("root").simple());
    for suite in suites {
        let (accepted, connected) = sockets().await;
        let config = Arc::new(raw::config_with(suite.version(), None, Some(*suite)));
        let server = finish(acceptor.accept(accepted).expect("a listener"));
        let (server, client) = tokio::join!(server, raw::handshake(&connected, &config));
        let (mut server, mut client) = (server.expect("the server accepts"), client.expect("the client accepts"));
        let sent = pattern(40_000); // three records
        for _ in 0..2 {
            raw::say(&connected, &mut client, &sent).await.expect("a write");
            let mut heard = vec![0; sent.len()];
            let mut filled = 0;
            while filled < heard.len() {
                filled += read(&mut server, &mut heard[filled..]).await.expect("a read");
            }
            assert!(heard == sent, "{suite:?}: what arrived is not what was sent");
            write_all(&mut server, &sent).await.expect("a write");
            let heard = raw::hear(&connected, &mut client, sent.len()).await.expect("a read");
            assert!(heard == sent, "{suite:?}: what arrived is not what was sent");
        }
        client.send_close_notify();
        raw::send(&connected, &mut client).await.expect("a write");
        assert_eq!(read(&mut server, &mut [0; 16]).await.expect("a clean end"), 0, "{suite:?}");
    }
}

#[tokio::test]
async fn keys_may_be_renewed_by_the_peer() {
    let (accepted, connected) = sockets().await;
    let config = Arc::new(raw::config(&rustls::version::TLS13, None));
    let server = finish(acceptor(&Authority::new("root").simple()).accept(accepted).expect("a listener"));
    let (server, client) = tokio::join!(server, raw::handshake(&connected, &config));
    let (mut server, mut client) = (server.expect("the server accepts"), client.expect("the client accepts"));
    for _ in 0..3 {
        client.refresh_traffic_keys().expect("new keys");
        raw::say(&connected, &mut client, b"under new keys").await.expect("a write");
        let mut heard = [0; 64];
        let length = read(&mut server, &mut heard).await.expect("a read");
        assert_eq!(&heard[..length], b"under new keys");
        write_all(&mut server, b"understood").await.expect("a write");
        assert_eq!(raw::hear(&connected, &mut client, 10).await.expect("a read"), b"understood");
    }
}

#[tokio::test]
async fn renegotiation_is_refused() {
    let (accepted, connected) = sockets().await;
    let config = Arc::new(raw::config(&rustls::version::TLS12, None));
    let server = finish(acceptor(&Authority::new("root").simple()).accept(accepted).expect("a listener"));
    let (server, client) = tokio::join!(server, raw::handshake(&connected, &config));
    let mut server = server.expect("the server accepts");
    client.expect("the client accepts");
    // A second hello, unencrypted, within the connection.
    raw::write_plain(&connected, &[0x16, 3, 3, 0, 4, 1, 0, 0, 0]).await.expect("a write");
    let error = read(&mut server, &mut [0; 64]).await.expect_err("a second handshake");
    assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{error}");
}

#[tokio::test]
async fn an_idle_connection_holds_no_buffer_and_stays_small() {
    assert!(size_of::<TlsStream>() <= 192, "TlsStream has grown to {} bytes", size_of::<TlsStream>());
    assert!(size_of::<Traffic>() <= 768, "Traffic has grown to {} bytes", size_of::<Traffic>());
    let (mut writer, mut reader) = plain_pair().await; // the server writes first: it still has tickets to send
    let text = pattern(100_000);
    for _ in 0..3 {
        let write = write_all(&mut writer, &text);
        let read = async {
            let (mut left, mut buffer) = (text.len(), vec![0; 9000]); // smaller than a record
            while left > 0 {
                left -= read(&mut reader, &mut buffer).await.expect("a read");
            }
        };
        let (written, ()) = tokio::join!(write, read);
        written.expect("a write");
        assert_eq!((writer.held(), reader.held()), (0, 0), "bytes of buffers that outlive their content");
        std::mem::swap(&mut writer, &mut reader);
    }
}
