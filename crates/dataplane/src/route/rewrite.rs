//! What a route changes about the request line before it goes to the upstream: path prefix and host.

use super::authority;
use super::prefix;
use crate::http::RequestHead;
use crate::plan::PlanError;
use crate::plan::document::{Action, PathMatch, Route};

/// The rewrite of one route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewrite {
    prefix: Option<(PathMatch, Box<str>)>,
    host: Option<Box<str>>,
}

// === impl Rewrite ===

impl Rewrite {
    /// Checks and keeps what the route says; a route that does not forward rewrites nothing.
    pub fn build(route: &Route) -> Result<Rewrite, PlanError> {
        let Action::Forward(forward) = &route.action else {
            return Ok(Rewrite { prefix: None, host: None });
        };
        if let Some(replacement) = &forward.rewrite_prefix {
            prefix::check_replaceable("rewrite.prefix", &route.matches.path, replacement)?;
        }
        if let Some(host) = &forward.rewrite_host {
            authority::check("rewrite.host", host)?;
        }
        let matched = &route.matches.path;
        Ok(Rewrite {
            prefix: forward.rewrite_prefix.as_ref().map(|text| (matched.clone(), text.as_str().into())),
            host: forward.rewrite_host.as_deref().map(Into::into),
        })
    }

    /// `apply` changes nothing.
    pub fn is_empty(&self) -> bool {
        self.prefix.is_none() && self.host.is_none()
    }

    /// Changes path and authority of a request that the route matched; the query stays.
    pub fn apply(&self, head: &mut RequestHead) {
        if let Some((matched, replacement)) = &self.prefix {
            prefix::replace(matched, &mut head.path, replacement);
        }
        if let Some(host) = &self.host {
            head.authority.clear();
            head.authority.push_str(host);
        }
    }
}
