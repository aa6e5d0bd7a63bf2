//! Who belongs to a service: every address of every name, whatever its health.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use ahash::AHashMap;

use super::balance::Ring;
use super::endpoint::Endpoint;
use crate::plan::document;

/// One entry of the document, and the addresses it stands for.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) host: Arc<str>,
    pub(super) port: u16,
    pub(super) weight: u32,
    /// Sorted; empty until a name has been resolved.
    pub(super) addresses: Vec<IpAddr>,
    /// Nothing to wait for: an address, or a name that was asked for at least once.
    pub(super) settled: bool,
}

/// The endpoints of a service, immutable; replaced whole when a name resolves to others.
#[derive(Debug)]
pub(super) struct Members {
    pub(super) list: Vec<Member>,
    by_address: AHashMap<SocketAddr, u32>,
    pub(super) ring: Option<Ring>,
}

#[derive(Debug, Clone)]
pub(super) struct Member {
    pub(super) endpoint: Arc<Endpoint>,
    pub(super) weight: u32,
}

// === impl Source ===

impl Source {
    /// An address is settled; a name keeps what it resolved to before the reload.
    pub(super) fn new(doc: &document::Endpoint, before: &[Source]) -> Self {
        let (host, port, weight) = (doc.host.as_str().into(), doc.port, doc.weight);
        if let Ok(address) = doc.host.parse() {
            return Self { host, port, weight, addresses: vec![address], settled: true };
        }
        let known = before.iter().find(|source| *source.host == *doc.host);
        let addresses = known.map(|source| source.addresses.clone()).unwrap_or_default();
        let settled = known.is_some_and(|source| source.settled);
        Self { host, port, weight, addresses, settled }
    }

    pub(super) fn is_name(&self) -> bool {
        self.host.parse::<IpAddr>().is_err()
    }
}

// === impl Members ===

impl Members {
    /// Endpoints that `before` holds are kept with all that is known of them. An address that several
    /// entries stand for is one endpoint, the first entry's.
    pub(super) fn new(sources: &[Source], before: Option<&Members>, with_ring: bool) -> Self {
        let mut members = Self { list: Vec::new(), by_address: AHashMap::new(), ring: None };
        for source in sources {
            for &ip in &source.addresses {
                members.add(source, SocketAddr::new(ip, source.port), before);
            }
        }
        let places = members.list.iter().map(|member| (member.endpoint.address, member.weight));
        members.ring = with_ring.then(|| Ring::new(places));
        members
    }

    fn add(&mut self, source: &Source, address: SocketAddr, before: Option<&Members>) {
        if self.contains(address) {
            return;
        }
        let kept = before.and_then(|before| before.find(address)).filter(|kept| kept.host == source.host);
        let endpoint = kept.cloned().unwrap_or_else(|| Arc::new(Endpoint::new(address, source.host.clone())));
        self.by_address.insert(address, self.list.len() as u32);
        self.list.push(Member { endpoint, weight: source.weight });
    }

    pub(super) fn find(&self, address: SocketAddr) -> Option<&Arc<Endpoint>> {
        self.by_address.get(&address).map(|&position| &self.list[position as usize].endpoint)
    }

    pub(super) fn contains(&self, address: SocketAddr) -> bool {
        self.by_address.contains_key(&address)
    }

    /// Those that `other` does not hold.
    pub(super) fn without<'a>(&'a self, other: &'a Members) -> impl Iterator<Item = &'a Arc<Endpoint>> {
        self.list.iter().map(|member| &member.endpoint).filter(|endpoint| !other.contains(endpoint.address))
    }
}
