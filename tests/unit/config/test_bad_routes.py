"""Wrong routes, each with exactly what the operator is told: place, what is wrong, what was meant."""

import pytest

from tests.unit.config.conftest import with_route

MATCHES = {
    "a path without its kind": (
        with_route("{name: a, upstream: app, match: {path: /v1}}"),
        ["4:40: `path` must say how to match; did you mean '{prefix: /v1}' or '{exact: /v1}'?"],
    ),
    "a path of two kinds": (
        with_route("{name: a, upstream: app, match: {path: {prefix: /v1, exact: /v1}}}"),
        ["4:40: `path` needs exactly one of exact, prefix, regex; it has exact and prefix"],
    ),
    "a path without its slash": (
        with_route("{name: a, upstream: app, match: {path: {prefix: v1}}}"),
        ["4:49: `prefix` must start with '/'; did you mean '/v1'?"],
    ),
    "a path with a query": (
        with_route("{name: a, upstream: app, match: {path: {exact: '/v1?a=b'}}}"),
        ["4:48: `exact` is a path only; what follows '?' is matched by `query`"],
    ),
    "a path that is not encoded": (
        with_route("{name: a, upstream: app, match: {path: {exact: /café}}}"),
        ["4:48: paths arrive percent-encoded; did you mean '/caf%C3%A9'?"],
    ),
    "a path that is encoded without need": (
        with_route("{name: a, upstream: app, match: {path: {exact: /%61%3a}}}"),
        ["4:48: paths are normalised before routes are tried; did you mean '/a%3A'?"],
    ),
    "a path that normalisation takes away": (
        with_route("{name: a, upstream: app, match: {path: {prefix: /a/../b}}}"),
        ["4:49: this can never match: '.' and '..' segments are resolved or refused before routes are tried"],
    ),
    "a path with slashes that are merged": (
        with_route("{name: a, upstream: app, match: {path: {prefix: /a//b}}}"),
        ["4:49: this can never match: '//' becomes '/' before routes are tried (paths.merge_slashes)"],
    ),
    "a path with a slash that is refused": (
        with_route("{name: a, upstream: app, match: {path: {prefix: /a%2Fb}}}"),
        [
            "4:49: this can never match: encoded slashes are refused before routes are tried (paths.encoded_slash)"
        ],
    ),
    "a regex that is none": (
        with_route("{name: a, upstream: app, match: {path: {regex: '/(a'}}}"),
        ["4:48: not a regex: missing ), unterminated subpattern at position 2"],
    ),
    "a regex that looks around": (
        with_route("{name: a, upstream: app, match: {headers: {x: {regex: '(?=a)'}}}}"),
        ["4:55: look-around and back-references are not supported: every regex runs in linear time"],
    ),
    "a host with a port": (
        with_route("{name: a, upstream: app, match: {host: 'a.demo:80'}}"),
        ["4:40: hosts are matched on any port; did you mean 'a.demo'?"],
    ),
    "a host with a star inside": (
        with_route("{name: a, upstream: app, match: {host: 'a.*.demo'}}"),
        ["4:40: 'a.*.demo' is no host name"],
    ),
    "any host the wrong way": (
        with_route("{name: a, upstream: app, match: {host: '*'}}"),
        ["4:40: leave `host` out to match any host"],
    ),
    "a method in lower case": (
        with_route("{name: a, upstream: app, match: {methods: [get]}}"),
        ["4:44: methods are in upper case; did you mean 'GET'?"],
    ),
    "no method": (
        with_route("{name: a, upstream: app, match: {methods: []}}"),
        ["4:43: `methods` must not be empty; leave it out, or fill it"],
    ),
    "a header name that is none": (
        with_route("{name: a, upstream: app, match: {headers: {'x y': a}}}"),
        ["4:44: 'x y' is no header name"],
    ),
    "one header in two ways": (
        with_route("{name: a, upstream: app, match: {headers: {X-A: a, x-a: b}}}"),
        ["4:43: 'x-a' and 'X-A' are the same header"],
    ),
    "a header match that asks nothing": (
        with_route("{name: a, upstream: app, match: {headers: {x-a: {}}}}"),
        ["4:49: needs exactly one of exact, prefix, regex, present; it has none"],
    ),
    "a header match with a number": (
        with_route("{name: a, upstream: app, match: {headers: {x-a: 1}}}"),
        ["4:49: `x-a` must be text or one of exact, prefix, regex, present, not the number 1; quote it: '1'"],
    ),
}

ACTIONS = {
    "nothing to do": (
        with_route("{name: a}"),
        ["4:1: route 'a' says nothing to do: add upstream, redirect or respond"],
    ),
    "two things to do": (
        with_route("{name: a, upstream: app, respond: {status: 200}}"),
        ["4:26: a route has one of upstream and respond, not 2"],
    ),
    "no weight at all": (
        with_route("{name: a, upstream: [{name: app, weight: 0}]}"),
        ["4:21: every weight is 0: no request could go anywhere"],
    ),
    "a redirect to itself": (
        with_route("{name: a, redirect: {status: 301}}"),
        ["4:21: a redirect to where the request went is a loop: add scheme, host, path or prefix"],
    ),
    "a redirect with path and prefix": (
        with_route("{name: a, redirect: {path: /a, prefix: /b}}"),
        ["4:32: a redirect has `path` or `prefix`, not both"],
    ),
    "a status that redirects no one": (
        with_route("{name: a, redirect: {status: 200, path: /}}"),
        ["4:30: `status` must be 301, 302, 303, 307 or 308, not the number 200"],
    ),
    "a rewrite of nothing that is sent": (
        with_route("{name: a, respond: {}, rewrite: {host: b}}"),
        ["4:24: `rewrite` is for routes with an `upstream`"],
    ),
    "a prefix in place of a regex": (
        with_route("{name: a, upstream: app, match: {path: {regex: /a}}, rewrite: {prefix: /b}}"),
        [
            "4:72: `prefix` replaces what the route matched: match.path must be `prefix` or `exact`, not a regex"
        ],
    ),
    "a body where none can be": (
        with_route("{name: a, respond: {status: 204, body: hi}}"),
        ["4:40: a response with status 204 has no body"],
    ),
    "a header that frames the message": (
        with_route("{name: a, upstream: app, request_headers: {set: {Content-Length: '5'}, remove: [host]}}"),
        [
            "4:49: 'content-length' is written by the proxy itself",
            "4:81: 'host' is written by the proxy itself; did you mean `rewrite: {host: ...}`?",
        ],
    ),
    "a time-out that is none": (
        with_route("{name: a, upstream: app, timeout: -1}"),
        [
            (
                "4:35: `timeout` must be a duration such as 250ms, 5s, 1m or 1h (a bare number is seconds),"
                " not the number -1"
            )
        ],
    ),
}

CASES = MATCHES | ACTIONS


@pytest.mark.parametrize(("text", "expected"), CASES.values(), ids=CASES.keys())
def test_a_wrong_route_says_where_and_what(problems, text, expected):
    assert problems(text) == expected, "the operator should be told exactly this"
