//! Large bodies, down or up, one after the other on each connection.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Instant;

use tokio::io::AsyncWriteExt;
use tokio::task::JoinSet;

use crate::connection::{Dialer, Stream};
use crate::response::{Reader, describe};
use crate::result::Tally;
use crate::sink::RECEIPT_LENGTH;
use crate::spec::Bulk;
use crate::steady::request;

const WRITE_SIZE: usize = 256 * 1024;

/// Runs it to its end.
pub async fn run(dialer: Dialer, load: &Bulk) -> Result<Tally, String> {
    let tally = Rc::new(RefCell::new(Tally::new(load.warmup, load.seconds)));
    let (begin, end) = (tally.borrow().begin(), tally.borrow().end());
    let dialer = Rc::new(dialer);
    let head: Rc<[u8]> = head(dialer.host(), load).into();
    let mut tasks = JoinSet::new();
    for _ in 0..load.connections {
        let (dialer, head, tally, size, upload) = (dialer.clone(), head.clone(), tally.clone(), load.size, load.upload);
        tasks.spawn_local(async move {
            while Instant::now() < end {
                if let Err(reason) = converse(&dialer, &head, size, upload, &tally).await {
                    tally.borrow_mut().fail(reason);
                }
            }
        });
    }
    Tally::announce(begin).await;
    tasks.join_all().await;
    Ok(Rc::into_inner(tally).ok_or("a connection outlived its load")?.into_inner())
}

async fn converse(
    dialer: &Dialer,
    head: &[u8],
    size: usize,
    upload: bool,
    tally: &RefCell<Tally>,
) -> Result<(), String> {
    let mut stream = dialer.connect().await.map_err(|error| describe(&error))?;
    let mut reader = Reader::new();
    let end = tally.borrow().end();
    while Instant::now() < end {
        let since = Instant::now();
        stream.write_all(head).await.map_err(|error| describe(&error))?;
        if upload {
            send(&mut *stream, size).await?;
            reader.expect(&mut *stream, RECEIPT_LENGTH).await?;
        } else {
            stream.flush().await.map_err(|error| describe(&error))?;
            reader.expect(&mut *stream, size).await?;
        }
        tally.borrow_mut().complete(since, size);
    }
    Ok(())
}

async fn send(stream: &mut dyn Stream, size: usize) -> Result<(), String> {
    let block = vec![b'f'; WRITE_SIZE.min(size)];
    let mut left = size;
    while left > 0 {
        let count = left.min(block.len());
        stream.write_all(&block[..count]).await.map_err(|error| describe(&error))?;
        left -= count;
    }
    stream.flush().await.map_err(|error| describe(&error))
}

/// The head of every request of this load. The sink refuses an upload that is not as long as it was announced.
fn head(host: &str, load: &Bulk) -> Vec<u8> {
    if !load.upload {
        return request(host, &load.path, true);
    }
    format!("POST {} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {}\r\n\r\n", load.path, load.size).into_bytes()
}
