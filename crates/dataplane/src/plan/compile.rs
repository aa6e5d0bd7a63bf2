//! From the document to what the data threads run on. Any error: nothing has changed.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use serde::Deserialize;

use super::compiled::{Action, Changes, Limits, Listener, Plan, Route, Split, Target};
use super::document::{self, PlanDocument};
use super::error::PlanError;
use crate::chain::{Chain, FilterBuilder};
use crate::exchange::Forwarded;
use crate::route::{HeaderEdits, Rewrite, Router, Weighted, redirect};
use crate::telemetry::{AccessLog, Registry};
use crate::tls::{Acceptor, Connector};
use crate::upstream::Cluster;

/// What a plan is made of beside its document.
pub struct Materials<'a> {
    /// The plan that serves now.
    pub previous: Option<&'a Plan>,
    /// Makes filters.
    pub filters: &'a dyn FilterBuilder,
    /// Counters, kept from plan to plan by name.
    pub registry: &'a Registry,
    /// Number of data threads.
    pub workers: usize,
    /// Where exchanges are written down.
    pub access_log: &'a Arc<AccessLog>,
}

impl Plan {
    /// Reads a document that Python wrote.
    pub fn read(bytes: &[u8]) -> Result<PlanDocument, PlanError> {
        // Addresses travel as text.
        let mut reader = rmp_serde::Deserializer::from_read_ref(bytes).with_human_readable();
        PlanDocument::deserialize(&mut reader)
            .map_err(|error| PlanError::new(format!("the plan document is malformed: {error}")))
    }

    /// Compiles a document whole.
    pub fn compile(document: &PlanDocument, materials: &Materials<'_>) -> Result<Plan, PlanError> {
        let targets = document
            .upstreams
            .iter()
            .map(|upstream| {
                target(upstream, materials).map_err(|error| error.at(&format!("upstream {}", upstream.name)))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let by_name: HashMap<&str, &Arc<Target>> = targets.iter().map(|target| (&*target.name, target)).collect();
        let listeners = document
            .listeners
            .iter()
            .map(|doc| listener(doc, &by_name, materials).map_err(|error| error.at(&format!("listener {}", doc.name))))
            .collect::<Result<Vec<_>, _>>()?;
        let access_log = Arc::clone(materials.access_log);
        Ok(Plan { listeners, targets, dns: document.dns.clone(), access_log })
    }
}

fn target(doc: &document::Upstream, materials: &Materials<'_>) -> Result<Arc<Target>, PlanError> {
    let previous = materials.previous.and_then(|plan| plan.target(&doc.name));
    if let Some(previous) = previous
        && previous.cluster.doc() == doc
    {
        return Ok(Arc::clone(previous));
    }
    let before = previous.and_then(|target| target.connector.as_deref());
    let connector = doc.tls.as_ref().map(|tls| Connector::build(tls, before).map(Arc::new)).transpose()?;
    Ok(Arc::new(Target {
        name: doc.name.as_str().into(),
        cluster: Cluster::build(doc, previous.map(|target| &target.cluster))?,
        connector,
        connect_timeout: Duration::from_millis(doc.connect_timeout_ms),
        idle_timeout: Duration::from_millis(doc.idle_timeout_ms),
        cells: materials.registry.upstream(&doc.name),
    }))
}

fn listener(
    doc: &document::Listener,
    targets: &HashMap<&str, &Arc<Target>>,
    materials: &Materials<'_>,
) -> Result<Arc<Listener>, PlanError> {
    let previous = materials.previous.and_then(|plan| plan.listener_at(doc.address));
    let routes = doc
        .routes
        .iter()
        .map(|route| {
            compile_route(doc, route, targets, materials).map_err(|error| error.at(&format!("route {}", route.name)))
        })
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Arc::new(Listener {
        name: doc.name.as_str().into(),
        address: doc.address,
        acceptor: acceptor(doc, previous)?,
        identity_map: materials.filters.identity_map(),
        limits: Limits::from(&doc.limits),
        paths: doc.paths,
        forwarded: Forwarded::build(&doc.forwarded)?,
        router: Router::build(&doc.routes)?,
        routes,
        unrouted: materials.registry.route(&doc.name, ""),
        cells: materials.registry.listener(&doc.name),
        open: previous.map_or_else(|| Arc::new(AtomicU32::new(0)), |previous| Arc::clone(&previous.open)),
        document: doc.clone(),
    }))
}

/// An unchanged TLS section keeps its acceptor; a changed one keeps its ticket keys where that is safe.
fn acceptor(doc: &document::Listener, previous: Option<&Arc<Listener>>) -> Result<Option<Arc<Acceptor>>, PlanError> {
    let Some(tls) = &doc.tls else { return Ok(None) };
    if let Some(previous) = previous
        && previous.document.tls.as_ref() == Some(tls)
    {
        return Ok(previous.acceptor.clone());
    }
    let before = previous.and_then(|listener| listener.acceptor.as_deref());
    Ok(Some(Arc::new(Acceptor::build(tls, before)?)))
}

fn compile_route(
    listener: &document::Listener,
    doc: &document::Route,
    targets: &HashMap<&str, &Arc<Target>>,
    materials: &Materials<'_>,
) -> Result<Arc<Route>, PlanError> {
    Ok(Arc::new(Route {
        name: doc.name.as_str().into(),
        action: action(doc, targets)?,
        chain: Chain::build(&doc.filters, materials.filters)?,
        changes: changes(doc)?,
        timeout: Duration::from_millis(doc.timeout_ms),
        cells: materials.registry.route(&listener.name, &doc.name),
    }))
}

fn changes(doc: &document::Route) -> Result<Option<Box<Changes>>, PlanError> {
    let rewrite = Rewrite::build(doc)?;
    let request_edits = HeaderEdits::build(&doc.request_headers)?;
    let response_edits = HeaderEdits::build(&doc.response_headers)?;
    let none = rewrite.is_empty() && request_edits.is_empty() && response_edits.is_empty();
    Ok((!none).then(|| Box::new(Changes { rewrite, request_edits, response_edits })))
}

fn action(doc: &document::Route, targets: &HashMap<&str, &Arc<Target>>) -> Result<Action, PlanError> {
    Ok(match &doc.action {
        document::Action::Respond(response) => Action::Respond(Box::new(response.clone())),
        document::Action::Redirect(to) => {
            redirect::check(to, &doc.matches.path)?;
            Action::Redirect(Box::new((to.clone(), doc.matches.path.clone())))
        }
        document::Action::Forward(forward) => {
            let chosen = forward.upstreams.iter().map(|weighted| {
                let name = weighted.upstream.as_str();
                targets
                    .get(name)
                    .map(|target| Arc::clone(target))
                    .ok_or_else(|| PlanError::new(format!("no upstream {name}")))
            });
            let weights = Weighted::build(&forward.upstreams)?;
            let targets = chosen.collect::<Result<Box<[_]>, _>>()?;
            match &*targets {
                [only] => Action::Forward(Arc::clone(only)),
                _ => Action::Split(Box::new(Split { weights, targets })),
            }
        }
    })
}
