//! Which upstreams we speak to, and why not to others.

use rcgen::{ExtendedKeyUsagePurpose, date_time_ymd};
use tokio::net::TcpStream;

use super::authority::{Authority, self_signed};
use super::pair::{acceptor, connector, established, finish, handshake, say, sockets};
use super::raw::write_plain;
use crate::plan::document::{Certificate, ClientTls, ServerTls, TlsVersion, VerifyServer};
use crate::tls::Refusal;

const ORDERS: &str = "spiffe://demo.mesh/orders";

fn service(certificate: Certificate) -> ServerTls {
    ServerTls { certificates: vec![certificate], client: None, min_version: TlsVersion::V1_2 }
}

fn expecting(authority: &Authority, verify: VerifyServer) -> ClientTls {
    ClientTls { verify, ..authority.upstream(None) }
}

async fn assert_refused(service: &ServerTls, upstream: &ClientTls, expected: Refusal, what: &str) {
    let (_, client) = handshake(&acceptor(service), &connector(upstream)).await;
    let error = client.err().expect("the upstream is refused");
    assert_eq!(error.refusal, expected, "{what} was refused for another reason: {error}");
}

#[tokio::test]
async fn an_upstream_is_known_by_its_name() {
    let authority = Authority::new("root");
    for name in ["orders.example", "*.demo.example", "127.0.0.1"] {
        let asked = name.replace('*', "orders");
        let upstream = expecting(&authority, VerifyServer::Name(asked));
        let listener = acceptor(&service(authority.leaf(&[name], |_| {})));
        let (mut server, mut client) = established(&listener, &connector(&upstream)).await;
        assert_eq!(client.peer(), None, "a name is no identity");
        say(&mut client, &mut server, b"question").await;
    }
}

#[tokio::test]
async fn an_upstream_is_known_by_its_identity() {
    let authority = Authority::new("root");
    let upstream = expecting(&authority, VerifyServer::Identity(ORDERS.into()));
    let listener = acceptor(&service(authority.leaf(&[ORDERS], |_| {})));
    let (_server, client) = established(&listener, &connector(&upstream)).await;
    assert_eq!(client.peer().expect("the peer is known").identity.as_str(), ORDERS);
}

#[tokio::test]
async fn an_upstream_with_the_wrong_certificate_is_refused() {
    let root = Authority::new("root");
    let name = expecting(&root, VerifyServer::Name("orders.example".into()));
    let identity = expecting(&root, VerifyServer::Identity(ORDERS.into()));
    let names: &[&str] = &["orders.example", ORDERS];
    for upstream in [&name, &identity] {
        let expired = root.leaf(names, |params| params.not_after = date_time_ymd(2020, 1, 1));
        assert_refused(&service(expired), upstream, Refusal::Expired, "an expired upstream").await;
        let stranger = Authority::new("stranger").leaf(names, |_| {});
        assert_refused(&service(stranger), upstream, Refusal::UnknownCa, "an upstream of an unknown CA").await;
        assert_refused(&service(self_signed(ORDERS)), upstream, Refusal::SelfSigned, "a self-signed upstream").await;
        let client = root.leaf(names, |params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth]);
        assert_refused(&service(client), upstream, Refusal::WrongUsage, "a client's certificate").await;
    }
}

#[tokio::test]
async fn an_upstream_that_is_someone_else_is_refused() {
    let root = Authority::new("root");
    let name = expecting(&root, VerifyServer::Name("orders.example".into()));
    let identity = expecting(&root, VerifyServer::Identity(ORDERS.into()));
    let leaf = |name: &str| service(root.leaf(&[name], |_| {}));
    assert_refused(&leaf("stock.example"), &name, Refusal::Name, "another name").await;
    assert_refused(&leaf("a.orders.example"), &name, Refusal::Name, "a name below").await;
    assert_refused(&leaf(ORDERS), &name, Refusal::Name, "an identity instead of the name").await;
    assert_refused(&leaf("spiffe://demo.mesh/stock"), &identity, Refusal::Name, "another identity").await;
    assert_refused(&leaf("spiffe://demo.mesh/orders/v2"), &identity, Refusal::Name, "an identity below").await;
    assert_refused(&leaf("spiffe://other.mesh/orders"), &identity, Refusal::WrongDomain, "another domain").await;
    assert_refused(&leaf("orders.example"), &identity, Refusal::NoIdentity, "a name instead of the identity").await;
    let two = service(root.leaf(&[ORDERS, "spiffe://demo.mesh/stock"], |_| {}));
    assert_refused(&two, &identity, Refusal::TwoIdentities, "two identities").await;
}

#[tokio::test]
async fn an_upstream_that_talks_plain_text_is_refused() {
    let root = Authority::new("root");
    let upstream = connector(&root.upstream(None));
    for text in [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], b"220 mail.example ESMTP\r\n", b"\0"] {
        let (accepted, connected) = sockets().await;
        write_plain(&accepted, text).await.expect("a write");
        let client = upstream.connect(connected, "localhost").expect("a name");
        assert_eq!(finish(client).await.err().expect("refused").refusal, Refusal::NotTls, "{text:?}");
    }
    let (accepted, connected) = sockets().await;
    drop(accepted);
    let client = upstream.connect(connected, "localhost").expect("a name");
    assert_eq!(finish(client).await.err().expect("refused").refusal, Refusal::Closed);
}

#[tokio::test]
async fn an_upstream_below_our_version_is_refused() {
    let root = Authority::new("root");
    let upstream = ClientTls { min_version: TlsVersion::V1_3, ..root.upstream(None) };
    let (accepted, connected) = sockets().await;
    // A server's hello that chooses TLS 1.2, as RFC 5246 section 7.4.1.3 lays it out.
    let mut hello = vec![0x16, 3, 3, 0, 44, 2, 0, 0, 40, 3, 3];
    hello.extend([7; 32]);
    hello.extend([0, 0xc0, 0x2f, 0, 0, 0]);
    hello[4] = (hello.len() - 5) as u8;
    hello[8] = (hello.len() - 9) as u8;
    write_plain(&accepted, &hello).await.expect("a write");
    let client = connector(&upstream).connect(connected, "localhost").expect("a name");
    let error = finish(client).await.err().expect("refused");
    assert_eq!(error.refusal, Refusal::Version, "{error}");
}

#[tokio::test]
async fn the_name_we_ask_for_is_the_configured_one_then_the_endpoints_own() {
    let root = Authority::new("root");
    let listener = acceptor(&root.simple());
    for (sni, host, expected) in [
        (None, "localhost", Some("localhost")),
        (None, "127.0.0.1", None),
        (Some("orders.example"), "127.0.0.1", Some("orders.example")),
        (Some("orders.example"), "localhost", Some("orders.example")),
    ] {
        let connector = connector(&ClientTls { sni: sni.map(String::from), ..root.upstream(None) });
        let (accepted, connected): (TcpStream, TcpStream) = sockets().await;
        let server = finish(listener.accept(accepted).expect("a listener"));
        let client = finish(connector.connect(connected, host).expect("a name"));
        let (server, client) = tokio::join!(server, client);
        client.expect("the client accepts");
        assert_eq!(server.expect("the server accepts").sni(), expected, "endpoint {host}, sni {sni:?}");
    }
}
