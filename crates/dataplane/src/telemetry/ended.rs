//! One exchange that is over: everything that metrics and the access log need, borrowed.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::http::Version;
use crate::respond::Flag;

/// What there is to say about an exchange when it is done.
///
/// It holds no header but the two that the log shows: an `Authorization` or a `Cookie` can't get
/// into a log line, and neither can a query, which often carries secrets.
#[derive(Debug, Clone)]
pub struct Ended<'a> {
    /// When it was over.
    pub finished: Instant,
    /// The listener's name.
    pub listener: &'a str,
    /// The route's name; none: no route matched, or the request was refused before routing.
    pub route: Option<&'a str>,
    /// The client's verified identity.
    pub peer: Option<&'a str>,
    /// Where the connection came from.
    pub client: SocketAddr,
    /// As on the wire; empty when the request could not be read.
    pub method: &'a [u8],
    /// The authority that was asked for.
    pub host: &'a [u8],
    /// The path without its query.
    pub path: &'a [u8],
    /// The client's protocol.
    pub protocol: Version,
    /// Of the response; 0: none was sent.
    pub status: u16,
    /// How it ended.
    pub flag: Flag,
    /// Body bytes received from the client.
    pub request_bytes: u64,
    /// Body bytes sent to the client.
    pub response_bytes: u64,
    /// Where the time went.
    pub stages: Stages,
    /// Tries made at the upstream; 0: it was never asked.
    pub attempts: u32,
    /// The upstream's name.
    pub upstream: Option<&'a str>,
    /// The endpoint of the last attempt.
    pub endpoint: Option<SocketAddr>,
    /// `x-request-id`, as sent to the upstream.
    pub request_id: Option<&'a [u8]>,
    /// The trace it belongs to.
    pub trace_id: Option<&'a [u8]>,
    /// `User-Agent`, as the client sent it.
    pub user_agent: Option<&'a [u8]>,
}

/// Durations by stage; zero: the stage did not happen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stages {
    /// From the whole request head to the end of the response. Waiting for the head is not part of it.
    pub total: Duration,
    /// Opening a connection to the upstream, its TLS handshake included; zero on a reused one.
    pub connect: Duration,
    /// Inside filters.
    pub filters: Duration,
    /// From the attempt's head written to the reply's head read, last attempt.
    pub upstream: Duration,
}

#[cfg(test)]
impl Ended<'static> {
    /// A plain exchange, for tests to vary.
    pub(crate) fn example() -> Self {
        Self {
            finished: Instant::now(),
            listener: "web",
            route: Some("orders"),
            peer: Some("spiffe://demo.mesh/shop/cart"),
            client: "192.0.2.7:51234".parse().expect("an address"),
            method: b"GET",
            host: b"orders.demo",
            path: b"/v1/orders/17",
            protocol: Version::Http11,
            status: 200,
            flag: Flag::None,
            request_bytes: 0,
            response_bytes: 61,
            stages: Stages {
                total: Duration::from_micros(1_250),
                connect: Duration::from_micros(310),
                filters: Duration::from_micros(20),
                upstream: Duration::from_micros(800),
            },
            attempts: 1,
            upstream: Some("orders"),
            endpoint: Some("127.0.0.1:9001".parse().expect("an address")),
            request_id: Some(b"0198c9a2-3e1b-7cc4-9a55-1d2f00c0ffee"),
            trace_id: None,
            user_agent: Some(b"curl/8.5.0"),
        }
    }
}
