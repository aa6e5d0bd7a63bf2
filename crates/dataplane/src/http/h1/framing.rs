//! What the fields of a head say about the message itself: where its body ends, whether the connection
//! lives on, what the sender waits for. Requests and responses read these fields alike.

use super::error::HeadError;
use super::lines::Fate;
use crate::http::characters::is_token;
use crate::http::hop::elements;
use crate::http::{Known, Version};

/// Gathered while the lines are read.
#[derive(Default)]
#[allow(clippy::struct_excessive_bools)] // independent remarks of the sender, not states
pub(super) struct Signals<'head> {
    /// `Host`, as it was written.
    pub(super) host: Option<&'head [u8]>,
    /// `Content-Length`.
    pub(super) length: Option<u64>,
    /// `Transfer-Encoding: chunked`.
    pub(super) chunked: bool,
    /// `Upgrade` is there.
    pub(super) upgrade: bool,
    /// `Expect: 100-continue`.
    pub(super) expects_continue: bool,
    /// An expectation that nobody knows.
    pub(super) expects_other: bool,
    says_close: bool,
    says_keep_alive: bool,
    says_upgrade: bool,
    options: usize,
}

/// Options of `Connection` that one head may hold: each is compared with every field.
const CONNECTION_OPTIONS: usize = 32;

// === impl Signals ===

impl<'head> Signals<'head> {
    /// Takes note of a recognised field of a request.
    pub(super) fn read_request_field(&mut self, known: Known, value: &'head [u8]) -> Result<Fate, HeadError> {
        match known {
            Known::Host => {
                if self.host.replace(value).is_some() {
                    return Err(HeadError::HostRepeated);
                }
                return Ok(Fate::Dropped);
            }
            Known::Upgrade => self.upgrade = true,
            Known::Expect if self.expects_continue || !value.eq_ignore_ascii_case(b"100-continue") => {
                self.expects_other = true;
            }
            Known::Expect => self.expects_continue = true,
            _ => return self.read_field(known, value),
        }
        Ok(Fate::Kept)
    }

    /// Takes note of a recognised field of any message.
    pub(super) fn read_field(&mut self, known: Known, value: &[u8]) -> Result<Fate, HeadError> {
        match known {
            Known::ContentLength => {
                if self.length.replace(content_length(value)?).is_some() {
                    return Err(HeadError::LengthRepeated);
                }
                Ok(Fate::Dropped)
            }
            Known::TransferEncoding => {
                transfer_encoding(value)?;
                if std::mem::replace(&mut self.chunked, true) {
                    return Err(HeadError::TransferEncoding);
                }
                Ok(Fate::Dropped)
            }
            Known::Connection => {
                self.read_connection(value)?;
                Ok(Fate::Kept)
            }
            _ => Ok(Fate::Kept),
        }
    }

    /// Two answers to where the body ends, or one in a version that does not know it, are none.
    pub(super) fn check_framing(&self, version: Version) -> Result<(), HeadError> {
        match (self.chunked, self.length) {
            (true, Some(_)) => Err(HeadError::LengthWithCoding),
            (true, None) if version == Version::Http10 => Err(HeadError::CodingInOldVersion),
            _ => Ok(()),
        }
    }

    /// The sender wants the connection to live on (RFC 9112 section 9.3).
    pub(super) fn keep_alive(&self, version: Version) -> bool {
        !self.says_close && (version != Version::Http10 || self.says_keep_alive)
    }

    /// The sender offers another protocol.
    pub(super) fn offers_upgrade(&self, version: Version) -> bool {
        self.upgrade && self.says_upgrade && version == Version::Http11
    }

    fn read_connection(&mut self, value: &[u8]) -> Result<(), HeadError> {
        for option in elements(value) {
            self.says_close |= option.eq_ignore_ascii_case(b"close");
            self.says_keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
            self.says_upgrade |= option.eq_ignore_ascii_case(b"upgrade");
            self.options += 1;
            if self.options > CONNECTION_OPTIONS {
                return Err(HeadError::ConnectionOptions);
            }
        }
        Ok(())
    }
}

/// Digits only, within 64 bits.
fn content_length(value: &[u8]) -> Result<u64, HeadError> {
    if value.is_empty() {
        return Err(HeadError::ContentLength);
    }
    value.iter().try_fold(0_u64, |length, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0')).ok_or(HeadError::ContentLength)?;
        length.checked_mul(10).and_then(|tens| tens.checked_add(digit)).ok_or(HeadError::ContentLength)
    })
}

/// `chunked` and nothing else. Other codings before one final `chunked` are well-formed but unknown to us
/// (RFC 9112 section 6.1); whatever else is a riddle about where the body ends.
fn transfer_encoding(value: &[u8]) -> Result<(), HeadError> {
    if value.eq_ignore_ascii_case(b"chunked") {
        return Ok(());
    }
    let mut codings = value.rsplit(|byte| *byte == b',').map(crate::http::characters::trim);
    let last_is_chunked = codings.next().is_some_and(|last| last.eq_ignore_ascii_case(b"chunked"));
    let others_are_codings = codings.all(|coding| is_token(coding) && !coding.eq_ignore_ascii_case(b"chunked"));
    Err(if last_is_chunked && others_are_codings { HeadError::UnknownCoding } else { HeadError::TransferEncoding })
}
