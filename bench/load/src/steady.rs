//! A closed loop: every connection asks again as soon as it was answered.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Instant;

use tokio::io::AsyncWriteExt;
use tokio::task::JoinSet;

use crate::connection::{Dialer, Stream};
use crate::response::{Reader, describe};
use crate::result::Tally;
use crate::spec::Steady;

/// Runs it to its end. The clock starts when every connection is there.
pub async fn run(dialer: Dialer, load: &Steady) -> Result<Tally, String> {
    let requests = Rc::new(requests(dialer.host(), &load.path, load.path_count));
    let streams = dialer.connect_all(load.connections).await?;
    let tally = Rc::new(RefCell::new(Tally::new(load.warmup, load.seconds)));
    let (begin, end) = (tally.borrow().begin(), tally.borrow().end());
    let mut tasks = JoinSet::new();
    for (number, stream) in streams.into_iter().enumerate() {
        let (requests, tally, length) = (requests.clone(), tally.clone(), load.length);
        tasks.spawn_local(async move {
            if let Err(reason) = converse(stream, &requests, number, length, &tally, end).await {
                tally.borrow_mut().fail(reason);
            }
        });
    }
    Tally::announce(begin).await;
    tasks.join_all().await;
    Ok(Rc::into_inner(tally).ok_or("a connection outlived its load")?.into_inner())
}

/// One connection until the time is over or something goes wrong on it, which makes the whole run worthless.
async fn converse(
    mut stream: Box<dyn Stream>,
    requests: &[Vec<u8>],
    first: usize,
    length: usize,
    tally: &RefCell<Tally>,
    end: Instant,
) -> Result<(), String> {
    let mut reader = Reader::new();
    let mut number = first;
    while Instant::now() < end {
        let since = Instant::now();
        stream.write_all(&requests[number % requests.len()]).await.map_err(|error| describe(&error))?;
        stream.flush().await.map_err(|error| describe(&error))?;
        reader.expect(&mut *stream, length).await?;
        tally.borrow_mut().complete(since, length);
        number += 1;
    }
    Ok(())
}

/// The requests for all paths, made once. The order is spread so that neighbours in time are not neighbours in the routing table.
fn requests(host: &str, path: &str, count: usize) -> Vec<Vec<u8>> {
    const STRIDE: usize = 7919; // a prime larger than no table, coprime to the round numbers used as counts
    (0..count).map(|number| request(host, &path.replace("{}", &(number * STRIDE % count).to_string()), true)).collect()
}

/// One GET.
pub fn request(host: &str, path: &str, keep: bool) -> Vec<u8> {
    let connection = if keep { "" } else { "Connection: close\r\n" };
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{connection}\r\n").into_bytes()
}
