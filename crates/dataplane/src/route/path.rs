//! The second step: from the path of a request to the routes of one host, most specific first.

use super::key_table::KeyTable;
use super::pattern::Pattern;
use super::prefix;
use super::prefix_tree::PrefixTree;
use super::{Candidates, RouteIndex};
use crate::plan::PlanError;
use crate::plan::document::PathMatch;

/// The routes of one host; each list is in the order in which its routes are to be tried.
#[derive(Default)]
pub struct PathTable {
    exact: KeyTable<Candidates>,
    patterns: Vec<(Pattern, RouteIndex)>,
    prefixes: PrefixTree,
    any: Candidates,
}

// === impl PathTable ===

impl PathTable {
    /// Adds a route behind the routes with the same path.
    pub fn insert(&mut self, path: &PathMatch, route: RouteIndex) -> Result<(), PlanError> {
        match path {
            PathMatch::Any => self.any.push(route),
            PathMatch::Exact(path) => {
                prefix::check_exact(path)?;
                self.exact.entry(path, Candidates::new).push(route);
            }
            PathMatch::Prefix(path) => {
                prefix::check("path prefix", path)?;
                self.prefixes.insert(path, route);
            }
            PathMatch::Regex(pattern) => self.patterns.push((Pattern::build(pattern)?, route)),
        }
        Ok(())
    }

    /// To be called once, when all routes are in.
    pub fn link(&mut self) {
        self.prefixes.link();
    }

    /// Offers the candidates, most specific first, until one is accepted.
    pub fn search(&self, path: &str, accept: &mut impl FnMut(RouteIndex) -> bool) -> Option<RouteIndex> {
        if let Some(found) = self.exact.get(path).and_then(|routes| first(routes, accept)) {
            return Some(found);
        }
        // The cheap question first: most patterns are never run for a request of another method.
        for (pattern, route) in &self.patterns {
            if accept(*route) && pattern.matches(path.as_bytes()) {
                return Some(*route);
            }
        }
        self.prefixes.search(path, |routes| first(routes, accept)).or_else(|| first(&self.any, accept))
    }
}

fn first(routes: &[RouteIndex], accept: &mut impl FnMut(RouteIndex) -> bool) -> Option<RouteIndex> {
    routes.iter().copied().find(|&route| accept(route))
}
