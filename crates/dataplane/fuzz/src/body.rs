//! Bodies: the same data however the bytes are split; what is written is read back as it was.

use crate::http::Framing;
use crate::http::h1::{BodyDecoder, BodyError, CHUNK_END, Next, write_chunk_head, write_last_chunk};

/// What a chunked stream held.
#[derive(Debug, PartialEq)]
struct Decoded {
    data: Vec<u8>,
    rest: usize,
    trailers: Vec<(Vec<u8>, Vec<u8>)>,
}

/// Checks a chunked body.
pub fn check_body(bytes: &[u8]) {
    let whole = decode(bytes, bytes.len().max(1));
    for step in [1, 2, 7] {
        let split = decode(bytes, step);
        // Which of several faults is met first may differ; whether there is one may not.
        assert_eq!(whole.as_ref().ok(), split.as_ref().ok(), "{whole:?} whole, {split:?} in steps of {step}");
    }
    let Ok((sent, mut decoder)) = decode_keeping(bytes, 3) else { return };
    let mut wire = Vec::new();
    for piece in sent.data.chunks(17) {
        write_chunk_head(piece.len(), &mut wire);
        wire.extend_from_slice(piece);
        wire.extend_from_slice(CHUNK_END);
    }
    write_last_chunk(decoder.trailers(), &mut wire);
    let again = decode(&wire, wire.len()).expect("what we write is legal");
    assert_eq!(again, Decoded { rest: 0, ..sent }, "what was written is read back as it was");
}

fn decode(bytes: &[u8], step: usize) -> Result<Decoded, BodyError> {
    decode_keeping(bytes, step).map(|(decoded, _)| decoded)
}

/// Feeds `bytes` in pieces of `step`.
fn decode_keeping(bytes: &[u8], step: usize) -> Result<(Decoded, BodyDecoder), BodyError> {
    let mut decoder = BodyDecoder::new(Framing::Chunked);
    let (mut data, mut at, mut have) = (Vec::new(), 0, 0);
    loop {
        match decoder.next(&bytes[at..have])? {
            Next::Framing(count) => at += count,
            Next::Data(count) => {
                assert!(count > 0 && at + count <= have, "data is there, and within the input");
                data.extend_from_slice(&bytes[at..at + count]);
                decoder.took(count);
                at += count;
            }
            Next::More if have == bytes.len() => {
                decoder.closed()?;
                unreachable!("a chunked body says when it ends");
            }
            Next::More => have = (have + step).min(bytes.len()),
            Next::End => break,
        }
    }
    assert!(decoder.is_done());
    let trailers = decoder.trailers().iter().map(|(_, name, value)| (name.to_vec(), value.to_vec())).collect();
    Ok((Decoded { data, rest: bytes.len() - at, trailers }, decoder))
}
