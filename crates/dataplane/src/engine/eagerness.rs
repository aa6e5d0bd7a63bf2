//! Waiting awake for a reply that is about to come.
//!
//! A thread that sleeps in epoll is woken tens of microseconds late, more than the proxy itself takes for a request.
//! So where a data thread serves one client alone, has just one request out, and asks a service that usually answers
//! within a moment, it looks again instead of sleeping, and never longer than that moment. A busy thread does not sleep
//! anyway, and a slow service is waited for asleep: neither ever pays for this.

use std::cell::Cell;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::Context;
use std::time::{Duration, Instant};

use crate::chain::Peer;

/// The longest that a thread waits awake for one reply; services that usually take longer are never waited for so.
const MOMENT: Duration = Duration::from_micros(150);
/// A client is alone after so many requests between which nobody else asked.
const ALONE: u32 = 8;

/// The replies that a data thread waits for.
#[derive(Debug, Default)]
pub struct Waiting {
    out: Cell<u32>,
    /// Where the last one's client is kept: only ever compared.
    client: Cell<usize>,
    in_a_row: Cell<u32>,
}

/// How soon a service usually answers, as one data thread sees it.
#[derive(Debug, Default)]
pub struct Usual(Cell<Duration>);

/// One reply that is waited for.
pub struct Wait<'a> {
    waiting: &'a Waiting,
    until: Option<Instant>,
}

// === impl Waiting ===

impl Waiting {
    /// A request of that client has gone out to a service that usually answers as soon as that.
    pub fn begin(&self, client: &Arc<Peer>, usual: &Usual, now: Instant) -> Wait<'_> {
        self.out.set(self.out.get() + 1);
        let alone = self.is_alone(Arc::as_ptr(client).addr());
        Wait { waiting: self, until: (alone && usual.0.get() <= MOMENT).then(|| now + MOMENT) }
    }

    fn is_alone(&self, client: usize) -> bool {
        let again = self.client.replace(client) == client;
        self.in_a_row.set(if again { self.in_a_row.get().saturating_add(1) } else { 0 });
        self.in_a_row.get() >= ALONE
    }
}

// === impl Usual ===

impl Usual {
    /// A reply took this long: a moving average over about eight.
    pub fn took(&self, time: Duration) {
        self.0.set((self.0.get() * 7 + time) / 8);
    }
}

// === impl Wait ===

impl Wait<'_> {
    /// Nothing has come yet: the runtime looks for events once more before it sleeps, if that is worth it.
    pub fn look_again(&mut self, cx: &mut Context<'_>) {
        if self.waiting.out.get() > 1 || self.until.is_none_or(|until| Instant::now() >= until) {
            self.until = None;
            return;
        }
        // Whoever else could use this core goes first: the service that is to answer may be among them.
        std::thread::yield_now();
        let again = pin!(tokio::task::yield_now());
        // It asks to be polled again after the next look at the sockets, and is then no longer needed.
        let _ = again.poll(cx);
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        self.waiting.out.set(self.waiting.out.get() - 1);
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::task::Poll;

    use super::*;

    fn client() -> Arc<Peer> {
        Arc::new(Peer::unknown())
    }

    /// How often a wait that never ends is polled, at most `limit` times, when it is the `asked`th of its client in a row.
    fn looks(usual: Duration, others: u32, asked: u32, limit: u32) -> u32 {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (waiting, service, client) = (Waiting::default(), Usual(Cell::new(usual)), client());
            for _ in 0..asked {
                drop(waiting.begin(&client, &service, Instant::now()));
            }
            let _others: Vec<_> = (0..others).map(|_| waiting.begin(&client, &service, Instant::now())).collect();
            let mut wait = waiting.begin(&client, &service, Instant::now() + Duration::from_secs(60));
            let mut polled = 0;
            let never = poll_fn(|cx| {
                polled += 1;
                if polled < limit {
                    wait.look_again(cx);
                    return Poll::<()>::Pending;
                }
                Poll::Ready(())
            });
            let _ = tokio::time::timeout(Duration::from_millis(20), never).await;
            polled
        })
    }

    #[test]
    fn a_thread_that_waits_for_one_quick_service_stays_awake() {
        assert_eq!(looks(Duration::from_micros(50), 0, ALONE, 100), 100);
    }

    #[test]
    fn a_slow_service_is_waited_for_asleep() {
        assert!(looks(Duration::from_millis(5), 0, ALONE, 100) <= 2, "polled at the start and at the time-out only");
    }

    #[test]
    fn a_thread_with_more_to_wait_for_sleeps() {
        assert!(looks(Duration::from_micros(50), 1, ALONE, 100) <= 2, "polled at the start and at the time-out only");
    }

    #[test]
    fn a_client_is_not_alone_from_its_first_request_on() {
        assert!(looks(Duration::from_micros(50), 0, 0, 100) <= 2, "polled at the start and at the time-out only");
    }

    #[test]
    fn a_second_client_ends_the_first_ones_being_alone() {
        let (waiting, service, first, second) = (Waiting::default(), Usual::default(), client(), client());
        let asks = |client| waiting.begin(client, &service, Instant::now()).until.is_some();
        let before: Vec<_> = (0..=ALONE).map(|_| asks(&first)).collect();
        assert_eq!(before.last(), Some(&true), "{before:?}");
        assert!(!asks(&second) && !asks(&first), "two take turns");
    }

    #[test]
    fn a_service_that_becomes_slow_is_noticed_within_a_reply() {
        let usual = Usual::default();
        usual.took(Duration::from_millis(5));
        assert!(usual.0.get() > MOMENT);
    }
}
