//! Checks against real servers on loopback; every wait is for a transition or for a request to arrive.

mod service;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;

use super::super::tests::{address, build, upstream};
use super::super::{Change, Cluster, Control, ControlTasks, EndpointState, Picker, Transition};
use crate::plan::document::{Balance, Dns, HealthCheck, HttpProbe, Probe};
use crate::tls::Connector;
use service::Service;

/// How long a test waits for what must happen at once.
const SOON: Duration = Duration::from_secs(20);

/// Checks every few milliseconds; one result decides.
fn check(probe: Probe) -> HealthCheck {
    HealthCheck { probe, interval_ms: 5, timeout_ms: 5000, healthy: 1, unhealthy: 1 }
}

fn http() -> Probe {
    Probe::Http(HttpProbe { path: "/healthz?deep=1".into(), host: None, status_min: 200, status_max: 299 })
}

/// A service under watch.
struct Watched {
    cluster: Arc<Cluster>,
    news: mpsc::Receiver<Transition>,
    tasks: ControlTasks,
}

// === impl Watched ===

impl Watched {
    fn new(check: HealthCheck, hosts: &[&str]) -> Self {
        Self::over(check, hosts, None)
    }

    fn over(check: HealthCheck, hosts: &[&str], connector: Option<Arc<Connector>>) -> Self {
        let mut doc = upstream(Balance::RoundRobin, hosts);
        doc.health_check = Some(check);
        let (sender, news) = mpsc::channel(64);
        let cluster = build(&doc);
        let control = Control::new(&Dns { servers: Vec::new(), refresh_ms: 1000 }, sender);
        let tasks = control.start(&cluster, connector);
        Self { cluster, news, tasks }
    }

    async fn next(&mut self) -> Transition {
        timeout(SOON, self.news.recv()).await.expect("the checks must find a change").expect("the control lives")
    }

    fn states(&self) -> Vec<EndpointState> {
        self.cluster.statuses().iter().map(|status| status.state).collect()
    }
}

#[tokio::test]
async fn an_endpoint_that_answers_badly_is_taken_out_and_comes_back() {
    let (good, bad) = (Service::start("200 OK").await, Service::start("200 OK").await);
    let mut watched = Watched::new(check(http()), &[&good.place(), &bad.place()]);
    assert_eq!(watched.states(), [EndpointState::Healthy; 2], "endpoints are used until a check speaks against them");
    bad.answer("503 Service Unavailable");
    let told = watched.next().await;
    assert_eq!((told.address, told.change), (Some(bad.address), Change::Unhealthy));
    assert_eq!(told.why, "1 checks in a row failed: status 503, not 200 to 299");
    assert_eq!(watched.states(), [EndpointState::Healthy, EndpointState::Unhealthy]);
    let mut picker = Picker::new();
    let found: Vec<_> = (0..10).filter_map(|_| watched.cluster.pick(&mut picker, None, &[])).collect();
    assert!(found.iter().all(|endpoint| endpoint.address == good.address), "only the healthy one is picked");
    bad.answer("204 No Content");
    assert_eq!(watched.next().await.change, Change::Healthy, "good answers bring it back");
    assert_eq!(watched.states(), [EndpointState::Healthy; 2]);
}

#[tokio::test]
async fn the_check_asks_for_the_path_of_the_plan() {
    let mut service = Service::start("200 OK").await;
    let _watched = Watched::new(check(http()), &[&service.place()]);
    let request = service.request().await;
    let expected = format!("GET /healthz?deep=1 HTTP/1.1\r\nhost: {}\r\n", service.address);
    assert!(request.starts_with(&expected), "the service was sent {request:?}");
    let probe = Probe::Http(HttpProbe { host: Some("orders.demo".into()), path: "/".into(), ..http_probe() });
    let _watched = Watched::new(check(probe), &[&service.place()]);
    while !service.request().await.starts_with("GET / HTTP/1.1\r\nhost: orders.demo\r\n") {}
}

fn http_probe() -> HttpProbe {
    HttpProbe { path: String::new(), host: None, status_min: 200, status_max: 399 }
}

#[tokio::test]
async fn the_first_check_comes_at_once() {
    let service = Service::start("500 Internal Server Error").await;
    let slow = HealthCheck { interval_ms: 3_600_000, ..check(http()) };
    let told = Watched::new(slow, &[&service.place()]).next().await;
    assert_eq!(told.change, Change::Unhealthy, "the next check would come in an hour");
}

#[tokio::test]
async fn every_kind_of_bad_answer_has_its_reason() {
    for (answer, reason) in [
        ("", "closed before it answered"),
        ("SSH-2.0-OpenSSH_9.2\r\n\r\n", "its answer is not HTTP"),
        ("HTTP/1.1 200 OK\r\nx: half a hea", "closed before it answered"),
        ("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 302 Found\r\n\r\n", "status 302, not 200 to 299"),
    ] {
        let service = Service::start_raw(answer.into()).await;
        let told = Watched::new(check(http()), &[&service.place()]).next().await;
        assert!(told.why.contains(reason), "{answer:?} must be called {reason:?}, not {:?}", told.why);
    }
    let endless = Service::start_raw(format!("HTTP/1.1 200 OK\r\nx: {}", "x".repeat(20_000))).await;
    let told = Watched::new(check(http()), &[&endless.place()]).next().await;
    assert!(told.why.contains("its head is too large"), "20 kB of head must be refused, not {:?}", told.why);
}

#[tokio::test]
async fn an_endpoint_that_says_nothing_is_given_up_in_time() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let place = listener.local_addr().expect("its address").to_string();
    let impatient = HealthCheck { timeout_ms: 50, ..check(http()) };
    let told = Watched::new(impatient, &[&place]).next().await;
    assert!(told.why.ends_with("no answer within 50 ms"), "{}", told.why);
}

#[tokio::test]
async fn a_tcp_check_asks_only_for_a_connection() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("its address");
    let mut watched = Watched::new(check(Probe::Tcp), &[&address.to_string()]);
    drop(listener);
    let told = watched.next().await;
    assert_eq!(told.change, Change::Unhealthy);
    assert!(told.why.contains("connect: "), "the reason names what failed: {}", told.why);
    let _again = listen_again(address).await;
    assert_eq!(watched.next().await.change, Change::Healthy);
}

/// Another process's connection may hold the port for a moment.
async fn listen_again(address: std::net::SocketAddr) -> tokio::net::TcpListener {
    let bound = async {
        loop {
            if let Ok(listener) = tokio::net::TcpListener::bind(address).await {
                return listener;
            }
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, bound).await.expect("the port is free again")
}

#[tokio::test]
async fn an_address_that_joins_is_checked_and_one_that_leaves_is_not() {
    let service = Service::start("503 Service Unavailable").await;
    // No name server knows the name: the test says what it resolves to.
    let mut watched = Watched::new(check(http()), &[&format!("orders.invalid:{}", service.address.port())]);
    watched.cluster.resolved(0, Some(vec![service.address.ip()]));
    while watched.next().await.change != Change::Unhealthy {}
    let endpoint = Arc::downgrade(&watched.cluster.endpoints()[0]);
    watched.cluster.resolved(0, Some(vec![address("127.0.0.2:1").ip()]));
    let gone = async {
        while endpoint.strong_count() > 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, gone).await.expect("nobody may go on checking an address that left");
}

#[tokio::test]
async fn checks_end_with_their_owner() {
    let mut service = Service::start("200 OK").await;
    let watched = Watched::new(check(http()), &[&service.place()]);
    service.request().await;
    drop(watched.tasks);
    let ended = async {
        while Arc::strong_count(&watched.cluster) > 1 {
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, ended).await.expect("a dropped plan must not be checked for ever");
}

#[tokio::test]
async fn what_was_unhealthy_before_a_reload_must_prove_itself_after_it() {
    let service = Service::start("503 Service Unavailable").await;
    let mut watched = Watched::new(check(http()), &[&service.place()]);
    assert_eq!(watched.next().await.change, Change::Unhealthy);
    let mut doc = watched.cluster.doc().clone();
    doc.max_requests = 1;
    let new = Cluster::build(&doc, Some(&watched.cluster)).expect("a sound document builds");
    assert_eq!(new.statuses()[0].state, EndpointState::Unhealthy, "a reload is no proof of health");
}
