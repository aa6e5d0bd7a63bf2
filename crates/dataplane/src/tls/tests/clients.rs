//! Which clients a listener in mode `mutual` accepts, and the reason it gives for each it refuses.

use super::authority::Authority;
use super::pair::{established, say};
use crate::tls::{Acceptor, Connector};

fn acceptor(document: &crate::plan::document::ServerTls) -> Acceptor {
    Acceptor::build(document, None).expect("a listener")
}

fn connector(document: &crate::plan::document::ClientTls) -> Connector {
    Connector::build(document, None).expect("an upstream")
}

#[tokio::test]
async fn a_client_of_the_trust_domain_is_known_by_its_identity() {
    let authority = Authority::new("root");
    let connector = connector(&authority.upstream(Some(authority.client("spiffe://demo.mesh/shop"))));
    let (mut server, mut client) = established(&acceptor(&authority.mutual()), &connector).await;

    let peer = server.peer().expect("the peer is known");
    assert_eq!(peer.identity.as_str(), "spiffe://demo.mesh/shop");
    assert_eq!(&*peer.subject, "CN=leaf");
    assert_eq!(peer.fingerprint.len(), 64);
    assert_eq!(server.sni(), Some("localhost"));
    assert_eq!(server.alpn(), Some(&b"http/1.1"[..]));
    say(&mut client, &mut server, b"question").await;
    say(&mut server, &mut client, b"answer").await;
}
