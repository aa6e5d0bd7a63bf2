//! Which route a request takes, and what the route does to its host, path and headers.
//!
//! Every given part of a match must hold. Of the routes that hold, the most specific one wins:
//!
//! | step | what is compared | order |
//! | --- | --- | --- |
//! | 1 | host | exact, then `*.x` with the longest `x` first, then any |
//! | 2 | path | exact, then regex, then prefix with the longest first, then any |
//! | 3 | method | a route that names methods before one that does not |
//! | 4 | headers | more header rules before fewer |
//! | 5 | query | more query rules before fewer |
//! | 6 | exact values | more header and query rules with an exact value before fewer |
//! | 7 | file order | earlier before later |
//!
//! A step decides only between routes that the steps before it left equal; two regexes are equal in
//! step 2. A request that no route of its exact host takes goes on to the wildcards and then to the
//! routes for any host. `docs/routing.md` says the same to operators, with examples that are run.
//!
//! Nothing here knows connections, upstreams or filters. The order of reading: `host` -> `path` ->
//! `prefix_tree` find candidates, `conditions` checks them; `rewrite`, `redirect`, `edits` and
//! `weights` act for the route that was found.

mod authority;
mod conditions;
pub mod edits;
mod host;
mod key_table;
mod path;
mod pattern;
mod prefix;
mod prefix_tree;
mod query;
pub mod redirect;
pub mod rewrite;
pub mod weights;

#[cfg(test)]
mod tests;

pub use edits::HeaderEdits;
pub use rewrite::Rewrite;
pub use weights::Weighted;

use self::conditions::Conditions;
use self::host::HostTable;
use crate::http::RequestHead;
use crate::plan::{PlanError, document};

/// The place of a route in the list that the router was built from.
pub type RouteIndex = usize;

/// Routes with the same host and path, in the order in which they are tried; most often there is one.
type Candidates = smallvec::SmallVec<[RouteIndex; 2]>;

/// The routes of one listener, indexed so that finding one costs the same among 10 and 10,000.
pub struct Router {
    hosts: HostTable,
    /// By route index: what the indexes do not answer; none where host and path are all that is asked.
    conditions: Vec<Option<Box<Conditions>>>,
}

// === impl Router ===

impl Router {
    /// Compiles and indexes the routes; refuses a match that could never hold or costs too much.
    pub fn build(routes: &[document::Route]) -> Result<Router, PlanError> {
        let mut conditions = Vec::with_capacity(routes.len());
        for route in routes {
            conditions.push(Conditions::build(&route.matches).map_err(|error| at(route, error))?);
        }
        let mut hosts = HostTable::default();
        for index in by_rank(&conditions) {
            let route = &routes[index];
            hosts.insert(&route.matches, index).map_err(|error| at(route, error))?;
        }
        hosts.link();
        let conditions = conditions.into_iter().map(|rules| (!rules.is_empty()).then(|| Box::new(rules))).collect();
        Ok(Router { hosts, conditions })
    }

    /// The most specific route that takes the request.
    pub fn find(&self, head: &RequestHead) -> Option<RouteIndex> {
        self.search(head, |index| self.conditions[index].as_ref().is_none_or(|rules| rules.hold(head)))
    }

    /// Offers the candidates, most specific first, until one is accepted.
    fn search(&self, head: &RequestHead, mut accept: impl FnMut(RouteIndex) -> bool) -> Option<RouteIndex> {
        self.hosts.search(&head.host(), &head.path, &mut accept)
    }
}

/// Steps 3 to 7 of the table: the indexes keep the order in which they are filled.
fn by_rank(conditions: &[Conditions]) -> Vec<RouteIndex> {
    let mut order: Vec<RouteIndex> = (0..conditions.len()).collect();
    order.sort_by_key(|&index| std::cmp::Reverse(conditions[index].rank())); // stable: file order decides last
    order
}

fn at(route: &document::Route, error: PlanError) -> PlanError {
    error.at(&format!("route {}", route.name))
}
