//! A large table is as quick as a small one: what is asserted is how many routes are looked at.

use std::time::Duration;

use super::*;

/// Four kinds of routes: exact hosts, wildcards, exact paths and prefixes of one host, in equal parts.
fn table(routes: usize) -> Vec<RouteMatch> {
    let one = |index: usize| match index % 4 {
        0 => on(&[&format!("h{index}.demo")], prefix("/")),
        1 => on(&[&format!("*.w{index}.demo")], prefix("/api")),
        2 => on(&["big.demo"], exact(&format!("/items/{index}"))),
        _ => on(&["big.demo"], prefix(&format!("/v1/tenant-{index}/orders"))),
    };
    (0..routes).map(one).collect()
}

/// The request that only this route of the table takes.
fn request_for(index: usize) -> RequestHead {
    get(&match index % 4 {
        0 => format!("h{index}.demo/x"),
        1 => format!("a.b.w{index}.demo/api/x"),
        2 => format!("big.demo/items/{index}"),
        _ => format!("big.demo/v1/tenant-{index}/orders/7"),
    })
}

fn visited(router: &Router, head: &RequestHead) -> usize {
    let mut visited = 0;
    router.search(head, |_| {
        visited += 1;
        false
    });
    visited
}

#[test]
fn ten_thousand_routes_leave_one_candidate() {
    let router = router(&table(10_000));
    for index in 0..10_000 {
        let head = request_for(index);
        assert_eq!(router.find(&head), Some(index), "the route is found");
        assert_eq!(visited(&router, &head), 1, "and no other one is looked at");
    }
    assert_eq!(visited(&router, &get("big.demo/v1/other")), 0, "nothing is looked at where nothing matches");
}

#[test]
fn nested_prefixes_visit_only_those_of_the_path() {
    let matches: Vec<_> = (0..10_000).map(|index| on(&[], prefix(&format!("/a/{}", index % 5_000)))).collect();
    let router = router(&matches);
    assert_eq!(visited(&router, &get("h/a/7/x")), 2, "the two routes with this very prefix");
}

#[test]
fn a_path_made_of_slashes_is_read_once_at_most() {
    let deep = (0..50).map(|index| on(&[], prefix(&"/a".repeat(index + 1)))).collect::<Vec<_>>();
    let router = router(&deep);
    let head = get(&format!("h{}", "/a".repeat(32_000)));
    assert_eq!(visited(&router, &head), 50, "as many candidates as there are prefixes, not as segments");
    assert_eq!(visited(&router, &get(&format!("h{}", "/".repeat(64_000)))), 0, "empty segments are no prefix");
}

/// `cargo test --profile quick -p dataplane find_costs -- --ignored --nocapture`
#[test]
#[ignore = "prints times; nothing is asserted"]
fn find_costs() {
    for routes in [10, 1_000, 10_000] {
        let matches = super::routes(&table(routes));
        let started = cpu_time();
        let router = Router::build(&matches).expect("legal");
        let built = cpu_time().saturating_sub(started);
        // In no order, so that the caches hold no more of the table than they would in traffic.
        let names: Vec<_> =
            (0..routes).map(|index| request_for(index * 7_919 % routes)).map(|h| (h.authority, h.path)).collect();
        let without = time_of(&names, |_| None);
        let with = time_of(&names, |head| router.find(head));
        eprintln!("{routes} routes: built in {built:?}, find in {:?}", with.saturating_sub(without));
    }
}

/// One head for all, as on a connection: only the table is spread over memory.
fn time_of(names: &[(String, String)], find: impl Fn(&RequestHead) -> Option<usize>) -> Duration {
    let rounds = 2_000_000 / names.len();
    let mut head = RequestHead::default();
    let started = cpu_time();
    for (authority, path) in std::iter::repeat_n(names, rounds).flatten() {
        head.authority.clear();
        head.authority.push_str(authority);
        head.path.clear();
        head.path.push_str(path);
        std::hint::black_box(find(std::hint::black_box(&head)));
    }
    cpu_time().saturating_sub(started) / (rounds * names.len()) as u32
}

/// Of this thread: what others do on the machine does not count.
fn cpu_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux tells the time on the processor");
    let nanoseconds = text.split(' ').next().and_then(|first| first.parse().ok());
    Duration::from_nanos(nanoseconds.expect("the first word is a number of nanoseconds"))
}
