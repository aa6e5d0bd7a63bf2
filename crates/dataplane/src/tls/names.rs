//! Which certificate answers which server name.

use std::fmt;
use std::sync::Arc;

use ahash::AHashMap;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use webpki::EndEntityCert;

use super::verdict;

/// Certificates by the DNS names they carry. Of two for the same name, the one listed first answers.
pub(super) struct Names {
    exact: AHashMap<Box<str>, Arc<CertifiedKey>>,
    /// By what follows the `*`, as `.demo.mesh`: a wildcard stands for exactly one label (RFC 6125 section 6.4.3).
    wildcard: AHashMap<Box<str>, Arc<CertifiedKey>>,
    default: Arc<CertifiedKey>,
}

// === impl Names ===

impl Names {
    /// `first` also answers clients that give no name, or one that no certificate carries.
    pub(super) fn new(first: &Arc<CertifiedKey>, others: &[Arc<CertifiedKey>]) -> Self {
        let mut names = Self { exact: AHashMap::new(), wildcard: AHashMap::new(), default: Arc::clone(first) };
        names.add(first);
        for key in others {
            names.add(key);
        }
        names
    }

    fn add(&mut self, key: &Arc<CertifiedKey>) {
        // The chain was checked when the key was read: a leaf that cannot be parsed has no names.
        let Some(Ok(leaf)) = key.cert.first().map(EndEntityCert::try_from) else { return };
        for name in leaf.valid_dns_names() {
            let name = name.to_ascii_lowercase();
            match name.strip_prefix('*') {
                Some(suffix) => self.wildcard.entry(suffix.into()).or_insert_with(|| Arc::clone(key)),
                None => self.exact.entry(name.into()).or_insert_with(|| Arc::clone(key)),
            };
        }
    }

    fn find(&self, name: &str) -> &Arc<CertifiedKey> {
        let suffix = || name.find('.').and_then(|dot| self.wildcard.get(&name[dot..]));
        self.exact.get(name).or_else(suffix).unwrap_or(&self.default)
    }
}

impl ResolvesServerCert for Names {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let Some(name) = hello.server_name() else { return Some(Arc::clone(&self.default)) };
        let name = name.to_ascii_lowercase();
        let key = Arc::clone(self.find(&name));
        verdict::leave_server_name(name);
        Some(key)
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Names")
            .field("exact", &self.exact.len())
            .field("wildcard", &self.wildcard.len())
            .finish_non_exhaustive()
    }
}
