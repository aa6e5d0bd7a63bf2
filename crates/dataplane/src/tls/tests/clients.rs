//! Which clients a listener in mode `mutual` accepts, and the reason it gives for each it refuses.

use std::sync::Arc;
use std::time::Duration;

use rcgen::{
    CertificateParams, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, KeyUsagePurpose, NameConstraints, SanType,
    SerialNumber, date_time_ymd,
};
use rustls::client::ResolvesClientCert;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::sign::{CertifiedKey, SingleCertAndKey};

use super::authority::{Authority, self_signed};
use super::pair::{acceptor, connector, established, finish, handshake, say, sockets};
use super::raw;
use crate::plan::document::{Certificate, ServerTls, TlsVersion};
use crate::tls::certificate::certified_key;
use crate::tls::client_verifier::ClientVerifier;
use crate::tls::{Refusal, TlsError};

const ID: &str = "spiffe://demo.mesh/shop";

/// Makes a certificate unlike the usual one.
type Change = fn(&mut CertificateParams);

/// What the listener says of a client with this certificate.
async fn refusal(listener: &ServerTls, authority: &Authority, certificate: Option<Certificate>) -> TlsError {
    let (server, _) = handshake(&acceptor(listener), &connector(&authority.upstream(certificate))).await;
    server.err().expect("the client is refused")
}

async fn assert_refused(authority: &Authority, certificate: Certificate, expected: Refusal, what: &str) {
    let error = refusal(&authority.mutual(), authority, Some(certificate)).await;
    assert_eq!(error.refusal, expected, "{what} was refused for another reason: {error}");
}

/// The leaf and the certificate of the authority between it and the root.
fn chained(leaf: Certificate, intermediate: &Authority) -> Certificate {
    Certificate { chain_pem: leaf.chain_pem + &intermediate.pem(), key_pem: leaf.key_pem }
}

#[tokio::test]
async fn a_client_of_the_trust_domain_is_known_by_its_identity() {
    let authority = Authority::new("root");
    for min_version in [TlsVersion::V1_2, TlsVersion::V1_3] {
        let connector = connector(&authority.upstream(Some(authority.client(ID))));
        let listener = ServerTls { min_version, ..authority.mutual() };
        let (mut server, mut client) = established(&acceptor(&listener), &connector).await;

        let peer = server.peer().expect("the peer is known");
        assert_eq!(peer.identity.as_str(), ID);
        assert_eq!(&*peer.subject, "CN=leaf");
        assert_eq!(peer.fingerprint.len(), 64);
        assert_eq!(peer.not_after, 67_090_118_400, "rcgen's default: the first of January 4096");
        assert_eq!(server.sni(), Some("localhost"));
        assert_eq!(server.alpn(), Some(&b"http/1.1"[..]));
        assert!(!server.resumed());
        say(&mut client, &mut server, b"question").await;
        say(&mut server, &mut client, b"answer").await;
    }
}

#[tokio::test]
async fn a_client_is_known_over_tls_1_2_too() {
    let authority = Authority::new("root");
    let (accepted, connected) = sockets().await;
    let server = acceptor(&authority.mutual()).accept(accepted).expect("a listener");
    let key = certified_key(&authority.client(ID)).expect("a certificate");
    let config = Arc::new(raw::config(&rustls::version::TLS12, Some(Arc::new(SingleCertAndKey::from(key)))));
    let (server, client) = tokio::join!(finish(server), raw::handshake(&connected, &config));
    client.expect("the client accepts");
    let server = server.expect("the server accepts");
    assert_eq!(server.peer().expect("the peer is known").identity.as_str(), ID);
}

#[tokio::test]
async fn an_intermediate_may_vouch_for_a_client() {
    let authority = Authority::new("root");
    let intermediate = authority.intermediate("intermediate", |_| {});
    let certificate = chained(intermediate.client(ID), &intermediate);
    let connector = connector(&authority.upstream(Some(certificate)));
    let (server, _client) = established(&acceptor(&authority.mutual()), &connector).await;
    assert_eq!(server.peer().expect("the peer is known").identity.as_str(), ID);
}

#[tokio::test]
async fn a_client_without_a_known_authority_is_refused() {
    let authority = Authority::new("root");
    let error = refusal(&authority.mutual(), &authority, None).await;
    assert_eq!(error.refusal, Refusal::NoCertificate);
    assert_refused(&authority, self_signed(ID), Refusal::SelfSigned, "a self-signed client").await;
    let stranger = Authority::new("stranger").client(ID);
    assert_refused(&authority, stranger, Refusal::UnknownCa, "a client of an unknown authority").await;
    let impostor = Authority::new("root").client(ID);
    assert_refused(&authority, impostor, Refusal::BadSignature, "a client of another root of the same name").await;
}

#[tokio::test]
async fn a_client_out_of_its_time_is_refused() {
    let authority = Authority::new("root");
    let expired = authority.leaf(&[ID], |params| params.not_after = date_time_ymd(2020, 1, 1));
    assert_refused(&authority, expired, Refusal::Expired, "an expired client").await;
    let early = authority.leaf(&[ID], |params| params.not_before = date_time_ymd(4000, 1, 1));
    assert_refused(&authority, early, Refusal::NotYetValid, "a client from the future").await;
    let intermediate = authority.intermediate("old", |params| params.not_after = date_time_ymd(2020, 1, 1));
    let chain = chained(intermediate.client(ID), &intermediate);
    assert_refused(&authority, chain, Refusal::Expired, "a client of an expired intermediate").await;
}

#[tokio::test]
async fn a_certificate_made_for_another_use_is_refused() {
    let authority = Authority::new("root");
    let server_only = |params: &mut CertificateParams| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    };
    let cases: [(&str, Change); 4] = [
        ("a server's certificate", server_only),
        ("a key for agreement only", |params| params.key_usages = vec![KeyUsagePurpose::KeyAgreement]),
        ("a CA", |params| params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained)),
        ("a key that signs certificates", |params| params.key_usages.push(KeyUsagePurpose::KeyCertSign)),
    ];
    for (what, change) in cases {
        assert_refused(&authority, authority.leaf(&[ID], change), Refusal::WrongUsage, what).await;
    }
    let no_authority = authority.intermediate("no CA", |params| params.is_ca = IsCa::ExplicitNoCa);
    let chain = chained(no_authority.client(ID), &no_authority);
    assert_refused(&authority, chain, Refusal::WrongUsage, "a client vouched for by a leaf").await;
}

#[tokio::test]
async fn name_constraints_of_an_authority_hold() {
    let authority = Authority::new("root");
    let intermediate = authority.intermediate("only inner.example", |params| {
        let permitted_subtrees = vec![GeneralSubtree::DnsName("inner.example".into())];
        params.name_constraints = Some(NameConstraints { permitted_subtrees, excluded_subtrees: vec![] });
    });
    let inside = chained(intermediate.leaf(&[ID, "a.inner.example"], |_| {}), &intermediate);
    established(&acceptor(&authority.mutual()), &connector(&authority.upstream(Some(inside)))).await;
    let outside = chained(intermediate.leaf(&[ID, "outer.example"], |_| {}), &intermediate);
    assert_refused(&authority, outside, Refusal::Name, "a name outside of the authority's constraints").await;
}

#[tokio::test]
async fn a_client_needs_exactly_one_identity_of_the_trust_domain() {
    let authority = Authority::new("root");
    let cases: [(&[&str], Refusal); 8] = [
        (&["shop.example"], Refusal::NoIdentity),
        (&["https://demo.mesh/shop"], Refusal::NoIdentity),
        (&["spiffe://demo.mesh"], Refusal::NoIdentity),
        (&["spiffe://demo.mesh/shop/../admin"], Refusal::NoIdentity),
        (&["spiffe://demo.mesh/shop", "spiffe://demo.mesh/admin"], Refusal::TwoIdentities),
        (&["spiffe://demo.mesh/shop", "https://shop.example/"], Refusal::TwoIdentities),
        (&["spiffe://other.mesh/shop"], Refusal::WrongDomain),
        (&["spiffe://demo.mesh.other/shop"], Refusal::WrongDomain),
    ];
    for (names, expected) in cases {
        assert_refused(&authority, authority.leaf(names, |_| {}), expected, &names.join(" and ")).await;
    }
}

#[tokio::test]
async fn a_nul_in_any_name_is_refused() {
    let authority = Authority::new("root");
    for name in [
        SanType::DnsName("good.example\0.evil.example".try_into().expect("ASCII")),
        SanType::Rfc822Name("a@good.example\0".try_into().expect("ASCII")),
    ] {
        let certificate = authority.leaf(&[ID], |params| params.subject_alt_names.push(name));
        assert_refused(&authority, certificate, Refusal::Malformed, "a NUL in a name").await;
    }
    let certificate = authority.leaf(&["spiffe://demo.mesh/shop\0/admin"], |_| {});
    assert_refused(&authority, certificate, Refusal::Malformed, "a NUL in the identity").await;
}

#[tokio::test]
async fn revocation_lists_hold_for_the_whole_chain() {
    let root = Authority::new("root");
    let numbered =
        |number: u64| move |params: &mut CertificateParams| params.serial_number = Some(SerialNumber::from(number));
    let listener = |crl: String| {
        let mut document = root.mutual();
        document.client.as_mut().expect("mutual").crl_pem = Some(crl);
        document
    };
    let lists = listener(root.revocation_list(&[7, 9], 4000));
    let good = root.leaf(&[ID], numbered(8));
    established(&acceptor(&lists), &connector(&root.upstream(Some(good.clone())))).await;

    let revoked = root.leaf(&[ID], numbered(7));
    assert_eq!(refusal(&lists, &root, Some(revoked)).await.refusal, Refusal::Revoked);

    let revoked_intermediate = root.intermediate("revoked", numbered(9));
    let chain = chained(revoked_intermediate.leaf(&[ID], numbered(1)), &revoked_intermediate);
    let both = listener(root.revocation_list(&[7, 9], 4000) + &revoked_intermediate.revocation_list(&[], 4000));
    assert_eq!(refusal(&both, &root, Some(chain)).await.refusal, Refusal::Revoked);

    let uncovered = root.intermediate("uncovered", numbered(10));
    let chain = chained(uncovered.leaf(&[ID], numbered(1)), &uncovered);
    assert_eq!(refusal(&lists, &root, Some(chain)).await.refusal, Refusal::RevocationUnknown);

    let stale = listener(root.revocation_list(&[7], 2025));
    assert_eq!(refusal(&stale, &root, Some(good)).await.refusal, Refusal::RevocationUnknown);
}

#[tokio::test]
async fn a_client_that_does_not_hold_its_key_is_refused() {
    let authority = Authority::new("root");
    let shop = certified_key(&authority.client(ID)).expect("a certificate");
    let thief = certified_key(&authority.client("spiffe://demo.mesh/thief")).expect("a certificate");
    let stolen = CertifiedKey::new(shop.cert.clone(), thief.key.clone());
    let resolver: Arc<dyn ResolvesClientCert> = Arc::new(SingleCertAndKey::from(Arc::new(stolen)));
    for version in [&rustls::version::TLS13, &rustls::version::TLS12] {
        let (accepted, connected) = sockets().await;
        let server = acceptor(&authority.mutual()).accept(accepted).expect("a listener");
        let config = Arc::new(raw::config(version, Some(Arc::clone(&resolver))));
        let (server, _) = tokio::join!(finish(server), raw::handshake(&connected, &config));
        assert_eq!(server.err().expect("the client is refused").refusal, Refusal::BadSignature);
    }
}

#[test]
fn a_verification_is_remembered_for_a_minute_and_for_this_chain_only() {
    let authority = Authority::new("root");
    let verifier = ClientVerifier::build(&authority.verification()).expect("a verifier");
    let end = date_time_ymd(2999, 1, 1).unix_timestamp().unsigned_abs();
    let leaf = authority.leaf(&[ID], |params| params.not_after = date_time_ymd(2999, 1, 1));
    let chain = &certified_key(&leaf).expect("a certificate").cert;
    let at = |seconds| UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    let check = |chain: &[CertificateDer<'_>], seconds| verifier.verify(&chain[0], &chain[1..], at(seconds));

    let first = check(chain, end - 1000).expect("a good chain");
    let again = |seconds| Arc::ptr_eq(&first, &check(chain, seconds).expect("a good chain"));
    assert!(again(end - 940), "within the minute the same answer is given");
    assert!(!again(end - 939), "after it, the chain is verified anew");
    check(chain, end - 10).expect("a good chain");
    assert_eq!(check(chain, end).expect("its last second").identity.as_str(), ID);
    assert_eq!(check(chain, end + 1).expect_err("its end").refusal, Refusal::Expired);

    let other = certified_key(&Authority::new("other").client(ID)).expect("a certificate");
    let mixed = [chain[0].clone(), other.cert[0].clone()];
    assert!(!Arc::ptr_eq(&check(chain, end - 10).expect("good"), &check(&mixed, end - 10).expect("good")));
    assert_eq!(check(&other.cert, end - 10).expect_err("a stranger").refusal, Refusal::UnknownCa);
}
