"""Wrong shapes and values, each with exactly what the operator is told: place, what is wrong, what was meant."""

import pytest

from tests.unit.config.conftest import LISTENERS, UPSTREAMS, with_listener, with_route, with_upstream

SHAPES = {
    "unknown key with a close one": (
        f"workerz: 3\n{LISTENERS}{UPSTREAMS}",
        ["1:1: unknown key 'workerz'; did you mean 'workers'?"],
    ),
    "unknown key with none close": (
        with_route("{name: a, upstream: app, rewrite: {zzz: 1}}"),
        ["4:36: unknown key 'zzz'; known here: host, prefix"],
    ),
    "unknown key of a header match": (
        with_route("{name: a, upstream: app, match: {headers: {x-env: {exat: prod}}}}"),
        ["4:52: unknown key 'exat'; did you mean 'exact'?"],
    ),
    "unknown key behind a choice": (
        with_upstream("endpoints: [127.0.0.1:1], balance: {ring_hash: {heder: x}}"),
        ["3:62: `header` is missing in `ring_hash`", "3:63: unknown key 'heder'; did you mean 'header'?"],
    ),
    "missing sections": ("workers: 2\n", ["1:1: `listeners` is missing"]),
    "missing key of a listener": (
        f"{UPSTREAMS}listeners:\n- name: web\n  routes: [{{name: all, upstream: app}}]\n",
        ["3:3: `listen` is missing in this listener"],
    ),
    "missing key of a part": (
        with_listener("listen: 127.0.0.1:80, tls: {min_version: 1.3}"),
        ["4:28: `mode` is missing in `tls`"],
    ),
    "a list where a mapping belongs": (
        f"limits: [1]\n{LISTENERS}{UPSTREAMS}",
        ["1:9: `limits` must be a mapping, not a list"],
    ),
    "a mapping where a list belongs": (
        f"listeners: {{name: web}}\n{UPSTREAMS}",
        ["1:12: `listeners` must be a list, not a mapping"],
    ),
    "nothing where a list belongs": (
        "listeners:\n",
        ["1:11: `listeners` has no value; it must be a list, or left out"],
    ),
    "an empty list": (
        f"listeners: []\n{UPSTREAMS}",
        ["1:12: `listeners` must not be empty; leave it out, or fill it"],
    ),
    "an empty item": (
        f"{LISTENERS}upstreams:\n- {{name: app, endpoints: [127.0.0.1:1]}}\n-\n",
        ["4:2: an item of `upstreams` has no value; it must be a mapping, or left out"],
    ),
    "a number where text belongs": (
        with_route("{name: 7, upstream: app}"),
        ["4:8: `name` must be text, not the number 7; quote it: '7'"],
    ),
    "text where a number belongs": (
        with_upstream("endpoints: [127.0.0.1:1], max_pending: many"),
        ["3:54: `max_pending` must be a whole number, not the text 'many'"],
    ),
    "a fraction where a whole number belongs": (
        with_upstream("endpoints: [127.0.0.1:1], max_pending: 1.5"),
        ["3:54: `max_pending` must be a whole number, not the number 1.5"],
    ),
    "text where yes or no belongs": (
        with_listener("listen: 127.0.0.1:80, paths: {merge_slashes: yes}"),
        ["4:46: `merge_slashes` must be true or false, not the text 'yes'"],
    ),
    "a word that is none of the words": (
        with_listener("listen: 127.0.0.1:80, paths: {dot_segments: resolv}"),
        ["4:45: `dot_segments` must be resolve or reject, not the text 'resolv'; did you mean 'resolve'?"],
    ),
    "a word where off or a mapping belongs": (
        with_upstream("endpoints: [127.0.0.1:1], ejection: on"),
        ["3:51: `ejection` must be off, or a mapping, not the text 'on'"],
    ),
    "a number that is too small": (
        with_upstream("endpoints: [127.0.0.1:1], max_pending: 0"),
        ["3:54: `max_pending` must be at least 1"],
    ),
    "a number that is too large": (
        with_route("{name: a, respond: {status: 700}}"),
        ["4:29: `status` must be at most 599"],
    ),
    "an empty text": (
        with_route("{name: '', upstream: app}"),
        ["4:8: `name` must not be empty"],
    ),
    "a control character": (
        with_route('{name: a, redirect: {path: "/a\\nb"}}'),
        ["4:28: `path` must not hold control characters"],
    ),
    "a name that no label can hold": (
        with_route("{name: 'a b', upstream: app}"),
        [
            "4:8: 'a b' is no name: up to 128 letters, digits, '.', '_', '-', '/', a letter or digit first",
        ],
    ),
}

VALUES = {
    "a duration without a unit it knows": (
        f"drain: 5 sec\n{LISTENERS}{UPSTREAMS}",
        [
            (
                "1:8: `drain` must be a duration such as 250ms, 5s, 1m or 1h (a bare number is seconds),"
                " not the text '5 sec'"
            )
        ],
    ),
    "a duration of nothing": (f"drain: 0\n{LISTENERS}{UPSTREAMS}", ["1:8: `drain` must be longer than 0"]),
    "a duration beyond a year": (
        f"drain: 400d\n{LISTENERS}{UPSTREAMS}",
        ["1:8: `drain` must be at most 365d, not 400d"],
    ),
    "a size with a unit of others": (
        f"limits: {{held_body: 64k}}\n{LISTENERS}{UPSTREAMS}",
        [
            (
                "1:21: `held_body` must be a size such as 64KiB or 1MiB (a bare number is bytes), not the text '64k';"
                " did you mean '64KiB'?"
            )
        ],
    ),
    "a size that cannot hold a head": (
        f"limits: {{head: 10B}}\n{LISTENERS}{UPSTREAMS}",
        ["1:16: `head` must be at least 1024"],
    ),
    "a share over all": (
        with_upstream("endpoints: [127.0.0.1:1], ejection: {panic: 120%}"),
        ["3:59: `panic` must be from 0% to 100%, not 120%"],
    ),
    "workers that are no number": (
        f"workers: many\n{LISTENERS}{UPSTREAMS}",
        ["1:10: `workers` must be auto or a number from 1 to 256, not the text 'many'"],
    ),
    "a log that is no file": (
        f"access_log: stdut\n{LISTENERS}{UPSTREAMS}",
        ["1:13: `access_log` must be stdout, stderr, off or a file path; did you mean './stdut'?"],
    ),
    "only a port": (
        with_listener("listen: 8080"),
        [
            "4:9: `listen` must be an address with a port such as 127.0.0.1:8080; did you mean '127.0.0.1:8080'?"
        ],
    ),
    "a name to listen on": (
        with_listener("listen: localhost:80"),
        ["4:9: `listen` needs an IP address, not a name; did you mean '127.0.0.1:80'?"],
    ),
    "a port out of range": (
        with_listener("listen: 127.0.0.1:70000"),
        ["4:9: the port must be from 0 to 65535, not '70000'"],
    ),
    "a name server without a port": (
        f"dns: {{servers: ['10.0.0.53:0']}}\n{LISTENERS}{UPSTREAMS}",
        ["1:17: the port must be from 1 to 65535, not '0'"],
    ),
    "an address out of range": (
        with_listener("listen: 300.0.0.1:80"),
        ["4:9: '300.0.0.1' is no IPv4 address"],
    ),
    "IPv6 without brackets": (
        with_upstream("endpoints: ['::1']"),
        ["3:27: an IPv6 address stands in brackets, with a port; did you mean '[::1]:80'?"],
    ),
    "an endpoint that is a URL": (
        with_upstream("endpoints: ['http://app/']"),
        [
            "3:27: `address` must be an address with a port such as 127.0.0.1:9001 or orders.internal:80, not a URL"
        ],
    ),
    "an endpoint that is everywhere": (
        with_upstream("endpoints: ['0.0.0.0:80']"),
        ["3:27: 0.0.0.0 is no address that one can connect to; did you mean '127.0.0.1:80'?"],
    ),
    "a network with bits too many": (
        with_listener("listen: 127.0.0.1:80, forwarded: {trusted: [10.1.0.0/8]}"),
        ["4:45: '10.1.0.0/8' has bits set behind its prefix; did you mean '10.0.0.0/8'?"],
    ),
    "a protocol to come": (
        with_listener("listen: 127.0.0.1:80, protocol: tcp"),
        ["4:33: protocol tcp is not supported by this version; http is"],
    ),
    "a protocol that is none": (
        with_listener("listen: 127.0.0.1:80, protocol: htp"),
        ["4:33: `protocol` must be http, not the text 'htp'"],
    ),
    "a trust domain with its scheme": (
        f"identity: {{trust_domain: 'spiffe://demo.mesh'}}\n{LISTENERS}{UPSTREAMS}",
        ["1:26: `trust_domain` is written without its scheme; did you mean 'demo.mesh'?"],
    ),
    "an id that is none": (
        f"identity: {{trust_domain: demo.mesh, id: demo.mesh/x}}\n{LISTENERS}{UPSTREAMS}",
        ["1:41: `id` must be a SPIFFE id such as spiffe://demo.mesh/orders, not 'demo.mesh/x'"],
    ),
    "a hash without its key": (
        with_upstream("endpoints: [127.0.0.1:1], balance: ring_hash"),
        ["3:50: ring_hash needs a key: {ring_hash: path}, source, peer, or {header: NAME}"],
    ),
    "a status range upside down": (
        with_upstream("endpoints: [127.0.0.1:1], health_check: {http: {status: 399-200}}"),
        ["3:71: status codes go from 100 to 599, the lower one first, not 399-200"],
    ),
}

CASES = SHAPES | VALUES


@pytest.mark.parametrize(("text", "expected"), CASES.values(), ids=CASES.keys())
def test_a_wrong_value_says_where_and_what(problems, text, expected):
    assert problems(text) == expected, "the operator should be told exactly this"
