//! Each rule of the table, and what each part of a match means.

use super::*;

fn any() -> PathMatch {
    PathMatch::Any
}

// === host ===

#[test]
fn the_more_specific_host_wins_and_the_others_are_the_fallback() {
    let router = router(&[
        on(&[], any()),
        on(&["*.demo"], any()),
        on(&["*.shop.demo"], any()),
        on(&["a.shop.demo"], prefix("/v1")),
    ]);
    for (url, expected, why) in [
        ("a.shop.demo/v1", 3, "exact before wildcards"),
        ("a.shop.demo/v2", 2, "no route of the exact host takes it: the longest wildcard does"),
        ("b.shop.demo/v1", 2, "the longer wildcard before the shorter"),
        ("c.b.shop.demo/v1", 2, "a wildcard stands for more than one label"),
        ("shop.demo/", 1, "`*.shop.demo` is not `shop.demo`, but `*.demo` takes it"),
        ("demo/", 0, "`*.demo` is not `demo`"),
        ("other/", 0, "any host"),
    ] {
        assert_eq!(router.find(&get(url)), Some(expected), "{url}: {why}");
    }
}

#[test]
fn a_host_matches_in_any_case_with_any_port_and_with_its_final_dot() {
    let router = router(&[on(&["a.demo", "[::1]"], any()), on(&["*.b.demo"], any())]);
    for url in ["A.Demo/", "a.demo:8080/", "a.demo./", "a.DEMO.:80/", "[::1]/", "[::1]:443/"] {
        assert_eq!(router.find(&get(url)), Some(0), "{url} is the first route's host");
    }
    assert_eq!(router.find(&get("X.B.demo:80/")), Some(1), "a wildcard too");
    assert_eq!(router.find(&get("/")), None, "no host is not every host");
}

#[test]
fn a_request_without_a_host_takes_routes_for_any_host() {
    let router = router(&[on(&["a.demo"], any()), on(&[], any())]);
    assert_eq!(router.find(&get("/x")), Some(1), "HTTP/1.0 without `Host`");
}

#[test]
fn a_host_outweighs_a_path() {
    let router = router(&[on(&[], exact("/v1/x")), on(&["a.demo"], prefix("/"))]);
    assert_eq!(router.find(&get("a.demo/v1/x")), Some(1), "the host is compared first");
}

// === path ===

#[test]
fn the_more_specific_path_wins() {
    let router = router(&[
        on(&[], any()),
        on(&[], prefix("/")),
        on(&[], prefix("/v1")),
        on(&[], prefix("/v1/orders")),
        on(&[], regex("/v1/orders/[0-9]+")),
        on(&[], exact("/v1/orders/7")),
    ]);
    for (url, expected, why) in [
        ("a/v1/orders/7", 5, "exact first"),
        ("a/v1/orders/8", 4, "then regex"),
        ("a/v1/orders/x", 3, "then the longest prefix"),
        ("a/v1/x", 2, "then a shorter one"),
        ("a/x", 1, "then `/`"),
        ("*", 0, "`*` has no prefix: only a route without a path takes it"),
    ] {
        assert_eq!(router.find(&get(url)), Some(expected), "{url}: {why}");
    }
}

#[test]
fn a_prefix_ends_where_a_segment_ends() {
    for prefix_as_written in ["/v1", "/v1/"] {
        let router = router(&[on(&[], prefix(prefix_as_written))]);
        for url in ["a/v1", "a/v1/", "a/v1/x", "a/v1//x", "a/v1?q"] {
            assert_eq!(router.find(&get(url)), Some(0), "{url} is below {prefix_as_written}");
        }
        for url in ["a/v10", "a/v", "a/", "a/V1", "a/x/v1", "a//v1"] {
            assert_eq!(router.find(&get(url)), None, "{url} is not below {prefix_as_written}");
        }
    }
}

#[test]
fn an_exact_path_is_compared_byte_by_byte() {
    let router = router(&[on(&[], exact("/v1")), on(&[], exact("*"))]);
    assert_eq!(router.find(&get("a/v1?x=1")), Some(0), "the query is no part of the path");
    for url in ["a/v1/", "a/V1", "a/v1/x"] {
        assert_eq!(router.find(&get(url)), None, "{url} is not /v1");
    }
    assert_eq!(router.find(&with("OPTIONS", &[], "*")), Some(1), "`OPTIONS *` can be routed by its path");
}

// === methods, headers, query ===

#[test]
fn all_parts_of_a_match_must_hold() {
    let matches = on(&["a.demo"], prefix("/v1")).method("POST").header("x-env", is("prod")).query("q", is("1"));
    let router = router(&[matches]);
    let prod = [("X-Env", "prod")];
    assert_eq!(router.find(&with("POST", &prod, "a.demo/v1?q=1")), Some(0), "all parts hold");
    for (head, missing) in [
        (with("POST", &prod, "b.demo/v1?q=1"), "the host"),
        (with("POST", &prod, "a.demo/v2?q=1"), "the path"),
        (with("GET", &prod, "a.demo/v1?q=1"), "the method"),
        (with("post", &prod, "a.demo/v1?q=1"), "the method: it has a case"),
        (with("POST", &[("x-env", "dev")], "a.demo/v1?q=1"), "the header"),
        (with("POST", &prod, "a.demo/v1?q=2"), "the query"),
        (with("POST", &prod, "a.demo/v1"), "the query: there is none"),
    ] {
        assert_eq!(router.find(&head), None, "{missing} does not hold");
    }
}

#[test]
fn more_conditions_win_on_the_same_path() {
    let here = || on(&[], prefix("/v1"));
    let router = router(&[
        here(),
        here().query("q", is("1")).query("r", is("1")),
        here().header("a", is("1")),
        here().header("a", is("1")).header("b", is("1")),
        here().method("PUT"),
    ]);
    let both = [("a", "1"), ("b", "1")];
    for (head, expected, why) in [
        (with("PUT", &both, "h/v1?q=1&r=1"), 4, "a method before any number of headers"),
        (with("GET", &both, "h/v1?q=1&r=1"), 3, "more headers before fewer"),
        (with("GET", &[("a", "1")], "h/v1?q=1&r=1"), 2, "one header before two query rules"),
        (with("GET", &[], "h/v1?q=1&r=1"), 1, "query rules before none"),
        (with("GET", &[], "h/v1?q=1"), 0, "nothing else holds"),
    ] {
        assert_eq!(router.find(&head), Some(expected), "{why}");
    }
}

#[test]
fn of_as_many_rules_the_exact_ones_win() {
    let router = router(&[
        on(&[], any()).header("x-user", ValueMatch::Regex(".*".into())),
        on(&[], any()).header("x-user", is("ann")),
    ]);
    assert_eq!(router.find(&with("GET", &[("x-user", "ann")], "h/")), Some(1), "the exact value, although later");
    assert_eq!(router.find(&with("GET", &[("x-user", "bob")], "h/")), Some(0), "the regex takes the others");
}

#[test]
fn equal_routes_are_taken_in_file_order() {
    let router = router(&[
        on(&[], prefix("/a/")).method("GET"),
        on(&[], prefix("/a")).method("HEAD"),
        on(&[], prefix("/a")).method("GET"),
        on(&[], regex("/a/[xy]")).method("GET"),
        on(&[], regex("/a/[x-z]")).method("GET"),
    ]);
    assert_eq!(router.find(&get("h/a")), Some(0), "`/a/` and `/a` are the same prefix, the first one stands first");
    assert_eq!(router.find(&with("HEAD", &[], "h/a")), Some(1), "GET does not include HEAD");
    assert_eq!(router.find(&get("h/a/x")), Some(3), "the first regex that matches");
    assert_eq!(router.find(&get("h/a/z")), Some(4), "the second, where the first does not match");
}

#[test]
fn a_header_rule_holds_for_every_form_of_the_header() {
    let router = router(&[on(&[], any()).header("x-env", is("prod"))]);
    for headers in [
        &[("x-env", "prod")][..],
        &[("X-ENV", "prod")],
        &[("x_env", "prod")],
        &[("x-env", "dev"), ("x-env", "prod")],
        &[("x-env", "dev, prod")],
        &[("x-env", "dev ,\tprod , x")],
    ] {
        assert_eq!(router.find(&with("GET", headers, "h/")), Some(0), "{headers:?} carries prod");
    }
    for headers in [&[("x-env", "product")][..], &[("x-env", "PROD")], &[("x-envs", "prod")], &[]] {
        assert_eq!(router.find(&with("GET", headers, "h/")), None, "{headers:?} does not carry prod");
    }
}

#[test]
fn a_header_can_be_exact_a_prefix_a_regex_present_or_absent() {
    let rule = |value| router(&[on(&[], any()).header("a", value)]);
    for (router, value, expected) in [
        (rule(is("x, y")), Some("x, y"), true),
        (rule(ValueMatch::Prefix("x".into())), Some("xyz"), true),
        (rule(ValueMatch::Prefix("x".into())), Some("w, xy"), true),
        (rule(ValueMatch::Prefix("x".into())), Some("yx"), false),
        (rule(ValueMatch::Regex("[0-9]+".into())), Some("42"), true),
        (rule(ValueMatch::Regex("[0-9]+".into())), Some("42a"), false),
        (rule(ValueMatch::Present(true)), Some(""), true),
        (rule(ValueMatch::Present(true)), None, false),
        (rule(ValueMatch::Present(false)), Some(""), false),
        (rule(ValueMatch::Present(false)), None, true),
    ] {
        let headers: Vec<_> = value.iter().map(|value| ("a", *value)).collect();
        assert_eq!(router.find(&with("GET", &headers, "h/")).is_some(), expected, "header a is {value:?}");
    }
}

#[test]
fn a_query_rule_can_be_exact_a_prefix_a_regex_present_or_absent() {
    let rule = |value| router(&[on(&[], any()).query("a", value)]);
    for (router, url, expected) in [
        (rule(is("1 2")), "h/?b=1&a=1+2", true),
        (rule(is("1 2")), "h/?a=3&a=1%202", true),
        (rule(is("1")), "h/?a=12", false),
        (rule(ValueMatch::Prefix("1".into())), "h/?a=%312", true),
        (rule(ValueMatch::Regex("[0-9]+".into())), "h/?a=%312", true),
        (rule(ValueMatch::Present(true)), "h/?a", true),
        (rule(ValueMatch::Present(true)), "h/?b=a", false),
        (rule(ValueMatch::Present(false)), "h/?b", true),
        (rule(ValueMatch::Present(false)), "h/", true),
        (rule(ValueMatch::Present(false)), "h/?a=", false),
    ] {
        assert_eq!(router.find(&get(url)).is_some(), expected, "{url}");
    }
}

// === refused ===

#[test]
fn a_match_that_could_never_hold_is_refused_by_route_and_reason() {
    for (matches, expected) in [
        (on(&["a.demo:80"], any()), "port"),
        (on(&["A.demo"], any()), "lower case"),
        (on(&["a.*.demo"], any()), "first label"),
        (on(&["*"], any()), "first label"),
        (on(&["a..demo"], any()), "empty label"),
        (on(&[""], any()), "empty label"),
        (on(&[], prefix("v1")), "start with `/`"),
        (on(&[], exact("/v1?x")), "query"),
        (on(&[], regex("(")), "regex `(`"),
        (on(&[], any()).method("GET "), "not a method"),
        (on(&[], any()).header("host", is("a")), "`host`"),
        (on(&[], any()).header("a b", is("a")), "not a header name"),
        (on(&[], any()).header("a", ValueMatch::Regex("[".into())), "regex `[`"),
        (on(&[], any()).query("a", ValueMatch::Regex("*".into())), "regex `*`"),
    ] {
        let error = Router::build(&[route("broken", matches)]).err().expect("refused").to_string();
        assert!(error.starts_with("route broken: ") && error.contains(expected), "says where and what: {error}");
    }
}
