//! A name server on loopback, over UDP and TCP, whose records the test changes.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use hickory_resolver::proto::op::{Message, ResponseCode};
use hickory_resolver::proto::rr::{RData, Record, RecordType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

use crate::upstream::control::Task;

/// What fits into the smallest datagram that a client must take.
const DATAGRAM: usize = 512;

#[derive(Clone)]
pub(super) enum Reply {
    /// With this TTL in seconds.
    Addresses(Vec<IpAddr>, u32),
    Refused(ResponseCode),
}

pub(super) struct Server {
    pub(super) address: SocketAddr,
    records: Arc<Records>,
    _serving: [Task; 2],
}

#[derive(Default)]
struct Records {
    replies: Mutex<HashMap<String, Reply>>,
    questions: AtomicUsize,
    v6_is_silent: AtomicBool,
}

// === impl Server ===

impl Server {
    pub(super) async fn start() -> Self {
        let (udp, tcp) = sockets().await;
        let address = udp.local_addr().expect("its address");
        let records = Arc::new(Records::default());
        let serving = [Task::start(serve_udp(udp, records.clone())), Task::start(serve_tcp(tcp, records.clone()))];
        Self { address, records, _serving: serving }
    }

    pub(super) fn set(&self, name: &str, reply: Reply) {
        self.records.replies.lock().unwrap_or_else(PoisonError::into_inner).insert(name.into(), reply);
    }

    pub(super) fn silence_v6(&self) {
        self.records.v6_is_silent.store(true, Ordering::Relaxed);
    }

    pub(super) fn questions(&self) -> usize {
        self.records.questions.load(Ordering::Relaxed)
    }
}

/// The same port for both: another process may hold one of the two, then the next is tried.
async fn sockets() -> (UdpSocket, TcpListener) {
    loop {
        let udp = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
        if let Ok(tcp) = TcpListener::bind(udp.local_addr().expect("its address")).await {
            return (udp, tcp);
        }
    }
}

async fn serve_udp(socket: UdpSocket, records: Arc<Records>) {
    let mut buffer = [0; 4096];
    while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
        let Some(mut answer) = records.answer(&buffer[..length]) else { continue };
        if answer.to_vec().expect("an answer encodes").len() > DATAGRAM {
            answer.answers.clear();
            answer.metadata.truncation = true;
        }
        let _ = socket.send_to(&answer.to_vec().expect("an answer encodes"), from).await;
    }
}

async fn serve_tcp(listener: TcpListener, records: Arc<Records>) {
    while let Ok((mut stream, _)) = listener.accept().await {
        // The client closes when it has what it wants.
        while let Ok(()) = answer_one(&mut stream, &records).await {}
    }
}

async fn answer_one(stream: &mut TcpStream, records: &Records) -> std::io::Result<()> {
    let length = stream.read_u16().await?;
    let mut question = vec![0; usize::from(length)];
    stream.read_exact(&mut question).await?;
    let Some(answer) = records.answer(&question) else { return Ok(()) };
    let bytes = answer.to_vec().expect("an answer encodes");
    stream.write_u16(bytes.len() as u16).await?;
    stream.write_all(&bytes).await
}

// === impl Records ===

impl Records {
    /// None: this question stays without an answer.
    fn answer(&self, question: &[u8]) -> Option<Message> {
        self.questions.fetch_add(1, Ordering::Relaxed);
        let mut message = Message::from_vec(question).ok()?.into_response();
        let query = message.queries.first()?.clone();
        let is_v6 = query.query_type() == RecordType::AAAA;
        if is_v6 && self.v6_is_silent.load(Ordering::Relaxed) {
            return None;
        }
        let name = query.name().to_lowercase().to_string();
        let replies = self.replies.lock().unwrap_or_else(PoisonError::into_inner);
        match replies.get(&name).cloned().unwrap_or(Reply::Refused(ResponseCode::NXDomain)) {
            Reply::Refused(code) => message.metadata.response_code = code,
            Reply::Addresses(addresses, ttl) => {
                let wanted = addresses.into_iter().filter(|address| address.is_ipv6() == is_v6);
                let record = |address| Record::from_rdata(query.name().clone(), ttl, RData::from(address));
                message.add_answers(wanted.map(record));
            }
        }
        Some(message)
    }
}
