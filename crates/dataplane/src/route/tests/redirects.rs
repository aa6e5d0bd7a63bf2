//! Rewrites and redirects: what the upstream and the client get to see.

use super::*;
use crate::plan::document::Redirect;
use crate::route::{Rewrite, redirect};

fn rewritten(matches: RouteMatch, prefix: Option<&str>, host: Option<&str>, url: &str) -> String {
    let mut head = get(url);
    Rewrite::build(&forward(matches, prefix, host)).expect("legal").apply(&mut head);
    format!("{}{}?{}", head.authority, head.path, head.query.as_deref().unwrap_or_default())
}

#[test]
fn a_rewrite_changes_prefix_and_host_and_keeps_the_query() {
    let v1 = || on(&[], prefix("/v1"));
    assert_eq!(rewritten(v1(), Some("/v2"), None, "a.demo/v1/x?q=1"), "a.demo/v2/x?q=1", "the prefix");
    assert_eq!(rewritten(v1(), None, Some("b:80"), "a.demo/v1/x?q=1"), "b:80/v1/x?q=1", "the host");
    assert_eq!(rewritten(v1(), Some("/"), Some("b"), "a.demo/v1?q=1"), "b/?q=1", "both");
    assert_eq!(rewritten(on(&[], exact("/v1")), Some("/v2"), None, "a/v1?q=1"), "a/v2?q=1", "an exact path");
    assert_eq!(rewritten(on(&[], PathMatch::Any), Some("/v2"), None, "a/x"), "a/v2/x?", "no path is the prefix `/`");
}

#[test]
fn a_route_without_a_rewrite_changes_nothing() {
    let none = Rewrite::build(&forward(on(&[], prefix("/v1")), None, None)).expect("legal");
    assert!(none.is_empty(), "nothing is rewritten");
    assert!(Rewrite::build(&route("answers", on(&[], prefix("/v1")))).expect("legal").is_empty(), "nor by a response");
    let some = Rewrite::build(&forward(on(&[], prefix("/v1")), None, Some("b"))).expect("legal");
    assert!(!some.is_empty(), "the host is rewritten");
}

#[test]
fn a_rewrite_that_cannot_be_carried_out_is_refused() {
    for (matches, prefix, host) in [
        (on(&[], regex("/v[12]")), Some("/v2"), None),
        (on(&[], prefix("/v1")), Some("v2"), None),
        (on(&[], prefix("/v1")), Some("/v2?x"), None),
        (on(&[], prefix("/v1")), Some("/v2\r\nx: y"), None),
        (on(&[], prefix("/v1")), None, Some("a/b")),
        (on(&[], prefix("/v1")), None, Some("a\r\nx: y")),
        (on(&[], prefix("/v1")), None, Some("")),
    ] {
        assert!(Rewrite::build(&forward(matches, prefix, host)).is_err(), "{prefix:?} and {host:?} are refused");
    }
}

fn same() -> Redirect {
    Redirect { status: 302, scheme: None, host: None, path: None, prefix: None }
}

fn location(redirect: &Redirect, url: &str, secure: bool) -> String {
    redirect::location(redirect, &prefix("/v1"), &get(url), secure)
}

#[test]
fn a_redirect_changes_what_it_names_and_keeps_the_rest() {
    for (redirect, expected) in [
        (same(), "http://a.demo:8080/v1/x?q=1"),
        (Redirect { scheme: Some("http".to_owned()), ..same() }, "http://a.demo:8080/v1/x?q=1"),
        (Redirect { scheme: Some("https".to_owned()), ..same() }, "https://a.demo/v1/x?q=1"),
        (
            Redirect { scheme: Some("https".to_owned()), host: Some("b:8443".to_owned()), ..same() },
            "https://b:8443/v1/x?q=1",
        ),
        (Redirect { host: Some("b".to_owned()), ..same() }, "http://b/v1/x?q=1"),
        (Redirect { path: Some("/new".to_owned()), ..same() }, "http://a.demo:8080/new?q=1"),
        (Redirect { prefix: Some("/v2".to_owned()), ..same() }, "http://a.demo:8080/v2/x?q=1"),
        (Redirect { prefix: Some("/".to_owned()), ..same() }, "http://a.demo:8080/x?q=1"),
    ] {
        let got = location(&redirect, "a.demo:8080/v1/x?q=1", false);
        assert_eq!(got, expected, "{redirect:?}");
    }
    assert_eq!(location(&same(), "a.demo/v1", true), "https://a.demo/v1", "the scheme that the client used");
    assert_eq!(location(&same(), "a.demo/v1?", true), "https://a.demo/v1?", "an empty query is a query");
    assert_eq!(
        location(&Redirect { scheme: Some("https".to_owned()), ..same() }, "[::1]:80/v1", false),
        "https://[::1]/v1",
        "IPv6"
    );
    assert_eq!(location(&same(), "a.demo", true), "https://a.demo/", "`*` is no path of a URL");
}

#[test]
fn a_redirect_reflects_no_byte_that_could_break_its_header() {
    let mut head = get("a.demo/v1/x");
    head.path = "/v1/\r\nset-cookie: a\0\x7f<é?#".to_owned();
    head.query = Some("\r\n q=\"é\"#?".to_owned());
    assert_eq!(
        redirect::location(&same(), &prefix("/v1"), &head, true),
        "https://a.demo/v1/%0D%0Aset-cookie:%20a%00%7F%3C%C3%A9%3F%23?%0D%0A%20q=%22%C3%A9%22%23?",
        "encoded, in the path and in the query"
    );
    head.path = "/v1/%2e%41".to_owned();
    head.query = None;
    let got = redirect::location(&same(), &prefix("/v1"), &head, true);
    assert_eq!(got, "https://a.demo/v1/%2e%41", "what is encoded is not encoded again");
}

#[test]
fn without_a_usable_host_the_location_is_a_path_and_never_another_host() {
    for authority in ["", "a\r\nb", "u@a", "a,b"] {
        let mut head = get("x//evil.example/v1");
        head.authority = authority.to_owned();
        let got = redirect::location(&same(), &prefix("/"), &head, false);
        assert_eq!(got, "/evil.example/v1", "authority {authority:?}: one slash in front");
    }
}

#[test]
fn a_redirect_that_cannot_be_carried_out_is_refused() {
    let v1 = prefix("/v1");
    assert!(redirect::check(&same(), &v1).is_ok(), "a plain redirect is legal");
    for redirect in [
        Redirect { status: 200, ..same() },
        Redirect { status: 304, ..same() },
        Redirect { scheme: Some("ftp".to_owned()), ..same() },
        Redirect { host: Some("a/b".to_owned()), ..same() },
        Redirect { path: Some("new".to_owned()), ..same() },
        Redirect { path: Some("/a?b".to_owned()), ..same() },
        Redirect { path: Some("/a".to_owned()), prefix: Some("/b".to_owned()), ..same() },
        Redirect { prefix: Some("b".to_owned()), ..same() },
    ] {
        assert!(redirect::check(&redirect, &v1).is_err(), "{redirect:?} is refused");
    }
    let by_prefix = Redirect { prefix: Some("/b".to_owned()), ..same() };
    assert!(redirect::check(&by_prefix, &regex("/v[12]")).is_err(), "a regex has no prefix to replace");
}
