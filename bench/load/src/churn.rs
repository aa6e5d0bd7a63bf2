//! A new connection, and with TLS a new handshake, for every request.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Instant;

use tokio::io::AsyncWriteExt;
use tokio::task::JoinSet;

use crate::connection::Dialer;
use crate::response::{Reader, describe};
use crate::result::Tally;
use crate::spec::Steady;
use crate::steady::request;

/// Runs it to its end.
pub async fn run(dialer: Dialer, load: &Steady) -> Result<Tally, String> {
    let tally = Rc::new(RefCell::new(Tally::new(load.warmup, load.seconds)));
    let (begin, end) = (tally.borrow().begin(), tally.borrow().end());
    let request: Rc<[u8]> = request(dialer.host(), &load.path, false).into();
    let dialer = Rc::new(dialer);
    let mut tasks = JoinSet::new();
    for _ in 0..load.connections {
        let (dialer, request, tally, length) = (dialer.clone(), request.clone(), tally.clone(), load.length);
        tasks.spawn_local(async move {
            while Instant::now() < end {
                let since = Instant::now();
                let outcome = once(&dialer, &request, length).await;
                match outcome {
                    Ok(()) => tally.borrow_mut().complete(since, length),
                    Err(reason) => tally.borrow_mut().fail(reason),
                }
            }
        });
    }
    Tally::announce(begin).await;
    tasks.join_all().await;
    let mut tally = Rc::into_inner(tally).ok_or("a connection outlived its load")?.into_inner();
    tally.resumed = dialer.resumed();
    Ok(tally)
}

/// Connect, ask, be answered, close. With TLS 1.3 only the answer proves that the other side accepted our certificate.
async fn once(dialer: &Dialer, request: &[u8], length: usize) -> Result<(), String> {
    let mut stream = dialer.connect().await.map_err(|error| describe(&error))?;
    stream.write_all(request).await.map_err(|error| describe(&error))?;
    stream.flush().await.map_err(|error| describe(&error))?;
    Reader::small().expect(&mut *stream, length).await?;
    // The other side closes first or at the same time; how it does is not what is measured.
    let _ = stream.shutdown().await;
    Ok(())
}
