//! How an exchange ended: one row each, with status, flag, and what becomes of the client's connection.
//!
//! The flag is in the access log, in the metrics and in `x-flatproxy-flag`; docs/flags.md explains each to
//! operators.

/// How an exchange ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
#[repr(u8)]
pub enum Flag {
    /// As it should.
    #[default]
    None,
    /// The request cannot be read in one way only.
    BadRequest,
    /// The request's head is larger than allowed.
    HeadTooLarge,
    /// The request's target is longer than allowed.
    UriTooLong,
    /// The request's body is larger than allowed.
    BodyTooLarge,
    /// The head did not arrive in time.
    HeadTimeout,
    /// The client's body stalled.
    BodyTimeout,
    /// `Expect` asks for something other than `100-continue`.
    Expectation,
    /// An HTTP version that we do not speak.
    Version,
    /// A method or an upgrade that is not supported.
    Unsupported,
    /// No route matches.
    NoRoute,
    /// The request has been through too many proxies: a loop.
    Loop,
    /// A filter answered with an error of its own.
    Deny,
    /// A filter failed, and it fails closed.
    Filter,
    /// A limit on requests or connections is reached.
    Overload,
    /// The upstream has no endpoint to try.
    NoEndpoint,
    /// No connection to the endpoint could be made.
    Connect,
    /// Making a connection took too long.
    ConnectTimeout,
    /// The endpoint's TLS is not what was asked for.
    UpstreamTls,
    /// The endpoint closed or reset the connection.
    UpstreamReset,
    /// The endpoint does not speak HTTP as it should.
    UpstreamProtocol,
    /// The whole exchange took longer than its route allows.
    Timeout,
    /// One try took longer than a filter allows.
    AttemptTimeout,
    /// The endpoint stalled within its body.
    UpstreamStall,
    /// The client went away.
    ClientGone,
    /// A defect of ours.
    Internal,
}

/// One row of the table.
struct Row {
    flag: Flag,
    label: &'static str,
    status: u16,
    close: bool,
}

const fn row(flag: Flag, label: &'static str, status: u16, close: bool) -> Row {
    Row { flag, label, status, close }
}

/// Status 499 is never sent: it is what the log says of a client that did not wait.
const TABLE: [Row; Flag::COUNT] = [
    row(Flag::None, "-", 200, false),
    row(Flag::BadRequest, "BAD_REQUEST", 400, true),
    row(Flag::HeadTooLarge, "HEAD_TOO_LARGE", 431, true),
    row(Flag::UriTooLong, "URI_TOO_LONG", 414, true),
    row(Flag::BodyTooLarge, "BODY_TOO_LARGE", 413, true),
    row(Flag::HeadTimeout, "HEAD_TIMEOUT", 408, true),
    row(Flag::BodyTimeout, "BODY_TIMEOUT", 408, true),
    row(Flag::Expectation, "EXPECTATION", 417, true),
    row(Flag::Version, "VERSION", 505, true),
    row(Flag::Unsupported, "UNSUPPORTED", 501, true),
    row(Flag::NoRoute, "NO_ROUTE", 404, false),
    row(Flag::Loop, "LOOP", 508, false),
    row(Flag::Deny, "DENY", 403, false),
    row(Flag::Filter, "FILTER", 503, false),
    row(Flag::Overload, "OVERLOAD", 503, false),
    row(Flag::NoEndpoint, "NO_ENDPOINT", 503, false),
    row(Flag::Connect, "CONNECT", 502, false),
    row(Flag::ConnectTimeout, "CONNECT_TIMEOUT", 504, false),
    row(Flag::UpstreamTls, "UPSTREAM_TLS", 502, false),
    row(Flag::UpstreamReset, "UPSTREAM_RESET", 502, false),
    row(Flag::UpstreamProtocol, "UPSTREAM_PROTOCOL", 502, false),
    row(Flag::Timeout, "TIMEOUT", 504, false),
    row(Flag::AttemptTimeout, "ATTEMPT_TIMEOUT", 504, false),
    row(Flag::UpstreamStall, "UPSTREAM_STALL", 504, true),
    row(Flag::ClientGone, "CLIENT_GONE", 499, true),
    row(Flag::Internal, "INTERNAL", 500, true),
];

// === impl Flag ===

impl Flag {
    /// Number of flags.
    pub const COUNT: usize = Flag::Internal as usize + 1;

    /// Every flag, in the order of `index`.
    pub fn all() -> impl Iterator<Item = Flag> {
        TABLE.iter().map(|row| row.flag)
    }

    /// Its place in the table.
    pub fn index(self) -> usize {
        self as usize
    }

    /// As in logs, metrics and `x-flatproxy-flag`.
    pub fn label(self) -> &'static str {
        TABLE[self.index()].label
    }

    /// The status that the client gets.
    pub fn status(self) -> u16 {
        TABLE[self.index()].status
    }

    /// The client's connection ends with this exchange.
    pub fn closes(self) -> bool {
        TABLE[self.index()].close
    }
}
