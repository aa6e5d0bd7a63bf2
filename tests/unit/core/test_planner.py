"""Tiers: where each route runs, and why."""

from flatproxy.config import load
from flatproxy.core.planner import plan_routes


def test_a_route_without_filters_is_carried_by_the_core_alone(maximal):
    routes = plan_routes(load(maximal.path))
    assert {route.tier for route in routes} == {"native"}, "no filter, no crossing"
    assert [(route.listener, route.route, route.why) for route in routes[:3]] == [
        ("web", "orders", "no filter; the core carries every byte"),
        ("web", "away", "no filter; the core answers with a redirect"),
        ("web", "hello", "no filter; the core answers by itself"),
    ]
    assert all(route.phases == () for route in routes), "nobody is asked at any moment"
