//! One timer per connection, whatever the number of limits that apply.
//!
//! Limits change with every stage of every exchange; a timer that is set anew each time would be a
//! good part of the cost of a small request. So the timer stays where it is as long as it fires early
//! enough, and only then is the real limit looked at.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::time::{Sleep, sleep_until};

/// A deadline that is cheap to move.
#[derive(Default)]
pub struct Watch {
    deadline: Option<Instant>,
    timer: Option<Armed>,
}

struct Armed {
    at: Instant,
    sleep: Pin<Box<Sleep>>,
    registered: bool,
}

// === impl Watch ===

impl Watch {
    /// From now on `poll` is ready when this moment has passed; `None`: never.
    pub fn set(&mut self, deadline: Option<Instant>) {
        self.deadline = deadline;
    }

    /// As `set`, that far from now; zero: never.
    pub fn set_after(&mut self, limit: Duration) {
        self.set((!limit.is_zero()).then(|| Instant::now() + limit));
    }

    /// Ready once the deadline has passed.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(deadline) = self.deadline else { return Poll::Pending };
        loop {
            match &mut self.timer {
                Some(timer) if timer.at <= deadline => {
                    if timer.registered && !timer.sleep.is_elapsed() {
                        return Poll::Pending;
                    }
                    timer.registered = true;
                    if timer.sleep.as_mut().poll(cx).is_pending() {
                        return Poll::Pending;
                    }
                    if timer.at >= deadline {
                        return Poll::Ready(());
                    }
                    timer.arm(deadline);
                }
                Some(timer) => timer.arm(deadline),
                None => self.timer = Some(Armed::new(deadline)),
            }
        }
    }

    /// The result of `work`, or nothing when that much time passes first; zero: no limit.
    pub async fn within<F: Future>(&mut self, limit: Duration, work: F) -> Option<F::Output> {
        self.by((!limit.is_zero()).then(|| Instant::now() + limit), work).await
    }

    /// As `within`, up to a moment.
    pub async fn by<F: Future>(&mut self, deadline: Option<Instant>, work: F) -> Option<F::Output> {
        self.set(deadline);
        let mut work = std::pin::pin!(work);
        std::future::poll_fn(|cx| match work.as_mut().poll(cx) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending => self.poll(cx).map(|()| None),
        })
        .await
    }
}

// === impl Armed ===

impl Armed {
    fn new(at: Instant) -> Self {
        Self { at, sleep: Box::pin(sleep_until(at.into())), registered: false }
    }

    fn arm(&mut self, at: Instant) {
        self.at = at;
        self.registered = false;
        self.sleep.as_mut().reset(at.into());
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, poll_fn, ready};

    use super::*;

    #[tokio::test]
    async fn work_that_is_done_in_time_gives_its_result() {
        assert_eq!(Watch::default().within(Duration::from_secs(60), ready(7)).await, Some(7));
    }

    #[tokio::test]
    async fn work_that_never_ends_is_given_up_at_the_deadline() {
        let done = Watch::default().within(Duration::from_millis(5), pending::<()>()).await;
        assert_eq!(done, None);
    }

    #[tokio::test]
    async fn a_deadline_that_moves_closer_fires_at_the_closer_one() {
        let mut watch = Watch::default();
        watch.set_after(Duration::from_secs(3600));
        poll_fn(|cx| {
            assert!(watch.poll(cx).is_pending());
            Poll::Ready(())
        })
        .await;
        watch.set_after(Duration::from_millis(5));
        poll_fn(|cx| watch.poll(cx)).await;
    }

    #[tokio::test]
    async fn a_deadline_that_moves_away_does_not_fire_at_the_old_one() {
        let mut watch = Watch::default();
        watch.set_after(Duration::from_millis(5));
        poll_fn(|cx| {
            let _ = watch.poll(cx);
            Poll::Ready(())
        })
        .await;
        let moved = Instant::now() + Duration::from_millis(60);
        watch.set(Some(moved));
        poll_fn(|cx| watch.poll(cx)).await;
        assert!(Instant::now() >= moved, "the watch fired before its new deadline");
    }
}
