//! The rules of routing, one test each. Beside them: the reference, the scale, and the page for operators.

mod page;
mod redirects;
mod reference;
mod rules;
mod scale;

use super::Router;
use crate::http::{Fields, Method, RequestHead};
use crate::plan::document::{
    Action, DirectResponse, FieldMatch, Forward, HeaderEdits, PathMatch, Route, RouteMatch, ValueMatch,
    WeightedUpstream,
};

/// A match written shortly: hosts, path, then whatever is chained.
fn on(hosts: &[&str], path: PathMatch) -> RouteMatch {
    RouteMatch { hosts: hosts.iter().map(|host| (*host).to_owned()).collect(), path, ..RouteMatch::default() }
}

impl RouteMatch {
    fn method(mut self, method: &str) -> Self {
        self.methods.push(method.to_owned());
        self
    }

    fn header(mut self, name: &str, value: ValueMatch) -> Self {
        self.headers.push(FieldMatch { name: name.to_owned(), value });
        self
    }

    fn query(mut self, name: &str, value: ValueMatch) -> Self {
        self.query.push(FieldMatch { name: name.to_owned(), value });
        self
    }
}

fn exact(path: &str) -> PathMatch {
    PathMatch::Exact(path.to_owned())
}

fn prefix(path: &str) -> PathMatch {
    PathMatch::Prefix(path.to_owned())
}

fn regex(path: &str) -> PathMatch {
    PathMatch::Regex(path.to_owned())
}

fn is(value: &str) -> ValueMatch {
    ValueMatch::Exact(value.to_owned())
}

/// A route that answers by itself; routing does not look at the action.
fn route(name: &str, matches: RouteMatch) -> Route {
    Route {
        name: name.to_owned(),
        matches,
        filters: Vec::new(),
        action: Action::Respond(DirectResponse { status: 200, headers: Vec::new(), body: Vec::new() }),
        request_headers: HeaderEdits::default(),
        response_headers: HeaderEdits::default(),
        timeout_ms: 0,
    }
}

fn forward(matches: RouteMatch, prefix: Option<&str>, host: Option<&str>) -> Route {
    let action = Action::Forward(Forward {
        upstreams: vec![WeightedUpstream { upstream: "a".to_owned(), weight: 1 }],
        rewrite_prefix: prefix.map(str::to_owned),
        rewrite_host: host.map(str::to_owned),
    });
    Route { action, ..route("forward", matches) }
}

fn routes(matches: &[RouteMatch]) -> Vec<Route> {
    matches.iter().enumerate().map(|(index, matches)| route(&index.to_string(), matches.clone())).collect()
}

fn router(matches: &[RouteMatch]) -> Router {
    Router::build(&routes(matches)).expect("the routes of this test are legal")
}

/// `get("a.demo/x?y=1")`: authority up to the first slash, then path and query.
fn get(url: &str) -> RequestHead {
    let (target, query) = url.split_once('?').map_or((url, None), |(target, query)| (target, Some(query.to_owned())));
    let (authority, path) = target.find('/').map_or((target, "*"), |slash| target.split_at(slash));
    RequestHead { authority: authority.to_owned(), path: path.to_owned(), query, ..RequestHead::default() }
}

fn with(method: &str, headers: &[(&str, &str)], url: &str) -> RequestHead {
    let mut fields = Fields::default();
    for (name, value) in headers {
        fields.push(name.as_bytes(), value.as_bytes());
    }
    RequestHead { method: Method::of(method), fields, ..get(url) }
}
