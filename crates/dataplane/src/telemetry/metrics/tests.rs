use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;
use crate::plan::document::PlanDocument;
use crate::respond::Flag;
use crate::telemetry::{Ended, Stages};
use crate::upstream::{Change, Overload};

fn rendered(registry: &Registry) -> String {
    let mut out = String::new();
    registry.render(&mut out);
    out
}

#[track_caller]
fn assert_shows(registry: &Registry, sample: &str) {
    let text = rendered(registry);
    assert!(text.lines().any(|line| line == sample), "no line `{sample}` in:\n{text}");
}

fn taking(total: Duration) -> Ended<'static> {
    Ended { stages: Stages { total, ..Stages::default() }, ..Ended::example() }
}

fn plan(listener: &str, routes: &[&str], upstream: &str) -> PlanDocument {
    let limits = serde_json::json!({
        "head_bytes": 1, "headers": 1, "head_timeout_ms": 1, "idle_timeout_ms": 1, "tls_handshake_timeout_ms": 1,
        "stall_timeout_ms": 1, "held_body_bytes": 1, "write_buffer_bytes": 1, "body_bytes": 0, "connections": 1,
    });
    let edits = serde_json::json!({"remove": [], "set": [], "add": []});
    let route = |name: &&str| {
        serde_json::json!({
            "name": name, "match": {"hosts": [], "path": "any", "methods": [], "headers": [], "query": []}, "filters": [],
            "action": {"redirect": {"status": 302, "scheme": null, "host": null, "path": "/", "prefix": null}},
            "request_headers": edits, "response_headers": edits, "timeout_ms": 0,
        })
    };
    let document = serde_json::json!({
        "listeners": [{
            "name": listener, "address": "127.0.0.1:0", "tls": null, "limits": limits,
            "paths": {"dot_segments": "resolve", "encoded_slash": "reject", "merge_slashes": true},
            "forwarded": {"x_forwarded_for": "append", "x_forwarded_proto": true, "via": null, "request_id": "keep",
                          "client_cert_header": "x", "trusted": []},
            "routes": routes.iter().map(route).collect::<Vec<_>>(),
        }],
        "upstreams": [{
            "name": upstream, "endpoints": [], "balance": "round_robin", "tls": null, "connect_timeout_ms": 1,
            "idle_timeout_ms": 1, "max_connections": 1, "max_pending": 1, "max_requests": 1, "health_check": null, "ejection": null,
        }],
        "access_log": "off", "dns": {"servers": [], "refresh_ms": 1},
    });
    serde_json::from_value(document).expect("a plan document")
}

#[test]
fn what_several_threads_count_is_shown_as_one_sum() {
    let registry = Registry::new(2);
    std::thread::scope(|scope| {
        for worker in 0..2 {
            let registry = &registry;
            scope.spawn(move || {
                let cells = registry.route("web", "orders");
                let cells = cells.of(worker);
                let ended =
                    Ended { request_bytes: 3, attempts: 2, flag: Flag::Timeout, status: 504, ..Ended::example() };
                (0..1_000).for_each(|_| cells.record(&ended));
            });
        }
    });
    assert_shows(&registry, r#"flatproxy_requests_total{listener="web",route="orders",status="5xx"} 2000"#);
    assert_shows(&registry, r#"flatproxy_flagged_requests_total{listener="web",route="orders",flag="TIMEOUT"} 2000"#);
    assert_shows(&registry, r#"flatproxy_request_bytes_total{listener="web",route="orders"} 6000"#);
    assert_shows(&registry, r#"flatproxy_response_bytes_total{listener="web",route="orders"} 122000"#);
    assert_shows(&registry, r#"flatproxy_retries_total{listener="web",route="orders"} 2000"#);
}

#[test]
fn an_exchange_without_a_response_has_a_class_of_its_own() {
    let registry = Registry::new(1);
    let cells = registry.route("web", NO_ROUTE);
    let cells = cells.of(0);
    cells.record(&Ended { status: 0, ..Ended::example() });
    assert_shows(&registry, r#"flatproxy_requests_total{listener="web",route="-",status="none"} 1"#);
}

#[test]
fn a_histogram_counts_a_duration_at_its_bound_and_sums_in_seconds() {
    let registry = Registry::new(1);
    let cells = registry.route("web", "orders");
    let cells = cells.of(0);
    for micros in [100, 101, 2_500_000, 60_000_000] {
        cells.record(&taking(Duration::from_micros(micros)));
    }
    let sample = |suffix: &str, bound: &str, value: &str| {
        format!("flatproxy_request_duration_seconds{suffix}{{listener=\"web\",route=\"orders\"{bound}}} {value}")
    };
    assert_shows(&registry, &sample("_bucket", ",le=\"0.0001\"", "1"));
    assert_shows(&registry, &sample("_bucket", ",le=\"0.00025\"", "2"));
    assert_shows(&registry, &sample("_bucket", ",le=\"2.5\"", "3"));
    assert_shows(&registry, &sample("_bucket", ",le=\"10\"", "3"));
    assert_shows(&registry, &sample("_bucket", ",le=\"+Inf\"", "4"));
    assert_shows(&registry, &sample("_sum", "", "62.500201000"));
    assert_shows(&registry, &sample("_count", "", "4"));
}

proptest! {
    #[test]
    fn a_histogram_loses_no_duration(micros in proptest::collection::vec(0..20_000_000_u64, 0..200)) {
        let histogram = Histogram::default();
        for micros in &micros {
            histogram.record(Duration::from_micros(*micros));
        }
        let mut totals = histogram::HistogramTotals::default();
        totals.add(&histogram);
        prop_assert_eq!(totals.nanoseconds, micros.iter().sum::<u64>() * 1_000);
        let mut below = 0;
        for (bucket, (bound, seconds)) in totals.buckets.iter().zip(histogram::BOUNDS) {
            below += bucket;
            prop_assert_eq!(below as usize, micros.iter().filter(|micros| **micros * 1_000 <= bound).count());
            let shown = Duration::from_secs_f64(seconds.parse().expect("a number"));
            prop_assert_eq!(shown, Duration::from_nanos(bound));
        }
        prop_assert_eq!(totals.buckets.iter().sum::<u64>() as usize, micros.len());
    }
}

#[test]
fn a_name_keeps_its_cells_over_a_plan_swap() {
    let registry = Registry::new(1);
    registry.route("web", "orders").of(0).record(&Ended::example());
    registry.retain(&plan("web", &["orders"], "orders"));
    registry.route("web", "orders").of(0).record(&Ended::example());
    assert_shows(&registry, r#"flatproxy_requests_total{listener="web",route="orders",status="2xx"} 2"#);
}

#[test]
fn a_name_gone_from_the_plan_is_shown_for_a_while_and_then_dropped() {
    let registry = Registry::new(1);
    let now = Instant::now();
    for route in ["orders", "basket", NO_ROUTE] {
        registry.route("web", route).of(0).record(&Ended::example());
    }
    drop(registry.upstream("old").of(0).opened());
    drop(registry.listener("web").of(0).opened());
    let next = plan("web", &["orders"], "new");
    registry.retain_at(&next, now);
    assert!(rendered(&registry).contains("basket"), "a last scrape must still see what is gone");
    registry.retain_at(&next, now + Duration::from_secs(601));
    let text = rendered(&registry);
    assert!(
        !text.contains("basket") && !text.contains("upstream=\"old\""),
        "what is long gone must be dropped:\n{text}"
    );
    for live in ["route=\"orders\"", "route=\"-\"", "{listener=\"web\"}"] {
        assert!(text.contains(live), "{live} is of the plan and must stay:\n{text}");
    }
}

#[test]
fn names_that_come_and_go_do_not_pile_up() {
    let registry = Registry::new(1);
    for number in 0..5_000 {
        registry.route("web", &format!("route-{number}")).of(0).record(&Ended::example());
    }
    registry.retain(&plan("web", &[], "orders"));
    let shown = rendered(&registry).lines().filter(|line| line.starts_with("flatproxy_requests_total{")).count();
    assert_eq!(shown, 2_000, "of names that are gone only so many may be kept");
}

#[test]
fn a_route_that_was_never_asked_takes_no_line() {
    let registry = Registry::new(1);
    let _cells = registry.route("web", "quiet");
    assert!(!rendered(&registry).contains("quiet"), "ten thousand quiet routes must not fill a scrape");
}

#[test]
fn listeners_show_connections_handshakes_and_refusals_by_reason() {
    let registry = Registry::new(2);
    let cells = registry.listener("web");
    let (first, second) = (cells.of(0), cells.of(1));
    let _open = [first.opened(), second.opened()];
    for cells in [first, second] {
        drop(cells.opened());
        cells.handshake(true);
        cells.handshake_refused("expired");
    }
    second.handshake(false);
    second.handshake_refused("unknown_ca");
    second.bad_request("obs_fold");
    second.refused.increment();
    assert_shows(&registry, r#"flatproxy_connections_total{listener="web"} 4"#);
    assert_shows(&registry, r#"flatproxy_connections_active{listener="web"} 2"#);
    assert_shows(&registry, r#"flatproxy_connections_refused_total{listener="web"} 1"#);
    assert_shows(&registry, r#"flatproxy_tls_handshakes_total{listener="web",kind="resumed"} 2"#);
    assert_shows(&registry, r#"flatproxy_tls_handshakes_total{listener="web",kind="full"} 1"#);
    assert_shows(&registry, r#"flatproxy_tls_handshakes_refused_total{listener="web",reason="expired"} 2"#);
    assert_shows(&registry, r#"flatproxy_tls_handshakes_refused_total{listener="web",reason="unknown_ca"} 1"#);
    assert_shows(&registry, r#"flatproxy_bad_requests_total{listener="web",reason="obs_fold"} 1"#);
}

#[test]
fn reasons_beyond_the_slots_count_as_other() {
    let reasons = Reasons::default();
    for number in 0..100 {
        reasons.increment(Box::leak(format!("reason-{number}").into_boxed_str()));
    }
    let mut seen = BTreeMap::new();
    reasons.add_to(&mut seen);
    assert_eq!(seen.len(), 48, "the set of reasons must be bounded");
    assert_eq!(seen["other"], 53, "no refusal may go uncounted");
}

#[test]
fn upstreams_show_attempts_connections_and_limits() {
    let registry = Registry::new(1);
    let cells = registry.upstream("orders");
    let (data, checks) = (cells.of(0), cells.of(registry.background()));
    data.attempt(Outcome::Success, Some(Duration::from_millis(3)));
    data.attempt(Outcome::Timeout, None);
    data.connect_failed(ConnectFailure::Refused);
    data.overload(Overload::Pending);
    let _open = [data.opened(), data.opened()];
    drop(data.opened());
    data.changed(Change::Ejected);
    checks.changed(Change::Ejected);
    assert_shows(&registry, r#"flatproxy_upstream_attempts_total{upstream="orders",outcome="success"} 1"#);
    assert_shows(&registry, r#"flatproxy_upstream_attempts_total{upstream="orders",outcome="timeout"} 1"#);
    assert_shows(&registry, r#"flatproxy_upstream_attempts_total{upstream="orders",outcome="reset"} 0"#);
    assert_shows(&registry, r#"flatproxy_upstream_connect_failures_total{upstream="orders",reason="refused"} 1"#);
    assert_shows(&registry, r#"flatproxy_upstream_overloads_total{upstream="orders",limit="pending"} 1"#);
    assert_shows(&registry, r#"flatproxy_upstream_connections_active{upstream="orders"} 2"#);
    assert_shows(&registry, r#"flatproxy_upstream_changes_total{upstream="orders",change="ejected"} 2"#);
    assert_shows(&registry, r#"flatproxy_upstream_connections_opened_total{upstream="orders"} 3"#);
    assert_shows(&registry, r#"flatproxy_upstream_reply_seconds_bucket{upstream="orders",le="0.005"} 1"#);
}

#[test]
fn label_values_are_escaped() {
    let registry = Registry::new(1);
    registry.route("a\"b\\c\nd", "é").of(0).record(&Ended::example());
    assert_shows(&registry, r#"flatproxy_requests_total{listener="a\"b\\c\nd",route="é",status="2xx"} 1"#);
}

#[test]
fn every_sample_stands_under_its_help_and_type() {
    let registry = Registry::new(1);
    registry.route("web", "orders").of(0).record(&Ended::example());
    drop(registry.upstream("orders").of(0).opened());
    drop(registry.listener("web").of(0).opened());
    let text = rendered(&registry);
    let mut family = "";
    for line in text.lines() {
        let word = |number| line.split(' ').nth(number).expect("a word");
        if line.starts_with("# HELP ") {
            family = word(2);
            let heads = text.lines().filter(|line| line.starts_with(&format!("# HELP {family} "))).count();
            assert_eq!(heads, 1, "{family} must be one family");
        } else if line.starts_with("# TYPE ") {
            assert_eq!(word(2), family, "TYPE must follow its HELP");
            assert_eq!(
                word(3) == "counter",
                family.ends_with("_total"),
                "counters, and only they, end in _total: {family}"
            );
        } else {
            assert!(line.starts_with(family), "`{line}` does not belong to {family}");
        }
    }
}

#[test]
fn every_family_is_documented() {
    let registry = Registry::new(1);
    let mut text = rendered(&registry);
    crate::telemetry::AccessLog::start(&crate::plan::document::AccessLog::Off, 1)
        .expect("nothing to open")
        .render(&mut text);
    let page = include_str!("../../../../../docs/metrics.md");
    for family in text.lines().filter_map(|line| line.strip_prefix("# HELP ")?.split(' ').next()) {
        assert!(page.contains(&format!("`{family}`")), "docs/metrics.md does not explain {family}");
    }
}
