//! Making a connection to an endpoint, TLS included, within the upstream's limits.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use rustix::io::Errno;
use tokio::net::TcpStream;

use super::pool::{Connection, Pool};
use super::{ConnectionPermit, Endpoint, Overload};
use crate::io::{Transport, Watch};
use crate::message::h1::{Limits, Wire};
use crate::plan::Target;
use crate::respond::{Failure, Flag, Retryable};
use crate::telemetry::metrics::{ConnectFailure, UpstreamCells};
use crate::tls::TlsStream;

/// Makes one connection. Whatever fails here, nothing of a request has left us.
pub async fn connect(
    pool: &Pool,
    endpoint: &Arc<Endpoint>,
    limits: Limits,
    cells: &Arc<UpstreamCells>,
) -> Result<Connection, Failure> {
    let target = pool.target();
    let permit = permit(pool, cells)?;
    let _pending = target.cluster.pending().map_err(|overload| refused(overload, cells))?;
    let made = Watch::default().within(target.connect_timeout, open(target, endpoint)).await;
    let transport = match made {
        Some(Ok(transport)) => transport,
        Some(Err(failure)) => {
            cells.connect_failed(match failure.flag {
                Flag::UpstreamTls => ConnectFailure::Tls,
                Flag::Overload => ConnectFailure::Other,
                _ => ConnectFailure::Refused,
            });
            return Err(failure);
        }
        None => {
            cells.connect_failed(ConnectFailure::Timeout);
            let detail = format!("connect to {}: not done in {:?}", endpoint.address, target.connect_timeout);
            return Err(Failure::new(Flag::ConnectTimeout, detail).retryable(Retryable::Always));
        }
    };
    let wire = Wire::new(transport, limits);
    Ok(Connection { wire, endpoint: Arc::clone(endpoint), reused: false, held: (permit, cells.opened()) })
}

/// A limit is reached only when no unused connection can be given up for the new one.
fn permit(pool: &Pool, cells: &UpstreamCells) -> Result<ConnectionPermit, Failure> {
    let cluster = &pool.target().cluster;
    loop {
        match cluster.connection() {
            Ok(permit) => return Ok(permit),
            Err(overload) if !pool.evict() => return Err(refused(overload, cells)),
            Err(_) => {}
        }
    }
}

/// The failure of an exchange for which a limit leaves no room.
pub fn refused(overload: Overload, cells: &UpstreamCells) -> Failure {
    let limit = match overload {
        Overload::Requests => "max_requests",
        Overload::Pending => "max_pending",
        Overload::Connections => "max_connections",
    };
    cells.overload(overload);
    Failure::new(Flag::Overload, format!("{limit} is reached"))
}

async fn open(target: &Target, endpoint: &Endpoint) -> Result<Transport, Failure> {
    let address = endpoint.address;
    let tcp = TcpStream::connect(address).await.map_err(|error| failed(&error, address))?;
    tcp.set_nodelay(true).map_err(|error| failed(&error, address))?;
    let Some(connector) = &target.connector else { return Ok(Transport::Plain(tcp)) };
    let mut stream = Box::new(connector.connect(tcp, &endpoint.host).map_err(|error| tls_failed(&error, address))?);
    shake_hands(&mut stream).await.map_err(|error| tls_failed(&error, address))?;
    Ok(Transport::Tls(stream))
}

async fn shake_hands(stream: &mut TlsStream) -> Result<(), crate::tls::TlsError> {
    std::future::poll_fn(|cx| stream.poll_handshake(cx)).await
}

/// Where no descriptor is left, that is nobody's fault but ours: the endpoint keeps its good standing, and to try
/// others is of no use.
fn failed(error: &io::Error, address: SocketAddr) -> Failure {
    let detail = format!("connect to {address}: {error}");
    match Errno::from_io_error(error) {
        Some(Errno::MFILE | Errno::NFILE) => Failure::new(Flag::Overload, detail),
        _ => Failure::new(Flag::Connect, detail).retryable(Retryable::Always),
    }
}

fn tls_failed(error: &crate::tls::TlsError, address: SocketAddr) -> Failure {
    Failure::new(Flag::UpstreamTls, format!("TLS with {address}: {error}")).retryable(Retryable::Always)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flag_of(errno: Errno) -> Flag {
        failed(&errno.into(), ([127, 0, 0, 1], 80).into()).flag
    }

    #[test]
    fn only_what_the_endpoint_is_to_blame_for_is_a_failed_connection() {
        assert_eq!(flag_of(Errno::CONNREFUSED), Flag::Connect);
        for ours in [Errno::MFILE, Errno::NFILE] {
            assert_eq!(flag_of(ours), Flag::Overload, "without descriptors no endpoint can be reached");
        }
    }
}
