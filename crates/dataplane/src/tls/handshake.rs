//! A handshake without its socket: rustls, who the peer is, and why it was refused.

use std::sync::Arc;

use rustls::client::UnbufferedClientConnection;
use rustls::pki_types::UnixTime;
use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::{ConnectionState, EncodeError, InsufficientSizeError, UnbufferedStatus};
use rustls::{CommonState, Error, HandshakeKind, ProtocolVersion};

use super::client_verifier::ClientVerifier;
use super::peer::PeerCertificate;
use super::provider::protocol;
use super::refusal::{Refusal, TlsError};
use super::server_verifier::ServerVerifier;
use super::traffic::{Schedule, Traffic};
use super::verdict;

/// The side we play, and what verifies the other one; a listener in mode `simple` has nothing to verify.
pub(super) enum Side {
    Server(UnbufferedServerConnection, Option<Arc<ClientVerifier>>),
    Client(UnbufferedClientConnection, Arc<ServerVerifier>),
}

/// What a handshake brought to light.
#[derive(Default)]
pub(super) struct Facts {
    pub(super) peer: Option<Arc<PeerCertificate>>,
    pub(super) server_name: Option<Box<str>>,
    pub(super) alpn: Option<&'static [u8]>,
    pub(super) resumed: bool,
}

pub(super) struct Handshake {
    side: Side,
    facts: Facts,
    /// Set by the first byte: whether the peer speaks TLS at all.
    speaks_tls: Option<bool>,
    /// The peer said goodbye right behind its last message.
    peer_closed: bool,
}

/// What one step came to.
enum Step {
    Again,
    Waiting,
    Closed,
}

// === impl Handshake ===

impl Handshake {
    pub(super) fn new(side: Side) -> Self {
        Self { side, facts: Facts::default(), speaks_tls: None, peer_closed: false }
    }

    /// Works on what was received and not yet done with. Returns how much of it is done with, and whether the
    /// handshake is over. Bytes for the peer (an alert too) go to `out`, plaintext that came along to `early`.
    pub(super) fn advance(
        &mut self,
        received: &mut [u8],
        out: &mut Vec<u8>,
        early: &mut Vec<u8>,
    ) -> (usize, Result<bool, TlsError>) {
        if let Some(&first) = received.first() {
            self.speaks_tls.get_or_insert(matches!(first, 0x15 | 0x16)); // an alert or a handshake record
        }
        let mut done = 0;
        loop {
            let (used, step) = self.step(&mut received[done..], out, early);
            done += used;
            match step {
                Err(error) => {
                    self.collect_alert(&mut received[done..], out);
                    return (done, Err(error));
                }
                // To be asked before rustls opens records that belong to the open connection.
                Ok(step) if self.is_over() => {
                    self.peer_closed = matches!(step, Step::Closed);
                    return (done, Ok(true));
                }
                Ok(Step::Again) => {}
                Ok(Step::Waiting) => return (done, Ok(false)),
                Ok(Step::Closed) => return (done, Err(TlsError::new(Refusal::Closed, "by close_notify"))),
            }
        }
    }

    fn step(&mut self, received: &mut [u8], out: &mut Vec<u8>, early: &mut Vec<u8>) -> (usize, Result<Step, TlsError>) {
        let (used, step) = match &mut self.side {
            Side::Server(connection, _) => take_step(connection.process_tls_records(received), out, early),
            Side::Client(connection, _) => take_step(connection.process_tls_records(received), out, early),
        };
        let found = verdict::take();
        self.facts.server_name = found.server_name.or_else(|| self.facts.server_name.take());
        let step = match (step, found.verdict) {
            (Err(_), Some(Err(ours))) => Err(ours),
            (Err(error), _) if self.speaks_tls == Some(false) => Err(TlsError::new(Refusal::NotTls, error.to_string())),
            (Err(error), _) => Err(error.into()),
            (Ok(step), verdict) => {
                if let Some(Ok(peer)) = verdict {
                    self.facts.peer = peer;
                }
                Ok(step)
            }
        };
        (used, step)
    }

    /// After an error, rustls has an alert ready before it says the error again.
    fn collect_alert(&mut self, received: &mut [u8], out: &mut Vec<u8>) {
        while let (_, Ok(Step::Again)) = self.step(received, out, &mut Vec::new()) {}
    }

    fn is_over(&self) -> bool {
        let common = self.common();
        !common.is_handshaking() && !common.wants_write()
    }

    /// A TLS 1.3 server has only session tickets left to send: they can go with the first answer, in one packet.
    pub(super) fn last_flight_may_wait(&self) -> bool {
        let tls13 = self.common().protocol_version() == Some(ProtocolVersion::TLSv1_3);
        matches!(self.side, Side::Server(..)) && tls13
    }

    /// To be called when the handshake is over.
    pub(super) fn finish(mut self) -> Result<(Traffic, Facts), TlsError> {
        self.facts.resumed = self.common().handshake_kind() == Some(HandshakeKind::Resumed);
        self.facts.alpn = self.common().alpn_protocol().and_then(protocol);
        if self.facts.resumed {
            self.facts.peer = self.resumed_peer(UnixTime::now())?;
        }
        let (secrets, schedule) = match self.side {
            Side::Server(connection, _) => {
                connection.dangerous_into_kernel_connection().map(|(secrets, it)| (secrets, Schedule::Server(it)))?
            }
            Side::Client(connection, _) => {
                connection.dangerous_into_kernel_connection().map(|(secrets, it)| (secrets, Schedule::Client(it)))?
            }
        };
        let mut traffic =
            Traffic::new(&secrets, schedule).map_err(|fault| TlsError::new(Refusal::Other, fault.what))?;
        traffic.peer_closed = self.peer_closed;
        Ok((traffic, self.facts))
    }

    /// A resumed session brings the chain of the handshake that it continues, and rustls does not look at it again.
    fn resumed_peer(&self, now: UnixTime) -> Result<Option<Arc<PeerCertificate>>, TlsError> {
        let chain = self.common().peer_certificates().unwrap_or_default();
        match &self.side {
            Side::Server(_, None) => Ok(None),
            Side::Server(_, Some(verifier)) => verifier.resumed(chain, now).map(Some),
            Side::Client(_, verifier) => verifier.resumed(chain, now),
        }
    }

    fn common(&self) -> &CommonState {
        match &self.side {
            Side::Server(connection, _) => connection,
            Side::Client(connection, _) => connection,
        }
    }
}

fn take_step<Data>(
    status: UnbufferedStatus<'_, '_, Data>,
    out: &mut Vec<u8>,
    early: &mut Vec<u8>,
) -> (usize, Result<Step, Error>) {
    let mut used = status.discard;
    let step = status.state.and_then(|state| match state {
        ConnectionState::EncodeTlsData(mut record) => append(out, |room| record.encode(room)),
        ConnectionState::TransmitTlsData(sent) => {
            sent.done(); // it is in `out`, and goes before anything else
            Ok(Step::Again)
        }
        ConnectionState::ReadTraffic(mut records) => {
            while let Some(record) = records.next_record() {
                let record = record?;
                used += record.discard;
                early.extend_from_slice(record.payload);
            }
            Ok(Step::Again)
        }
        ConnectionState::BlockedHandshake | ConnectionState::WriteTraffic(_) => Ok(Step::Waiting),
        ConnectionState::PeerClosed | ConnectionState::Closed => Ok(Step::Closed),
        // Early data is never accepted.
        _ => Err(Error::General("an unexpected state of the handshake".into())),
    });
    (used, step)
}

/// Lets rustls write one record to the end of `out`: the first try only asks how long it is.
fn append(out: &mut Vec<u8>, mut encode: impl FnMut(&mut [u8]) -> Result<usize, EncodeError>) -> Result<Step, Error> {
    let start = out.len();
    let mut room = 0;
    loop {
        out.resize(start + room, 0);
        match encode(&mut out[start..]) {
            Ok(written) => {
                out.truncate(start + written);
                return Ok(Step::Again);
            }
            Err(EncodeError::InsufficientSize(InsufficientSizeError { required_size })) if required_size > room => {
                room = required_size;
            }
            Err(error) => return Err(Error::General(error.to_string())),
        }
    }
}
