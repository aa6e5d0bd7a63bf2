//! Regular expressions of a plan: linear in time, limited in size, and always about the whole text.

use regex::bytes::{Regex, RegexBuilder};
use regex_syntax::ast::parse::Parser;

use crate::plan::PlanError;

/// The compiled program, and the cache that each thread may grow while it matches. Enough for
/// `[a-z0-9-]{1,253}` many times over; a table of a thousand patterns stays below half a gigabyte.
const PROGRAM_BYTES: usize = 256 * 1024;
const CACHE_BYTES: usize = 256 * 1024;

/// A pattern that must match from the first byte to the last. Works on bytes: `\d`, `\w`, `\s` and `(?i)` are ASCII.
#[derive(Debug, Clone)]
pub struct Pattern(Regex);

// === impl Pattern ===

impl Pattern {
    /// Compiles; refuses what is not a regular expression or becomes too large.
    pub fn build(pattern: &str) -> Result<Pattern, PlanError> {
        let refuse = |why: &dyn std::fmt::Display| PlanError::new(format!("regex `{pattern}`: {why}"));
        // Parsed alone first: `a)|(?:b` is no expression, but would become one between our brackets, unanchored.
        Parser::new().parse(pattern).map_err(|error| refuse(&error.kind()))?;
        RegexBuilder::new(&format!(r"\A(?:{pattern})\z"))
            .unicode(false)
            .size_limit(PROGRAM_BYTES)
            .dfa_size_limit(CACHE_BYTES)
            .build()
            .map(Pattern)
            .map_err(|error| match error {
                regex::Error::CompiledTooBig(limit) => refuse(&format!("needs more than {limit} bytes when compiled")),
                other => refuse(&other),
            })
    }

    /// The whole of `text` matches.
    pub fn matches(&self, text: &[u8]) -> bool {
        self.0.is_match(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        Pattern::build(pattern).expect("the pattern is legal").matches(text.as_bytes())
    }

    #[test]
    fn a_pattern_is_about_the_whole_text() {
        assert!(matches("/v[0-9]+", "/v12"), "the whole text matches");
        assert!(!matches("/v[0-9]+", "/v12/x"), "an end that is left over is no match");
        assert!(!matches("/v[0-9]+", "/x/v12"), "a start that is left over is no match");
        assert!(matches("a|ab", "ab"), "alternatives are tried against the whole text");
        assert!(!matches("a|b", "ac"), "the anchors hold for each alternative");
        assert!(!matches("(?m)^a$", "a\nb"), "lines do not move the anchors");
    }

    #[test]
    fn brackets_cannot_close_our_own() {
        assert!(Pattern::build("a)|(?:b").is_err(), "unbalanced brackets are refused, not completed by ours");
    }

    #[test]
    fn a_pattern_that_grows_too_large_is_refused() {
        let error = Pattern::build("(?:[a-z]{1,100}){1,100}").expect_err("10,000 states are refused");
        assert!(error.to_string().contains("needs more than"), "the message says what is wrong: {error}");
        assert!(Pattern::build("[a-z0-9-]{1,253}").is_ok(), "a DNS name fits");
    }

    #[test]
    fn back_references_and_look_around_are_refused() {
        for pattern in [r"(a)\1", "(?=a)", "(?<!a)b"] {
            assert!(Pattern::build(pattern).is_err(), "`{pattern}` is not linear-time");
        }
    }
}
