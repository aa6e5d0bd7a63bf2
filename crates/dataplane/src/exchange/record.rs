//! What is written down of an exchange that is over.

use std::time::Instant;

use super::job::Job;
use crate::http::Known;
use crate::message::Downstream;
use crate::respond::Flag;
use crate::telemetry::{Ended, Stages};

impl<D: Downstream> Job<'_, D> {
    pub(super) fn record(&mut self) {
        let exchange = &*self.exchange;
        let finished = Instant::now();
        let timings = &exchange.timings;
        let sent = &exchange.attempt.head.fields;
        let asked = if exchange.attempt.number > 0 { sent } else { &exchange.request.fields };
        let ended = Ended {
            finished,
            listener: &self.listener.name,
            route: exchange.route.as_deref(),
            peer: exchange.peer.identity.as_deref(),
            client: exchange.peer.address,
            method: exchange.request.method.as_str().as_bytes(),
            host: exchange.request.authority.as_bytes(),
            path: exchange.request.path.as_bytes(),
            protocol: exchange.request.version,
            status: self.status(),
            flag: exchange.flag,
            request_bytes: exchange.bytes_in,
            response_bytes: exchange.bytes_out,
            stages: Stages {
                total: finished.duration_since(timings.started),
                connect: timings.connect,
                filters: timings.filters,
                upstream: timings.upstream,
            },
            attempts: exchange.attempt.number,
            upstream: exchange.upstream.as_deref(),
            endpoint: exchange.attempt.endpoint,
            request_id: asked.get_known(Known::XRequestId),
            trace_id: (!exchange.trace_id.is_empty()).then_some(exchange.trace_id.as_bytes()),
            user_agent: exchange.request.fields.get_known(Known::UserAgent),
        };
        let cells = self.route.as_ref().map_or(&self.listener.unrouted, |route| &route.cells);
        cells.of(self.worker.index()).record(&ended);
        self.worker.log(&ended);
    }

    /// The status that the client got, or 499 where it did not wait for one.
    fn status(&self) -> u16 {
        match self.exchange.flag {
            Flag::ClientGone if !self.responded => Flag::ClientGone.status(),
            _ if !self.responded => 0,
            _ => self.exchange.response.status,
        }
    }
}
