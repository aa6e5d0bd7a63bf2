//! What an exchange takes is given back, however it ends; many peers that behave badly harm nobody else.

use serde_json::json;

use crate::play::{FILLER, Play, Service, Talker, eventually, field};

/// A service that takes one request over one connection, and gives up soon.
fn narrow() -> Play {
    Play::edited(|plan| {
        for limit in ["max_requests", "max_connections", "max_pending"] {
            plan.service()[limit] = json!(1);
        }
        plan.limits()["stall_timeout_ms"] = json!(200);
        plan.first_route()["timeout_ms"] = json!(400);
    })
}

/// The one place there is, is free.
fn has_room(play: &Play, what: &str) {
    eventually(&format!("the place is free again after {what}"), || {
        let mut client = play.client();
        client.says_if_possible("HEAD / HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n");
        let answered = play.endpoint_if(|| !client.has_heard_something());
        let Some(mut endpoint) = answered else { return false };
        endpoint.hears_head();
        endpoint.says("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
        client.hears_status(200);
        true
    });
}

#[test]
fn places_are_given_back_however_an_exchange_ends() {
    type End = fn(Talker, Talker);
    let ends: [(&str, End); 8] = [
        ("a client that resets", |client, mut endpoint| {
            client.resets();
            endpoint.hears_the_rest();
        }),
        ("an endpoint that resets", |mut client, endpoint| {
            endpoint.resets();
            client.hears_flag(502, "UPSTREAM_RESET");
        }),
        ("an endpoint that talks nonsense", |mut client, mut endpoint| {
            endpoint.says("nonsense\r\n\r\n");
            client.hears_flag(502, "UPSTREAM_PROTOCOL");
        }),
        ("an endpoint that is silent", |mut client, _endpoint| {
            client.hears_flag(504, "TIMEOUT");
        }),
        ("an endpoint that stalls within its body", |mut client, mut endpoint| {
            endpoint.says("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n1");
            client.hears_status(200);
            client.hears("1").hears_a_reset();
        }),
        ("a client that resets within the response", |mut client, mut endpoint| {
            endpoint.says("HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n");
            client.hears_status(200);
            client.resets();
            endpoint.says_until_nobody_reads(&FILLER, 1_000_000_000);
        }),
        ("a client that does not read", |client, mut endpoint| {
            endpoint.says("HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n");
            endpoint.says_until_nobody_reads(&FILLER, 1_000_000_000);
            endpoint.hears_the_rest();
            client.closes();
        }),
        ("a reply that is complete", |mut client, mut endpoint| {
            endpoint.answers(200, "ok");
            client.hears_response(200, "ok");
        }),
    ];
    let play = narrow();
    for (what, end) in ends {
        let mut client = play.client();
        client.asks("/");
        let mut endpoint = play.endpoint();
        endpoint.hears_head();
        end(client, endpoint);
        has_room(&play, what);
    }
    eventually("no connection is left", || {
        play.metric("flatproxy_connections_active", &[]) < 0.5
            && play.metric("flatproxy_upstream_connections_active", &[]) < 0.5
    });
}

#[test]
fn hundreds_of_slow_heads_do_not_slow_down_others() {
    let play = Play::new();
    let slow: Vec<Talker> = (0..300)
        .map(|_| {
            let mut client = play.client();
            client.says("GET / HTTP/1.1\r\nhost: te");
            client
        })
        .collect();
    let (mut client, mut endpoint) = play.acquainted();
    for _ in 0..100 {
        client.asks("/");
        endpoint.hears_head();
        endpoint.answers(200, "quick");
        client.hears_response(200, "quick");
    }
    drop(slow);
    eventually("the slow connections are gone", || play.metric("flatproxy_connections_active", &[]) < 1.5);
}

#[test]
fn tiny_chunks_arrive_whole() {
    const CHUNKS: usize = 50_000;
    let play = Play::new();
    let (mut client, mut endpoint) = play.acquainted();
    client.asks("/");
    endpoint.hears_head();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            endpoint.says("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
            endpoint.says("1\r\nx\r\n".repeat(CHUNKS)).says("0\r\n\r\n");
        });
        client.hears_status(200);
        let mut heard = String::new();
        while !heard.ends_with("0\r\n\r\n") {
            heard.push_str(&client.hears_some());
        }
        assert_eq!(heard.matches('x').count(), CHUNKS);
    });
    client.asks("/next");
    endpoint.hears_head();
}

#[test]
fn a_chunk_may_claim_any_size_and_gets_no_memory_for_it() {
    let play = Play::new();
    let mut client = play.client();
    client.says("POST / HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffff\r\nabc");
    let mut endpoint = play.endpoint();
    endpoint.hears_head();
    endpoint.hears("3\r\nabc\r\n");
    client.closes();
    assert_eq!(endpoint.hears_the_rest(), "", "a body that was cut is not ended");
}

#[test]
fn a_request_holds_nothing_of_the_one_before() {
    let play = Play::new();
    let mut client = play.client();
    client.says("POST /first?secret=1 HTTP/1.1\r\nhost: first\r\ncookie: secret\r\nx-request-id: a\r\n");
    client.says("expect: 100-continue\r\ncontent-length: 6\r\n\r\nsecret");
    let mut endpoint = play.endpoint();
    endpoint.hears_head();
    endpoint.hears("secret").says("HTTP/1.1 201 Secret\r\nset-cookie: secret\r\ncontent-length: 6\r\n\r\nsecret");
    client.hears_response(201, "secret");
    let mut other = play.client();
    other.says("GET / HTTP/1.0\r\nhost: other\r\n\r\n");
    let head = endpoint.hears_head();
    assert!(head.starts_with("GET / HTTP/1.1\r\nhost: other\r\n"), "{head}");
    assert!(!head.contains("secret") && !head.contains("first"), "{head}");
    assert_eq!((field(&head, "expect"), field(&head, "content-length")), (None, None), "{head}");
    endpoint.says("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    let head = other.hears_response(200, "");
    assert!(!head.to_lowercase().contains("secret"), "{head}");
}

#[test]
fn many_clients_at_once_each_get_their_own_answer() {
    let services: Vec<Service> = (0..3).map(|number| Service::answering(number.to_string())).collect();
    let play = Play::edited(|plan| {
        plan.0["upstreams"] = services
            .iter()
            .enumerate()
            .map(|(number, service)| crate::play::PlanJson::upstream(&number.to_string(), service.address))
            .collect();
        plan.listener()["routes"] = (0..3)
            .map(|number| {
                let mut route = crate::play::PlanJson::route(&number.to_string(), &number.to_string());
                route["match"]["path"] = json!({"prefix": format!("/{number}")});
                route
            })
            .collect();
    });
    std::thread::scope(|scope| {
        for client in 0..6 {
            let play = &play;
            scope.spawn(move || {
                let mut talker = play.client();
                for round in 0..200 {
                    let number = (client + round) % 3;
                    talker.asks(&format!("/{number}/{client}/{round}"));
                    talker.hears_response(200, &number.to_string());
                }
            });
        }
    });
}
