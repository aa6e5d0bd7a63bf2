//! An open connection without its socket: plaintext to records, records to plaintext, and the few messages that
//! TLS allows after the handshake.

use std::io::IoSlice;

use rustls::client::ClientConnectionData;
use rustls::kernel::KernelConnection;
use rustls::server::ServerConnectionData;
use rustls::{
    AlertDescription, ConnectionTrafficSecrets, Error, ExtractedSecrets, ProtocolVersion, SupportedCipherSuite,
};

use super::record::{ALERT, APPLICATION_DATA, Fault, Gather, HANDSHAKE, Key, record_length};

/// How many records without content, or warnings, or new keys without data, we take in a row: each costs us work
/// and the peer next to nothing.
const PATIENCE: u8 = 16;
/// The longest message after the handshake; a session ticket is the only one that can be long.
const MAX_MESSAGE: usize = 1 << 16;

const CLOSE_NOTIFY: u8 = 0;
const USER_CANCELED: u8 = 90;
const NEW_SESSION_TICKET: u8 = 4;
const KEY_UPDATE: u8 = 24;

/// The rest of the handshake that an open connection needs: new keys, new tickets.
pub(super) enum Schedule {
    Server(KernelConnection<ServerConnectionData>),
    Client(KernelConnection<ClientConnectionData>),
}

/// Where plaintext goes: the caller's buffer, and what that does not hold.
pub(super) struct Sink<'a> {
    pub(super) buffer: &'a mut [u8],
    pub(super) filled: usize,
    pub(super) spill: &'a mut Vec<u8>,
}

pub(super) struct Traffic {
    sealing: Key,
    opening: Key,
    schedule: Schedule,
    /// After this many records a key is worn out (RFC 8446 section 5.5).
    pub(super) limit: u64,
    /// The peer renewed its keys and wants us to do so before we send anything else.
    renewal_due: bool,
    /// Records in a row that brought nothing.
    idle_records: u8,
    /// The pieces of a message that spans records.
    message: Vec<u8>,
    pub(super) peer_closed: bool,
    pub(super) closed: bool,
}

// === impl Schedule ===

impl Schedule {
    pub(super) fn version(&self) -> ProtocolVersion {
        match self {
            Self::Server(connection) => connection.protocol_version(),
            Self::Client(connection) => connection.protocol_version(),
        }
    }

    fn suite(&self) -> SupportedCipherSuite {
        match self {
            Self::Server(connection) => connection.negotiated_cipher_suite(),
            Self::Client(connection) => connection.negotiated_cipher_suite(),
        }
    }

    fn next_sealing(&mut self) -> Result<(u64, ConnectionTrafficSecrets), Error> {
        match self {
            Self::Server(connection) => connection.update_tx_secret(),
            Self::Client(connection) => connection.update_tx_secret(),
        }
    }

    fn next_opening(&mut self) -> Result<(u64, ConnectionTrafficSecrets), Error> {
        match self {
            Self::Server(connection) => connection.update_rx_secret(),
            Self::Client(connection) => connection.update_rx_secret(),
        }
    }
}

// === impl Traffic ===

impl Traffic {
    pub(super) fn new(secrets: &ExtractedSecrets, schedule: Schedule) -> Result<Self, Fault> {
        let version = schedule.version();
        let limit = match schedule.suite() {
            SupportedCipherSuite::Tls12(suite) => suite.common.confidentiality_limit,
            SupportedCipherSuite::Tls13(suite) => suite.common.confidentiality_limit,
        };
        Ok(Self {
            sealing: Key::new(version, secrets.tx.0, &secrets.tx.1)?,
            opening: Key::new(version, secrets.rx.0, &secrets.rx.1)?,
            schedule,
            limit,
            renewal_due: false,
            idle_records: 0,
            message: Vec::new(),
            peer_closed: false,
            closed: false,
        })
    }

    /// Seals the beginning of `slices`, at most `limit` bytes, to the end of `out`; returns how much that is.
    pub(super) fn seal(&mut self, slices: &[IoSlice<'_>], limit: usize, out: &mut Vec<u8>) -> Result<usize, Fault> {
        let mut content = Gather::new(slices, limit);
        let length = content.left;
        while content.left > 0 {
            if self.renewal_due || self.sealing.sequence >= self.limit {
                self.renew_sealing(out)?;
            }
            self.sealing.seal(APPLICATION_DATA, &mut content, out)?;
        }
        Ok(length)
    }

    /// Says goodbye, once.
    pub(super) fn close(&mut self, out: &mut Vec<u8>) -> Result<(), Fault> {
        if self.closed {
            return Ok(());
        }
        self.closed = true;
        self.seal_whole(ALERT, &[1, CLOSE_NOTIFY], out)
    }

    /// Tells the peer why we break off.
    pub(super) fn break_off(&mut self, fault: &Fault, out: &mut Vec<u8>) {
        if !self.closed {
            self.closed = true;
            // An alert that cannot be sealed cannot be sent; the connection ends all the same.
            let level = if fault.alert == CLOSE_NOTIFY { 1 } else { 2 };
            let _ = self.seal_whole(ALERT, &[level, fault.alert], out);
        }
    }

    /// Opens the whole records in `received`, until the sink is full; returns how many bytes are done with.
    pub(super) fn open(&mut self, received: &mut [u8], sink: &mut Sink<'_>) -> Result<usize, Fault> {
        let mut done = 0;
        while !self.peer_closed
            && let Some(length) = record_length(&received[done..])?
            && let Some(record) = received[done..].get_mut(..length)
            && sink.takes(length)
        {
            let (content_type, content) = self.opening.open(record)?;
            self.take(content_type, &record[content], sink)?;
            done += length;
        }
        Ok(done)
    }

    fn take(&mut self, content_type: u8, content: &[u8], sink: &mut Sink<'_>) -> Result<(), Fault> {
        if content_type != HANDSHAKE && !self.message.is_empty() {
            return Err(Fault::new(Fault::UNEXPECTED, "a record within a message"));
        }
        match content_type {
            APPLICATION_DATA if !content.is_empty() => {
                self.idle_records = 0;
                sink.put(content);
                return Ok(());
            }
            APPLICATION_DATA => {}
            ALERT => self.take_alert(content)?,
            HANDSHAKE if self.opening.is_tls13() => self.take_messages(content)?,
            // A hello, or the request for one.
            HANDSHAKE => return Err(Fault::new(Fault::HANDSHAKE_FAILURE, "the peer wants to renegotiate")),
            _ => return Err(Fault::new(Fault::UNEXPECTED, "a record of an unexpected type")),
        }
        self.idle_records += 1;
        if self.idle_records > PATIENCE {
            return Err(Fault::new(Fault::UNEXPECTED, "too many records that bring nothing"));
        }
        Ok(())
    }

    fn take_alert(&mut self, content: &[u8]) -> Result<(), Fault> {
        match content {
            [_, CLOSE_NOTIFY] => self.peer_closed = true,
            [_, USER_CANCELED] => {}
            // In TLS 1.3 every other alert ends the connection, whatever level it claims (RFC 8446 section 6).
            [1, _] if !self.opening.is_tls13() => {}
            [_, alert] => {
                let what = format!("the peer broke the connection off: {:?}", AlertDescription::from(*alert));
                return Err(Fault { alert: CLOSE_NOTIFY, what: what.into() });
            }
            _ => return Err(Fault::new(Fault::DECODE, "an alert that cannot be read")),
        }
        Ok(())
    }

    /// Messages after the handshake; they may span records.
    fn take_messages(&mut self, content: &[u8]) -> Result<(), Fault> {
        if content.is_empty() {
            return Err(Fault::new(Fault::UNEXPECTED, "a piece of a message without content"));
        }
        self.message.extend_from_slice(content);
        let mut messages = std::mem::take(&mut self.message);
        let mut rest = &messages[..];
        while let Some((&[kind, high, middle, low], body)) = rest.split_first_chunk() {
            let length = u32::from_be_bytes([0, high, middle, low]) as usize;
            if length > MAX_MESSAGE {
                return Err(Fault::new(Fault::DECODE, "a message over its limit"));
            }
            let Some((body, after)) = body.split_at_checked(length) else { break };
            self.take_message(kind, body, after.is_empty())?;
            rest = after;
        }
        let done = messages.len() - rest.len();
        messages.drain(..done);
        self.message = messages;
        Ok(())
    }

    fn take_message(&mut self, kind: u8, body: &[u8], last: bool) -> Result<(), Fault> {
        match (kind, &mut self.schedule) {
            (NEW_SESSION_TICKET, Schedule::Client(connection)) => connection
                .handle_new_session_ticket(body)
                .map_err(|_| Fault::new(Fault::DECODE, "a session ticket that cannot be read")),
            // What follows in the same record was sealed under the old key: new keys begin at a record's start.
            (KEY_UPDATE, _) if !last => Err(Fault::new(Fault::UNEXPECTED, "a message behind new keys")),
            (KEY_UPDATE, schedule) => {
                self.renewal_due |= match body {
                    [0] => false,
                    [1] => true,
                    _ => return Err(Fault::new(Fault::DECODE, "a key update that cannot be read")),
                };
                let (sequence, secrets) = schedule.next_opening().map_err(|_| NO_NEW_KEYS)?;
                self.opening = Key::new(ProtocolVersion::TLSv1_3, sequence, &secrets)?;
                Ok(())
            }
            _ => Err(Fault::new(Fault::UNEXPECTED, "a message that is not allowed after the handshake")),
        }
    }

    pub(super) fn renew_sealing(&mut self, out: &mut Vec<u8>) -> Result<(), Fault> {
        if !self.sealing.is_tls13() {
            return Err(Fault::new(Fault::INTERNAL, "the key is worn out, and TLS 1.2 knows no new one"));
        }
        self.renewal_due = false;
        self.seal_whole(HANDSHAKE, &[KEY_UPDATE, 0, 0, 1, 0], out)?;
        let (sequence, secrets) = self.schedule.next_sealing().map_err(|_| NO_NEW_KEYS)?;
        self.sealing = Key::new(ProtocolVersion::TLSv1_3, sequence, &secrets)?;
        Ok(())
    }

    pub(super) fn seal_whole(&mut self, content_type: u8, content: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
        let slices = [IoSlice::new(content)];
        self.sealing.seal(content_type, &mut Gather::new(&slices, usize::MAX), out)
    }
}

const NO_NEW_KEYS: Fault = Fault::new(Fault::INTERNAL, "new keys cannot be made");

// === impl Sink ===

impl Sink<'_> {
    /// The first record is always taken: there may never be a buffer that holds it whole.
    fn takes(&self, length: usize) -> bool {
        (self.filled == 0 && self.spill.is_empty()) || length <= self.buffer.len() - self.filled
    }

    pub(super) fn put(&mut self, content: &[u8]) {
        let room = &mut self.buffer[self.filled..];
        let (here, there) = content.split_at(content.len().min(room.len()));
        room[..here.len()].copy_from_slice(here);
        self.filled += here.len();
        self.spill.extend_from_slice(there);
    }
}
