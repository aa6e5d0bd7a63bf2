//! Chains that were verified a moment ago: a client that connects again and again is not verified each time.
//!
//! Only what stays true is kept, and only for a minute: that the chain leads to our authorities, is not revoked, and
//! whom it names. That the client holds the key is proven in every handshake. A new configuration has a new verifier,
//! which begins with nothing; a revocation list that runs out is noticed a minute late.

use std::sync::{Arc, Mutex};

use ahash::AHashMap;
use aws_lc_rs::digest::{Context, SHA256};
use rustls::pki_types::{CertificateDer, UnixTime};

use super::peer::{self, PeerCertificate};

/// How long a verification holds, in seconds.
const HOLDS: u64 = 60;
/// How many are kept; with more clients than that at a time, the saving is gone, nothing else.
const ENTRIES: usize = 1024;

type Digest = [u8; 32];

/// Verified chains of one listener.
#[derive(Debug, Default)]
pub(super) struct Recent {
    // Never waited for: a data thread that finds it taken verifies the chain itself.
    entries: Mutex<AHashMap<Digest, Entry>>,
}

#[derive(Debug)]
struct Entry {
    peer: Arc<PeerCertificate>,
    verified: u64,
    ends: u64,
}

// === impl Recent ===

impl Recent {
    /// The peer that this very chain named, when it was verified less than a minute ago.
    pub(super) fn find(&self, chain: &[CertificateDer<'_>], now: UnixTime) -> Option<Arc<PeerCertificate>> {
        let digest = digest(chain);
        let entries = self.entries.try_lock().ok()?;
        let entry = entries.get(&digest)?;
        (entry.verified..=entry.ends).contains(&now.as_secs()).then(|| Arc::clone(&entry.peer))
    }

    /// Remembers a chain that was just verified.
    pub(super) fn keep(&self, chain: &[CertificateDer<'_>], now: UnixTime, peer: &Arc<PeerCertificate>) {
        // No certificate of the chain is used a second beyond its end.
        let Ok(end) = peer::earliest_end(chain) else { return };
        let Ok(mut entries) = self.entries.try_lock() else { return };
        if entries.len() >= ENTRIES {
            entries.clear();
        }
        let verified = now.as_secs();
        let entry = Entry { peer: Arc::clone(peer), verified, ends: end.min(verified + HOLDS) };
        entries.insert(digest(chain), entry);
    }
}

/// Of all certificates, each with its length: no two chains are spelt alike.
fn digest(chain: &[CertificateDer<'_>]) -> Digest {
    let mut context = Context::new(&SHA256);
    for certificate in chain {
        context.update(&(certificate.len() as u64).to_be_bytes());
        context.update(certificate);
    }
    let mut digest = Digest::default();
    digest.copy_from_slice(context.finish().as_ref());
    digest
}
