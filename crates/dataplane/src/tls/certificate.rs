//! Our own certificates: PEM text in, a key that fits its chain out, or exactly what is wrong with it.

use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use webpki::EndEntityCert;

use super::provider::provider;
use crate::plan::PlanError;
use crate::plan::document::Certificate;

/// Reads one certificate chain and its key, and checks that they belong together.
pub(super) fn certified_key(document: &Certificate) -> Result<Arc<CertifiedKey>, PlanError> {
    let chain = chain(&document.chain_pem)?;
    let key = private_key(&document.key_pem)?;
    let key = provider()
        .key_provider
        .load_private_key(key)
        .map_err(|error| PlanError::new(format!("private key: cannot be used: {error}")))?;
    let certified = CertifiedKey::new(chain, key);
    match certified.keys_match() {
        // `Unknown`: this kind of key cannot say what its public half is.
        Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => Ok(Arc::new(certified)),
        Err(rustls::Error::InconsistentKeys(_)) => {
            Err(PlanError::new("private key: does not belong to the certificate (the first one of the chain)"))
        }
        Err(error) => Err(PlanError::new(format!("certificate: cannot be used: {error}"))),
    }
}

fn chain(pem: &str) -> Result<Vec<CertificateDer<'static>>, PlanError> {
    let mut chain = Vec::new();
    for der in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let number = chain.len() + 1;
        let bad = |error: String| PlanError::new(format!("certificate {number} of the chain: cannot be read: {error}"));
        let der = der.map_err(|error| bad(error.to_string()))?;
        EndEntityCert::try_from(&der).map_err(|error| bad(error.to_string()))?;
        chain.push(der);
    }
    if chain.is_empty() {
        return Err(PlanError::new("certificate: none in the PEM text"));
    }
    Ok(chain)
}

fn private_key(pem: &str) -> Result<PrivateKeyDer<'static>, PlanError> {
    // Both spellings: PKCS#8 (RFC 5958) and the older header of RFC 1421.
    if pem.contains("BEGIN ENCRYPTED PRIVATE KEY") || pem.contains("Proc-Type: 4,ENCRYPTED") {
        return Err(PlanError::new("private key: is encrypted; give it without a passphrase"));
    }
    match PrivateKeyDer::from_pem_slice(pem.as_bytes()) {
        Ok(key) => Ok(key),
        Err(rustls::pki_types::pem::Error::NoItemsFound) => Err(PlanError::new("private key: none in the PEM text")),
        Err(error) => Err(PlanError::new(format!("private key: cannot be read: {error}"))),
    }
}
