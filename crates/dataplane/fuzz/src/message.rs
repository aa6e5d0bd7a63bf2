//! Heads: judged alike however their bytes are split; once accepted, written so that nobody can read them
//! in another way, and read back as they were.

use crate::http::h1::{
    HeadError, HeadLimits, HeadScanner, parse_request, parse_response, write_request, write_response,
};
use crate::http::hop::strip_hop_by_hop;
use crate::http::{Fields, Method, RequestHead, ResponseHead};
use crate::plan::document::{DotSegments, EncodedSlash, PathPolicy};

/// What we write has a line or two more than what we read, and the next hop's limits are its own.
const ROOMY: HeadLimits = HeadLimits { bytes: 128 * 1024, fields: 110 };

/// Checks a request. The length of the input chooses the path policy, so that the bytes stay those of a message.
pub fn check_request(bytes: &[u8]) {
    let paths = policy(bytes.len());
    let parse = |head: &[u8], limits: &HeadLimits| {
        let mut out = RequestHead::default();
        parse_request(head, limits, &paths, &mut out).map(|()| out)
    };
    let _ = parse(bytes, &HeadLimits::default());
    let Some(mut head) = alike_however_split(bytes, parse) else { return };
    if head.method == Method::Connect {
        return; // never forwarded
    }
    if head.authority.is_empty() {
        head.authority.push('a'); // HTTP/1.0 without a host: whoever forwards it names the upstream
    }
    strip_hop_by_hop(&mut head.fields);
    let mut wire = Vec::new();
    write_request(&head, &mut wire);
    assert_reads_one_way(&wire, 1);
    let again = parse(&wire, &ROOMY).expect("what we write is legal");
    assert_eq!(request_parts(&again), request_parts(&head), "what was written is read back as it was");
}

/// Checks a response. The length of the input chooses the method that it answers.
pub fn check_response(bytes: &[u8]) {
    let method = [Method::Get, Method::Head, Method::Connect][bytes.len() % 3].clone();
    let parse = |head: &[u8], limits: &HeadLimits| {
        let mut out = ResponseHead::default();
        parse_response(head, limits, &method, &mut out).map(|()| out)
    };
    let _ = parse(bytes, &HeadLimits::default());
    let Some(mut head) = alike_however_split(bytes, parse) else { return };
    strip_hop_by_hop(&mut head.fields);
    let mut wire = Vec::new();
    write_response(&head, !head.keep_alive, &mut wire);
    let hosts = head.fields.get_all(b"host").count(); // a response's own affair
    assert_reads_one_way(&wire, hosts);
    let mut again = parse(&wire, &ROOMY).expect("what we write is legal");
    strip_hop_by_hop(&mut again.fields);
    assert_eq!(response_parts(&again), response_parts(&head), "what was written is read back as it was");
}

/// The head that begins `bytes`, if it is there and legal.
fn alike_however_split<T>(bytes: &[u8], parse: impl Fn(&[u8], &HeadLimits) -> Result<T, HeadError>) -> Option<T> {
    let read = |length: usize| parse(&bytes[..length], &HeadLimits::default()).ok().map(|head| (length, head));
    let whole = cut(bytes, bytes.len().max(1)).and_then(read);
    let split = cut(bytes, 1).and_then(read).map(|(length, _)| length);
    assert_eq!(whole.as_ref().map(|(length, _)| *length), split, "the split must not matter");
    whole.map(|(_, head)| head)
}

fn cut(bytes: &[u8], step: usize) -> Option<usize> {
    let mut scanner = HeadScanner::default();
    let steps = (step..bytes.len()).step_by(step).chain([bytes.len()]);
    for have in steps {
        if let Some(length) = scanner.scan(&bytes[..have], &HeadLimits::default()).ok()? {
            return Some(length);
        }
    }
    None
}

fn assert_reads_one_way(wire: &[u8], hosts: usize) {
    let text = wire.strip_suffix(b"\r\n\r\n").expect("a head ends with an empty line");
    let lines: Vec<&[u8]> =
        text.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line)).collect();
    assert_eq!(text.iter().filter(|byte| **byte == b'\n').count(), memchr::memmem::find_iter(text, b"\r\n").count());
    let stray = |byte: &u8| (*byte < b' ' && *byte != b'\t') || *byte == 0x7f;
    assert!(!lines.iter().any(|line| line.is_empty() || line.iter().any(stray)), "no empty line, no control byte");
    let count = |name: &str| lines.iter().filter(|line| lenient_name(line) == name).count();
    assert!(count("content-length") + count("transfer-encoding") <= 1, "one answer to where the body ends");
    assert_eq!(count("host"), hosts, "one answer to who is asked");
}

/// A field name as the most forgiving of parsers would read it.
fn lenient_name(line: &[u8]) -> String {
    let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
    String::from_utf8_lossy(name).trim().replace('_', "-").to_ascii_lowercase()
}

fn request_parts(head: &RequestHead) -> impl PartialEq + std::fmt::Debug {
    let target = (head.method.clone(), head.authority.clone(), head.path.clone(), head.query.clone());
    (target, head.framing, lines(&head.fields))
}

fn response_parts(head: &ResponseHead) -> impl PartialEq + std::fmt::Debug {
    (head.status, head.reason.clone(), head.framing, head.declared_length, head.keep_alive, lines(&head.fields))
}

fn lines(fields: &Fields) -> Vec<(Vec<u8>, Vec<u8>)> {
    fields.iter().map(|(_, name, value)| (name.to_vec(), value.to_vec())).collect()
}

fn policy(choice: usize) -> PathPolicy {
    PathPolicy {
        dot_segments: [DotSegments::Resolve, DotSegments::Reject][choice % 2],
        merge_slashes: choice / 2 % 2 == 0,
        encoded_slash: [EncodedSlash::Reject, EncodedSlash::Keep, EncodedSlash::Decode][choice / 4 % 3],
    }
}
