//! `host` or `host:port`, as a plan may write it and as a client may have sent it.

use crate::plan::PlanError;

/// Nothing but a host and a port: no userinfo, no path, no list, no control bytes.
pub fn is_plain(authority: &str) -> bool {
    let (host, port) = match authority.rfind(':') {
        Some(colon) if !authority[colon..].contains(']') => (&authority[..colon], Some(&authority[colon + 1..])),
        _ => (authority, None),
    };
    let name = |host: &str| host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte));
    let literal = |host: &str| host.bytes().all(|byte| byte.is_ascii_hexdigit() || b":.".contains(&byte));
    let host_is_plain = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => !address.is_empty() && literal(address),
        None => !host.is_empty() && name(host),
    };
    host_is_plain && port.is_none_or(|port| port.parse::<u16>().is_ok() && !port.starts_with('+'))
}

/// Refuses, with the name of the option, what is not an authority.
pub fn check(what: &str, authority: &str) -> Result<(), PlanError> {
    if is_plain(authority) {
        return Ok(());
    }
    Err(PlanError::new(format!("{what} `{}` is not a host or host:port", authority.escape_debug())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_with_and_without_a_port_are_plain() {
        for authority in ["a", "a.demo", "a.demo:8080", "10.0.0.1:80", "[::1]", "[::1]:8443"] {
            assert!(is_plain(authority), "`{authority}` is a host and maybe a port");
        }
    }

    #[test]
    fn everything_else_is_not() {
        for authority in
            ["", ":80", "a:", "a:x", "a:+1", "a:65536", "u@a", "a/b", "a,b", "a b", "a\r\nb", "[]", "[::1", "::1", "é"]
        {
            assert!(!is_plain(authority), "`{authority:?}` is more than a host and a port");
        }
    }
}
