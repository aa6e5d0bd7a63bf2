//! A client's connection: one exchange after the other until one of us ends it.

use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use super::job::{Job, Next};
use crate::chain::{Exchange, Peer};
use crate::engine::Worker;
use crate::io::Watch;
use crate::listen::Slot;
use crate::message::h1::Wire;
use crate::plan::Listener;
use crate::respond::{Failure, Flag};

/// What a client may still send after its last response before it is cut off.
const LINGER_BYTES: usize = 1024 * 1024;
/// How long it may take for that.
const LINGER: Duration = Duration::from_secs(2);

/// A listener that closes still answers what its clients send within this time: a request that is on its way
/// must not meet a closed door. The answer then tells the client to close.
const GRACE: Duration = Duration::from_secs(1);

/// Serves a connection until it ends.
pub async fn serve(worker: &Rc<Worker>, slot: &Rc<Slot>, mut client: Wire, peer: Arc<Peer>) {
    let mut watch = Watch::default();
    let mut connected = Connected::default();
    while next_request(&mut client, slot, &mut watch).await {
        // Boxed, so that an idle connection does not hold the memory of a whole exchange.
        match Box::pin(exchange(worker, slot, &mut client, &peer, &mut watch, &mut connected)).await {
            Next::Keep => {}
            Next::Close => break,
            Next::Abort => return abort(&client),
        }
    }
    close(&mut client, &mut watch).await;
}

/// Names of the routes whose filters have accepted this connection.
#[derive(Default)]
pub(super) struct Connected(Vec<Arc<str>>);

impl Connected {
    /// Adds a route; `false`: it was there already.
    pub(super) fn add(&mut self, route: &Arc<str>) -> bool {
        let new = !self.0.iter().any(|known| Arc::ptr_eq(known, route));
        if new {
            self.0.push(Arc::clone(route));
        }
        new
    }
}

/// Waits for the first byte of a request; `false`: the connection is to be closed.
async fn next_request(client: &mut Wire, slot: &Slot, watch: &mut Watch) -> bool {
    watch.set_after(slot.listener().limits.idle_timeout);
    let mut closing = false;
    poll_fn(|cx| {
        if client.has_input() {
            return Poll::Ready(true);
        }
        if let Poll::Ready(result) = client.poll_readable(cx) {
            return Poll::Ready(result.is_ok());
        }
        if slot.is_closing() && !std::mem::replace(&mut closing, true) {
            watch.set_after(GRACE);
        }
        watch.poll(cx).map(|()| false)
    })
    .await
}

async fn exchange(
    worker: &Rc<Worker>,
    slot: &Rc<Slot>,
    client: &mut Wire,
    peer: &Arc<Peer>,
    watch: &mut Watch,
    connected: &mut Connected,
) -> Next {
    let listener = slot.listener();
    let mut exchange = worker.exchange(peer);
    client.set_limits(listener.limits.wire);
    let received = receive(client, &listener, &mut exchange, watch).await;
    exchange.timings = crate::chain::Timings::now();
    let next = match received {
        Ok(false) => Next::Close,
        received => {
            let mut job = Job::new(worker, slot, &listener, client, &mut exchange, watch);
            job.perform(received.map(|_| ()), connected).await
        }
    };
    worker.recycle(exchange);
    next
}

/// Reads the request's head; `false`: the client closed instead.
async fn receive(
    client: &mut Wire,
    listener: &Listener,
    exchange: &mut Exchange,
    watch: &mut Watch,
) -> Result<bool, Failure> {
    let limit = listener.limits.head_timeout;
    match watch.within(limit, poll_fn(|cx| client.poll_request(cx, &listener.paths, &mut exchange.request))).await {
        Some(received) => received.map_err(|error| Failure::of_client(&error)),
        None => Err(Failure::new(Flag::HeadTimeout, format!("no whole request head within {limit:?}"))),
    }
}

/// Closes so that the client still gets the last response: a socket that is closed with unread data
/// resets, and a reset discards what the client has not read yet.
async fn close(client: &mut Wire, watch: &mut Watch) {
    let orderly = async {
        if poll_fn(|cx| client.poll_shutdown(cx)).await.is_ok() {
            let mut left = LINGER_BYTES;
            poll_fn(|cx| client.poll_discard(cx, &mut left)).await;
        }
    };
    watch.within(LINGER, orderly).await;
}

/// Closes so that the client cannot take a cut response for a whole one.
fn abort(client: &Wire) {
    // Failing only means that the socket is dead already.
    let _ = socket2::SockRef::from(client.transport().tcp()).set_linger(Some(Duration::ZERO));
}
