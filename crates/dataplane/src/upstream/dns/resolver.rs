//! One question to the hosts file and the name servers. Nothing is cached: the schedule decides when an
//! answer is old, and an edited hosts file or resolver configuration holds from the next question on.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::{Query, ResponseCode};
use hickory_resolver::proto::rr::{Name, RecordType};
use hickory_resolver::{Hosts, TokioResolver};

use crate::plan::document;

/// How long one configured server is waited for; the system's configuration has its own time-out.
const TIMEOUT: Duration = Duration::from_secs(2);

pub(super) const FAMILIES: [Family; 2] = [Family::V4, Family::V6];

/// A kind of address, which has its own question and its own answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    V4,
    V6,
}

/// What a name stands for, in one family. No addresses: it exists and has none.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) addresses: Vec<IpAddr>,
    pub(super) lifetime: Duration,
}

/// How names are asked for.
#[derive(Debug)]
pub(in crate::upstream) struct Resolver {
    servers: Vec<SocketAddr>,
    pub(super) refresh: Duration,
}

/// One name, asked for once in each family.
pub(super) struct Round {
    host: Arc<str>,
    refresh: Duration,
    hosts: Hosts,
    servers: TokioResolver,
}

// === impl Family ===

impl Family {
    pub(super) fn holds(self, address: IpAddr) -> bool {
        address.is_ipv4() == (self == Family::V4)
    }

    fn record(self) -> RecordType {
        match self {
            Family::V4 => RecordType::A,
            Family::V6 => RecordType::AAAA,
        }
    }
}

// === impl Resolver ===

impl Resolver {
    pub(in crate::upstream) fn new(dns: &document::Dns) -> Self {
        Self { servers: dns.servers.clone(), refresh: Duration::from_millis(dns.refresh_ms) }
    }

    /// Reads the hosts file and the resolver configuration as they are now.
    pub(super) fn round(&self, host: &Arc<str>) -> Result<Round, String> {
        let hosts = Hosts::from_system().unwrap_or_default();
        let servers = self.servers().map_err(|error| error.to_string())?;
        Ok(Round { host: host.clone(), refresh: self.refresh, hosts, servers })
    }

    fn servers(&self) -> Result<TokioResolver, NetError> {
        let mut builder = if !self.servers.is_empty() {
            with_servers(&self.servers)
        } else if let Ok(system) = TokioResolver::builder_tokio() {
            return finish(system);
        } else {
            // What resolv.conf(5) says of a machine without the file.
            with_servers(&[SocketAddr::from((Ipv4Addr::LOCALHOST, 53))])
        };
        builder.options_mut().timeout = TIMEOUT;
        finish(builder)
    }
}

type Builder = hickory_resolver::ResolverBuilder<TokioRuntimeProvider>;

fn with_servers(servers: &[SocketAddr]) -> Builder {
    let servers = servers.iter().map(|server| {
        let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
            connection.port = server.port();
            connection
        });
        NameServerConfig::new(server.ip(), true, connections.into())
    });
    TokioResolver::builder_with_config(
        ResolverConfig::from_name_servers(servers.collect()),
        TokioRuntimeProvider::default(),
    )
}

fn finish(mut builder: Builder) -> Result<TokioResolver, NetError> {
    builder.options_mut().cache_size = 0;
    // Asked by us, for the library asks it only for the first name of a search list.
    builder.options_mut().use_hosts_file = ResolveHosts::Never;
    builder.build()
}

// === impl Round ===

impl Round {
    /// The hosts file's word on a name is final, in both families.
    pub(super) async fn ask(&self, family: Family) -> Result<Answer, String> {
        let in_hosts = FAMILIES.map(|family| self.hosts_file(family));
        if in_hosts.iter().any(|addresses| !addresses.is_empty()) {
            let addresses = self.hosts_file(family);
            return Ok(Answer { addresses, lifetime: self.refresh });
        }
        let asked = match family {
            Family::V4 => self.servers.ipv4_lookup(&*self.host).await,
            Family::V6 => self.servers.ipv6_lookup(&*self.host).await,
        };
        match asked {
            Ok(answer) => Ok(Answer {
                addresses: answer.answers().iter().filter_map(|record| record.data.ip_addr()).collect(),
                lifetime: answer.valid_until().saturating_duration_since(Instant::now()),
            }),
            Err(error) => none_or_failure(error),
        }
    }

    fn hosts_file(&self, family: Family) -> Vec<IpAddr> {
        let Ok(name) = Name::from_utf8(&*self.host) else { return Vec::new() };
        let found = self.hosts.lookup_static_host(&Query::query(name, family.record()));
        let addresses = found.iter().flat_map(Lookup::answers).filter_map(|record| record.data.ip_addr());
        addresses.collect()
    }
}

/// A name without addresses of one family is an answer; a name that does not exist is not.
fn none_or_failure(error: NetError) -> Result<Answer, String> {
    let NetError::Dns(said) = error else { return Err(error.to_string()) };
    match said {
        DnsError::NoRecordsFound(none) if none.response_code == ResponseCode::NoError => {
            Ok(Answer { addresses: Vec::new(), lifetime: Duration::MAX })
        }
        DnsError::NoRecordsFound(none) => Err(refusal(none.response_code)),
        DnsError::ResponseCode(code) => Err(refusal(code)),
        other => Err(other.to_string()),
    }
}

fn refusal(code: ResponseCode) -> String {
    match code {
        ResponseCode::NXDomain => "there is no such name".into(),
        code => format!("the name server said: {code}"),
    }
}
