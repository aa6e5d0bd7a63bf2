//! Who a client is taken for, beyond what its certificate says.

use super::exchange::Peer;
use crate::tls::SpiffeId;

/// Names clients in a way of its own. Asked once for each connection, before its first request.
pub trait IdentityMap: Send + Sync {
    /// The id by which this client goes; none: that of its certificate, if any. An error ends the connection.
    fn map(&self, peer: &Peer) -> Result<Option<SpiffeId>, String>;
}
