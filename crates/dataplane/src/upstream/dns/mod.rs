//! Names to addresses: asked when the control starts, and again whenever the answer is old.
//!
//! A name never loses its last addresses to a failure: an old address that may work beats none.

mod resolver;
mod schedule;
#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

pub(super) use resolver::Resolver;
use resolver::{Answer, FAMILIES, Family};
use schedule::Schedule;

use super::balance::Random;
use super::cluster::Cluster;
use super::transition::Change;

/// A name in the document of a service.
#[derive(Debug)]
pub(super) struct Name {
    /// Which entry of the document it is.
    pub(super) position: usize,
    pub(super) host: Arc<str>,
    /// What is known of it from before.
    pub(super) addresses: Vec<IpAddr>,
}

/// One name and what it last resolved to, by family: one family's failure takes nothing from the other.
struct Following {
    cluster: Arc<Cluster>,
    name: Name,
    known: [Vec<IpAddr>; FAMILIES.len()],
}

/// Keeps a service's addresses of one name up to date, for ever.
pub(super) async fn follow(cluster: Arc<Cluster>, name: Name, resolver: Arc<Resolver>) {
    let known = FAMILIES.map(|family| name.addresses.iter().copied().filter(|ip| family.holds(*ip)).collect());
    let mut following = Following { cluster, name, known };
    let mut schedule = Schedule::new(resolver.refresh);
    let mut random = Random::from_os();
    loop {
        let was_failing = schedule.is_failing();
        let delay = match following.ask(&resolver).await {
            Ok(lifetime) => {
                if was_failing {
                    following.tell(Change::Resolved, "it resolves again".into());
                }
                schedule.after_answer(lifetime)
            }
            Err(why) => {
                following.cluster.resolved(following.name.position, None);
                if !was_failing {
                    following.tell(Change::ResolutionFailed, why);
                }
                schedule.after_failure()
            }
        };
        // A little early at random, so that the names of a plan are not asked all at once for ever.
        tokio::time::sleep(delay.mul_f64(1.0 - random.below(100) as f64 / 1000.0)).await;
    }
}

// === impl Following ===

impl Following {
    /// Asks for all families at once; each answer is used as it comes. Says how long they may be used, or
    /// why there is not one address.
    async fn ask(&mut self, resolver: &Arc<Resolver>) -> Result<Duration, String> {
        let mut questions = JoinSet::new();
        let round = Arc::new(resolver.round(&self.name.host)?);
        for family in FAMILIES {
            let round = round.clone();
            questions.spawn(async move { (family, round.ask(family).await) });
        }
        let (mut lifetime, mut why) = (None, None);
        while let Some(answered) = questions.join_next().await {
            match answered.map_err(|error| error.to_string()) {
                Ok((family, Ok(answer))) => {
                    if !answer.addresses.is_empty() {
                        lifetime = Some(lifetime.map_or(answer.lifetime, |other| answer.lifetime.min(other)));
                    }
                    self.learn(family, answer);
                }
                Ok((_, Err(failure))) | Err(failure) => why = Some(failure),
            }
        }
        lifetime.ok_or_else(|| why.unwrap_or_else(|| "it has no addresses".into()))
    }

    fn learn(&mut self, family: Family, answer: Answer) {
        self.known[family as usize] = answer.addresses;
        let all = self.known.concat();
        if !all.is_empty() {
            self.cluster.resolved(self.name.position, Some(all));
        }
    }

    fn tell(&self, change: Change, why: String) {
        self.cluster.service.tell_of(&self.name.host, None, change, why);
    }
}
