//! What a match asks besides host and path: methods, headers, query.

use super::pattern::Pattern;
use super::query;
use crate::http::characters::is_token;
use crate::http::{Fields, Known, Method, RequestHead};
use crate::plan::PlanError;
use crate::plan::document::{FieldMatch, RouteMatch, ValueMatch};

/// All of them must hold.
#[derive(Debug)]
pub struct Conditions {
    /// Empty: any.
    methods: Box<[Method]>,
    headers: Box<[Rule]>,
    query: Box<[Rule]>,
}

/// One rule about the values of one name.
#[derive(Debug)]
struct Rule {
    name: Box<str>,
    test: Test,
}

#[derive(Debug)]
enum Test {
    Present,
    Absent,
    Value(Value),
}

/// A rule about one value.
#[derive(Debug)]
pub enum Value {
    /// Equal, byte by byte.
    Exact(Box<str>),
    /// Starts with it.
    Prefix(Box<str>),
    /// The whole value matches.
    Pattern(Pattern),
}

// === impl Conditions ===

impl Conditions {
    /// Compiles the rules of a match; refuses names that no request can have.
    pub fn build(matches: &RouteMatch) -> Result<Conditions, PlanError> {
        let methods = matches.methods.iter().map(|method| method_of(method)).collect::<Result<_, _>>()?;
        matches.headers.iter().try_for_each(check_header)?;
        Ok(Conditions { methods, headers: rules(&matches.headers)?, query: rules(&matches.query)? })
    }

    /// Orders routes with the same host and path: greater is more specific.
    pub fn rank(&self) -> (bool, usize, usize, usize) {
        let exact = self.headers.iter().chain(&self.query).filter(|rule| rule.is_exact()).count();
        (!self.methods.is_empty(), self.headers.len(), self.query.len(), exact)
    }

    /// They hold for every request.
    pub fn is_empty(&self) -> bool {
        self.methods.is_empty() && self.headers.is_empty() && self.query.is_empty()
    }

    /// Every rule holds for this request.
    pub fn hold(&self, head: &RequestHead) -> bool {
        (self.methods.is_empty() || self.methods.contains(&head.method))
            && self.headers.iter().all(|rule| rule.holds_for_header(&head.fields))
            && self.query.iter().all(|rule| rule.holds_for_query(head.query.as_deref().unwrap_or_default()))
    }
}

fn method_of(method: &str) -> Result<Method, PlanError> {
    if is_token(method.as_bytes()) {
        return Ok(Method::of(method));
    }
    Err(PlanError::new(format!("`{}` is not a method", method.escape_debug())))
}

fn check_header(header: &FieldMatch) -> Result<(), PlanError> {
    let refuse = |why: &str| Err(PlanError::new(format!("header `{}` {why}", header.name.escape_debug())));
    if !is_token(header.name.as_bytes()) {
        return refuse("is not a header name");
    }
    match Known::of(header.name.as_bytes()) {
        Known::Host => refuse("is matched by `host`, not by `headers`"),
        _ => Ok(()),
    }
}

fn rules(fields: &[FieldMatch]) -> Result<Box<[Rule]>, PlanError> {
    fields.iter().map(Rule::build).collect()
}

// === impl Rule ===

impl Rule {
    fn build(field: &FieldMatch) -> Result<Rule, PlanError> {
        let test = match &field.value {
            ValueMatch::Present(true) => Test::Present,
            ValueMatch::Present(false) => Test::Absent,
            ValueMatch::Exact(text) => Test::Value(Value::Exact(text.as_str().into())),
            ValueMatch::Prefix(text) => Test::Value(Value::Prefix(text.as_str().into())),
            ValueMatch::Regex(pattern) => {
                Test::Value(Value::Pattern(Pattern::build(pattern).map_err(|error| error.at(&field.name))?))
            }
        };
        Ok(Rule { name: field.name.as_str().into(), test })
    }

    fn is_exact(&self) -> bool {
        matches!(self.test, Test::Value(Value::Exact(_)))
    }

    fn holds_for_header(&self, fields: &Fields) -> bool {
        let mut values = fields.get_all(self.name.as_bytes());
        match &self.test {
            Test::Present => values.next().is_some(),
            Test::Absent => values.next().is_none(),
            Test::Value(value) => values.any(|line| value.holds_for_line(line)),
        }
    }

    fn holds_for_query(&self, query: &str) -> bool {
        let mut values = query::values(query, &self.name);
        match &self.test {
            Test::Present => values.next().is_some(),
            Test::Absent => values.next().is_none(),
            Test::Value(value) => values.any(|raw| query::value_holds(value, raw)),
        }
    }
}

// === impl Value ===

impl Value {
    /// The rule holds for this text.
    pub fn holds_for(&self, text: &[u8]) -> bool {
        match self {
            Value::Exact(expected) => text == expected.as_bytes(),
            Value::Prefix(prefix) => text.starts_with(prefix.as_bytes()),
            Value::Pattern(pattern) => pattern.matches(text),
        }
    }

    /// `a: x` and `a: y` mean the same as `a: x, y` (RFC 9110 section 5.3), so a rule must hold for both alike:
    /// it is asked about the line and about each member of its list.
    fn holds_for_line(&self, line: &[u8]) -> bool {
        self.holds_for(line)
            || memchr::memchr(b',', line).is_some()
                && line.split(|&byte| byte == b',').any(|member| self.holds_for(member.trim_ascii()))
    }
}
