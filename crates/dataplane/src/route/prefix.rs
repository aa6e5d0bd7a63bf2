//! What a path prefix means: whole segments, and what takes its place in a rewrite or redirect.

use crate::plan::PlanError;
use crate::plan::document::PathMatch;

/// The prefix without slashes at its end, which make no difference: `/v1/` is `/v1`, and `/` is empty.
pub fn trimmed(prefix: &str) -> &str {
    prefix.trim_end_matches('/')
}

/// How many bytes of the path the match takes; none when it does not match: for `*`, and for a path that a
/// filter changed after the route was found.
fn matched_length(matched: &PathMatch, path: &str) -> Option<usize> {
    let prefix = match matched {
        PathMatch::Any => "",
        PathMatch::Prefix(prefix) => trimmed(prefix),
        PathMatch::Exact(exact) => return (path == exact).then_some(path.len()),
        PathMatch::Regex(_) => return None,
    };
    let rest = path.strip_prefix(prefix)?;
    (rest.starts_with('/') || rest.is_empty() && !path.is_empty()).then_some(prefix.len())
}

/// Puts `replacement` where the match of the route stands in its path.
pub fn replace(matched: &PathMatch, path: &mut String, replacement: &str) {
    let Some(mut end) = matched_length(matched, path) else { return };
    let replacement = if matches!(matched, PathMatch::Exact(_)) { replacement } else { trimmed(replacement) };
    if replacement.is_empty() {
        // `//host/x` reads as an authority for many, and cutting a prefix must not make one.
        end += path[end..].bytes().take_while(|&byte| byte == b'/').count();
        path.replace_range(..end, "/");
    } else {
        path.replace_range(..end, replacement);
    }
}

/// A prefix can be replaced only where the route says what that is.
pub fn check_replaceable(what: &str, matched: &PathMatch, replacement: &str) -> Result<(), PlanError> {
    if matches!(matched, PathMatch::Regex(_)) {
        return Err(PlanError::new(format!("{what} needs a route with a path prefix or an exact path, not a regex")));
    }
    check(what, replacement)
}

/// `*` is the path of `OPTIONS *` (RFC 9112 section 3.2.4).
pub fn check_exact(path: &str) -> Result<(), PlanError> {
    if path == "*" { Ok(()) } else { check("path", path) }
}

/// A path of the plan must be one that a normalised request can have.
pub fn check(what: &str, path: &str) -> Result<(), PlanError> {
    let refuse = |why: &str| Err(PlanError::new(format!("{what} `{}` {why}", path.escape_debug())));
    if !path.starts_with('/') {
        return refuse("must start with `/`");
    }
    if path.bytes().any(|byte| matches!(byte, b'?' | b'#')) {
        return refuse("must not carry a query or a fragment");
    }
    if !path.bytes().all(|byte| byte.is_ascii_graphic()) {
        return refuse("must be percent-encoded: no spaces, control or non-ASCII characters");
    }
    if path.split('/').any(|segment| matches!(segment, "." | "..")) {
        return refuse("must not have `.` or `..` segments");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replaced(prefix: &str, path: &str, replacement: &str) -> String {
        let mut path = path.to_owned();
        replace(&PathMatch::Prefix(prefix.into()), &mut path, replacement);
        path
    }

    #[test]
    fn a_prefix_is_replaced_by_whole_segments() {
        for (prefix, path, replacement, expected) in [
            ("/v1", "/v1/x", "/v2", "/v2/x"),
            ("/v1", "/v1", "/v2", "/v2"),
            ("/v1", "/v1/", "/v2", "/v2/"),
            ("/v1/", "/v1/x", "/v2/", "/v2/x"),
            ("/v1/", "/v1", "/v2/", "/v2"),
            ("/v1", "/v1/x", "/", "/x"),
            ("/v1", "/v1", "/", "/"),
            ("/v1", "/v1/", "/", "/"),
            ("/", "/x", "/v2", "/v2/x"),
            ("/", "/", "/v2", "/v2/"),
            ("/v1", "/v1/x", "/a/longer/one", "/a/longer/one/x"),
        ] {
            let got = replaced(prefix, path, replacement);
            assert_eq!(got, expected, "{path} with {prefix} replaced by {replacement}");
        }
    }

    #[test]
    fn cutting_a_prefix_never_leaves_two_slashes_in_front() {
        assert_eq!(replaced("/v1", "/v1//evil.example/x", "/"), "/evil.example/x", "no authority is made of a path");
    }

    #[test]
    fn a_path_that_no_longer_has_the_prefix_stays() {
        assert_eq!(replaced("/v1", "/v10/x", "/v2"), "/v10/x", "the prefix ends within a segment");
        assert_eq!(replaced("/v1", "/é", "/v2"), "/é", "a filter wrote another path");
    }

    #[test]
    fn an_exact_path_is_replaced_whole_and_as_written() {
        let mut path = "/old".to_owned();
        replace(&PathMatch::Exact("/old".into()), &mut path, "/new/");
        assert_eq!(path, "/new/", "the slash at the end belongs to an exact path");
    }

    #[test]
    fn the_asterisk_is_no_path_to_rewrite() {
        let mut path = "*".to_owned();
        replace(&PathMatch::Any, &mut path, "/v2");
        assert_eq!(path, "*", "`OPTIONS *` is about the server, not about a path");
    }

    #[test]
    fn a_path_that_no_request_can_have_is_refused() {
        for path in ["v1", "", "/a b", "/é", "/a?b", "/a#b", "/a/../b", "/.", "/a\r\nb"] {
            assert!(check("path", path).is_err(), "`{path:?}` never arrives normalised");
        }
        assert!(check_exact("*").is_ok(), "`OPTIONS *` can be routed");
    }
}
