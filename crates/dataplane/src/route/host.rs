//! The first step: from the host of a request to the path tables that may answer, most specific first.

use super::RouteIndex;
use super::authority;
use super::key_table::KeyTable;
use super::path::PathTable;
use crate::plan::PlanError;
use crate::plan::document::RouteMatch;

/// The longest DNS name (RFC 1035 section 2.3.4).
const LONGEST_NAME: usize = 253;

/// Path tables by host.
#[derive(Default)]
pub struct HostTable {
    exact: KeyTable<PathTable>,
    /// By what stands behind `*.`.
    wildcards: KeyTable<PathTable>,
    /// The most labels behind any `*.`: bounds the walk over a host made of dots.
    deepest_wildcard: usize,
    any: PathTable,
}

// === impl HostTable ===

impl HostTable {
    /// Adds a route under each of its hosts, behind the routes that are there.
    pub fn insert(&mut self, matches: &RouteMatch, route: RouteIndex) -> Result<(), PlanError> {
        if matches.hosts.is_empty() {
            return self.any.insert(&matches.path, route);
        }
        matches.hosts.iter().try_for_each(|host| self.table_of(host)?.insert(&matches.path, route))
    }

    /// To be called once, when all routes are in.
    pub fn link(&mut self) {
        self.any.link();
        self.exact.values_mut().chain(self.wildcards.values_mut()).for_each(PathTable::link);
    }

    /// Offers the candidates, most specific first, until one is accepted.
    pub fn search(&self, host: &str, path: &str, accept: &mut impl FnMut(RouteIndex) -> bool) -> Option<RouteIndex> {
        let host = host.strip_suffix('.').unwrap_or(host); // `a.demo.` is `a.demo` (RFC 1034 section 3.1)
        if let Some(found) = self.exact.get(host).and_then(|table| table.search(path, accept)) {
            return Some(found);
        }
        for suffix in self.suffixes(host) {
            if let Some(found) = self.wildcards.get(suffix).and_then(|table| table.search(path, accept)) {
                return Some(found);
            }
        }
        self.any.search(path, accept)
    }

    fn table_of(&mut self, host: &str) -> Result<&mut PathTable, PlanError> {
        check(host)?;
        let Some(suffix) = host.strip_prefix("*.") else {
            return Ok(self.exact.entry(host, PathTable::default));
        };
        self.deepest_wildcard = self.deepest_wildcard.max(suffix.split('.').count());
        Ok(self.wildcards.entry(suffix, PathTable::default))
    }

    /// What a wildcard may stand in front of, longest first; at least one label is left to the wildcard.
    fn suffixes<'a>(&self, host: &'a str) -> impl Iterator<Item = &'a str> {
        let first = memchr::memrchr_iter(b'.', host.as_bytes()).take(self.deepest_wildcard).last();
        let start = first.unwrap_or(host.len());
        memchr::memchr_iter(b'.', &host.as_bytes()[start..])
            .map(move |dot| start + dot)
            .filter(|&dot| dot > 0)
            .map(|dot| &host[dot + 1..])
    }
}

fn check(host: &str) -> Result<(), PlanError> {
    let refuse = |why: &str| Err(PlanError::new(format!("host `{host}` {why}")));
    let name = host.strip_prefix("*.").unwrap_or(host);
    if host.starts_with('[') && host.ends_with(']') && authority::is_plain(host) {
        return Ok(()); // an IPv6 address
    }
    if name.contains('*') {
        return refuse("may have `*` only as its whole first label, as in `*.example.com`");
    }
    if name.len() > LONGEST_NAME || name.split('.').any(str::is_empty) {
        return refuse("has an empty label or is longer than 253 bytes");
    }
    if name.contains(':') {
        return refuse("must not carry a port: routes match any port");
    }
    if !name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.')) {
        return refuse("must be a name or address in lower case");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suffixes_of(deepest_wildcard: usize, host: &str) -> Vec<&str> {
        HostTable { deepest_wildcard, ..HostTable::default() }.suffixes(host).collect()
    }

    #[test]
    fn suffixes_come_longest_first_and_leave_a_label_to_the_wildcard() {
        assert_eq!(suffixes_of(9, "a.b.c"), ["b.c", "c"], "longest first, never the host itself");
        assert_eq!(suffixes_of(9, ".c"), Vec::<&str>::new(), "nothing before the dot is no label");
        assert_eq!(suffixes_of(9, "c"), Vec::<&str>::new(), "no dot, nothing a wildcard could stand for");
    }

    #[test]
    fn the_walk_is_bounded_by_the_deepest_wildcard() {
        let host = "a.".repeat(30_000) + "b";
        assert_eq!(suffixes_of(2, &host), ["a.b", "b"], "two labels known: two suffixes are asked for");
        assert_eq!(suffixes_of(0, &host).len(), 0, "no wildcard known: no suffix is asked for");
    }
}
