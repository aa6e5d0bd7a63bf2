//! The control thread: health checks, name resolution, and the log of what they find.
//!
//! It never touches a data thread: what it learns is in the clusters' atomics.

use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::sync::mpsc::{self, Receiver, Sender};

use crate::plan::{Plan, PlanError, Target, document};
use crate::telemetry::{Registry, transition};
use crate::upstream::{Control as Services, ControlTasks, Transition};

/// Transitions that may wait to be logged; more are counted, never waited for.
const NEWS: usize = 1024;
/// Plans that may wait for the control thread: it takes each at once.
const PLANS: usize = 4;

/// The control thread, held by the engine; it ends when this is dropped.
pub struct Control {
    plans: Option<Sender<Arc<Plan>>>,
    thread: Option<JoinHandle<()>>,
}

/// What is looked after now.
struct Watched {
    dns: document::Dns,
    services: Services,
    /// By service: its tasks end when they are dropped.
    tasks: Vec<(Arc<Target>, ControlTasks)>,
}

// === impl Control ===

impl Control {
    /// Starts the thread; it waits for a plan.
    pub fn start(registry: Arc<Registry>) -> Result<Self, PlanError> {
        let (plans, received) = mpsc::channel(PLANS);
        let failed = |error: std::io::Error| PlanError::new(format!("cannot start the control thread: {error}"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let thread = std::thread::Builder::new()
            .name("control".into())
            .spawn(move || runtime.block_on(follow(received, &registry)))
            .map_err(failed)?;
        Ok(Self { plans: Some(plans), thread: Some(thread) })
    }

    /// Looks after the services of this plan from now on.
    pub fn watch(&self, plan: &Arc<Plan>) {
        if let Some(plans) = &self.plans {
            // A control thread that has panicked has said so; traffic goes on without it.
            let _ = plans.blocking_send(Arc::clone(plan));
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.plans = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Follows the plans until the engine lets go.
async fn follow(mut plans: Receiver<Arc<Plan>>, registry: &Registry) {
    let (sender, mut news) = mpsc::channel(NEWS);
    let mut watched: Option<Watched> = None;
    while let Some(plan) = next_plan(&mut plans, &mut news, registry).await {
        let before = watched.take();
        let kept = before.filter(|watched| watched.dns == plan.dns);
        let (services, mut old) = match kept {
            Some(watched) => (watched.services, watched.tasks),
            None => (Services::new(&plan.dns, sender.clone()), Vec::new()),
        };
        let tasks = plan.targets.iter().map(|target| (Arc::clone(target), take(&mut old, target, &services))).collect();
        watched = Some(Watched { dns: plan.dns.clone(), services, tasks });
    }
}

/// The tasks of a service that has not changed, or new ones.
fn take(old: &mut Vec<(Arc<Target>, ControlTasks)>, target: &Arc<Target>, services: &Services) -> ControlTasks {
    match old.iter().position(|(known, _)| Arc::ptr_eq(known, target)) {
        Some(at) => old.swap_remove(at).1,
        None => services.start(&target.cluster, target.connector.clone()),
    }
}

/// The next plan; what happens meanwhile is logged and counted.
async fn next_plan(
    plans: &mut Receiver<Arc<Plan>>,
    news: &mut Receiver<Transition>,
    registry: &Registry,
) -> Option<Arc<Plan>> {
    std::future::poll_fn(|cx| {
        while let std::task::Poll::Ready(Some(transition)) = news.poll_recv(cx) {
            transition::record(registry, &transition);
        }
        plans.poll_recv(cx)
    })
    .await
}
