//! What the harness may ask for, as JSON. Unknown keys are refused: a misspelt one would measure something else.

use serde::Deserialize;

/// The whole argument.
#[derive(Deserialize)]
#[serde(tag = "role", rename_all = "snake_case", deny_unknown_fields)]
pub enum Spec {
    /// Serve: read every upload to its end and answer with its length.
    Sink {
        /// Where to listen.
        address: String,
    },
    /// Load a target.
    Load {
        /// Whom.
        target: Target,
        /// How.
        load: Load,
    },
}

/// Where the load goes and how it speaks there.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// `127.0.0.1:8080`.
    pub address: String,
    /// The `Host` header.
    pub host: String,
    /// Left out: plain text.
    pub tls: Option<Tls>,
}

/// TLS 1.3 with one cipher suite and one group, so that every peer does the same arithmetic.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// PEM file of the authority that the target's certificate is checked against.
    pub ca: String,
    /// PEM file of our certificate; left out: none is presented.
    pub cert: Option<String>,
    /// PEM file of its key.
    pub key: Option<String>,
    /// Whether sessions are resumed.
    pub resume: bool,
}

/// The kinds of load.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Load {
    /// As many requests as come back, on connections that stay.
    Steady(Steady),
    /// A fixed number of requests per second, whatever comes back.
    Pace(Pace),
    /// A connection for every request.
    Churn(Steady),
    /// Large bodies, checked to the last byte's place.
    Bulk(Bulk),
    /// Connections that were used once and then held.
    Idle(Idle),
}

/// A closed loop: each connection asks again when it was answered.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Steady {
    /// How many at a time.
    pub connections: usize,
    /// Measured seconds.
    pub seconds: f64,
    /// Seconds before those.
    pub warmup: f64,
    /// The paths that are asked for in turn, `{}` standing for a number from 0 to `path_count` - 1.
    pub path: String,
    /// How many paths.
    pub path_count: usize,
    /// The length that each body must have.
    pub length: usize,
}

/// An open loop.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pace {
    /// How many connections share the load.
    pub connections: usize,
    /// Measured seconds.
    pub seconds: f64,
    /// Seconds before those.
    pub warmup: f64,
    /// Requests per second.
    pub rate: f64,
    /// The path asked for.
    pub path: String,
    /// The length that each body must have.
    pub length: usize,
}

/// Bodies of one size, one way.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bulk {
    /// How many at a time.
    pub connections: usize,
    /// Measured seconds.
    pub seconds: f64,
    /// Seconds before those.
    pub warmup: f64,
    /// The path asked for.
    pub path: String,
    /// Bytes of a body.
    pub size: usize,
    /// Whether the body goes up (POST) instead of down (GET).
    pub upload: bool,
}

/// Held connections.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Idle {
    /// How many.
    pub connections: usize,
    /// The path asked for once on each.
    pub path: String,
    /// The length that each body must have.
    pub length: usize,
}
