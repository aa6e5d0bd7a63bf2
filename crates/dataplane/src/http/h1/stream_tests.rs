//! Properties of whole streams: however the bytes are split, the same messages come out; what is written
//! is read back as it was; no bytes make the parsers panic.

use proptest::prelude::*;

use super::request::tests::PATHS;
use super::*;
use crate::http::{Fields, Framing, Method, RequestHead, ResponseHead};

/// What one connection carried, in a form that can be compared.
#[derive(Debug, Clone, PartialEq)]
struct Message {
    start: String,
    fields: Vec<(Vec<u8>, Vec<u8>)>,
    body: Vec<u8>,
    trailers: Vec<(Vec<u8>, Vec<u8>)>,
}

fn lines(fields: &Fields) -> Vec<(Vec<u8>, Vec<u8>)> {
    fields.iter().map(|(_, name, value)| (name.to_vec(), value.to_vec())).collect()
}

/// Reads requests from a stream of which `sizes` says how many bytes arrive at a time.
fn read_stream(stream: &[u8], sizes: &[usize]) -> Result<Vec<Message>, String> {
    let mut sizes = sizes.iter().copied().cycle();
    let mut have = 0;
    let mut more = |at: usize| {
        have = (have.max(at) + sizes.next().unwrap_or(1)).min(stream.len());
        have
    };
    let (mut at, mut end, mut messages) = (0, 0, Vec::new());
    let (mut scanner, mut head) = (HeadScanner::default(), RequestHead::default());
    loop {
        let Some(length) = scanner.scan(&stream[at..end], &HeadLimits::default()).map_err(|error| error.to_string())?
        else {
            if end == stream.len() {
                return Ok(messages);
            }
            end = more(at);
            continue;
        };
        parse_request(&stream[at..at + length], &HeadLimits::default(), &PATHS, &mut head)
            .map_err(|error| error.to_string())?;
        at += length;
        scanner.reset();
        let mut decoder = BodyDecoder::new(head.framing);
        let mut body = Vec::new();
        loop {
            match decoder.next(&stream[at..end]).map_err(|error| error.to_string())? {
                Next::Framing(count) => at += count,
                Next::Data(count) => {
                    body.extend_from_slice(&stream[at..at + count]);
                    decoder.took(count);
                    at += count;
                }
                Next::More if end == stream.len() => return Err("cut".into()),
                Next::More => end = more(at),
                Next::End => break,
            }
        }
        let start = format!("{:?} {} {} {:?} {:?}", head.method, head.authority, head.path, head.query, head.framing);
        messages.push(Message { start, fields: lines(&head.fields), body, trailers: lines(decoder.trailers()) });
    }
}

prop_compose! {
    fn any_fields()(pairs in prop::collection::vec(("x-[a-zA-Z]{1,6}", "[!-~]{0,12}( [!-~]{1,6})?"), 0..6)) -> Fields {
        let mut fields = Fields::default();
        for (name, value) in pairs {
            fields.push(name.as_bytes(), value.trim().as_bytes());
        }
        fields
    }
}

#[derive(Debug, Clone)]
struct Sent {
    head: RequestHead,
    body: Vec<Vec<u8>>,
    trailers: Fields,
}

prop_compose! {
    fn any_request()(
        method in prop::sample::select(vec!["GET", "POST", "PATCH", "BREW"]),
        authority in "[a-z]{1,8}(:[1-9][0-9]{0,3})?",
        path in "(/[a-z0-9_~-]{1,5}){1,3}",
        query in prop::option::of("[!-\"$-~]{0,10}"),
        fields in any_fields(),
        trailers in any_fields(),
        chunked in any::<bool>(),
        body in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..4),
    ) -> Sent {
        let length = body.iter().map(Vec::len).sum::<usize>() as u64;
        let framing = if chunked { Framing::Chunked } else { Framing::Length(length) };
        let trailers = if chunked { trailers } else { Fields::default() };
        let head = RequestHead { method: Method::of(method), authority, path, query, fields, framing, ..RequestHead::default() };
        Sent { head, body, trailers }
    }
}

fn write_all(sent: &[Sent]) -> Vec<u8> {
    let mut out = Vec::new();
    for Sent { head, body, trailers } in sent {
        write_request(head, &mut out);
        for piece in body {
            if head.framing == Framing::Chunked {
                write_chunk_head(piece.len(), &mut out);
                out.extend_from_slice(piece);
                out.extend_from_slice(CHUNK_END);
            } else {
                out.extend_from_slice(piece);
            }
        }
        if head.framing == Framing::Chunked {
            write_last_chunk(trailers, &mut out);
        }
    }
    out
}

proptest! {
    #[test]
    fn what_is_written_is_read_back_however_it_is_split(
        sent in prop::collection::vec(any_request(), 1..4),
        sizes in prop::collection::vec(1..60_usize, 1..20),
    ) {
        let stream = write_all(&sent);
        let expected: Vec<_> = sent.iter().map(|Sent { head, body, trailers }| Message {
            start: format!("{:?} {} {} {:?} {:?}", head.method, head.authority, head.path, head.query, head.framing),
            fields: lines(&head.fields),
            body: body.concat(),
            trailers: lines(trailers),
        }).collect();
        prop_assert_eq!(read_stream(&stream, &[stream.len()]), Ok(expected.clone()));
        prop_assert_eq!(read_stream(&stream, &sizes), Ok(expected));
    }

    #[test]
    fn a_spoilt_stream_is_judged_alike_however_it_is_split(
        sent in prop::collection::vec(any_request(), 1..3),
        at in any::<prop::sample::Index>(),
        byte in prop::sample::select(b"\r\n\0 :;,0\tf".to_vec()),
        sizes in prop::collection::vec(1..60_usize, 1..20),
    ) {
        let mut stream = write_all(&sent);
        let at = at.index(stream.len());
        stream[at] = byte;
        let (whole, split) = (read_stream(&stream, &[stream.len()]), read_stream(&stream, &sizes));
        // Which of several faults is named first may differ; whether there is one may not.
        prop_assert_eq!(whole.clone().ok(), split.ok(), "whole: {:?}", whole);
    }

    #[test]
    fn a_response_is_read_back_as_it_was_written(
        status in prop::sample::select(vec![200_u16, 201, 404, 503, 799]),
        reason in "([!-~]{1,8})?",
        fields in any_fields(),
        framing in prop::sample::select(vec![Framing::Length(0), Framing::Length(77), Framing::Chunked, Framing::UntilClose]),
        close in any::<bool>(),
    ) {
        let sent = ResponseHead { status, reason: reason.clone().into_bytes(), fields, framing, ..ResponseHead::default() };
        let mut out = Vec::new();
        write_response(&sent, close, &mut out);
        let mut read = ResponseHead::default();
        parse_response(&out, &HeadLimits::default(), &Method::Get, &mut read).expect("we write what we read");
        read.fields.remove(b"connection");
        prop_assert_eq!((read.status, read.framing, lines(&read.fields)), (status, framing, lines(&sent.fields)));
        prop_assert_eq!(read.keep_alive, !close && framing != Framing::UntilClose);
        prop_assert!(read.reason == sent.reason || read.reason.is_empty());
    }

    #[test]
    fn no_bytes_make_the_parsers_panic(
        bytes in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(b"\r\n :;/,0\t".to_vec())], 0..200),
        sizes in prop::collection::vec(1..20_usize, 1..5),
    ) {
        let _ = read_stream(&bytes, &sizes);
        let head = [&b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"[..], &bytes].concat();
        let _ = read_stream(&head, &sizes);
        let _ = parse_request(&bytes, &HeadLimits::default(), &PATHS, &mut RequestHead::default());
        let _ = parse_response(&bytes, &HeadLimits::default(), &Method::Get, &mut ResponseHead::default());
    }
}
