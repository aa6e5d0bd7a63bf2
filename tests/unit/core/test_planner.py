"""Tiers: where each route runs, and why."""

from flatproxy import Filter
from flatproxy.config import load
from flatproxy.core.filters.files import FilterFiles
from flatproxy.core.filters.placing import Placement
from flatproxy.core.planner import plan_routes
from flatproxy.core.registry import Registry


def test_a_route_without_filters_is_carried_by_the_core_alone(maximal):
    routes = plan_routes(load(maximal.path), {})
    assert {route.tier for route in routes} == {"native"}, "no filter, no crossing"
    assert [(route.listener, route.route, route.why) for route in routes[:3]] == [
        ("web", "orders", "no filter; the core carries every byte"),
        ("web", "away", "no filter; the core answers with a redirect"),
        ("web", "hello", "no filter; the core answers by itself"),
    ]
    assert all(route.phases == () for route in routes), "nobody is asked at any moment"


class Late(Filter):
    name = "late"

    def on_done(self, exchange):
        pass


class Early(Filter):
    name = "early"

    def on_connect(self, exchange):
        pass

    def on_done(self, exchange):
        pass


def test_a_route_with_filters_is_entered_in_the_phases_that_they_define(tmp_path):
    path = tmp_path / "flatproxy.yaml"
    path.write_text(
        "listeners:\n- name: web\n  listen: 127.0.0.1:80\n  routes:\n"
        "  - {name: all, redirect: {path: /}, filters: [{use: late}, {use: early}, {use: late}]}\n"
    )
    config = load(path)
    chains = Placement(config, Registry.of([Late, Early]), FilterFiles(tmp_path)).chains
    (route,) = plan_routes(config, chains)
    assert (route.tier, route.phases) == ("python", ("on_connect", "on_done")), "in the order of an exchange"
    assert route.filters == ("late", "early", "late"), "in the order of the operator"
    assert route.why == "late is Python, asked in on_done; early is Python, asked in on_connect, on_done"
