//! Makes a request fit for an upstream: what it may know of the client, and nothing a client forged.

use std::net::IpAddr;

use crate::chain::Peer;
use crate::http::{Fields, Known, RequestHead, hop};
use crate::plan::PlanError;
use crate::plan::document::{ForwardedPolicy, Network, RequestId, XForwardedFor};

/// More entries than this in `Via`: the request goes round in circles.
const HOPS: usize = 16;

/// The listener's forwarding policy, ready to apply.
pub struct Forwarded {
    policy: ForwardedPolicy,
    certificate_header: Vec<u8>,
}

// === impl Forwarded ===

impl Forwarded {
    /// Checks the policy.
    pub fn build(policy: &ForwardedPolicy) -> Result<Self, PlanError> {
        let bits = |network: &Network| if network.address.is_ipv4() { 32 } else { 128 };
        if let Some(bad) = policy.trusted.iter().find(|network| network.prefix > bits(network)) {
            return Err(PlanError::new(format!(
                "trusted network {}/{} has too long a prefix",
                bad.address, bad.prefix
            )));
        }
        let certificate_header = policy.client_cert_header.to_ascii_lowercase().into_bytes();
        Ok(Self { policy: policy.clone(), certificate_header })
    }

    /// The request has been through so many proxies that it must be going round in circles.
    pub fn is_loop(request: &RequestHead) -> bool {
        let entries = |value: &[u8]| memchr::memchr_iter(b',', value).count() + 1;
        request.fields.get_all_known(Known::Via).map(entries).sum::<usize>() >= HOPS
    }

    /// Edits an attempt's head, which so far is a copy of the request's. `make_id` is asked when a new request id is needed.
    pub fn apply(&self, head: &mut RequestHead, peer: &Peer, make_id: impl FnOnce() -> [u8; 32]) {
        let trusted = self.trusts(peer.address.ip());
        hop::strip_hop_by_hop(&mut head.fields);
        head.fields.retain(|known, name, _| !self.is_dropped(known, name, trusted));
        self.add_client(head, peer);
        if let Some(via) = &self.policy.via {
            push_text(&mut head.fields, Known::Via, b"via", &["1.1 ", via]);
        }
        let wants_id = match self.policy.request_id {
            RequestId::Off => false,
            RequestId::Make => true,
            RequestId::Keep => head.fields.get_known(Known::XRequestId).is_none(),
        };
        if wants_id {
            head.fields.push_known(Known::XRequestId, b"x-request-id", &make_id());
        }
        if let Some(certificate) = &peer.certificate {
            head.fields.push(&self.certificate_header, certificate.as_bytes());
        }
    }

    fn add_client(&self, head: &mut RequestHead, peer: &Peer) {
        if self.policy.x_forwarded_for != XForwardedFor::Remove {
            head.fields.push_known(Known::XForwardedFor, b"x-forwarded-for", peer.address_text.as_bytes());
        }
        if self.policy.x_forwarded_proto {
            if head.fields.get_known(Known::XForwardedProto).is_none() {
                let scheme: &[u8] = if peer.secure { b"https" } else { b"http" };
                head.fields.push_known(Known::XForwardedProto, b"x-forwarded-proto", scheme);
            }
            if head.fields.get_known(Known::XForwardedHost).is_none() && !head.authority.is_empty() {
                let RequestHead { fields, authority, .. } = head;
                fields.push_known(Known::XForwardedHost, b"x-forwarded-host", authority.as_bytes());
            }
        }
    }

    fn trusts(&self, address: IpAddr) -> bool {
        !self.policy.trusted.is_empty() && self.policy.trusted.iter().any(|network| contains(network, address))
    }

    /// What only we may say, in every spelling: a name with `_` reads like one with `-` to many applications.
    fn is_dropped(&self, known: Known, name: &[u8], trusted: bool) -> bool {
        let known = if known == Known::Other && name.contains(&b'_') { self.alias(name) } else { known };
        match known {
            Known::XForwardedFor => !trusted || self.policy.x_forwarded_for != XForwardedFor::Append,
            Known::XForwardedProto | Known::XForwardedHost => !trusted,
            Known::XRequestId => !trusted || self.policy.request_id == RequestId::Make,
            Known::XForwardedClientCert => true,
            _ => self.is_ours(name),
        }
    }

    fn alias(&self, name: &[u8]) -> Known {
        let dashed: Vec<u8> = name.iter().map(|&byte| if byte == b'_' { b'-' } else { byte }).collect();
        if self.is_ours(&dashed) { Known::XForwardedClientCert } else { Known::of(&dashed) }
    }

    fn is_ours(&self, name: &[u8]) -> bool {
        const PREFIX: &[u8] = b"x-flatproxy-";
        name.eq_ignore_ascii_case(&self.certificate_header)
            || name.len() >= PREFIX.len() && name[..PREFIX.len()].eq_ignore_ascii_case(PREFIX)
    }
}

fn contains(network: &Network, address: IpAddr) -> bool {
    let prefix = u32::from(network.prefix);
    match (network.address, address.to_canonical()) {
        (IpAddr::V4(network), IpAddr::V4(address)) => {
            let mask = u32::MAX.checked_shl(32 - prefix).unwrap_or(0);
            (network.to_bits() ^ address.to_bits()) & mask == 0
        }
        (IpAddr::V6(network), IpAddr::V6(address)) => {
            let mask = u128::MAX.checked_shl(128 - prefix).unwrap_or(0);
            (network.to_bits() ^ address.to_bits()) & mask == 0
        }
        _ => false,
    }
}

fn push_text(fields: &mut Fields, known: Known, name: &[u8], parts: &[&str]) {
    let mut text = smallvec::SmallVec::<[u8; 64]>::new();
    for part in parts {
        text.extend_from_slice(part.as_bytes());
    }
    fields.push_known(known, name, &text);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> ForwardedPolicy {
        ForwardedPolicy {
            x_forwarded_for: XForwardedFor::Append,
            x_forwarded_proto: true,
            via: Some("flatproxy".into()),
            request_id: RequestId::Keep,
            client_cert_header: "x-forwarded-client-cert".into(),
            trusted: vec![Network { address: "10.0.0.0".parse().unwrap(), prefix: 8 }],
        }
    }

    fn peer(address: &str) -> Peer {
        Peer::at(address.parse().unwrap())
    }

    fn forward(fields: &[(&str, &str)], from: &str) -> Vec<(String, String)> {
        let mut head = RequestHead { authority: "shop.demo".into(), ..RequestHead::default() };
        for (name, value) in fields {
            head.fields.push(name.as_bytes(), value.as_bytes());
        }
        Forwarded::build(&policy()).unwrap().apply(&mut head, &peer(from), || [b'a'; 32]);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        head.fields.iter().map(|(_, name, value)| (text(name), text(value))).collect()
    }

    fn values<'a>(fields: &'a [(String, String)], name: &str) -> Vec<&'a str> {
        fields.iter().filter(|(field, _)| field == name).map(|(_, value)| value.as_str()).collect()
    }

    #[test]
    fn what_a_stranger_says_of_itself_is_dropped() {
        let forged = [
            ("x-forwarded-for", "1.2.3.4"),
            ("X_Forwarded_For", "1.2.3.4"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-client-cert", "URI=spiffe://demo.mesh/admin"),
            ("X_Forwarded-Client_Cert", "URI=spiffe://demo.mesh/admin"),
            ("x-flatproxy-flag", "NONE"),
            ("x-request-id", "mine"),
        ];
        let sent = forward(&forged, "192.0.2.1:5000");
        assert_eq!(values(&sent, "x-forwarded-for"), ["192.0.2.1"]);
        assert_eq!(values(&sent, "x-forwarded-proto"), ["http"]);
        assert_eq!(values(&sent, "x-request-id"), ["a".repeat(32)]);
        let names: Vec<_> = sent.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
        assert_eq!(names, ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "via", "x-request-id"]);
    }

    #[test]
    fn a_trusted_peer_is_believed() {
        let said = [("x-forwarded-for", "1.2.3.4"), ("x-forwarded-proto", "https"), ("x-request-id", "theirs")];
        let sent = forward(&said, "10.1.2.3:5000");
        assert_eq!(values(&sent, "x-forwarded-for"), ["1.2.3.4", "10.1.2.3"]);
        assert_eq!(values(&sent, "x-forwarded-proto"), ["https"]);
        assert_eq!(values(&sent, "x-request-id"), ["theirs"]);
    }

    #[test]
    fn sixteen_proxies_are_a_loop() {
        let mut head = RequestHead::default();
        head.fields.push(b"via", "1.1 a,".repeat(14).as_bytes());
        assert!(!Forwarded::is_loop(&head), "fifteen entries are still a path");
        head.fields.push(b"Via", b"1.1 b");
        assert!(Forwarded::is_loop(&head), "sixteen entries are a loop");
    }

    #[test]
    fn a_network_contains_its_addresses_only() {
        let network = Network { address: "10.0.0.0".parse().unwrap(), prefix: 8 };
        assert!(contains(&network, "10.255.0.1".parse().unwrap()));
        assert!(!contains(&network, "11.0.0.1".parse().unwrap()));
        assert!(contains(&network, "::ffff:10.0.0.1".parse().unwrap()), "an IPv4 peer on a dual-stack socket");
        let all = Network { address: "::".parse().unwrap(), prefix: 0 };
        assert!(contains(&all, "2001:db8::1".parse().unwrap()));
    }
}
