//! The router against a matcher that reads every route, over random tables and requests.

use std::cmp::Reverse;

use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::*;

// === the reference ===

fn expected(routes: &[Route], head: &RequestHead) -> Option<usize> {
    let ranked = routes.iter().enumerate().filter_map(|(index, route)| {
        let matches = &route.matches;
        let host = host_rank(&matches.hosts, &head.authority)?;
        let path = path_rank(&matches.path, &head.path)?;
        conditions_hold(matches, head).then_some((
            (host, path, !matches.methods.is_empty(), matches.headers.len(), matches.query.len(), exact_rules(matches)),
            Reverse(index),
        ))
    });
    ranked.max().map(|(_, Reverse(index))| index)
}

fn host_rank(hosts: &[String], authority: &str) -> Option<(u8, usize)> {
    let host = authority.split(':').next().unwrap_or_default().to_lowercase();
    let rank = |pattern: &String| match pattern.strip_prefix('*') {
        Some(suffix) => (host.len() > suffix.len() && host.ends_with(suffix)).then_some((1, suffix.len())),
        None => (*pattern == host).then_some((2, 0)),
    };
    if hosts.is_empty() { Some((0, 0)) } else { hosts.iter().filter_map(rank).max() }
}

fn path_rank(path: &PathMatch, asked: &str) -> Option<(u8, usize)> {
    match path {
        PathMatch::Any => Some((0, 0)),
        PathMatch::Prefix(prefix) => {
            let prefix = prefix.trim_end_matches('/');
            let below = format!("{asked}/").starts_with(&format!("{prefix}/"));
            below.then_some((1, prefix.len()))
        }
        PathMatch::Regex(pattern) => {
            let whole = regex::Regex::new(&format!("^(?:{pattern})$")).expect("the patterns of this test are legal");
            whole.is_match(asked).then_some((2, 0))
        }
        PathMatch::Exact(exact) => (exact == asked).then_some((3, 0)),
    }
}

fn conditions_hold(matches: &RouteMatch, head: &RequestHead) -> bool {
    let headers: Vec<(String, String)> = head.fields.iter().map(|(_, name, value)| (text(name), text(value))).collect();
    let query = head.query.as_deref().unwrap_or_default();
    let pairs: Vec<(String, String)> = query
        .split('&')
        .filter(|part| !part.is_empty())
        .map(|part| part.split_once('=').unwrap_or((part, "")))
        .map(|(name, value)| (name.to_owned(), value.replace("%31", "1")))
        .collect();
    (matches.methods.is_empty() || matches.methods.iter().any(|method| method == head.method.as_str()))
        && matches.headers.iter().all(|rule| rule_holds(rule, &headers))
        && matches.query.iter().all(|rule| rule_holds(rule, &pairs))
}

fn exact_rules(matches: &RouteMatch) -> usize {
    let rules = matches.headers.iter().chain(&matches.query);
    rules.filter(|rule| matches!(rule.value, ValueMatch::Exact(_))).count()
}

fn rule_holds(rule: &FieldMatch, pairs: &[(String, String)]) -> bool {
    let mut values = pairs.iter().filter(|(name, _)| *name == rule.name).map(|(_, value)| value);
    match &rule.value {
        ValueMatch::Present(wanted) => values.next().is_some() == *wanted,
        ValueMatch::Exact(expected) => values.any(|value| value == expected),
        ValueMatch::Prefix(prefix) => values.any(|value| value.starts_with(prefix)),
        ValueMatch::Regex(_) => values.any(|value| value.len() == 1),
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

// === random tables and requests, small enough to collide ===

const HOSTS: [&str; 7] = ["a", "b.a", "c.b.a", "*.a", "*.b.a", "*.c.b.a", "d"];
const AUTHORITIES: [&str; 9] = ["a", "B.a", "c.b.a:80", "x.a", "x.b.a", "y.x.B.a", "d", "ba", ""];
const PATTERNS: [&str; 4] = ["/[ab]", "/a/.*", ".*", "/a|/b/a"];

fn path_text() -> impl Strategy<Value = String> {
    prop::collection::vec(select(vec!["a", "b", "ab", ""]), 0..4)
        .prop_map(|segments| format!("/{}", segments.join("/")))
}

fn path_match() -> impl Strategy<Value = PathMatch> {
    prop_oneof![
        1 => Just(PathMatch::Any),
        3 => path_text().prop_map(PathMatch::Exact),
        6 => path_text().prop_map(PathMatch::Prefix),
        1 => select(PATTERNS.to_vec()).prop_map(|pattern| PathMatch::Regex(pattern.to_owned())),
    ]
}

fn rules() -> impl Strategy<Value = Vec<FieldMatch>> {
    let value = prop_oneof![
        select(vec!["1", "12"]).prop_map(|text| ValueMatch::Exact(text.to_owned())),
        Just(ValueMatch::Prefix("1".to_owned())),
        Just(ValueMatch::Regex(".".to_owned())),
        any::<bool>().prop_map(ValueMatch::Present),
    ];
    let rule = (select(vec!["x", "y"]), value).prop_map(|(name, value)| FieldMatch { name: name.to_owned(), value });
    prop::collection::vec(rule, 0..3)
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn route_match() -> impl Strategy<Value = RouteMatch> {
    let hosts = subsequence(HOSTS.to_vec(), 0..3);
    let methods = prop_oneof![3 => Just(vec![]), 1 => subsequence(vec!["GET", "PUT", "BREW"], 1..3)];
    (hosts, path_match(), methods, rules(), rules()).prop_map(|(hosts, path, methods, headers, query)| RouteMatch {
        hosts: owned(&hosts),
        path,
        methods: owned(&methods),
        headers,
        query,
    })
}

fn request() -> impl Strategy<Value = RequestHead> {
    let path = prop_oneof![20 => path_text(), 1 => Just("*".to_owned())];
    let pairs = || prop::collection::vec((select(vec!["x", "y"]), select(vec!["1", "12", "2", ""])), 0..3);
    (select(vec!["GET", "PUT", "BREW"]), select(AUTHORITIES.to_vec()), path, pairs(), pairs()).prop_map(
        |(method, authority, path, headers, query)| {
            let query: Vec<String> =
                query.iter().map(|(name, value)| format!("{name}={value}").replace('1', "%31")).collect();
            let query = (!query.is_empty()).then(|| query.join("&"));
            RequestHead { authority: authority.to_owned(), path, query, ..with(method, &headers, "") }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_router_agrees_with_reading_every_route(
        matches in prop::collection::vec(route_match(), 0..40),
        requests in prop::collection::vec(request(), 1..20),
    ) {
        let routes = routes(&matches);
        let router = Router::build(&routes).expect("random tables are legal");
        for head in requests {
            prop_assert_eq!(router.find(&head), expected(&routes, &head), "for {:?}", head);
        }
    }
}
