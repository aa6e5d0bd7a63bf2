//! One check of one endpoint: connect, and for HTTP ask and read the status.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use super::stream;
use crate::io::Transport;
use crate::plan::document::{HealthCheck, HttpProbe, Probe};
use crate::tls::Connector;
use crate::upstream::endpoint::Endpoint;

/// Larger heads are no health answers; neither are those with more fields than `MOST_FIELDS`.
const MOST_BYTES: usize = 16 * 1024;
const MOST_FIELDS: usize = 100;

/// How the endpoints of one service are checked.
pub(in crate::upstream) struct Prober {
    pub(super) check: HealthCheck,
    connector: Option<Arc<Connector>>,
    /// Checks of all services share these.
    places: Arc<Semaphore>,
}

// === impl Prober ===

impl Prober {
    pub(in crate::upstream) fn new(
        check: HealthCheck,
        connector: Option<Arc<Connector>>,
        places: Arc<Semaphore>,
    ) -> Self {
        Self { check, connector, places }
    }

    /// Says in a few words why the endpoint cannot serve.
    pub(super) async fn probe(&self, endpoint: &Endpoint) -> Result<(), String> {
        // Never closed. Waiting for a place is no fault of the endpoint and does not count as its time.
        let _place = self.places.acquire().await.map_err(|closed| closed.to_string())?;
        let timeout = Duration::from_millis(self.check.timeout_ms);
        let late = |_| format!("no answer within {} ms", self.check.timeout_ms);
        tokio::time::timeout(timeout, self.ask(endpoint)).await.map_err(late)?
    }

    async fn ask(&self, endpoint: &Endpoint) -> Result<(), String> {
        let mut transport = stream::connect(endpoint, self.connector.as_deref()).await?;
        let Probe::Http(http) = &self.check.probe else { return Ok(()) };
        let request = request(http, endpoint);
        stream::write_all(&mut transport, request.as_bytes()).await.map_err(|error| format!("write: {error}"))?;
        let status = read_status(&mut transport).await?;
        if (http.status_min..=http.status_max).contains(&status) {
            return Ok(());
        }
        Err(format!("status {status}, not {} to {}", http.status_min, http.status_max))
    }
}

fn request(http: &HttpProbe, endpoint: &Endpoint) -> String {
    let host = http.host.clone().unwrap_or_else(|| authority(&endpoint.host, endpoint.address));
    let path = &http.path;
    format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nuser-agent: flatproxy-health\r\nconnection: close\r\n\r\n")
}

/// RFC 9110 section 7.2: the name as written, or the address, with its port.
fn authority(host: &str, address: SocketAddr) -> String {
    if host.parse::<IpAddr>().is_ok() { address.to_string() } else { format!("{host}:{}", address.port()) }
}

/// The status of the first final answer (RFC 9110 section 15.2: 1xx come before it).
async fn read_status(transport: &mut Transport) -> Result<u16, String> {
    let mut buffer = vec![0; MOST_BYTES];
    let mut filled = 0;
    while filled < buffer.len() {
        let read = stream::read(transport, &mut buffer[filled..]).await.map_err(|error| format!("read: {error}"))?;
        if read == 0 {
            return Err("closed before it answered".into());
        }
        filled += read;
        if let Some(status) = final_status(&buffer[..filled])? {
            return Ok(status);
        }
    }
    Err("its head is too large".into())
}

/// None: the head of the final answer is not there whole.
fn final_status(mut bytes: &[u8]) -> Result<Option<u16>, String> {
    loop {
        let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
        let mut response = httparse::Response::new(&mut fields);
        match response.parse(bytes).map_err(|error| format!("its answer is not HTTP: {error}"))? {
            httparse::Status::Complete(length) if response.code < Some(200) => bytes = &bytes[length..],
            httparse::Status::Complete(_) => return Ok(response.code),
            httparse::Status::Partial => return Ok(None),
        }
    }
}
