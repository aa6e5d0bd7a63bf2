//! Active health checks: every endpoint of a service is asked at intervals whether it can serve.

mod probe;
mod streak;
mod stream;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ahash::AHashMap;
pub(super) use probe::Prober;
use streak::Streak;

use super::balance::Random;
use super::cluster::Cluster;
use super::control::Task;
use super::endpoint::Endpoint;
use super::transition::Change;

/// Checks all endpoints of a service for ever, those too that join later.
pub(super) async fn watch(cluster: Arc<Cluster>, prober: Prober) {
    let checker = Arc::new(Checker { cluster, prober });
    let mut changes = checker.cluster.unsettled.subscribe();
    let mut tasks: AHashMap<SocketAddr, (Arc<Endpoint>, Task)> = AHashMap::new();
    loop {
        let endpoints = checker.cluster.endpoints();
        tasks.retain(|_, (checked, _)| endpoints.iter().any(|endpoint| Arc::ptr_eq(checked, endpoint)));
        for endpoint in endpoints {
            let start = || Task::start(checker.clone().check_on(endpoint.clone()));
            tasks.entry(endpoint.address).or_insert_with(|| (endpoint.clone(), start()));
        }
        if changes.changed().await.is_err() {
            return;
        }
    }
}

/// What the checks of one service share.
struct Checker {
    cluster: Arc<Cluster>,
    prober: Prober,
}

// === impl Checker ===

impl Checker {
    async fn check_on(self: Arc<Self>, endpoint: Arc<Endpoint>) {
        let check = &self.prober.check;
        let mut streak = Streak::new(endpoint.is_unhealthy());
        let mut random = Random::from_os();
        loop {
            let result = self.prober.probe(&endpoint).await;
            if streak.turns(check, result.is_ok()) {
                self.record(&endpoint, result);
            }
            // Up to a tenth more or less, so that endpoints are not all asked at the same moment.
            let interval = Duration::from_millis(check.interval_ms);
            tokio::time::sleep(interval.mul_f64(0.9 + random.below(200) as f64 / 1000.0)).await;
        }
    }

    fn record(&self, endpoint: &Endpoint, result: Result<(), String>) {
        let check = &self.prober.check;
        let (change, why) = match result {
            Ok(()) => (Change::Healthy, format!("{} checks in a row succeeded", check.healthy)),
            Err(why) => (Change::Unhealthy, format!("{} checks in a row failed: {why}", check.unhealthy)),
        };
        if endpoint.set_unhealthy(change == Change::Unhealthy) {
            self.cluster.service.changed();
            self.cluster.service.tell(endpoint, change, why);
        }
    }
}
