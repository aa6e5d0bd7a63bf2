//! Opens connections, uses each once, and holds them until standard input is closed.

use tokio::io::AsyncWriteExt;

use crate::connection::{Dialer, Stream};
use crate::response::{Reader, describe};
use crate::result::{Tally, say};
use crate::spec::Idle;
use crate::steady::request;

/// Runs until the harness lets go.
pub async fn run(dialer: Dialer, load: &Idle) -> Result<Tally, String> {
    let mut tally = Tally::new(0.0, f64::from(u16::MAX));
    let request = request(dialer.host(), &load.path, true);
    let mut held: Vec<Box<dyn Stream>> = Vec::with_capacity(load.connections);
    for _ in 0..load.connections {
        let since = std::time::Instant::now();
        match open(&dialer, &request, load.length).await {
            Ok(stream) => {
                tally.complete(since, load.length);
                held.push(stream);
            }
            Err(reason) => tally.fail(reason),
        }
    }
    say(&serde_json::json!({"event": "start"}));
    let mut line = String::new();
    // A blocking read on purpose: nothing else is to happen while connections are held.
    std::io::stdin().read_line(&mut line).map_err(|error| describe(&error))?;
    Ok(tally)
}

async fn open(dialer: &Dialer, request: &[u8], length: usize) -> Result<Box<dyn Stream>, String> {
    let mut stream = dialer.connect().await.map_err(|error| describe(&error))?;
    stream.write_all(request).await.map_err(|error| describe(&error))?;
    stream.flush().await.map_err(|error| describe(&error))?;
    Reader::small().expect(&mut *stream, length).await?;
    Ok(stream)
}
