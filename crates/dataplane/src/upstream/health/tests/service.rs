//! A small HTTP service that answers as it is told.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::upstream::control::Task;

pub(super) struct Service {
    pub(super) address: SocketAddr,
    answer: Arc<Mutex<String>>,
    requests: mpsc::Receiver<String>,
    _serving: Task,
}

// === impl Service ===

impl Service {
    /// Answers every request with this status and no body.
    pub(super) async fn start(status: &str) -> Self {
        Self::start_raw(head(status)).await
    }

    /// Answers every request with these bytes, then closes.
    pub(super) async fn start_raw(answer: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let answer = Arc::new(Mutex::new(answer));
        let (sender, requests) = mpsc::channel(16);
        let serving = Task::start(serve(listener, answer.clone(), sender));
        Self { address, answer, requests, _serving: serving }
    }

    /// How a plan writes it.
    pub(super) fn place(&self) -> String {
        self.address.to_string()
    }

    pub(super) fn answer(&self, status: &str) {
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = head(status);
    }

    pub(super) async fn request(&mut self) -> String {
        let received = tokio::time::timeout(super::SOON, self.requests.recv()).await;
        received.expect("a check must come").expect("the service runs")
    }
}

fn head(status: &str) -> String {
    format!("HTTP/1.1 {status}\r\nconnection: close\r\n\r\n")
}

async fn serve(listener: TcpListener, answer: Arc<Mutex<String>>, requests: mpsc::Sender<String>) {
    while let Ok((stream, _)) = listener.accept().await {
        let request = exchange(stream, &answer).await.unwrap_or_default();
        // A test that does not read them lets them go.
        let _ = requests.try_send(request);
    }
}

async fn exchange(mut stream: TcpStream, answer: &Mutex<String>) -> std::io::Result<String> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") && stream.read_buf(&mut request).await? > 0 {}
    let answer = answer.lock().unwrap_or_else(PoisonError::into_inner).clone();
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await?;
    Ok(String::from_utf8_lossy(&request).into_owned())
}
