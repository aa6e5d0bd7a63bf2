//! The open connection without sockets: what a peer may send after the handshake, and what ends the connection.

use std::io::IoSlice;

use proptest::prelude::*;

use super::authority::Authority;
use super::pair::{acceptor, connector};
use crate::tls::handshake::Handshake;
use crate::tls::record::{ALERT, APPLICATION_DATA, Fault, HANDSHAKE, record_length};
use crate::tls::traffic::{Sink, Traffic};

const KEY_UPDATE: [u8; 5] = [24, 0, 0, 1, 0];
const KEY_UPDATE_REQUESTED: [u8; 5] = [24, 0, 0, 1, 1];

/// The two ends of an open connection: the server's, the client's.
fn pair() -> (Traffic, Traffic) {
    let authority = Authority::new("root");
    let (acceptor, connector) = (acceptor(&authority.simple()), connector(&authority.upstream(None)));
    let mut server = Handshake::new(acceptor.side().expect("a server"));
    let mut client = Handshake::new(connector.side("localhost").expect("a client"));
    let (mut to_server, mut to_client, mut early) = (Vec::new(), Vec::new(), Vec::new());
    loop {
        let (used, client_over) = client.advance(&mut to_client, &mut to_server, &mut early);
        to_client.drain(..used);
        let (used, server_over) = server.advance(&mut to_server, &mut to_client, &mut early);
        to_server.drain(..used);
        if client_over.expect("the client goes on") && server_over.expect("the server goes on") {
            break;
        }
    }
    let ((server, _), (mut client, _)) = (server.finish().expect("a server"), client.finish().expect("a client"));
    assert_eq!(heard(&mut client, &mut to_client), Ok(Vec::new()), "session tickets bring no plaintext");
    assert!(to_client.is_empty(), "the tickets were understood");
    (server, client)
}

/// Opens what is there; the plaintext.
fn heard(traffic: &mut Traffic, wire: &mut Vec<u8>) -> Result<Vec<u8>, Fault> {
    let (mut buffer, mut spill, mut all) = (vec![0; 1 << 16], Vec::new(), Vec::new());
    loop {
        let mut sink = Sink { buffer: &mut buffer, filled: 0, spill: &mut spill };
        let used = traffic.open(wire, &mut sink)?;
        let filled = sink.filled;
        wire.drain(..used);
        all.extend_from_slice(&buffer[..filled]);
        all.append(&mut spill);
        if used == 0 {
            return Ok(all);
        }
    }
}

fn said(traffic: &mut Traffic, text: &[u8]) -> Vec<u8> {
    let mut wire = Vec::new();
    let taken = traffic.seal(&[IoSlice::new(text)], usize::MAX, &mut wire).expect("sealing");
    assert_eq!(taken, text.len());
    wire
}

/// What the server says of records with this content from the client.
fn answer(records: &[(u8, &[u8])]) -> Result<Vec<u8>, Fault> {
    let (mut server, mut client) = pair();
    let mut wire = Vec::new();
    for (content_type, content) in records {
        client.seal_whole(*content_type, content, &mut wire).expect("sealing");
    }
    heard(&mut server, &mut wire)
}

fn alert_of(records: &[(u8, &[u8])]) -> u8 {
    answer(records).expect_err("the connection ends").alert
}

#[test]
fn worn_out_keys_are_renewed_on_the_way() {
    let (mut server, mut client) = pair();
    (server.limit, client.limit) = (3, 4);
    for round in 0..20_u32 {
        let text = round.to_string().repeat(10_000); // one to two records a round
        let mut wire = said(&mut client, text.as_bytes());
        assert_eq!(heard(&mut server, &mut wire).expect("under new keys"), text.as_bytes());
        let mut wire = said(&mut server, text.as_bytes());
        assert_eq!(heard(&mut client, &mut wire).expect("under new keys"), text.as_bytes());
    }
}

#[test]
fn a_peer_that_asks_for_new_keys_gets_them_before_anything_else() {
    let (mut server, mut client) = pair();
    let mut wire = Vec::new();
    client.seal_whole(HANDSHAKE, &KEY_UPDATE_REQUESTED, &mut wire).expect("sealing");
    heard(&mut server, &mut wire).expect("a key update");
    let mut answer = said(&mut server, b"answer");
    let first = record_length(&answer).expect("a record").expect("a header");
    assert!(first < answer.len(), "a key update comes before the answer");
    assert_eq!(heard(&mut client, &mut answer).expect("under new keys"), b"answer");
}

#[test]
fn a_message_may_come_in_pieces_but_nothing_within_it() {
    let [a, b] = [&KEY_UPDATE[..3], &KEY_UPDATE[3..]];
    assert_eq!(answer(&[(HANDSHAKE, a), (HANDSHAKE, b)]), Ok(Vec::new()));
    assert_eq!(alert_of(&[(HANDSHAKE, a), (APPLICATION_DATA, b"x")]), Fault::UNEXPECTED);
    assert_eq!(alert_of(&[(HANDSHAKE, a), (ALERT, &[1, 0])]), Fault::UNEXPECTED);
    assert_eq!(alert_of(&[(HANDSHAKE, &[KEY_UPDATE, KEY_UPDATE].concat())]), Fault::UNEXPECTED);
}

#[test]
fn messages_that_do_not_belong_end_the_connection() {
    let client_hello = [1, 0, 0, 0];
    let ticket = [4, 0, 0, 0];
    let huge = [24, 0xff, 0xff, 0xff];
    for (content, alert) in [
        (&client_hello[..], Fault::UNEXPECTED),
        (&ticket, Fault::UNEXPECTED), // from a client
        (&huge, Fault::DECODE),
        (&[24, 0, 0, 1, 2], Fault::DECODE),
        (&[24, 0, 0, 0], Fault::DECODE),
        (&[], Fault::UNEXPECTED),
    ] {
        assert_eq!(alert_of(&[(HANDSHAKE, content)]), alert, "{content:?}");
    }
    assert_eq!(alert_of(&[(20, &[1])]), Fault::UNEXPECTED, "a change of cipher");
    assert_eq!(alert_of(&[(24, &[1, 0, 0])]), Fault::UNEXPECTED, "a heartbeat");
}

#[test]
fn a_peer_cannot_keep_us_busy_with_nothing() {
    let nothing: [(u8, &[u8]); 2] = [(APPLICATION_DATA, b""), (ALERT, &[1, 90])];
    for record in nothing {
        let some = vec![record; 16];
        let data = (APPLICATION_DATA, &b"x"[..]);
        assert_eq!(answer(&[&some[..], &[data], &some].concat()), Ok(b"x".to_vec()), "data makes up for a few");
        assert_eq!(alert_of(&[&some[..], &[record]].concat()), Fault::UNEXPECTED, "17 in a row are too many");
    }
    let (mut server, mut client) = pair();
    let mut wire = Vec::new();
    for _ in 0..16 {
        client.renew_sealing(&mut wire).expect("new keys");
    }
    assert_eq!(heard(&mut server, &mut wire), Ok(Vec::new()), "a few new keys are harmless");
    client.renew_sealing(&mut wire).expect("new keys");
    assert_eq!(heard(&mut server, &mut wire).expect_err("17 in a row").alert, Fault::UNEXPECTED);
}

#[test]
fn alerts_say_goodbye_or_end_the_connection() {
    assert_eq!(
        answer(&[(APPLICATION_DATA, b"last"), (ALERT, &[1, 0]), (APPLICATION_DATA, b"x")]),
        Ok(b"last".to_vec())
    );
    let fault = answer(&[(ALERT, &[2, 46])]).expect_err("an alert");
    assert!(fault.what.contains("CertificateUnknown"), "the log says which: {}", fault.what);
    assert_eq!(answer(&[(ALERT, &[1, 46])]).expect_err("whatever its level").alert, 0);
    assert_eq!(alert_of(&[(ALERT, &[2])]), Fault::DECODE);
}

#[test]
fn padding_is_removed_and_nothing_but_padding_refused() {
    // A type of 0 puts one more zero behind the content; what is then last and not 0 is the type.
    let padded = [&b"text"[..], &[APPLICATION_DATA], &[0; 300]].concat();
    assert_eq!(answer(&[(0, &padded)]), Ok(b"text".to_vec()));
    assert_eq!(alert_of(&[(0, &[0; 10])]), Fault::UNEXPECTED);
    assert_eq!(alert_of(&[(0, b"")]), Fault::UNEXPECTED);
}

#[test]
fn a_record_that_was_touched_does_not_open() {
    let (_, mut client) = pair();
    let wire = said(&mut client, b"text");
    for position in 5..wire.len() {
        let (mut server, mut client) = pair();
        let mut wire = said(&mut client, b"text");
        wire[position] ^= 1;
        assert_eq!(heard(&mut server, &mut wire).expect_err("a touched record").alert, Fault::BAD_RECORD);
    }
    let (mut server, mut client) = pair();
    let (first, mut second) = (said(&mut client, b"first"), said(&mut client, b"second"));
    assert_eq!(heard(&mut server, &mut second).expect_err("the wrong order").alert, Fault::BAD_RECORD);
    let (mut server, mut client) = pair();
    let mut twice = said(&mut client, b"first").repeat(2);
    assert_eq!(heard(&mut server, &mut twice).expect_err("a replay").alert, Fault::BAD_RECORD);
    drop(first);
}

#[test]
fn headers_are_checked_before_the_record_is_here() {
    for (header, alert) in [
        ([0x17, 3, 3, 0x48, 0x01], Fault::OVERFLOW),
        ([0x17, 2, 0, 0, 1], Fault::DECODE),
        ([0x47, 0x45, 0x54, 0x20, 0x2f], Fault::DECODE),
        ([0x13, 3, 3, 0, 1], Fault::DECODE),
    ] {
        assert_eq!(record_length(&header).expect_err("refused").alert, alert, "{header:?}");
    }
    assert_eq!(record_length(&[0x17, 3, 3, 0]), Ok(None), "four bytes say nothing yet");
    assert_eq!(record_length(&[0x17, 3, 3, 1, 2, 9]), Ok(Some(5 + 0x102)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn the_plaintext_is_the_same_however_the_bytes_arrive(
        text in prop::collection::vec(any::<u8>(), 0..50_000),
        cuts in prop::collection::vec(1_usize..9_000, 1..40),
        buffer_size in 1_usize..40_000,
    ) {
        let (mut server, mut client) = pair();
        let wire = said(&mut client, &text);
        let (mut arrived, mut all, mut buffer) = (Vec::new(), Vec::new(), vec![0; buffer_size]);
        let mut rest = &wire[..];
        for cut in cuts.into_iter().cycle() {
            let (now, later) = rest.split_at(cut.min(rest.len()));
            arrived.extend_from_slice(now);
            rest = later;
            let mut spill = Vec::new();
            let mut sink = Sink { buffer: &mut buffer, filled: 0, spill: &mut spill };
            let used = server.open(&mut arrived, &mut sink).expect("whole records");
            let filled = sink.filled;
            all.extend_from_slice(&buffer[..filled]);
            all.append(&mut spill);
            arrived.drain(..used);
            if rest.is_empty() && used == 0 {
                break;
            }
        }
        prop_assert!(all == text, "what arrived is not what was sent");
    }
}
