//! How the callbacks of a handshake tell the connection what they found.
//!
//! rustls calls one verifier and one resolver for all connections of a listener and gives them no handle on the
//! connection, and its errors hold less than our log must say. They run within the very call that feeds bytes
//! to the connection, on the same thread, so what they found waits here until that call returns.

use std::cell::RefCell;
use std::sync::Arc;

use super::peer::PeerCertificate;
use super::refusal::TlsError;

/// The peer, when its certificate says who it is; or why it was refused.
pub(super) type Verdict = Result<Option<Arc<PeerCertificate>>, TlsError>;

/// What one call into rustls brought to light.
#[derive(Default)]
pub(super) struct Found {
    pub(super) verdict: Option<Verdict>,
    pub(super) server_name: Option<Box<str>>,
}

thread_local! {
    static FOUND: RefCell<Found> = const { RefCell::new(Found { verdict: None, server_name: None }) };
}

/// Called by a verifier, once per verified or refused chain.
pub(super) fn leave(verdict: Verdict) {
    FOUND.with_borrow_mut(|found| found.verdict = Some(verdict));
}

/// Called by the resolver of certificates, with the name that the client asked for.
pub(super) fn leave_server_name(name: String) {
    FOUND.with_borrow_mut(|found| found.server_name = Some(name.into()));
}

/// Called by a connection after it fed bytes to rustls, so that nothing stays for the next connection.
pub(super) fn take() -> Found {
    FOUND.take()
}
