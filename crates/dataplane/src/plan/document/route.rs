//! Routes: what they match and what is done then.

use serde::Deserialize;

/// A match, its filters, and what is done with the request.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    pub name: String,
    #[serde(rename = "match")]
    pub matches: RouteMatch,
    /// Request order.
    pub filters: Vec<FilterUse>,
    pub action: Action,
    pub request_headers: HeaderEdits,
    pub response_headers: HeaderEdits,
    /// From the whole request head to the end of the response; 0: no limit.
    pub timeout_ms: u64,
}

/// All given parts must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteMatch {
    /// Lower case, no port. Empty: any host. `*.x` matches one or more labels before `.x`.
    pub hosts: Vec<String>,
    pub path: PathMatch,
    /// Empty: any method.
    pub methods: Vec<String>,
    pub headers: Vec<FieldMatch>,
    pub query: Vec<FieldMatch>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PathMatch {
    #[default]
    Any,
    Exact(String),
    /// By segment: `/v1` matches `/v1` and `/v1/x`, never `/v10`.
    Prefix(String),
    /// The whole path must match.
    Regex(String),
}

/// One header or query parameter. Header names are lower case; a repeated header matches when any value does.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldMatch {
    pub name: String,
    pub value: ValueMatch,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueMatch {
    Exact(String),
    Prefix(String),
    Regex(String),
    /// `true`: there at all; `false`: absent.
    Present(bool),
}

/// One filter on one route.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilterUse {
    pub name: String,
    /// Opaque to the core: what the filter's host needs to build it.
    #[serde(with = "serde_bytes")]
    pub options: Vec<u8>,
    /// `false`: fails closed.
    pub fail_open: bool,
    /// How long one phase of it may take; 0: no limit.
    pub timeout_ms: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    Forward(Forward),
    Redirect(Redirect),
    Respond(DirectResponse),
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Forward {
    pub upstreams: Vec<WeightedUpstream>,
    /// Replaces what the route's prefix matched (exact: the whole path).
    pub rewrite_prefix: Option<String>,
    pub rewrite_host: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeightedUpstream {
    pub upstream: String,
    pub weight: u32,
}

/// What is left out stays as the client sent it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redirect {
    pub status: u16,
    pub scheme: Option<String>,
    pub host: Option<String>,
    /// Replaces the whole path; the query is kept.
    pub path: Option<String>,
    /// Replaces what the route's prefix matched.
    pub prefix: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DirectResponse {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    #[serde(with = "serde_bytes")]
    pub body: Vec<u8>,
}

/// Applied in this order: remove, set, add.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeaderEdits {
    pub remove: Vec<String>,
    pub set: Vec<(String, String)>,
    pub add: Vec<(String, String)>,
}
