//! What looks after services off the data threads: health checks and names, as tasks on one runtime.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::cluster::Cluster;
use super::dns::{self, Resolver};
use super::health::{self, Prober};
use super::transition::TransitionSender;
use crate::plan::document;
use crate::tls::Connector;

/// Checks under way at once, over all services: a plan with thousands of endpoints must not take all
/// descriptors when it starts.
const MOST_PROBES: usize = 128;

/// Starts the tasks of services. One per engine and DNS configuration.
#[derive(Debug)]
pub struct Control {
    resolver: Arc<Resolver>,
    news: TransitionSender,
    probes: Arc<Semaphore>,
}

/// The tasks of one service; dropped, they end.
#[derive(Debug, Default)]
#[must_use = "the tasks end when this is dropped"]
pub struct ControlTasks {
    _tasks: Vec<Task>,
}

/// A task that ends with its owner.
#[derive(Debug)]
pub(super) struct Task(JoinHandle<()>);

// === impl Control ===

impl Control {
    /// Asks names as `dns` says, tells transitions to `news`. Touches neither network nor files.
    pub fn new(dns: &document::Dns, news: TransitionSender) -> Self {
        Self { resolver: Arc::new(Resolver::new(dns)), news, probes: Arc::new(Semaphore::new(MOST_PROBES)) }
    }

    /// Resolves the names of a service and checks its endpoints from now on, over TLS with `connector`.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime. It should be the control thread's: data threads do nothing of this.
    pub fn start(&self, cluster: &Arc<Cluster>, connector: Option<Arc<Connector>>) -> ControlTasks {
        cluster.service.listen(self.news.clone());
        let mut tasks = Vec::new();
        for name in cluster.names() {
            tasks.push(Task::start(dns::follow(cluster.clone(), name, self.resolver.clone())));
        }
        if let Some(check) = &cluster.doc().health_check {
            let prober = Prober::new(check.clone(), connector, self.probes.clone());
            tasks.push(Task::start(health::watch(cluster.clone(), prober)));
        }
        ControlTasks { _tasks: tasks }
    }
}

// === impl Task ===

impl Task {
    pub(super) fn start(work: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(tokio::spawn(work))
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}
