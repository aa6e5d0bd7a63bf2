//! Names against a real name server on loopback; every wait is for a transition.

mod server;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::proto::op::ResponseCode;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::super::tests::{build, upstream};
use super::super::{Change, Cluster, Control, ControlTasks, Picker, Transition};
use crate::plan::document::{Balance, Dns};
use server::{Reply, Server};

const SOON: Duration = Duration::from_secs(20);

struct Named {
    cluster: Arc<Cluster>,
    news: mpsc::Receiver<Transition>,
    _tasks: ControlTasks,
}

// === impl Named ===

impl Named {
    /// A service under these hosts, whose names are asked for at `server`.
    fn new(server: &Server, refresh_ms: u64, hosts: &[&str]) -> Self {
        let (sender, news) = mpsc::channel(512);
        let cluster = build(&upstream(Balance::RoundRobin, hosts));
        let control = Control::new(&Dns { servers: vec![server.address], refresh_ms }, sender);
        let tasks = control.start(&cluster, None);
        Self { cluster, news, _tasks: tasks }
    }

    async fn ready(&self) {
        timeout(SOON, self.cluster.ready()).await.expect("every name must be asked for once");
    }

    async fn next(&mut self) -> (Change, String) {
        let told = timeout(SOON, self.news.recv()).await.expect("a change must be told").expect("the control lives");
        (told.change, told.address.map_or(told.why, |address| address.to_string()))
    }

    fn addresses(&self) -> Vec<String> {
        self.cluster.statuses().iter().map(|status| status.address.to_string()).collect()
    }
}

fn reply(addresses: &[&str], ttl: u32) -> Reply {
    let parse = |text: &&str| text.parse::<IpAddr>().expect("a test's addresses are addresses");
    Reply::Addresses(addresses.iter().map(parse).collect(), ttl)
}

#[tokio::test]
async fn all_addresses_of_both_families_are_used() {
    let server = Server::start().await;
    server.set("orders.example.", reply(&["10.0.0.2", "10.0.0.1", "2001:db8::1"], 60));
    let named = Named::new(&server, 30_000, &["orders.example:80", "10.0.0.9:81"]);
    assert_eq!(named.addresses(), ["10.0.0.9:81"], "a start does not wait for names");
    named.ready().await;
    assert_eq!(named.addresses(), ["10.0.0.1:80", "10.0.0.2:80", "[2001:db8::1]:80", "10.0.0.9:81"]);
    let host = named.cluster.statuses()[0].host.clone();
    assert_eq!(&*host, "orders.example", "an endpoint knows the name it came from");
}

#[tokio::test]
async fn an_answer_is_asked_for_again_when_its_ttl_is_over() {
    let server = Server::start().await;
    server.set("orders.example.", reply(&["10.0.0.1", "10.0.0.2"], 1));
    let mut named = Named::new(&server, 3_600_000, &["orders.example:80"]);
    named.ready().await;
    let generation = named.cluster.generation();
    assert_eq!([named.next().await, named.next().await].map(|told| told.0), [Change::Added; 2]);
    server.set("orders.example.", reply(&["10.0.0.2", "10.0.0.3"], 1));
    assert_eq!(named.next().await, (Change::Removed, "10.0.0.1:80".into()));
    assert_eq!(named.next().await, (Change::Added, "10.0.0.3:80".into()));
    assert_eq!(named.addresses(), ["10.0.0.2:80", "10.0.0.3:80"]);
    assert_ne!(named.cluster.generation(), generation, "pools must drop what leads to a removed address");
}

#[tokio::test]
async fn a_long_ttl_is_cut_to_the_refresh_time() {
    let server = Server::start().await;
    server.set("orders.example.", reply(&["10.0.0.1"], 86_400));
    let mut named = Named::new(&server, 1000, &["orders.example:80"]);
    assert_eq!(named.next().await, (Change::Added, "10.0.0.1:80".into()));
    server.set("orders.example.", reply(&["10.0.0.2"], 86_400));
    assert_eq!(named.next().await, (Change::Removed, "10.0.0.1:80".into()), "a day's TTL must not hold for a day");
}

#[tokio::test]
async fn a_failure_keeps_the_last_addresses() {
    for (failure, reason) in [
        (Reply::Refused(ResponseCode::NXDomain), "there is no such name"),
        (Reply::Refused(ResponseCode::ServFail), "the name server said: Server Failure"),
        (reply(&[], 1), "it has no addresses"),
    ] {
        let server = Server::start().await;
        server.set("orders.example.", reply(&["10.0.0.1"], 1));
        let mut named = Named::new(&server, 1000, &["orders.example:80"]);
        assert_eq!(named.next().await.0, Change::Added);
        server.set("orders.example.", failure);
        let (change, why) = named.next().await;
        assert_eq!(change, Change::ResolutionFailed);
        assert!(why.contains(reason), "the reason must be {reason:?}, not {why:?}");
        assert_eq!(named.addresses(), ["10.0.0.1:80"], "an address that may work beats none ({reason})");
        server.set("orders.example.", reply(&["10.0.0.1"], 1));
        assert_eq!(named.next().await.0, Change::Resolved, "after {reason:?}");
    }
}

#[tokio::test]
async fn a_name_that_was_never_resolved_has_no_endpoints() {
    let server = Server::start().await;
    let mut named = Named::new(&server, 1000, &["orders.example:80"]);
    named.ready().await;
    assert_eq!(named.next().await.0, Change::ResolutionFailed);
    assert!(named.cluster.pick(&mut Picker::new(), None, &[]).is_none(), "there is nobody to ask");
    server.set("orders.example.", reply(&["10.0.0.1"], 1));
    assert_eq!(named.next().await.0, Change::Added, "it is asked for again soon");
}

#[tokio::test]
async fn one_family_without_an_answer_does_not_hold_up_the_other() {
    let server = Server::start().await;
    server.set("orders.example.", reply(&["10.0.0.1"], 60));
    server.silence_v6();
    let mut named = Named::new(&server, 30_000, &["orders.example:80"]);
    let told = timeout(Duration::from_secs(1), named.next()).await;
    assert_eq!(told, Ok((Change::Added, "10.0.0.1:80".into())), "A must be used while AAAA is waited for");
    timeout(Duration::from_secs(1), named.cluster.ready()).await.expect("one address is enough to be ready");
}

#[tokio::test]
async fn an_address_and_a_name_of_the_hosts_file_never_touch_dns() {
    let server = Server::start().await;
    let named = Named::new(&server, 1000, &["127.0.0.2:80", "[::1]:80", "localhost:81"]);
    named.ready().await;
    assert!(named.addresses().contains(&"127.0.0.1:81".into()), "every hosts file knows localhost");
    assert_eq!(server.questions(), 0, "the name server must not be asked");
}

#[tokio::test]
async fn an_answer_too_large_for_a_datagram_comes_over_tcp() {
    let server = Server::start().await;
    let many: Vec<IpAddr> = (0..200).map(|n| IpAddr::from([10, 0, 1, n])).collect();
    server.set("orders.example.", Reply::Addresses(many, 60));
    let named = Named::new(&server, 30_000, &["orders.example:80"]);
    named.ready().await;
    assert_eq!(named.addresses().len(), 200, "all addresses of a large service are used");
}
