//! Every form in which a path can be written to mislead one of its readers.

use proptest::prelude::*;

use super::*;

const DEFAULT: PathPolicy =
    PathPolicy { dot_segments: DotSegments::Resolve, encoded_slash: EncodedSlash::Reject, merge_slashes: true };

fn normal(raw: &str, policy: PathPolicy) -> Result<String, PathError> {
    let mut out = "left from before".to_owned();
    normalise(raw.as_bytes(), &policy, &mut out).map(|()| out)
}

#[track_caller]
fn becomes(raw: &str, policy: PathPolicy, expected: &str) {
    assert_eq!(normal(raw, policy).as_deref(), Ok(expected), "normal form of {raw}");
}

#[track_caller]
fn refused(raw: &str, policy: PathPolicy, expected: PathError) {
    assert_eq!(normal(raw, policy), Err(expected), "{raw} must be refused");
}

#[test]
fn a_usual_path_stays_as_it_is() {
    for path in ["/", "/a/b.html", "/v1/orders/17;version=2", "/a/...", "/.well-known/x", "/a/..b", "/a:b@c/$&'()*+,=~"]
    {
        becomes(path, DEFAULT, path);
    }
}

#[test]
fn dot_segments_are_resolved_in_every_spelling() {
    for (raw, expected) in [
        ("/a/./b", "/a/b"),
        ("/a/../b", "/b"),
        ("/a/%2e%2E/b", "/b"),
        ("/a/.%2e/b", "/b"),
        ("/a/%2e", "/a/"),
        ("/a/b/..", "/a/"),
        ("/..", "/"),
        ("/.", "/"),
        ("/../../etc/passwd", "/etc/passwd"),
        ("/a//../b", "/b"),
    ] {
        becomes(raw, DEFAULT, expected);
        let strict = PathPolicy { dot_segments: DotSegments::Reject, ..DEFAULT };
        refused(raw, strict, PathError::DotSegment);
    }
}

#[test]
fn hidden_dot_segments_are_refused_whatever_the_policy() {
    let keep = PathPolicy { encoded_slash: EncodedSlash::Keep, ..DEFAULT };
    for raw in ["/a/..;/b", "/a/.;x=1/b", "/a/%2e.;/b", "/a/..%2fb", "/a/x%2f..", "/a%5C..%5cb", "/a/..;x%2fb"] {
        refused(raw, keep, PathError::DotSegment);
    }
    becomes("/a/b;x=..", keep, "/a/b;x=..");
}

#[test]
fn slashes_are_merged_unless_the_policy_keeps_them() {
    let kept = PathPolicy { merge_slashes: false, ..DEFAULT };
    for (raw, merged, both) in [
        ("//a", "/a", "//a"),
        ("/a//b///c", "/a/b/c", "/a//b///c"),
        ("/a//", "/a/", "/a//"),
        ("//", "/", "//"),
        ("/a/..//b", "/b", "//b"),
    ] {
        becomes(raw, DEFAULT, merged);
        becomes(raw, kept, both);
    }
    becomes("/a//../b", kept, "/a/b");
}

#[test]
fn an_encoded_slash_follows_the_policy() {
    let keep = PathPolicy { encoded_slash: EncodedSlash::Keep, ..DEFAULT };
    let decode = PathPolicy { encoded_slash: EncodedSlash::Decode, ..DEFAULT };
    for raw in ["/a%2fb", "/a%2Fb", "/a%5cb"] {
        refused(raw, DEFAULT, PathError::EncodedSlash);
        becomes(raw, decode, "/a/b");
    }
    becomes("/a%2fb%5c", keep, "/a%2Fb%5C");
    becomes("/a%2f..%2fb%2f%2f%2e", decode, "/b/");
}

#[test]
fn what_needs_no_encoding_is_decoded_once_and_the_rest_upper_cased() {
    becomes("/%61%7e%2d%5F%41", DEFAULT, "/a~-_A");
    becomes("/%c3%a9%20%3b%3f%23", DEFAULT, "/%C3%A9%20%3B%3F%23");
    becomes("/%252e%252e/", DEFAULT, "/%252e%252e/");
    becomes("/%25%32%65", DEFAULT, "/%252e");
}

#[test]
fn what_two_readers_could_take_differently_is_refused() {
    for raw in ["/a\\b", "/a#b", "/a b", "/a\tb", "/a\0", "/é", "/a?b"] {
        refused(raw, DEFAULT, PathError::Character);
    }
    for raw in ["/%", "/%4", "/%4g", "/%u002e", "/% 41", "/%%32%65", "/%+1"] {
        refused(raw, DEFAULT, PathError::Percent);
    }
    for raw in ["/%c0%ae%c0%ae/", "/%C1%9c", "/%e0%80%af", "/%f0%80%80%af", "/%f8%80%80%80%af", "/%fc%80%80%80%80%af"] {
        refused(raw, DEFAULT, PathError::Overlong);
    }
    refused("/a%00.html", DEFAULT, PathError::Nul);
    for raw in ["", "a", "*", "%2fa"] {
        refused(raw, DEFAULT, PathError::NotAbsolute);
    }
}

fn any_policy() -> impl Strategy<Value = PathPolicy> {
    let dots = prop_oneof![Just(DotSegments::Resolve), Just(DotSegments::Reject)];
    let slashes = prop_oneof![Just(EncodedSlash::Reject), Just(EncodedSlash::Keep), Just(EncodedSlash::Decode)];
    (dots, slashes, any::<bool>()).prop_map(|(dot_segments, encoded_slash, merge_slashes)| PathPolicy {
        dot_segments,
        encoded_slash,
        merge_slashes,
    })
}

fn path_like() -> impl Strategy<Value = String> {
    let piece =
        prop::sample::select(vec!["/", "//", ".", "..", "%2e", "%2F", "%5c", ";", "a", "b%20", "%25", "%41", "2e"]);
    prop::collection::vec(piece, 0..16).prop_map(|pieces| format!("/{}", pieces.concat()))
}

proptest! {
    #[test]
    fn normalising_twice_is_the_same_as_once(raw in path_like(), policy in any_policy()) {
        if let Ok(once) = normal(&raw, policy) {
            prop_assert_eq!(normal(&once, policy), Ok(once.clone()), "{} became {}", raw, once);
            let hides_dots = once.split('/').any(|segment| segment == "." || segment == "..");
            prop_assert!(!hides_dots, "{} became {}", raw, once);
        }
    }

    #[test]
    fn any_bytes_are_answered_without_a_panic(raw in prop::collection::vec(any::<u8>(), 0..64), policy in any_policy()) {
        let mut out = String::new();
        let _ = normalise(&raw, &policy, &mut out);
    }
}
