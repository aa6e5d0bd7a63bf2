//! The reply becomes the response, and its body goes to the client.

use super::attempt::Attempted;
use super::drive::Stop;
use super::flow::Flow;
use super::job::{Job, Next};
use crate::chain::{BodyRun, Phases};
use crate::http::{Framing, Version, hop};
use crate::message::{Downstream, Source};
use crate::plan::Route;
use crate::respond::Failure;
use crate::upstream::pool::Pool;

impl<D: Downstream> Job<'_, D> {
    pub(super) async fn deliver(
        &mut self,
        route: &Route,
        pool: &Pool,
        mut attempted: Attempted,
        mut up: Flow,
    ) -> Result<Next, Failure> {
        let reply_keeps = self.exchange.reply.keep_alive;
        self.make_response(route);
        if route.chain.wants(Phases::RESPONSE) {
            let asked = self.watch.by(self.deadline, route.chain.on_response(&mut self.run, self.exchange)).await;
            if let Some(answer) = asked.ok_or_else(|| self.timeout())?? {
                self.exchange.bytes_in = up.received();
                return self.answer(answer).await;
            }
        }
        let mut down = self.response_flow(route);
        let close = self.frame_response(&up);
        self.begin_response(close);
        let delivered = self.until_delivered(&route.chain, &mut attempted.connection.wire, &mut up, &mut down).await;
        self.exchange.bytes_in = up.received();
        self.exchange.bytes_out = down.moved();
        match delivered {
            Ok(()) => {}
            Err(Stop::Failed(failure)) => return Err(failure),
            Err(Stop::Answer(_)) => {
                return Err(Failure::new(crate::respond::Flag::Filter, "a filter answers too late"));
            }
        }
        let Attempted { connection, active } = attempted;
        drop(active);
        if reply_keeps && up.is_complete() && connection.wire.is_received() {
            pool.put(connection);
        } else {
            // Before the rest of the request is waited for.
            drop(connection);
        }
        Ok(self.settle(close).await)
    }

    fn make_response(&mut self, route: &Route) {
        let exchange = &mut *self.exchange;
        if route.chain.wants(Phases::RESPONSE | Phases::DONE) {
            exchange.response.clone_from(&exchange.reply);
        } else {
            std::mem::swap(&mut exchange.response, &mut exchange.reply);
        }
        let response = &mut exchange.response;
        hop::strip_hop_by_hop(&mut response.fields);
        // Only we may say how an exchange ended.
        response.fields.remove(b"x-flatproxy-flag");
        route.edit_response(&mut response.fields);
    }

    fn response_flow(&mut self, route: &Route) -> Flow {
        if self.exchange.response.framing == Framing::None || !route.chain.wants(Phases::RESPONSE_BODY) {
            return Flow::direct();
        }
        // A filter may change the length.
        self.exchange.response.framing = Framing::Chunked;
        Flow::filtered(BodyRun::response(&route.chain, self.listener.limits.held_body), 0)
    }

    /// Gives the response a framing that this client understands; says whether the connection must then end.
    fn frame_response(&mut self, up: &Flow) -> bool {
        let response = &mut self.exchange.response;
        if matches!(response.framing, Framing::Chunked | Framing::UntilClose) {
            let old = self.exchange.request.version == Version::Http10;
            response.framing = if old { Framing::UntilClose } else { Framing::Chunked };
        }
        // A client that was not given leave may or may not send its body now (RFC 9110 section 10.1.1): nobody
        // could tell it from the next request.
        let refused = self.exchange.request.expects_continue && up.received() == 0 && !self.client.is_received();
        refused || self.exchange.response.framing == Framing::UntilClose || self.must_close()
    }
}
