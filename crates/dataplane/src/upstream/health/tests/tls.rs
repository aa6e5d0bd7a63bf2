//! Checks over the upstream's TLS.

use std::future::poll_fn;
use std::io::IoSlice;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::net::TcpListener;

use super::{Change, Watched, check, http};
use crate::plan::document::{Certificate, ClientTls, ServerTls, TlsVersion, VerifyServer};
use crate::tls::{Acceptor, Connector};
use crate::upstream::control::Task;

/// An acceptor that is `localhost`, and the authority that says so.
fn localhost() -> (Acceptor, String) {
    let mut authority = CertificateParams::new(Vec::new()).expect("an authority without names");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("a key");
    let authority = CertifiedIssuer::self_signed(authority, key).expect("a self-signed authority");
    let key = KeyPair::generate().expect("a key");
    let leaf = CertificateParams::new(vec!["localhost".into()]).expect("a DNS name");
    let chain_pem = leaf.signed_by(&key, &authority).expect("a leaf").pem();
    let certificates = vec![Certificate { chain_pem, key_pem: key.serialize_pem() }];
    let document = ServerTls { certificates, client: None, min_version: TlsVersion::V1_3 };
    (Acceptor::build(&document, None).expect("a sound acceptor"), authority.pem())
}

fn connector(ca_pem: String, name: &str) -> Arc<Connector> {
    let verify = VerifyServer::Name(name.into());
    let min_version = TlsVersion::V1_3;
    let document = ClientTls { ca_pem, crl_pem: None, verify, sni: None, certificate: None, min_version };
    Arc::new(Connector::build(&document, None).expect("a sound connector"))
}

/// Answers one connection after the other with a 418, over TLS.
async fn serve(listener: TcpListener, acceptor: Acceptor) {
    while let Ok((tcp, _)) = listener.accept().await {
        let Ok(mut stream) = acceptor.accept(tcp) else { continue };
        if poll_fn(|cx| stream.poll_handshake(cx)).await.is_err() {
            continue;
        }
        let mut request = [0; 4096];
        let _ = poll_fn(|cx| stream.poll_read(cx, &mut request)).await;
        let answer = b"HTTP/1.1 418 I'm a teapot\r\nconnection: close\r\n\r\n";
        let _ = poll_fn(|cx| stream.poll_write_vectored(cx, &[IoSlice::new(answer)])).await;
        let _ = poll_fn(|cx| stream.poll_shutdown(cx)).await;
    }
}

async fn reason_with(name: &str) -> String {
    let (acceptor, ca_pem) = localhost();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let place = listener.local_addr().expect("its address").to_string();
    let _serving = Task::start(serve(listener, acceptor));
    let told = Watched::over(check(http()), &[&place], Some(connector(ca_pem, name))).next().await;
    assert_eq!(told.change, Change::Unhealthy);
    told.why
}

#[tokio::test]
async fn a_check_speaks_the_upstreams_tls() {
    let why = reason_with("localhost").await;
    assert!(why.ends_with("status 418, not 200 to 299"), "the answer must be read through TLS, but: {why}");
}

#[tokio::test]
async fn an_endpoint_with_the_wrong_name_is_unhealthy() {
    let why = reason_with("orders.demo").await;
    assert!(why.contains("failed: TLS: "), "a certificate of another name must be the reason, not {why}");
}
