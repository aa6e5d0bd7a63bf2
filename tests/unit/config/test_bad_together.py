"""Wrong combinations, each with exactly what the operator is told: place, what is wrong, what was meant."""

import textwrap

import pytest

from tests.unit.config.conftest import LISTENERS, UPSTREAMS, with_listener, with_route, with_upstream

CASES = {
    "names given twice": (
        textwrap.dedent("""\
            listeners:
            - {name: web, listen: 127.0.0.1:80, routes: [{name: a, upstream: app}, {name: a, match: {host: b}, upstream: app}]}
            - {name: web, listen: 127.0.0.1:81, routes: [{name: a, upstream: app}]}
            upstreams:
            - {name: app, endpoints: [127.0.0.1:1]}
            - {name: app, endpoints: [127.0.0.1:2]}
            """),
        [
            "2:79: there are two routes named 'a'; the first is in line 2",
            "3:10: there are two listeners named 'web'; the first is in line 2",
            "6:10: there are two upstreams named 'app'; the first is in line 5",
        ],
    ),
    "an upstream that is not there": (
        with_route("{name: a, upstream: [{name: ap, weight: 9}, {name: app}]}"),
        ["4:29: no upstream is named 'ap'; did you mean 'app'?"],
    ),
    "no upstream there at all": (LISTENERS, ["1:78: no upstream is named 'app'; the file has none"]),
    "an upstream listed twice": (
        with_route("{name: a, upstream: [app, app]}"),
        ["4:27: upstream 'app' is listed twice"],
    ),
    "one address for two": (
        textwrap.dedent("""\
            admin: {listen: 127.0.0.1:83}
            listeners:
            - {name: a, listen: 127.0.0.1:80, routes: [{name: a, upstream: app}]}
            - {name: b, listen: 127.0.0.1:80, routes: [{name: a, upstream: app}]}
            - {name: c, listen: 0.0.0.0:80, routes: [{name: a, upstream: app}]}
            - {name: d, listen: 0.0.0.0:83, routes: [{name: a, upstream: app}]}
            upstreams: [{name: app, endpoints: [127.0.0.1:1]}]
            """),
        [
            "1:17: 127.0.0.1:83 is taken by listener 'd': it listens on 0.0.0.0:83",
            "4:21: 127.0.0.1:80 is taken by listener 'a'",
            "5:21: 0.0.0.0:80 is taken by listener 'a': it listens on 127.0.0.1:80",
        ],
    ),
    "an admin address for everyone": (
        f"admin: {{listen: 0.0.0.0:9901}}\n{LISTENERS}{UPSTREAMS}",
        ["1:17: 0.0.0.0:9901 is open to other machines: add `token_file`, or listen on 127.0.0.1"],
    ),
    "files and folders that are not there": (
        (
            "admin: {listen: 127.0.0.1:9901, token_file: /nowhere/token}\n"
            f"access_log: /nowhere/access.log\n{LISTENERS}{UPSTREAMS}"
        ),
        [
            "1:45: cannot read /nowhere/token: no such file",
            "2:13: there is no folder /nowhere to write the access log to",
        ],
    ),
    "a folder for an access log": (
        f"access_log: /tmp\n{LISTENERS}{UPSTREAMS}",
        ["1:13: /tmp is a folder; name a file in it"],
    ),
    "an endpoint listed twice": (
        with_upstream("endpoints: [127.0.0.1:1, {address: 127.0.0.1:1}]"),
        ["3:40: endpoint 127.0.0.1:1 is listed twice; give it a weight instead"],
    ),
    "a health check that asks nothing": (
        with_upstream("endpoints: [127.0.0.1:1], health_check: {interval: 5s}"),
        ["3:55: a health check needs `http: {path: ...}` or `tcp: true`"],
    ),
    "a health check that never ends": (
        with_upstream("endpoints: [127.0.0.1:1], health_check: {tcp: true, timeout: 6s}"),
        ["3:76: `timeout` must not be longer than `interval` (5s)"],
    ),
    "an ejection that shrinks": (
        with_upstream("endpoints: [127.0.0.1:1], ejection: {max: 10s}"),
        ["3:57: `max` must not be shorter than `base` (30s)"],
    ),
    "tls without a certificate": (
        with_listener("listen: 127.0.0.1:80, tls: {mode: mutual}"),
        [
            "4:28: mode mutual admits clients of one trust domain: add an `identity` section with `trust_domain`",
            "4:28: nothing to show to clients: add an `identity` section or `certificates`",
        ],
    ),
    "tls to a service without knowing it": (
        with_upstream("endpoints: [127.0.0.1:1], tls: {mode: mutual}"),
        [
            "3:46: add `identity` (a SPIFFE id) or `name` (a DNS name): what must its certificate carry?",
            "3:46: mode mutual shows our certificate, and there is none: add an `identity` section",
            "3:46: nothing to verify the service against: add an `identity` section or `ca`",
        ],
    ),
    "tls keys without a use": (
        with_upstream("endpoints: [127.0.0.1:1], tls: {mode: 'off', name: a.demo}"),
        ["3:60: `name` has no use with mode off"],
    ),
    "two sources of one identity": (
        "identity: {trust_domain: a.b, id: spiffe://c.d/x}\n" + LISTENERS + UPSTREAMS,
        ["1:35: `id` must be of the trust domain: spiffe://a.b/..."],
    ),
    "problems of every step at once": (
        textwrap.dedent("""\
            drian: 5s
            listeners:
            - name: web
              listen: 127.0.0.1:80
              name: again
              routes:
              - {name: a, upstream: ap}
              - {name: b, upstream: app, timeout: soon, match: {path: {prefix: x}}}
              - {name: c, upstream: app, match: {path: {prefix: y}}}
            upstreams: [{name: app, endpoints: [127.0.0.1:1]}]
            """),
        [
            "1:1: unknown key 'drian'; did you mean 'drain'?",
            "5:3: 'name' is written twice; the first is in line 3",
            "7:25: no upstream is named 'ap'; did you mean 'app'?",
            (
                "8:39: `timeout` must be a duration such as 250ms, 5s, 1m or 1h (a bare number is seconds),"
                " not the text 'soon'"
            ),
            "9:53: `prefix` must start with '/'; did you mean '/y'?",
        ],
    ),
}


@pytest.mark.parametrize(("text", "expected"), CASES.values(), ids=CASES.keys())
def test_a_wrong_combination_says_where_and_what(problems, text, expected):
    assert problems(text) == expected, "the operator should be told exactly this"
