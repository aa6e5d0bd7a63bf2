//! Answers that no upstream gives: failures, filters' answers, redirects, the operator's own responses.

use std::future::poll_fn;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use super::job::{Job, Next};
use crate::chain::Respond;
use crate::http::{Fields, Framing};
use crate::message::{CarryError, Downstream, Sink};
use crate::plan::Route;
use crate::plan::document::{DirectResponse, PathMatch, Redirect};
use crate::respond::{self, Failure, Flag};
use crate::route::redirect;

/// A request body no larger than this is read to its end, so that the connection can be kept.
pub(super) const DRAINED_BYTES: usize = 64 * 1024;
/// How long that may take.
pub(super) const DRAIN: Duration = Duration::from_secs(1);

impl<D: Downstream> Job<'_, D> {
    /// Ends an exchange that failed: with the table's response, or, where one has begun, with a reset.
    pub(super) async fn fail(&mut self, failure: Failure) -> Next {
        self.exchange.flag = failure.flag;
        self.worker.note_failure(self.listener, &failure);
        if failure.flag == Flag::ClientGone {
            return Next::Abort;
        }
        if self.responded {
            return Next::Abort;
        }
        self.closing |= failure.flag.closes();
        let body = respond::failure_response(&failure, &self.exchange.request.method, &mut self.exchange.response);
        self.send(body).await.unwrap_or(Next::Abort)
    }

    /// Sends what a filter answers.
    pub(super) async fn answer(&mut self, answer: Respond) -> Result<Next, Failure> {
        if answer.status >= 400 {
            self.exchange.flag = Flag::Deny;
        }
        let body = respond::answer(answer, &self.exchange.request.method, &mut self.exchange.response);
        self.send(body).await
    }

    /// Sends the client elsewhere.
    pub(super) async fn redirect(
        &mut self,
        route: &Route,
        to: &Redirect,
        matched: &PathMatch,
    ) -> Result<Next, Failure> {
        let location = redirect::location(to, matched, &self.exchange.request, self.exchange.peer.secure);
        let headers = vec![(b"location".to_vec(), location.into_bytes())];
        let answer = Respond { status: to.status, headers, body: Vec::new() };
        let body = respond::answer(answer, &self.exchange.request.method, &mut self.exchange.response);
        route.edit_response(&mut self.exchange.response.fields);
        self.send(body).await
    }

    /// Sends what the operator wrote.
    pub(super) async fn direct(&mut self, route: &Route, response: &DirectResponse) -> Result<Next, Failure> {
        let body = respond::direct(response, &self.exchange.request.method, &mut self.exchange.response);
        route.edit_response(&mut self.exchange.response.fields);
        self.send(body).await
    }

    async fn send(&mut self, body: Vec<u8>) -> Result<Next, Failure> {
        let close = self.must_close() || self.leaves_much_unread();
        self.begin_response(close);
        let client = &mut *self.client;
        let mut sent = 0;
        let sending = poll_fn(|cx| poll_send_all(cx, client, &body, &mut sent));
        match self.watch.within(self.listener.limits.stall_timeout, sending).await {
            Some(Ok(())) => self.exchange.bytes_out = body.len() as u64,
            Some(Err(error)) => return Err(Failure::of_client(&error)),
            None => return Err(Failure::new(Flag::ClientGone, "the client does not read")),
        }
        Ok(self.settle(close).await)
    }

    /// The client still has so much to send that the connection is better closed, or waits to be told to.
    fn leaves_much_unread(&self) -> bool {
        let request = &self.exchange.request;
        match request.framing {
            _ if self.client.is_received() => false,
            Framing::Length(length) => request.expects_continue || length > DRAINED_BYTES as u64,
            _ => request.expects_continue,
        }
    }
}

fn poll_send_all<S: Sink>(
    cx: &mut Context<'_>,
    sink: &mut S,
    body: &[u8],
    sent: &mut usize,
) -> Poll<Result<(), CarryError>> {
    while *sent < body.len() {
        *sent += ready!(sink.poll_send(cx, &body[*sent..]))?;
    }
    sink.poll_finish(cx, &Fields::default())
}
