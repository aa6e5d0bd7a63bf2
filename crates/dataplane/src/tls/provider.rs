//! The one choice of cryptography: aws-lc, TLS 1.2 and 1.3.

use std::sync::{Arc, LazyLock};

use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::cipher_suite as suite;
use rustls::{SupportedCipherSuite, SupportedProtocolVersion};

use crate::plan::document::TlsVersion;

/// What we offer and accept by ALPN (RFC 7301), the preferred one first.
const PROTOCOLS: [&[u8]; 1] = [b"http/1.1"];

/// The preferred one first. AES with 128-bit keys is out of reach of any attack and has four rounds fewer than with
/// 256 bits, which also bring SHA-384 along: a dearer handshake on processors that have SHA-256 built in.
const SUITES: [SupportedCipherSuite; 9] = [
    suite::TLS13_AES_128_GCM_SHA256,
    suite::TLS13_AES_256_GCM_SHA384,
    suite::TLS13_CHACHA20_POLY1305_SHA256,
    suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
];

static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| {
    Arc::new(CryptoProvider { cipher_suites: SUITES.to_vec(), ..rustls::crypto::aws_lc_rs::default_provider() })
});

/// Shared by every listener and upstream.
pub(super) fn provider() -> &'static Arc<CryptoProvider> {
    &PROVIDER
}

/// The versions from `min` up.
pub(super) fn versions(min: TlsVersion) -> &'static [&'static SupportedProtocolVersion] {
    static FROM_1_2: [&SupportedProtocolVersion; 2] = [&rustls::version::TLS13, &rustls::version::TLS12];
    match min {
        TlsVersion::V1_2 => &FROM_1_2,
        TlsVersion::V1_3 => &FROM_1_2[..1],
    }
}

/// The protocols as rustls wants them.
pub(super) fn protocols() -> Vec<Vec<u8>> {
    PROTOCOLS.iter().map(|name| name.to_vec()).collect()
}

/// One of ours that was agreed on.
pub(super) fn protocol(name: &[u8]) -> Option<&'static [u8]> {
    PROTOCOLS.into_iter().find(|ours| *ours == name)
}
