//! Why a head is refused, and with which status a server answers (a bad reply of an upstream is the
//! caller's 502, whatever the status here).

use crate::http::path::PathError;

/// What is wrong with a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // `Display` says each in words
pub enum HeadError {
    RequestLine,
    StatusLine,
    Version,
    TooLarge,
    UriTooLong,
    TooManyFields,
    LineEnd,
    Control,
    FieldName,
    Folded,
    Target,
    Scheme,
    Path(PathError),
    Host,
    HostMissing,
    HostRepeated,
    ContentLength,
    LengthRepeated,
    LengthWithCoding,
    TransferEncoding,
    UnknownCoding,
    CodingInOldVersion,
    FramingAlias,
    ConnectionOptions,
    Expectation,
}

// === impl HeadError ===

impl HeadError {
    /// The status of the answer to a request that is refused for this.
    pub fn status(&self) -> u16 {
        match self {
            HeadError::UriTooLong => 414,
            HeadError::Expectation => 417,
            HeadError::TooLarge | HeadError::TooManyFields => 431,
            HeadError::UnknownCoding => 501,
            HeadError::Version => 505,
            _ => 400,
        }
    }
}

impl std::fmt::Display for HeadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            HeadError::RequestLine => "malformed request line",
            HeadError::StatusLine => "malformed status line",
            HeadError::Version => "HTTP version not supported",
            HeadError::TooLarge => "head too large",
            HeadError::UriTooLong => "request target too long",
            HeadError::TooManyFields => "too many fields",
            HeadError::LineEnd => "line that does not end in CR LF",
            HeadError::Control => "control byte in the head",
            HeadError::FieldName => "malformed field name",
            HeadError::Folded => "folded field line",
            HeadError::Target => "malformed request target",
            HeadError::Scheme => "scheme that is neither http nor https",
            HeadError::Path(path) => return path.fmt(f),
            HeadError::Host => "malformed host",
            HeadError::HostMissing => "no host",
            HeadError::HostRepeated => "more than one host",
            HeadError::ContentLength => "malformed content length",
            HeadError::LengthRepeated => "more than one content length",
            HeadError::LengthWithCoding => "content length beside a transfer coding",
            HeadError::TransferEncoding => "malformed transfer coding",
            HeadError::UnknownCoding => "unknown transfer coding",
            HeadError::CodingInOldVersion => "transfer coding in HTTP/1.0",
            HeadError::FramingAlias => "field name that could be read as one that says where the body ends",
            HeadError::ConnectionOptions => "too many connection options",
            HeadError::Expectation => "unknown expectation",
        })
    }
}

impl std::error::Error for HeadError {}
