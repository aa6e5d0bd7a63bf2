//! A session resumes across a reload that changes nothing for clients, and never across one that does.

use std::sync::Arc;
use std::time::Duration;

use rcgen::{SerialNumber, date_time_ymd};
use rustls::HandshakeKind;
use rustls::pki_types::UnixTime;

use super::authority::Authority;
use super::pair::{acceptor, connector, established, finish, handshake, read, say, sockets, write_all};
use super::raw;
use crate::plan::document::{ServerTls, TlsVersion};
use crate::tls::certificate::certified_key;
use crate::tls::client_verifier::ClientVerifier;
use crate::tls::server_verifier::ServerVerifier;
use crate::tls::{Acceptor, Connector, Refusal};

const ID: &str = "spiffe://demo.mesh/shop";

/// One full handshake, after which the client holds a ticket; `true`: it was a resumption itself.
async fn visit(acceptor: &Acceptor, connector: &Connector) -> bool {
    let (mut server, mut client) = established(acceptor, connector).await;
    say(&mut server, &mut client, b"a ticket comes before this").await;
    assert_eq!(server.resumed(), client.resumed(), "both sides know the same");
    server.resumed()
}

fn reloaded(document: &ServerTls, previous: &Acceptor) -> Acceptor {
    Acceptor::build(document, Some(previous)).expect("a listener's document")
}

#[tokio::test]
async fn a_second_visit_resumes_and_knows_the_peer() {
    let authority = Authority::new("root");
    let (acceptor, connector) =
        (acceptor(&authority.mutual()), connector(&authority.upstream(Some(authority.client(ID)))));
    assert!(!visit(&acceptor, &connector).await, "the first visit has nothing to resume");
    let (server, _client) = established(&acceptor, &connector).await;
    assert!(server.resumed(), "the second visit should resume");
    assert_eq!(server.peer().expect("the peer is known").identity.as_str(), ID);
}

#[tokio::test]
async fn tls_1_2_resumes_by_ticket() {
    let authority = Authority::new("root");
    let acceptor = acceptor(&authority.simple());
    let config = Arc::new(raw::config(&rustls::version::TLS12, None));
    for expected in [HandshakeKind::Full, HandshakeKind::Resumed] {
        let (accepted, connected) = sockets().await;
        let server = finish(acceptor.accept(accepted).expect("a listener"));
        let (server, client) = tokio::join!(server, raw::handshake(&connected, &config));
        let mut server = server.expect("the server accepts");
        let mut client = client.expect("the client accepts");
        assert_eq!(client.handshake_kind(), Some(expected));
        write_all(&mut server, b"answer").await.expect("a write");
        assert_eq!(raw::hear(&connected, &mut client, 6).await.expect("a read"), b"answer");
        raw::say(&connected, &mut client, b"question").await.expect("a write");
        let mut heard = [0; 16];
        assert_eq!(read(&mut server, &mut heard).await.expect("a read"), 8);
    }
}

#[tokio::test]
async fn new_certificates_of_ours_do_not_end_sessions() {
    let authority = Authority::new("root");
    let before = acceptor(&authority.mutual());
    let connector = connector(&authority.upstream(Some(authority.client(ID))));
    visit(&before, &connector).await;
    let document = ServerTls { certificates: authority.mutual().certificates, ..before.document.clone() };
    assert!(
        visit(&reloaded(&document, &before), &connector).await,
        "a rotated certificate changes nothing for clients"
    );
}

#[tokio::test]
async fn a_session_without_client_certificate_is_worthless_where_one_is_asked_for() {
    let authority = Authority::new("root");
    let before = acceptor(&authority.simple());
    let connector = connector(&authority.upstream(None));
    visit(&before, &connector).await;
    let (server, _) = handshake(&reloaded(&authority.mutual(), &before), &connector).await;
    assert_eq!(server.err().expect("the client is refused").refusal, Refusal::NoCertificate);
    let (server, _) = handshake(&acceptor(&authority.mutual()), &connector).await;
    assert_eq!(server.err().expect("the client is refused elsewhere too").refusal, Refusal::NoCertificate);
}

#[tokio::test]
async fn a_session_ends_with_its_authority_revocation_list_or_trust_domain() {
    let authority = Authority::new("root");
    let certificate = authority.leaf(&[ID], |params| params.serial_number = Some(SerialNumber::from(7)));
    let connector = connector(&authority.upstream(Some(certificate)));
    let before = acceptor(&authority.mutual());
    visit(&before, &connector).await;

    let changed = |change: &dyn Fn(&mut crate::plan::document::ClientVerification)| {
        let mut document = before.document.clone();
        change(document.client.as_mut().expect("mutual"));
        reloaded(&document, &before)
    };
    let other = Authority::new("other").pem();
    for (after, refusal) in [
        (changed(&|client| client.crl_pem = Some(authority.revocation_list(&[7], 4000))), Refusal::Revoked),
        (changed(&|client| client.ca_pem.clone_from(&other)), Refusal::UnknownCa),
        (changed(&|client| client.trust_domain = "other.mesh".into()), Refusal::WrongDomain),
    ] {
        // A ticket is used once, so a fresh one is fetched for each.
        visit(&before, &connector).await;
        let (server, _) = handshake(&after, &connector).await;
        assert_eq!(server.err().expect("the client is refused").refusal, refusal);
    }
}

#[test]
fn a_session_does_not_outlive_a_certificate_of_its_chain() {
    let authority = Authority::new("root");
    let intermediate = authority.intermediate("intermediate", |params| params.not_after = date_time_ymd(2999, 1, 1));
    let mut certificate = intermediate.client(ID);
    certificate.chain_pem += &intermediate.pem();
    let chain = &certified_key(&certificate).expect("a certificate").cert;
    let end = date_time_ymd(2999, 1, 1).unix_timestamp().unsigned_abs();
    let at = |seconds| UnixTime::since_unix_epoch(Duration::from_secs(seconds));

    let client = ClientVerifier::build(&authority.verification()).expect("a verifier");
    assert_eq!(client.resumed(chain, at(end)).expect("the last second").identity.as_str(), ID);
    assert_eq!(client.resumed(chain, at(end + 1)).expect_err("the next one").refusal, Refusal::Expired);
    let server = ServerVerifier::build(&authority.upstream(None)).expect("a verifier");
    assert!(server.resumed(chain, at(end)).is_ok(), "the last second");
    assert_eq!(server.resumed(chain, at(end + 1)).expect_err("the next one").refusal, Refusal::Expired);
}

#[tokio::test]
async fn an_upstream_is_resumed_only_while_nothing_about_it_changes() {
    let authority = Authority::new("root");
    let acceptor = acceptor(&authority.simple());
    let document = authority.upstream(None);
    let before = connector(&document);
    visit(&acceptor, &before).await;
    let same = Connector::build(&document, Some(&before)).expect("an upstream");
    assert!(visit(&acceptor, &same).await, "a reload that changes nothing keeps sessions");
    let mut changed = document.clone();
    changed.min_version = TlsVersion::V1_3;
    let changed = Connector::build(&changed, Some(&same)).expect("an upstream");
    assert!(!visit(&acceptor, &changed).await, "a changed upstream begins anew");
}
