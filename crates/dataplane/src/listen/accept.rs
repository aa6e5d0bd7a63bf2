//! From a listening socket to a connection that is ready for its first request.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Poll;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

use super::slot::{Place, Slot};
use crate::chain::Peer;
use crate::engine::Worker;
use crate::exchange::serve;
use crate::io::{Transport, Watch};
use crate::message::h1::Wire;
use crate::plan::Listener;
use crate::telemetry::log::{self, Level};
use crate::telemetry::metrics::OpenConnection;
use crate::tls::{Acceptor, Refusal, TlsError, TlsStream};

/// How long to wait when the system has no descriptors left: some may be closed in the meantime.
const EXHAUSTED: Duration = Duration::from_millis(50);

/// Accepts until the slot closes; then takes what already waits, so that nobody who was let in is reset.
pub async fn accept(worker: Rc<Worker>, slot: Rc<Slot>, place: Place, socket: TcpListener) {
    place.occupy().await;
    loop {
        let accepted = poll_fn(|cx| match socket.poll_accept(cx) {
            Poll::Ready(accepted) => Poll::Ready(Some(accepted)),
            Poll::Pending if slot.is_closing() => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        });
        match accepted.await {
            None => return take_the_last(&worker, &slot, socket),
            Some(Ok((tcp, address))) => admit(&worker, &slot, tcp, address),
            Some(Err(error)) => pause(&slot, &error).await,
        }
    }
}

/// Whoever waits in the socket's queue would be reset when it closes. The runtime may not have heard of them
/// yet, so the socket itself is asked.
fn take_the_last(worker: &Rc<Worker>, slot: &Rc<Slot>, socket: TcpListener) {
    let Ok(socket) = socket.into_std() else { return };
    while let Ok((tcp, address)) = socket.accept() {
        if let Ok(tcp) = tcp.set_nonblocking(true).and_then(|()| TcpStream::from_std(tcp)) {
            admit(worker, slot, tcp, address);
        }
    }
}

async fn pause(slot: &Slot, error: &io::Error) {
    // The client gave up before it was accepted: nothing is wrong here (accept(2)).
    if matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) {
        return;
    }
    log::event(Level::Error, "listen", "cannot accept", &[("listener", &slot.listener().name), ("error", error)]);
    tokio::time::sleep(EXHAUSTED).await;
}

fn admit(worker: &Rc<Worker>, slot: &Rc<Slot>, tcp: TcpStream, address: SocketAddr) {
    let listener = slot.listener();
    let cells = listener.cells.of(worker.index());
    let Some(open) = Open::new(&listener, worker.index()) else {
        cells.refused.increment();
        return;
    };
    // Without it a small response waits for the acknowledgement of the one before.
    if tcp.set_nodelay(true).is_err() {
        return;
    }
    let (worker, slot, place) = (Rc::clone(worker), Rc::clone(slot), slot.place());
    tokio::task::spawn_local(async move {
        place.occupy().await;
        let open = open;
        if let Some((transport, mut peer)) = establish(&worker, &slot, tcp, address).await
            && is_named(&open.listener, &mut peer)
        {
            let limits = open.listener.limits.wire;
            serve(&worker, &slot, Wire::new(transport, limits), Arc::new(peer)).await;
        }
    });
}

/// Plain: at once. TLS: after the handshake, with the peer's identity.
async fn establish(worker: &Worker, slot: &Slot, tcp: TcpStream, address: SocketAddr) -> Option<(Transport, Peer)> {
    let listener = slot.listener();
    let unknown = Peer::at(address);
    let Some(acceptor) = &listener.acceptor else { return Some((Transport::Plain(tcp), unknown)) };
    let cells = listener.cells.of(worker.index());
    match Box::pin(shake_hands(acceptor, tcp, listener.limits.handshake_timeout)).await {
        Ok(stream) => {
            cells.handshake(stream.resumed());
            let peer = identified(unknown, &stream);
            Some((Transport::Tls(stream), peer))
        }
        Err(error) => {
            cells.handshake_refused(error.refusal.label());
            let fields: [(&str, &dyn std::fmt::Display); 4] = [
                ("listener", &listener.name),
                ("client", &address),
                ("reason", &error.refusal.label()),
                ("detail", &error),
            ];
            log::event(Level::Warn, "tls", "handshake refused", &fields);
            None
        }
    }
}

/// Lets somebody else than its certificate say who the client is; `false`: it is not known who it is, so it is not served.
fn is_named(listener: &Listener, peer: &mut Peer) -> bool {
    let Some(map) = &listener.identity_map else { return true };
    match map.map(peer) {
        Ok(None) => {}
        Ok(Some(identity)) => peer.identity = Some(identity.as_str().into()),
        Err(error) => {
            let fields: [(&str, &dyn std::fmt::Display); 3] =
                [("listener", &listener.name), ("client", &peer.address), ("error", &error)];
            log::event(Level::Error, "identity", "a client was refused: it cannot be named", &fields);
            return false;
        }
    }
    true
}

async fn shake_hands(acceptor: &Acceptor, tcp: TcpStream, limit: Duration) -> Result<Box<TlsStream>, TlsError> {
    let mut stream = Box::new(acceptor.accept(tcp)?);
    let outcome = Watch::default().within(limit, poll_fn(|cx| stream.poll_handshake(cx))).await;
    outcome
        .unwrap_or_else(|| Err(TlsError { refusal: Refusal::Timeout, detail: format!("not done within {limit:?}") }))?;
    Ok(stream)
}

fn identified(mut peer: Peer, stream: &TlsStream) -> Peer {
    let certificate = stream.peer();
    let identity = certificate.map(|certificate| Arc::<str>::from(certificate.identity.as_str()));
    let described = certificate
        .map(|certificate| format!("Hash={};URI={}", certificate.fingerprint, certificate.identity.as_str()));
    (peer.identity, peer.certificate, peer.secure) = (identity, described.map(Arc::from), true);
    peer
}

/// One connection's share of the listener's limit; counts over all data threads.
struct Open {
    listener: Arc<Listener>,
    #[expect(dead_code, reason = "counts the connection for as long as it is open")]
    counted: OpenConnection,
}

impl Open {
    fn new(listener: &Arc<Listener>, worker: usize) -> Option<Self> {
        let count: &AtomicU32 = &listener.open;
        if count.fetch_add(1, Ordering::Relaxed) >= listener.limits.connections {
            count.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        Some(Self { listener: Arc::clone(listener), counted: listener.cells.of(worker).opened() })
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.listener.open.fetch_sub(1, Ordering::Relaxed);
    }
}
