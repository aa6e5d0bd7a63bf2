//! Documents that cannot be compiled, each with what is wrong; and which certificate answers which name.

use std::sync::Arc;

use super::authority::Authority;
use super::pair::{acceptor, finish, sockets};
use super::raw;
use crate::plan::document::{Certificate, ClientTls, ServerTls, VerifyServer};
use crate::tls::{Acceptor, Connector};

fn why_not(document: &ServerTls) -> String {
    Acceptor::build(document, None).err().expect("the document is refused").to_string()
}

fn why_not_upstream(document: &ClientTls) -> String {
    Connector::build(document, None).err().expect("the document is refused").to_string()
}

#[test]
fn a_certificate_that_cannot_be_used_is_named_with_its_fault() {
    let authority = Authority::new("root");
    let (good, other) = (authority.leaf(&["a.example"], |_| {}), authority.leaf(&["b.example"], |_| {}));
    let with = |chain_pem: &str, key_pem: &str| {
        let broken = Certificate { chain_pem: chain_pem.into(), key_pem: key_pem.into() };
        why_not(&ServerTls { certificates: vec![good.clone(), broken], ..authority.simple() })
    };
    let broken_pem = good.chain_pem.replace("-----END", "!!-----END");
    let not_a_certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let encrypted_old = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n";
    let not_a_key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    for (error, expected) in [
        (with("", &good.key_pem), "certificate 2: certificate: none in the PEM text"),
        (with(&broken_pem, &good.key_pem), "certificate 2: certificate 1 of the chain: cannot be read"),
        (with(not_a_certificate, &good.key_pem), "certificate 2: certificate 1 of the chain: cannot be read"),
        (
            with(&(good.chain_pem.clone() + not_a_certificate), &good.key_pem),
            "certificate 2: certificate 2 of the chain: cannot be read",
        ),
        (with(&good.chain_pem, ""), "certificate 2: private key: none in the PEM text"),
        (with(&good.chain_pem, &good.chain_pem), "certificate 2: private key: none in the PEM text"),
        (with(&good.chain_pem, encrypted), "certificate 2: private key: is encrypted"),
        (with(&good.chain_pem, encrypted_old), "certificate 2: private key: is encrypted"),
        (with(&good.chain_pem, not_a_key), "certificate 2: private key: cannot be used"),
        (with(&good.chain_pem, &other.key_pem), "certificate 2: private key: does not belong to the certificate"),
    ] {
        assert!(error.starts_with(expected), "expected \"{expected}...\", got \"{error}\"");
    }
}

#[test]
fn verification_that_cannot_work_is_named_with_its_fault() {
    let authority = Authority::new("root");
    let listener = |change: &dyn Fn(&mut crate::plan::document::ClientVerification)| {
        let mut verification = authority.verification();
        change(&mut verification);
        why_not(&ServerTls { client: Some(verification), ..authority.simple() })
    };
    let upstream = |change: &dyn Fn(&mut ClientTls)| {
        let mut document = authority.upstream(None);
        change(&mut document);
        why_not_upstream(&document)
    };
    for (error, expected) in [
        (listener(&|client| client.ca_pem = String::new()), "CA: no certificate in the PEM text"),
        (listener(&|client| client.crl_pem = Some(String::new())), "CRL: no revocation list in the PEM text"),
        (listener(&|client| client.trust_domain = "Demo.Mesh".into()), "trust domain \"Demo.Mesh\": "),
        (why_not(&ServerTls { certificates: vec![], ..authority.simple() }), "TLS: at least one certificate"),
        (upstream(&|it| it.verify = VerifyServer::Name("a b".into())), "name \"a b\": neither a DNS name nor"),
        (upstream(&|it| it.verify = VerifyServer::Identity("orders".into())), "identity \"orders\": it does not"),
        (upstream(&|it| it.sni = Some("10.0.0.1".into())), "sni \"10.0.0.1\": no DNS name"),
        (
            upstream(&|it| it.certificate = Some(Certificate { chain_pem: String::new(), key_pem: String::new() })),
            "our certificate: certificate: none in the PEM text",
        ),
    ] {
        assert!(error.starts_with(expected), "expected \"{expected}...\", got \"{error}\"");
    }
}

#[tokio::test]
async fn the_certificate_follows_the_name_that_the_client_asks_for() {
    let authority = Authority::new("root");
    let names: [&[&str]; 4] = [
        &["first.example"],
        &["localhost", "Upper.example"],
        &["*.wild.example"],
        &["exact.wild.example", "localhost"],
    ];
    let certificates: Vec<_> = names.iter().map(|names| authority.leaf(names, |_| {})).collect();
    let acceptor = acceptor(&ServerTls { certificates: certificates.clone(), ..authority.simple() });
    for (asked, expected) in [
        ("first.example", 0),
        ("localhost", 1),
        ("upper.example", 1),
        ("a.wild.example", 2),
        ("A.WILD.example", 2),
        ("exact.wild.example", 3),
        ("a.b.wild.example", 0),
        ("wild.example", 0),
        ("unknown.example", 0),
        ("127.0.0.1", 0),
    ] {
        let (accepted, connected) = sockets().await;
        let server = finish(acceptor.accept(accepted).expect("a listener"));
        let config = Arc::new(raw::config(&rustls::version::TLS13, None));
        let (server, client) = tokio::join!(server, raw::handshake_as(&connected, &config, asked));
        server.expect("the server accepts");
        let client = client.expect("the client accepts");
        let shown = &client.peer_certificates().expect("a certificate")[0];
        let wanted = &crate::tls::certificate::certified_key(&certificates[expected]).expect("a certificate").cert[0];
        assert!(shown == wanted, "{asked} should be answered by certificate {expected}");
    }
}
