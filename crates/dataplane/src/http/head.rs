//! The head of a request and of a response, the same for every HTTP version.

use super::fields::Fields;

/// HTTP version of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub enum Version {
    Http10,
    #[default]
    Http11,
    Http2,
}

/// Request method: those that change how a message is handled, and any other token.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub enum Method {
    #[default]
    Get,
    Head,
    Post,
    Put,
    Delete,
    Connect,
    Options,
    Trace,
    Patch,
    Other(Box<str>),
}

/// How the end of a body is known (RFC 9112 section 6; HTTP/2 maps onto the same four).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Framing {
    /// There is no body.
    #[default]
    None,
    /// So many bytes.
    Length(u64),
    /// Chunks, or a stream that says when it ends.
    Chunked,
    /// Until the sender closes: HTTP/1 responses only.
    UntilClose,
}

/// A request as everyone sees it: the router, the filters, the upstream.
#[derive(Debug, Default)]
pub struct RequestHead {
    /// The method.
    pub method: Method,
    /// The version it came in.
    pub version: Version,
    /// Host and port as the client wrote them, without userinfo; empty in an HTTP/1.0 request without `Host`.
    pub authority: String,
    /// Normalised by the listener's policy; starts with `/`, or is `*`; empty for `CONNECT` only.
    pub path: String,
    /// Without the `?`.
    pub query: Option<String>,
    /// All fields but `Host`, which lives in `authority`, and those that `framing` stands for.
    pub fields: Fields,
    /// How its body ends.
    pub framing: Framing,
    /// The connection may carry another exchange after this one.
    pub keep_alive: bool,
    /// The client waits for `100 (Continue)`.
    pub expects_continue: bool,
    /// `Connection: upgrade` with an `Upgrade` field, in HTTP/1.1.
    pub upgrade: bool,
}

/// A response from an upstream, or one of ours.
#[derive(Debug, Default, Clone)]
pub struct ResponseHead {
    /// 100..=999.
    pub status: u16,
    /// Reason phrase; empty: the standard one.
    pub reason: Vec<u8>,
    /// The version it came in.
    pub version: Version,
    /// All fields but those that `framing` and `declared_length` stand for.
    pub fields: Fields,
    /// How its body ends, knowing the request's method.
    pub framing: Framing,
    /// Of a response without a body (to `HEAD`, or 304): the length that a body would have had.
    pub declared_length: Option<u64>,
    /// The connection may carry another exchange after this one.
    pub keep_alive: bool,
}

// === impl Method ===

impl Method {
    /// The method for a token that the parser has checked.
    pub fn of(token: &str) -> Method {
        match token {
            "GET" => Method::Get,
            "HEAD" => Method::Head,
            "POST" => Method::Post,
            "PUT" => Method::Put,
            "DELETE" => Method::Delete,
            "CONNECT" => Method::Connect,
            "OPTIONS" => Method::Options,
            "TRACE" => Method::Trace,
            "PATCH" => Method::Patch,
            other => Method::Other(other.into()),
        }
    }

    /// As on the wire.
    pub fn as_str(&self) -> &str {
        match self {
            Method::Get => "GET",
            Method::Head => "HEAD",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Delete => "DELETE",
            Method::Connect => "CONNECT",
            Method::Options => "OPTIONS",
            Method::Trace => "TRACE",
            Method::Patch => "PATCH",
            Method::Other(token) => token,
        }
    }

    /// A repeated request means the same as one (RFC 9110 section 9.2.2).
    pub fn is_idempotent(&self) -> bool {
        matches!(self, Method::Get | Method::Head | Method::Put | Method::Delete | Method::Options | Method::Trace)
    }
}

// === impl RequestHead ===

impl Clone for RequestHead {
    fn clone(&self) -> Self {
        let mut copy = Self::default();
        copy.clone_from(self);
        copy
    }

    /// Reuses the memory: every attempt is a copy of its request.
    fn clone_from(&mut self, other: &Self) {
        self.method.clone_from(&other.method);
        self.version = other.version;
        self.authority.clone_from(&other.authority);
        self.path.clone_from(&other.path);
        self.query.clone_from(&other.query);
        self.fields.clone_from(&other.fields);
        self.framing = other.framing;
        self.keep_alive = other.keep_alive;
        self.expects_continue = other.expects_continue;
        self.upgrade = other.upgrade;
    }
}

impl RequestHead {
    /// Forgets the message, keeps the memory.
    pub fn clear(&mut self) {
        self.method = Method::Get;
        self.version = Version::Http11;
        self.authority.clear();
        self.path.clear();
        self.query = None;
        self.fields.clear();
        self.framing = Framing::None;
        self.keep_alive = false;
        self.expects_continue = false;
        self.upgrade = false;
    }

    /// The authority without its port, in lower case: what routes match.
    pub fn host(&self) -> std::borrow::Cow<'_, str> {
        let host = without_port(&self.authority);
        if host.bytes().any(|byte| byte.is_ascii_uppercase()) { host.to_ascii_lowercase().into() } else { host.into() }
    }
}

// === impl ResponseHead ===

impl ResponseHead {
    /// Forgets the message, keeps the memory.
    pub fn clear(&mut self) {
        self.status = 0;
        self.reason.clear();
        self.version = Version::Http11;
        self.fields.clear();
        self.framing = Framing::None;
        self.declared_length = None;
        self.keep_alive = false;
    }
}

fn without_port(authority: &str) -> &str {
    match authority.rfind(':') {
        Some(colon) if !authority[colon..].contains(']') => &authority[..colon],
        _ => authority,
    }
}
