//! Records of an open connection: sealing and opening them, in place.
//!
//! TLS 1.3 as in RFC 8446 section 5; TLS 1.2 as in RFC 5246 section 6.2 with AES-GCM (RFC 5288) or
//! ChaCha20-Poly1305 (RFC 7905). rustls makes the keys and aws-lc does the cryptography; this is the framing
//! between them, without the copies and allocations that a general interface needs.

use std::borrow::Cow;
use std::io::IoSlice;
use std::ops::Range;

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use rustls::{ConnectionTrafficSecrets, ProtocolVersion};

/// The longest plaintext of a record.
pub(super) const MAX_PLAINTEXT: usize = 1 << 14;
pub(super) const HEADER: usize = 5;
const TAG: usize = 16;
const EXPLICIT_NONCE: usize = 8;

pub(super) const ALERT: u8 = 21;
pub(super) const HANDSHAKE: u8 = 22;
pub(super) const APPLICATION_DATA: u8 = 23;

/// What is wrong with what the peer sent: the alert that tells it, and words for our log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) alert: u8,
    pub(super) what: Cow<'static, str>,
}

/// How a record is laid out around its ciphertext.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// The type of the content is encrypted behind it.
    Tls13,
    /// Half of the nonce is sent along.
    Tls12Gcm,
    Tls12ChaCha,
}

/// The key of one direction.
pub(super) struct Key {
    aead: LessSafeKey,
    iv: [u8; 12],
    layout: Layout,
    /// Of the next record.
    pub(super) sequence: u64,
}

/// Plaintext that comes in pieces.
pub(super) struct Gather<'a, 'b> {
    slices: &'a [IoSlice<'b>],
    skip: usize,
    pub(super) left: usize,
}

// === impl Fault ===

impl Fault {
    pub(super) const UNEXPECTED: u8 = 10;
    pub(super) const BAD_RECORD: u8 = 20;
    pub(super) const OVERFLOW: u8 = 22;
    pub(super) const HANDSHAKE_FAILURE: u8 = 40;
    pub(super) const DECODE: u8 = 50;
    pub(super) const INTERNAL: u8 = 80;

    pub(super) const fn new(alert: u8, what: &'static str) -> Self {
        Self { alert, what: Cow::Borrowed(what) }
    }
}

/// The length of the first record, header included, once its header is here; whether or not all of it is.
pub(super) fn record_length(received: &[u8]) -> Result<Option<usize>, Fault> {
    let Some(&[content_type, major, _, high, low]) = received.first_chunk() else { return Ok(None) };
    let length = usize::from(u16::from_be_bytes([high, low]));
    if !(20..=23).contains(&content_type) || major != 3 {
        return Err(Fault::new(Fault::DECODE, "no TLS record"));
    }
    if length > MAX_PLAINTEXT + 2048 {
        return Err(Fault::new(Fault::OVERFLOW, "a record over its limit"));
    }
    Ok(Some(HEADER + length))
}

// === impl Key ===

impl Key {
    pub(super) fn new(
        version: ProtocolVersion,
        sequence: u64,
        secrets: &ConnectionTrafficSecrets,
    ) -> Result<Self, Fault> {
        let (algorithm, key, iv, tls12) = match secrets {
            ConnectionTrafficSecrets::Aes128Gcm { key, iv } => (&AES_128_GCM, key, iv, Layout::Tls12Gcm),
            ConnectionTrafficSecrets::Aes256Gcm { key, iv } => (&AES_256_GCM, key, iv, Layout::Tls12Gcm),
            ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv } => {
                (&CHACHA20_POLY1305, key, iv, Layout::Tls12ChaCha)
            }
            _ => return Err(Fault::new(Fault::INTERNAL, "a cipher that was never offered")),
        };
        let key = UnboundKey::new(algorithm, key.as_ref()).map_err(|_| Fault::new(Fault::INTERNAL, "a bad key"))?;
        let iv = iv.as_ref().try_into().map_err(|_| Fault::new(Fault::INTERNAL, "a bad nonce"))?;
        let layout = if version == ProtocolVersion::TLSv1_3 { Layout::Tls13 } else { tls12 };
        Ok(Self { aead: LessSafeKey::new(key), iv, layout, sequence })
    }

    pub(super) fn is_tls13(&self) -> bool {
        self.layout == Layout::Tls13
    }

    /// Adds one record to `out`, with as much of `content` as fits in it.
    pub(super) fn seal(
        &mut self,
        content_type: u8,
        content: &mut Gather<'_, '_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let length = content.left.min(MAX_PLAINTEXT);
        let nonce = self.nonce();
        let (outer_type, prefix, suffix) = match self.layout {
            Layout::Tls13 => (APPLICATION_DATA, 0, 1),
            Layout::Tls12Gcm => (content_type, EXPLICIT_NONCE, 0),
            Layout::Tls12ChaCha => (content_type, 0, 0),
        };
        let [high, low] = ((prefix + length + suffix + TAG) as u16).to_be_bytes();
        let header = [outer_type, 3, 3, high, low];
        out.extend_from_slice(&header);
        out.extend_from_slice(&nonce[nonce.len() - prefix..]);
        let start = out.len();
        content.take(length, out);
        if suffix == 1 {
            out.push(content_type);
        }
        let aad = self.additional(header, length);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let sealed = self.aead.seal_in_place_separate_tag(nonce, Aad::from(aad.as_ref()), &mut out[start..]);
        let tag = sealed.map_err(|_| Fault::new(Fault::INTERNAL, "sealing failed"))?;
        out.extend_from_slice(tag.as_ref());
        self.sequence += 1;
        Ok(())
    }

    /// Opens one whole record in place; says what it holds, and where.
    pub(super) fn open(&mut self, record: &mut [u8]) -> Result<(u8, Range<usize>), Fault> {
        let bad = || Fault::new(Fault::BAD_RECORD, "a record that does not decrypt");
        let (header, body) = record.split_first_chunk_mut::<HEADER>().ok_or_else(bad)?;
        let prefix = if self.layout == Layout::Tls12Gcm { EXPLICIT_NONCE } else { 0 };
        let length = body.len().checked_sub(prefix + TAG).ok_or_else(bad)?;
        if self.layout == Layout::Tls13 && header[0] != APPLICATION_DATA {
            return Err(Fault::new(Fault::UNEXPECTED, "an unencrypted record"));
        }
        let (explicit, sealed) = body.split_at_mut(prefix);
        let mut nonce = self.nonce();
        if prefix != 0 {
            nonce[..4].copy_from_slice(&self.iv[..4]);
            nonce[4..].copy_from_slice(explicit);
        }
        let aad = self.additional(*header, length);
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.aead.open_in_place(nonce, Aad::from(aad.as_ref()), sealed).map_err(|_| bad())?;
        self.sequence += 1;
        let content_type = header[0];
        let start = HEADER + prefix;
        match self.layout {
            Layout::Tls13 => inner(&record[start..start + length]).map(|(inner, end)| (inner, start..start + end)),
            _ if length > MAX_PLAINTEXT => Err(Fault::new(Fault::OVERFLOW, "a record over its limit")),
            _ => Ok((content_type, start..start + length)),
        }
    }

    fn nonce(&self) -> [u8; 12] {
        let mut nonce = self.iv;
        for (byte, part) in nonce[4..].iter_mut().zip(self.sequence.to_be_bytes()) {
            *byte ^= part;
        }
        nonce
    }

    /// What is authenticated beside the content: the header as sent (1.3), or the sequence number and the header
    /// with the length of the plaintext (1.2).
    fn additional(&self, header: [u8; HEADER], length: usize) -> Additional {
        let [content_type, major, minor, ..] = header;
        let mut bytes = [0; 13];
        if self.layout == Layout::Tls13 {
            bytes[..HEADER].copy_from_slice(&header);
            return Additional { bytes, used: HEADER };
        }
        let [high, low] = (length as u16).to_be_bytes();
        bytes[..8].copy_from_slice(&self.sequence.to_be_bytes());
        bytes[8..].copy_from_slice(&[content_type, major, minor, high, low]);
        Additional { bytes, used: 13 }
    }
}

struct Additional {
    bytes: [u8; 13],
    used: usize,
}

impl AsRef<[u8]> for Additional {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.used]
    }
}

/// The type and the length of the content of a TLS 1.3 record: what precedes the zeros at its end.
fn inner(plaintext: &[u8]) -> Result<(u8, usize), Fault> {
    let end = plaintext.iter().rposition(|&byte| byte != 0);
    let end = end.ok_or_else(|| Fault::new(Fault::UNEXPECTED, "a record of nothing but padding"))?;
    if end > MAX_PLAINTEXT {
        return Err(Fault::new(Fault::OVERFLOW, "a record over its limit"));
    }
    Ok((plaintext[end], end))
}

// === impl Gather ===

impl<'a, 'b> Gather<'a, 'b> {
    pub(super) fn new(slices: &'a [IoSlice<'b>], limit: usize) -> Self {
        let left = slices.iter().map(|slice| slice.len()).sum::<usize>().min(limit);
        Self { slices, skip: 0, left }
    }

    fn take(&mut self, mut length: usize, out: &mut Vec<u8>) {
        self.left -= length;
        while length > 0 {
            let Some((first, rest)) = self.slices.split_first() else { return };
            let piece = &first[self.skip..];
            if piece.len() > length {
                out.extend_from_slice(&piece[..length]);
                self.skip += length;
                return;
            }
            out.extend_from_slice(piece);
            length -= piece.len();
            (self.slices, self.skip) = (rest, 0);
        }
    }
}
