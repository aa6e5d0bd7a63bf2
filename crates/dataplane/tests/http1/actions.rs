//! What a route does with a request: redirects, the operator's own responses, header edits, rewrites.

use serde_json::{Value, json};

use crate::play::{Play, field};

fn acting(action: Value) -> Play {
    Play::edited(|plan| {
        plan.first_route()["match"]["path"] = json!({"prefix": "/old"});
        plan.first_route()["action"] = action;
    })
}

fn redirect(to: &Value) -> Play {
    let mut whole = json!({"status": 302, "scheme": null, "host": null, "path": null, "prefix": null});
    for (name, value) in to.as_object().unwrap() {
        whole[name] = value.clone();
    }
    acting(json!({"redirect": whole}))
}

#[test]
fn a_redirect_changes_what_the_operator_says_and_keeps_the_rest() {
    for (to, location) in [
        (json!({"scheme": "https"}), "https://test/old/a?b=c"),
        (json!({"host": "new.test"}), "http://new.test/old/a?b=c"),
        (json!({"path": "/there"}), "http://test/there?b=c"),
        (json!({"prefix": "/new"}), "http://test/new/a?b=c"),
    ] {
        let play = redirect(&to);
        let mut client = play.client();
        client.asks("/old/a?b=c");
        let head = client.hears_response(302, "");
        assert_eq!(field(&head, "location"), Some(location), "{to}");
        client.asks("/old/again").hears_response(302, "");
        play.endpoint_was_not_asked();
    }
}

#[test]
fn a_redirect_has_the_status_that_the_operator_chose() {
    for status in [301, 303, 307, 308] {
        let play = redirect(&json!({"status": status, "path": "/there"}));
        play.client().asks("/old").hears_response(status, "");
    }
}

#[test]
fn a_redirect_cannot_be_bent_by_the_client() {
    let play = redirect(&json!({"scheme": "https"}));
    let mut client = play.client();
    client.says("GET //evil.test/%0d%0aset-cookie:%20a HTTP/1.1\r\nhost: test\r\n\r\n");
    client.hears_flag(404, "NO_ROUTE");
    client.asks("/old/%0d%0aset-cookie:%20a=b");
    let head = client.hears_response(302, "");
    assert_eq!(field(&head, "location"), Some("https://test/old/%0D%0Aset-cookie:%20a=b"), "{head}");
}

#[test]
fn the_operators_own_response_is_sent_as_it_was_written() {
    let body = b"maintenance\n".to_vec();
    let headers = json!([["retry-after", "60"], ["content-type", "text/html"]]);
    let play = acting(json!({"respond": {"status": 503, "headers": headers, "body": body}}));
    let mut client = play.client();
    for _ in 0..2 {
        client.asks("/old");
        let head = client.hears_response(503, "maintenance\n");
        assert_eq!(field(&head, "retry-after"), Some("60"), "{head}");
        assert_eq!(field(&head, "content-type"), Some("text/html"), "{head}");
        assert_eq!(field(&head, "x-flatproxy-flag"), None, "it is no failure:\n{head}");
    }
    client.says("HEAD /old HTTP/1.1\r\nhost: test\r\n\r\n");
    assert_eq!(field(&client.hears_status(503), "content-length"), Some("12"));
    client.asks("/old").hears_response(503, "maintenance\n");
    play.endpoint_was_not_asked();
}

#[test]
fn headers_are_removed_set_and_added_in_both_directions() {
    let play = Play::edited(|plan| {
        let edits = |side: &str| {
            json!({
                "remove": ["x-gone"], "set": [["x-set", format!("{side}-set")]], "add": [["x-add", format!("{side}-add")]],
            })
        };
        plan.first_route()["request_headers"] = edits("request");
        plan.first_route()["response_headers"] = edits("response");
    });
    let mut client = play.client();
    client.says("GET / HTTP/1.1\r\nhost: test\r\nX_Gone: 1\r\nx-gone: 2\r\nX-Set: old\r\nx-add: old\r\n\r\n");
    let mut endpoint = play.endpoint();
    let head = endpoint.hears_head();
    assert_eq!((field(&head, "x-gone"), field(&head, "x_gone")), (None, None), "{head}");
    assert_eq!(head.matches("request-set").count(), 1, "{head}");
    assert!(head.contains("x-add: old\r\n") && head.contains("x-add: request-add"), "{head}");
    assert!(!head.contains("X-Set: old"), "{head}");
    endpoint.says("HTTP/1.1 200 OK\r\nx-gone: 1\r\nx-set: old\r\nx-add: old\r\ncontent-length: 0\r\n\r\n");
    let head = client.hears_response(200, "");
    assert_eq!((field(&head, "x-gone"), field(&head, "x-set")), (None, Some("response-set")), "{head}");
    assert!(head.contains("x-add: old\r\n") && head.contains("x-add: response-add"), "{head}");
}

#[test]
fn the_prefix_and_the_host_are_rewritten_for_the_endpoint_only() {
    let play = Play::edited(|plan| {
        plan.first_route()["match"]["path"] = json!({"prefix": "/old"});
        plan.first_route()["action"]["forward"]["rewrite_prefix"] = json!("/new");
        plan.first_route()["action"]["forward"]["rewrite_host"] = json!("inner.test");
    });
    let mut client = play.client();
    let mut endpoint = None;
    for (path, expected) in [("/old", "/new"), ("/old/a?b=/old", "/new/a?b=/old"), ("/old/", "/new/")] {
        client.asks(path);
        let endpoint = endpoint.get_or_insert_with(|| play.endpoint());
        let head = endpoint.hears_head();
        assert!(head.starts_with(&format!("GET {expected} HTTP/1.1\r\n")), "{path} became\n{head}");
        assert_eq!(field(&head, "host"), Some("inner.test"));
        assert_eq!(field(&head, "x-forwarded-host"), Some("test"), "the endpoint may ask for the real one:\n{head}");
        endpoint.answers(200, "");
        client.hears_response(200, "");
    }
}
