//! An open loop: requests fall due at a fixed rate whatever comes back, and a latency is counted from when its request was due.
//!
//! So a target that stalls cannot hide it by keeping the load waiting (coordinated omission). The clock is a timerfd: tokio's own
//! timer ticks in milliseconds, which would be most of what is measured.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::time::{Duration, Instant};

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use tokio::io::AsyncWriteExt;
use tokio::io::unix::AsyncFd;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::connection::{Dialer, Stream};
use crate::response::{Reader, describe};
use crate::result::Tally;
use crate::spec::Pace;
use crate::steady::request;

/// Requests that are due, oldest first; the semaphore counts them and queues the connections that are free.
struct Due {
    times: RefCell<VecDeque<Instant>>,
    count: Semaphore,
}

/// A timer that can be waited for to the microsecond.
struct Clock {
    timer: AsyncFd<OwnedFd>,
}

/// Runs it to its end.
pub async fn run(dialer: Dialer, load: &Pace) -> Result<Tally, String> {
    let streams = dialer.connect_all(load.connections).await?;
    let tally = Rc::new(RefCell::new(Tally::new(load.warmup, load.seconds)));
    let (begin, end) = (tally.borrow().begin(), tally.borrow().end());
    let due = Rc::new(Due { times: RefCell::default(), count: Semaphore::new(0) });
    let bytes: Rc<[u8]> = request(dialer.host(), &load.path, true).into();
    let mut tasks = JoinSet::new();
    for stream in streams {
        let (due, bytes, tally, length) = (due.clone(), bytes.clone(), tally.clone(), load.length);
        tasks.spawn_local(async move {
            if let Err(reason) = serve(stream, &due, &bytes, length, &tally).await {
                tally.borrow_mut().fail(reason);
            }
        });
    }
    let announce = tokio::task::spawn_local(Tally::announce(begin));
    let offered = offer(&due, load.rate, begin, end).await.map_err(|error| describe(&error))?;
    due.count.close();
    tasks.join_all().await;
    announce.await.map_err(|error| error.to_string())?;
    let mut tally = Rc::into_inner(tally).ok_or("a connection outlived its load")?.into_inner();
    tally.offered = offered;
    Ok(tally)
}

/// One connection: takes the oldest request that is due, until there will be no more.
async fn serve(
    mut stream: Box<dyn Stream>,
    due: &Due,
    request: &[u8],
    length: usize,
    tally: &RefCell<Tally>,
) -> Result<(), String> {
    let mut reader = Reader::new();
    while let Ok(permit) = due.count.acquire().await {
        permit.forget();
        let since = due.times.borrow_mut().pop_front().ok_or("a permit without a request")?;
        stream.write_all(request).await.map_err(|error| describe(&error))?;
        stream.flush().await.map_err(|error| describe(&error))?;
        reader.expect(&mut *stream, length).await?;
        tally.borrow_mut().complete(since, length);
    }
    Ok(())
}

/// Lets requests fall due until `end`; returns how many did from `begin` on.
async fn offer(due: &Due, rate: f64, begin: Instant, end: Instant) -> io::Result<u64> {
    let clock = Clock::new()?;
    let start = Instant::now();
    let mut offered = 0;
    for number in 0_u64.. {
        let time = start + Duration::from_secs_f64(number as f64 / rate);
        if time >= end {
            break;
        }
        clock.wait_until(time).await?;
        offered += u64::from(time >= begin);
        due.times.borrow_mut().push_back(time);
        due.count.add_permits(1);
    }
    Ok(offered)
}

// === impl Clock ===

impl Clock {
    #[expect(
        deprecated,
        reason = "its successor is unsafe for types that lie about their descriptor; OwnedFd does not"
    )]
    fn new() -> io::Result<Self> {
        let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        Ok(Self { timer: AsyncFd::new(timer)? })
    }

    /// Returns at once for a time that is past.
    async fn wait_until(&self, time: Instant) -> io::Result<()> {
        let wait = time.saturating_duration_since(Instant::now());
        if wait.is_zero() {
            return Ok(());
        }
        let value = Timespec { tv_sec: wait.as_secs().cast_signed(), tv_nsec: i64::from(wait.subsec_nanos()) };
        let never = Timespec { tv_sec: 0, tv_nsec: 0 };
        timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &Itimerspec { it_interval: never, it_value: value })?;
        let mut guard = self.timer.readable().await?;
        // Setting the timer again forgets the expiry; only the readiness has to be taken back.
        guard.clear_ready();
        Ok(())
    }
}
