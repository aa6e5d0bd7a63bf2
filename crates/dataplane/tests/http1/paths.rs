//! One form of a path for everybody: the route that takes it and the endpoint that gets it see the same.

use serde_json::json;

use crate::play::{PlanJson, Play};

/// Requests below `/public` go to the endpoint, those below `/private` get a 403, and all others a 404.
fn guarded(edit: impl FnOnce(&mut PlanJson)) -> Play {
    Play::edited(|plan| {
        let mut private = PlanJson::route("private", "service");
        private["match"]["path"] = json!({"prefix": "/private"});
        private["action"] = json!({"respond": {"status": 403, "headers": [], "body": []}});
        plan.first_route()["match"]["path"] = json!({"prefix": "/public"});
        plan.listener()["routes"].as_array_mut().unwrap().push(private);
        edit(plan);
    })
}

fn ask(play: &Play, path: &str) -> crate::play::Talker {
    let mut client = play.client();
    client.says(format!("GET {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n"));
    client
}

#[track_caller]
fn reaches(play: &Play, path: &str, expected: &str) {
    let mut client = ask(play, path);
    let mut endpoint = play.endpoint();
    let head = endpoint.hears_head();
    let line = head.lines().next().unwrap_or_default();
    assert_eq!(line, format!("GET {expected} HTTP/1.1"), "{path} at the endpoint");
    endpoint.says("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
    client.hears_response(200, "");
}

#[test]
fn the_endpoint_gets_the_path_that_was_matched() {
    let play = guarded(|_| {});
    for (path, expected) in [
        ("/public/a", "/public/a"),
        ("/public/./a", "/public/a"),
        ("/private/../public/a", "/public/a"),
        ("/private/%2e%2e/public", "/public"),
        ("/private/%2E./public", "/public"),
        ("//public//a", "/public/a"),
        ("/%70ublic/%61", "/public/a"),
        ("/public/a%20b", "/public/a%20b"),
        ("/public/%c3%a9", "/public/%C3%A9"),
        ("/public/a;v=1", "/public/a;v=1"),
        ("/public?x=../private", "/public?x=../private"),
    ] {
        reaches(&play, path, expected);
    }
}

#[test]
fn a_guarded_path_is_guarded_in_every_form() {
    let play = guarded(|_| {});
    for path in ["/private", "/public/../private", "/public/%2e%2e/private/a", "//private", "/%70rivate", "/./private"]
    {
        ask(&play, path).hears_response(403, "");
    }
    play.endpoint_was_not_asked();
}

#[test]
fn paths_that_two_readers_could_take_for_different_ones_are_refused() {
    let play = guarded(|_| {});
    for path in [
        "/public/..%2fprivate",
        "/public%2f..%2fprivate",
        "/public/..%5cprivate",
        "/public\\..\\private",
        "/public/..;/private",
        "/public/%00",
        "/public/%c0%ae%c0%ae/private",
        "/public/%e0%80%af",
        "/public/%zz",
        "/public/%2",
        "/public#/private",
        "/public/\u{e9}",
    ] {
        let mut client = ask(&play, path);
        client.hears_flag(400, "BAD_REQUEST");
        client.hears_the_end();
    }
    play.endpoint_was_not_asked();
}

#[test]
fn encoded_slashes_are_kept_or_decoded_where_the_operator_says_so() {
    let keep = guarded(|plan| plan.listener()["paths"]["encoded_slash"] = "keep".into());
    reaches(&keep, "/public/a%2fb", "/public/a%2Fb");
    ask(&keep, "/public/..%2fprivate").hears_flag(400, "BAD_REQUEST");
    let decode = guarded(|plan| plan.listener()["paths"]["encoded_slash"] = "decode".into());
    reaches(&decode, "/public/a%2fb", "/public/a/b");
    ask(&decode, "/public/..%2fprivate").hears_response(403, "");
}

#[test]
fn dot_segments_are_refused_and_slashes_left_alone_where_the_operator_says_so() {
    let play = guarded(|plan| {
        plan.listener()["paths"] = json!({"dot_segments": "reject", "encoded_slash": "reject", "merge_slashes": false});
    });
    ask(&play, "/public/../private").hears_flag(400, "BAD_REQUEST");
    ask(&play, "/public/%2e").hears_flag(400, "BAD_REQUEST");
    reaches(&play, "/public//a", "/public//a");
}
