//! The `Location` of a redirect: an absolute URL made of what the route says and what the client asked.

use super::{authority, prefix};
use crate::http::RequestHead;
use crate::plan::PlanError;
use crate::plan::document::{PathMatch, Redirect};

/// Refuses a redirect that could not be carried out for every request of its route.
pub fn check(redirect: &Redirect, matched: &PathMatch) -> Result<(), PlanError> {
    if !matches!(redirect.status, 301 | 302 | 303 | 307 | 308) {
        return Err(PlanError::new(format!("redirect.status {} is not 301, 302, 303, 307 or 308", redirect.status)));
    }
    if redirect.path.is_some() && redirect.prefix.is_some() {
        return Err(PlanError::new("redirect has both path and prefix; say one of them"));
    }
    if let Some(scheme) = redirect.scheme.as_deref().filter(|scheme| !matches!(*scheme, "http" | "https")) {
        return Err(PlanError::new(format!("redirect.scheme `{}` is not http or https", scheme.escape_debug())));
    }
    redirect.host.as_deref().map_or(Ok(()), |host| authority::check("redirect.host", host))?;
    redirect.path.as_deref().map_or(Ok(()), |path| prefix::check("redirect.path", path))?;
    redirect.prefix.as_deref().map_or(Ok(()), |text| prefix::check_replaceable("redirect.prefix", matched, text))
}

/// The absolute URL to go to. Query kept; what is not a legal byte of a URL is percent-encoded.
///
/// A request without a usable authority (HTTP/1.0 without `Host`) gets the path alone, which is a legal
/// `Location` as well (RFC 9110 section 10.2.2).
pub fn location(redirect: &Redirect, matched: &PathMatch, head: &RequestHead, secure: bool) -> String {
    let asked = if secure { "https" } else { "http" };
    let scheme = redirect.scheme.as_deref().unwrap_or(asked);
    let host = redirect.host.as_deref().unwrap_or_else(|| same_host(&head.authority, scheme == asked));
    let mut location = String::with_capacity(64 + head.path.len());
    if authority::is_plain(host) {
        location.extend([scheme, "://", host]);
        push_encoded(&mut location, &path(redirect, matched, head), b"?#");
    } else {
        let path = path(redirect, matched, head);
        location.push('/'); // one slash only: `//x` would name another host
        push_encoded(&mut location, path.trim_start_matches('/'), b"?#");
    }
    if let Some(query) = &head.query {
        location.push('?');
        push_encoded(&mut location, query, b"#");
    }
    location
}

/// The port that spoke one scheme does not speak the other.
fn same_host(authority: &str, same_scheme: bool) -> &str {
    match authority.rfind(':') {
        Some(colon) if !same_scheme && !authority[colon..].contains(']') => &authority[..colon],
        _ => authority,
    }
}

fn path(redirect: &Redirect, matched: &PathMatch, head: &RequestHead) -> String {
    if let Some(path) = &redirect.path {
        return path.clone();
    }
    let mut path = if head.path.starts_with('/') { head.path.clone() } else { "/".to_owned() };
    if let Some(replacement) = &redirect.prefix {
        prefix::replace(matched, &mut path, replacement);
    }
    path
}

/// Keeps what may stand in a URL (RFC 3986 section 2), encodes the rest and `also`.
fn push_encoded(url: &mut String, text: &str, also: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte) && !also.contains(&byte) {
            url.push(byte.into());
        } else {
            let [high, low] = [byte >> 4, byte & 15].map(|digit| char::from(DIGITS[usize::from(digit)]));
            url.extend(['%', high, low]);
        }
    }
}
