"""The life of filters: opened before the plan serves, kept by a reload that changes nothing of them, closed at the end."""

import threading

import pytest

from flatproxy import Filter, Options
from flatproxy.config.routes import FilterUse
from flatproxy.core.filters.found import Found
from flatproxy.core.filters.life import Life, NotOpened
from flatproxy.core.filters.placing import Placed


class Recorder(Filter):
    """Remembers what happened to all of its kind."""

    name = "acme.recorder"
    happened: list[str]

    class Options(Options):
        label: str = "a"
        broken: bool = False

    def open(self, host):
        if self.options.broken:
            raise RuntimeError(f"{self.options.label} is broken")
        self.happened.append(f"open {self.options.label}")
        self.counter = host.metrics.counter("seen_total", "Seen.")

    def close(self):
        self.happened.append(f"close {self.options.label}")
        if self.options.label == "grumpy":
            raise RuntimeError("not now")
        closed.set()


class Pool(Recorder):
    name = "acme.pool"
    shared = True


closed = threading.Event()


@pytest.fixture
def happened():
    closed.clear()
    Recorder.happened = []
    return Recorder.happened


@pytest.fixture
def life():
    life = Life()
    yield life
    life.close()


def placed(label="a", *, kind=Recorder, position=0, route="r", key=None, broken=False):
    options = kind.Options(label=label, broken=broken)
    return Placed(
        key or f"web:{route}:{position}", Found(kind, "test"), FilterUse(use=kind.name), options, kind(options),
        "web", route, f"flatproxy.yaml:{position + 1}:1",
    )  # fmt: skip


def serve(life, *uses, drain_seconds=3600.0):
    filters = life.ready(uses)
    life.applied(drain_seconds)
    return filters


def test_filters_are_opened_before_the_plan_serves(life, happened):
    one = placed()
    assert life.ready([one]) == {"web:r:0": one.filter}
    assert happened == ["open a"]
    assert (one.filter.host.listener, one.filter.host.route) == ("web", "r")


def test_a_reload_keeps_the_instance_of_equal_options(life, happened):
    before = serve(life, placed())
    after = serve(life, placed())
    assert after["web:r:0"] is before["web:r:0"], "a rate limiter does not forget"
    assert happened == ["open a"]


def test_an_instance_is_kept_when_another_filter_is_put_in_front(life, happened):
    before = serve(life, placed("a"))
    after = serve(life, placed("b", position=0), placed("a", position=1))
    assert after["web:r:1"] is before["web:r:0"]
    assert happened == ["open a", "open b"]


def test_two_uses_with_equal_options_stay_two(life, happened):
    serve(life, placed(position=0), placed(position=1))
    after = serve(life, placed(position=0), placed(position=1))
    assert after["web:r:0"] is not after["web:r:1"]
    assert happened == ["open a", "open a"]


def test_the_same_filter_on_another_route_is_another(life, happened):
    before = serve(life, placed(route="r"))
    after = serve(life, placed(route="s"))
    assert after["web:s:0"] is not before["web:r:0"]


def test_other_options_are_another_instance_and_the_old_one_is_closed_after_the_drain_time(life, happened):
    serve(life, placed("a"))
    serve(life, placed("b"), drain_seconds=0.0)
    assert closed.wait(20), "the one that is not used any more should be closed"
    assert happened == ["open a", "open b", "close a"]


def test_what_leaves_is_not_closed_before_its_time(life, happened):
    serve(life, placed("a"))
    serve(life)
    assert happened == ["open a"], "exchanges may still be in it"
    life.close()
    assert happened == ["open a", "close a"], "at the end all are closed, each once"


def test_a_filter_that_cannot_be_opened_refuses_the_plan_and_closes_the_others(life, happened):
    before = serve(life, placed("a"))
    with pytest.raises(NotOpened) as caught:
        life.ready([placed("a"), placed("b", position=1), placed("c", position=2, broken=True),
                    placed("d", position=3, broken=True)])  # fmt: skip
    first, second = caught.value.errors
    assert first.splitlines()[0] == (
        "flatproxy.yaml:3:1: acme.recorder cannot be opened: RuntimeError: c is broken"
    )
    assert second.startswith("flatproxy.yaml:4:1: "), "all that fail are told at once"
    assert happened == ["open a", "open b", "close b"], "what serves stays open"
    assert serve(life, placed("a")) == before


def test_a_plan_that_is_refused_later_closes_what_was_opened_for_it(life, happened):
    serve(life, placed("a"))
    life.ready([placed("a"), placed("b", position=1)])
    life.refused()
    assert happened == ["open a", "open b", "close b"]


def test_a_shared_instance_is_opened_once_for_all_its_routes(life, happened):
    first = placed("a", kind=Pool, route="r", key="::acme.pool:0")
    second = placed("a", kind=Pool, route="s", key="::acme.pool:0")
    serve(life, first, second)
    assert happened == ["open a"]
    assert (first.filter.host.listener, first.filter.host.route) == ("", ""), "it is nobody's own"
    again = serve(life, placed("a", kind=Pool, route="t", key="::acme.pool:0"))
    assert list(again.values()) == [first.filter], "it lives on, wherever it is used"


def test_a_close_that_fails_is_told_and_no_more(life, happened, capfd):
    serve(life, placed("grumpy"), placed("a", position=1))
    life.close()
    assert happened == ["open grumpy", "open a", "close grumpy", "close a"]
    assert '"event": "filter_not_closed"' in capfd.readouterr().err


def test_metrics_of_what_serves_are_shown(life, happened):
    filters = serve(life, placed("a"))
    filters["web:r:0"].counter.add()
    assert 'flatproxy_filter_acme_recorder_seen_total{listener="web",route="r"} 1' in life.metrics()
    serve(life)
    assert life.metrics() == ""
