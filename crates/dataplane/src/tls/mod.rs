//! TLS on both sides: listeners accept it, upstreams are spoken to over it.
//!
//! [`Acceptor`] and [`Connector`] are compiled from the plan and shared; a [`TlsStream`] is one connection.
//! rustls does the handshake, `chain` and `peer` decide who the other end is, [`Refusal`] says why not; `traffic`
//! carries the open connection.
//! Nothing here knows of HTTP, routes or time-outs. Next: `route`.

mod acceptor;
mod certificate;
mod chain;
mod client_verifier;
mod connector;
mod handshake;
mod names;
mod peer;
mod provider;
mod queue;
mod recent;
mod record;
mod refusal;
mod scratch;
mod server_verifier;
pub mod spiffe;
mod stream;
#[cfg(test)]
mod tests;
mod traffic;
mod verdict;

pub use acceptor::Acceptor;
pub use connector::Connector;
pub use peer::PeerCertificate;
pub use refusal::{Refusal, TlsError};
pub use spiffe::SpiffeId;
pub use stream::TlsStream;
