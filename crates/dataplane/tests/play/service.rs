//! An endpoint that needs no script: it answers whatever it is asked, until the test is over.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::bind;

/// A server that answers every request with 200 and always the same body.
pub struct Service {
    pub address: SocketAddr,
    asked: Arc<AtomicUsize>,
}

impl Service {
    pub fn answering(body: impl Into<String>) -> Self {
        let (listening, asked, body) = (bind(), Arc::new(AtomicUsize::new(0)), body.into());
        let address = listening.local_addr().unwrap();
        let counted = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listening.incoming().map_while(Result::ok) {
                let (asked, body) = (Arc::clone(&counted), body.clone());
                std::thread::spawn(move || serve(stream, &asked, &body));
            }
        });
        Self { address, asked }
    }

    /// How many requests it has read.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// Reads heads (bodies are not expected) until the other side closes.
fn serve(stream: TcpStream, asked: &AtomicUsize, body: &str) {
    let mut writer = stream.try_clone().unwrap();
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    for line in BufReader::new(stream).lines().map_while(Result::ok) {
        if !line.is_empty() {
            continue;
        }
        asked.fetch_add(1, Ordering::SeqCst);
        if writer.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}
