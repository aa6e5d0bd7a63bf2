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
    assert all(route.entered == () for route in routes), "nobody is asked at any moment"


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


class Choosy(Filter):
    name = "choosy"
    blocking = True

    def __init__(self, options):
        super().__init__(options)
        self.phases = frozenset({"on_request"})

    def on_request(self, exchange):
        pass

    def on_response(self, exchange):
        pass


class Both(Filter):
    name = "both"
    version = "1.2"

    async def on_request(self, exchange):
        pass

    def on_response(self, exchange):
        pass


def planned(tmp_path, does, *uses):
    path = tmp_path / "flatproxy.yaml"
    path.write_text(
        "listeners:\n- name: web\n  listen: 127.0.0.1:80\n  routes:\n"
        f"  - {{name: all, {does}, filters: [{', '.join(uses)}]}}\n"
        "upstreams: [{name: app, endpoints: [127.0.0.1:81]}]\n"
    )
    config = load(path)
    placement = Placement(config, Registry.of([Late, Early, Choosy, Both]), FilterFiles(tmp_path))
    assert placement.problems == []
    (route,) = plan_routes(config, placement.chains)
    return route


def order(route):
    return [(entered.phase, entered.filters) for entered in route.entered]


def test_a_route_with_filters_is_entered_in_the_phases_that_they_define(tmp_path):
    route = planned(tmp_path, "redirect: {path: /}", "{use: late}", "{use: early}", "{use: late}")
    assert route.tier == "python"
    assert order(route) == [("on_connect", ("early",)), ("on_done", ("late", "early", "late"))], (
        "phases in the order of an exchange, filters in the order of the operator"
    )
    assert [one.name for one in route.chain] == ["late", "early", "late"]
    assert route.why == "late is Python, asked in on_done; early is Python, asked in on_connect, on_done"


def test_response_phases_are_entered_in_reverse(tmp_path):
    route = planned(tmp_path, "upstream: app", "{use: both}", "{use: late}", "{use: both}", "{use: choosy}")
    assert order(route) == [
        ("on_request", ("both", "both", "choosy")),
        ("on_response", ("both", "both")),
        ("on_done", ("late",)),
    ]


def test_a_route_that_answers_by_itself_has_no_reply_to_ask_about(tmp_path):
    assert order(planned(tmp_path, "respond: {status: 200}", "{use: both}")) == [("on_request", ("both",))]


def test_each_filter_is_planned_as_its_instance_is(tmp_path):
    route = planned(tmp_path, "upstream: app", "{use: choosy, fail: open}", "{use: both, timeout: 250ms}")
    choosy, both = route.chain
    assert choosy.asked == {"on_request": "blocking"}, "its options took on_response away"
    assert both.asked == {"on_request": "async", "on_response": "inline"}
    assert [(one.fail, one.timeout_ms, one.version) for one in route.chain] == [
        ("open", 1000, ""),
        ("closed", 250, "1.2"),
    ]
    assert both.place.endswith("flatproxy.yaml:5:75"), "where the operator wrote it"
