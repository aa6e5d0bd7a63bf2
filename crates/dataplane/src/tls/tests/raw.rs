//! A client that does what ours never would: it trusts anyone and speaks one version only.

use std::io::{self, Read, Write};
use std::sync::Arc;

use rustls::client::ResolvesClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, SupportedCipherSuite,
    SupportedProtocolVersion,
};
use tokio::net::TcpStream;

use crate::tls::provider::provider;

#[derive(Debug)]
struct Trusting;

pub(super) fn config(
    version: &'static SupportedProtocolVersion,
    certificate: Option<Arc<dyn ResolvesClientCert>>,
) -> ClientConfig {
    config_with(version, certificate, None)
}

/// The same, with one cipher suite only.
pub(super) fn config_with(
    version: &'static SupportedProtocolVersion,
    certificate: Option<Arc<dyn ResolvesClientCert>>,
    suite: Option<SupportedCipherSuite>,
) -> ClientConfig {
    let mut provider = (**provider()).clone();
    provider.cipher_suites.retain(|known| suite.is_none_or(|only| *known == only));
    let builder = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[version])
        .expect("a version")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Trusting));
    match certificate {
        Some(certificate) => builder.with_client_cert_resolver(certificate),
        None => builder.with_no_client_auth(),
    }
}

/// Answers the handshake; fails when the server does.
pub(super) async fn handshake(tcp: &TcpStream, config: &Arc<ClientConfig>) -> io::Result<ClientConnection> {
    handshake_as(tcp, config, "localhost").await
}

/// The same, asking for another name.
pub(super) async fn handshake_as(
    tcp: &TcpStream,
    config: &Arc<ClientConfig>,
    name: &'static str,
) -> io::Result<ClientConnection> {
    let name = ServerName::try_from(name).expect("a name");
    let mut client = ClientConnection::new(Arc::clone(config), name).expect("a client");
    while client.is_handshaking() || client.wants_write() {
        if client.wants_write() {
            send(tcp, &mut client).await?;
        } else {
            receive(tcp, &mut client).await?;
        }
    }
    Ok(client)
}

/// Sends all that the client has to send.
pub(super) async fn send(tcp: &TcpStream, client: &mut ClientConnection) -> io::Result<()> {
    let mut out = Vec::new();
    while client.wants_write() {
        client.write_tls(&mut out)?;
    }
    write_plain(tcp, &out).await
}

/// Lets the client work on what comes next.
pub(super) async fn receive(tcp: &TcpStream, client: &mut ClientConnection) -> io::Result<()> {
    let mut buffer = [0; 4096];
    let read = loop {
        tcp.readable().await?;
        match tcp.try_read(&mut buffer) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            done => break done?,
        }
    };
    let mut rest = &buffer[..read];
    while !rest.is_empty() {
        client.read_tls(&mut rest)?;
        client.process_new_packets().map_err(io::Error::other)?;
    }
    Ok(())
}

/// Says `text` over TLS.
pub(super) async fn say(tcp: &TcpStream, client: &mut ClientConnection, text: &[u8]) -> io::Result<()> {
    client.writer().write_all(text)?;
    send(tcp, client).await
}

/// Hears exactly `length` bytes over TLS.
pub(super) async fn hear(tcp: &TcpStream, client: &mut ClientConnection, length: usize) -> io::Result<Vec<u8>> {
    let mut heard = vec![0; length];
    let mut filled = 0;
    while filled < length {
        match client.reader().read(&mut heard[filled..]) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => receive(tcp, client).await?,
            done => filled += done?,
        }
    }
    Ok(heard)
}

pub(super) async fn write_plain(tcp: &TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        tcp.writable().await?;
        match tcp.try_write(bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

// === impl Trusting ===

impl ServerCertVerifier for Trusting {
    fn verify_server_cert(
        &self,
        _leaf: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _leaf: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _leaf: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider().signature_verification_algorithms.supported_schemes()
    }
}
