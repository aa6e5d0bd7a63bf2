"""Routes that no request can reach: those that another one, tried first, takes everything from."""

import pytest

FILE = """\
listeners:
- name: web
  listen: 127.0.0.1:80
  routes:
{routes}
upstreams: [{{name: app, endpoints: [127.0.0.1:1]}}]
"""


def file_with(*matches):
    routes = [
        f"  - {{name: r{number}, match: {match}, upstream: app}}" for number, match in enumerate(matches)
    ]
    return FILE.format(routes="\n".join(routes))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("{}", "{}"),
        ("{host: a.demo}", "{host: A.demo}"),
        ("{host: [a.demo, b.demo]}", "{host: b.demo}"),
        ("{path: {prefix: /v1}}", "{path: {prefix: /v1/}}"),
        ("{methods: [GET, POST]}", "{methods: [POST]}"),
        ("{headers: {x-a: b, x-c: d}}", "{headers: {X-C: d, X-A: {exact: b}}}"),
        ("{query: {a: {present: true}}}", "{query: {a: {present: true}}}"),
        ("{path: {regex: '/a.*'}}", "{path: {regex: '/a.*'}}"),
        ("{headers: {x-a: {prefix: b}}}", "{headers: {x-a: {prefix: bc}}}"),
        ("{headers: {x-a: {present: true}}}", "{headers: {x-a: {regex: b}}}"),
        ("{query: {a: {present: true}}, methods: [GET]}", "{query: {a: {prefix: b}}, methods: [GET]}"),
    ],
)
def test_a_route_behind_one_that_takes_the_same_is_never_reached(problems, first, second):
    assert problems(file_with(first, second)) == [
        "6:5: route 'r1' is never reached: 'r0' takes all its requests"
    ]


def test_routes_can_hide_another_together(problems):
    matches = ("{methods: [GET]}", "{methods: [POST]}", "{methods: [GET, POST]}")
    assert problems(file_with(*matches)) == [
        "7:5: route 'r2' is never reached: 'r0', 'r1' together take all its requests"
    ]


@pytest.mark.parametrize(
    "matches",
    [
        ("{}", "{path: {prefix: /v1}}"),
        ("{path: {prefix: /}}", "{path: {prefix: /v1}}", "{path: {exact: /v1}}"),
        ("{host: '*.demo'}", "{host: a.demo}"),
        ("{}", "{methods: [GET]}"),
        ("{methods: [GET]}", "{}"),
        ("{methods: [GET]}", "{methods: [GET, POST]}"),
        ("{headers: {x-a: b}}", "{headers: {x-a: c}}"),
        ("{headers: {x-a: {prefix: bc}}}", "{headers: {x-a: {prefix: b}}}"),
        ("{headers: {x-a: {present: true}}}", "{headers: {x-a: b}}"),
        ("{headers: {x-a: {present: true}}}", "{headers: {x-a: {present: false}}}"),
        ("{headers: {x-a: {regex: b}}}", "{headers: {x-a: {present: true}}}"),
        ("{headers: {x-a: b}}", "{query: {x-a: b}}"),
        ("{host: a.demo}", "{host: [a.demo, b.demo]}"),
        ("{path: {exact: /v1}}", "{path: {exact: /v1/}}"),
    ],
)
def test_a_broad_route_does_not_hide_a_narrow_one(load_text, matches):
    config = load_text(file_with(*matches))
    assert len(config.listeners[0].routes) == len(matches), (
        "routes are tried by specificity, so all are reached"
    )


def test_ten_thousand_tenants_are_compared_in_time(load_text):
    config = load_text(file_with(*(f"{{headers: {{x-tenant: t{number}}}}}" for number in range(10_000))))
    assert len(config.listeners[0].routes) == 10_000, (
        "routes that differ in one value must not be compared pairwise"
    )


def test_listeners_do_not_hide_each_others_routes(load_text):
    text = file_with("{}").replace(
        "upstreams:", "- {name: b, listen: 127.0.0.1:81, routes: [{name: r0, upstream: app}]}\nupstreams:"
    )
    assert len(load_text(text).listeners) == 2, "each listener has routes of its own"
