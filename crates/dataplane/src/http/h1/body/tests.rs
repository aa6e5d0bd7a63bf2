//! Bodies in every framing, split everywhere.

use super::*;

/// Feeds `input` in pieces of `step` bytes, as a connection would; gives back the data and what is left.
fn decode(framing: Framing, input: &[u8], step: usize) -> Result<(Vec<u8>, usize, BodyDecoder), BodyError> {
    let mut decoder = BodyDecoder::new(framing);
    let (mut data, mut at, mut have) = (Vec::new(), 0, 0);
    loop {
        match decoder.next(&input[at..have])? {
            Next::Framing(count) => at += count,
            Next::Data(count) => {
                let taken = count.div_ceil(2); // a slow reader takes less than there is
                data.extend_from_slice(&input[at..at + taken]);
                decoder.took(taken);
                at += taken;
            }
            Next::More if have == input.len() => {
                decoder.closed()?;
                return Ok((data, input.len() - at, decoder));
            }
            Next::More => have = (have + step).min(input.len()),
            Next::End => return Ok((data, input.len() - at, decoder)),
        }
    }
}

fn chunked(input: &[u8]) -> Result<Vec<u8>, BodyError> {
    let results: Vec<_> =
        (1..=input.len()).map(|step| decode(Framing::Chunked, input, step).map(|(data, ..)| data)).collect();
    assert!(results.windows(2).all(|pair| pair[0] == pair[1]), "the split must not matter: {results:?}");
    results[0].clone()
}

#[test]
fn a_body_ends_where_its_framing_says() {
    for step in 1..12 {
        for (framing, input, body) in [
            (Framing::None, &b"next"[..], &b""[..]),
            (Framing::Length(0), b"next", b""),
            (Framing::Length(5), b"hellonext", b"hello"),
            (Framing::UntilClose, b"hellonext", b"hellonext"),
            (Framing::Chunked, b"5\r\nhello\r\n0A\r\n0123456789\r\n0\r\n\r\nnext", b"hello0123456789"),
            (Framing::Chunked, b"5;a=b;c=\"d e\"\r\nhello\r\n000\r\n\r\nnext", b"hello"),
        ] {
            let (data, rest, _) = decode(framing, input, step).expect("a legal body");
            let left = if framing == Framing::UntilClose { 0 } else { 4 };
            assert_eq!((data.as_slice(), rest), (body, left), "{framing:?} in steps of {step}");
        }
    }
}

#[test]
fn what_follows_the_body_is_left_alone() {
    let (data, rest, decoder) = decode(Framing::Chunked, b"1\r\nx\r\n0\r\n\r\nGET / HTTP/1.1", 100).expect("legal");
    assert_eq!((data, rest), (b"x".to_vec(), 14), "the next request is not part of the body");
    assert!(decoder.is_done());
}

#[test]
fn a_body_cut_short_is_seen() {
    for (framing, input) in [
        (Framing::Length(5), &b"hell"[..]),
        (Framing::Chunked, b"5\r\nhello"),
        (Framing::Chunked, b"5\r\nhello\r\n"),
        (Framing::Chunked, b"5\r\nhello\r\n0\r\n"),
        (Framing::Chunked, b""),
    ] {
        assert_eq!(decode(framing, input, 3).err(), Some(BodyError::Cut), "{framing:?} {input:?}");
    }
}

#[test]
fn malformed_chunks_are_refused_however_they_are_split() {
    let long_extension = [&b"1;"[..], &[b'x'; 257], b"\r\nx\r\n0\r\n\r\n"].concat();
    for (input, error) in [
        (&b"+1\r\nx\r\n0\r\n\r\n"[..], BodyError::ChunkSize),
        (b"-1\r\nx\r\n0\r\n\r\n", BodyError::ChunkSize),
        (b"0x1\r\nx\r\n0\r\n\r\n", BodyError::ChunkSize),
        (b" 1\r\nx\r\n0\r\n\r\n", BodyError::ChunkSize),
        (b"1 \r\nx\r\n0\r\n\r\n", BodyError::ChunkSize),
        (b"1\t;a\r\nx\r\n0\r\n\r\n", BodyError::ChunkSize),
        (b"1_0\r\nx\r\n0\r\n\r\n", BodyError::ChunkSize),
        (b"\r\nx\r\n0\r\n\r\n", BodyError::ChunkSize),
        (b";a\r\nx\r\n0\r\n\r\n", BodyError::ChunkSize),
        (b"00000000000000001\r\nx\r\n0\r\n\r\n", BodyError::ChunkSize),
        (b"fffffffffffffffff\r\nx\r\n0\r\n\r\n", BodyError::ChunkSize),
        (b"1\nx\r\n0\r\n\r\n", BodyError::ChunkSize),
        (b"1\rx\r\n0\r\n\r\n", BodyError::ChunkLineEnd),
        (b"1\r\nx0\r\n\r\n", BodyError::ChunkLineEnd),
        (b"1\r\nx\n0\r\n\r\n", BodyError::ChunkLineEnd),
        (b"1\r\nx\r0\r\n\r\n", BodyError::ChunkLineEnd),
        (b"1\r\nxyz\r\n0\r\n\r\n", BodyError::ChunkLineEnd),
        (b"1;a\nx\r\n0\r\n\r\n", BodyError::ChunkExtension),
        (b"1;a\0\r\nx\r\n0\r\n\r\n", BodyError::ChunkExtension),
        (&long_extension, BodyError::ChunkExtension),
        (b"0\r\n\n", BodyError::Trailers(HeadError::LineEnd)),
        (b"0\r\nx-a: 1\n\r\n", BodyError::Trailers(HeadError::LineEnd)),
        (b"0\r\nx-a: 1\r2\r\n\r\n", BodyError::Trailers(HeadError::LineEnd)),
        (b"0\r\nx-a : 1\r\n\r\n", BodyError::Trailers(HeadError::FieldName)),
        (b"0\r\nx-a: \0\r\n\r\n", BodyError::Trailers(HeadError::Control)),
        (b"0\r\nContent_Length: 1\r\n\r\n", BodyError::Trailers(HeadError::FramingAlias)),
        (b"0\r\n x-a: 1\r\n\r\n", BodyError::Trailers(HeadError::Folded)),
    ] {
        assert_eq!(chunked(input), Err(error), "{:?}", input.escape_ascii().to_string());
    }
}

#[test]
fn the_largest_chunk_size_is_read_and_not_more() {
    let mut decoder = BodyDecoder::new(Framing::Chunked);
    assert_eq!(decoder.next(b"ffffffffffffffff\r\nabc"), Ok(Next::Framing(18)));
    assert_eq!(decoder.next(b"abc"), Ok(Next::Data(3)));
    decoder.took(3);
    assert_eq!(decoder.state, State::ChunkData(u64::MAX - 3));
}

#[test]
fn trailers_are_kept_but_not_those_that_change_the_message() {
    let input = b"0\r\nX-Sum: 7\r\nTransfer-Encoding: chunked\r\ncontent-length: 5\r\nHost: a\r\nAuthorization: b\r\n\
                  Set-Cookie: c\r\nX-Forwarded-For: d\r\nConnection: close\r\nContent-Type: e\r\ngrpc-status:0\r\n\r\n";
    for step in 1..input.len() {
        let (_, rest, mut decoder) = decode(Framing::Chunked, input, step).expect("legal trailers");
        let names: Vec<_> = decoder.trailers().iter().map(|(_, name, value)| [name, value].concat()).collect();
        assert_eq!(names, [&b"X-Sum7"[..], b"grpc-status0"], "in steps of {step}");
        assert_eq!(rest, 0);
    }
}

#[test]
fn trailers_are_bounded() {
    let long = [&b"0\r\na: "[..], &vec![b'x'; 64 * 1024], b"\r\n\r\n"].concat();
    assert_eq!(decode(Framing::Chunked, &long, 1000).err(), Some(BodyError::Trailers(HeadError::TooLarge)));
    let many = [&b"0\r\n"[..], &b"a: b\r\n".repeat(101), b"\r\n"].concat();
    let error = decode(Framing::Chunked, &many, 1000).expect_err("101 fields are too many");
    assert_eq!((error, error.status()), (BodyError::Trailers(HeadError::TooManyFields), 431));
}
