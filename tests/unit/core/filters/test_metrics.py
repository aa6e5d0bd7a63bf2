"""Metrics of filters: declared, counted, bounded, written as Prometheus reads them."""

import threading

import pytest

from flatproxy.core.filters.metrics import MOST_COMBINATIONS, FilterMetrics, render


@pytest.fixture
def metrics():
    return FilterMetrics("flatproxy_filter_acme_", ("web", "orders"))


def lines(*sets):
    return render(sets).splitlines()


def test_a_counter_is_there_from_its_declaration_on(metrics):
    counter = metrics.counter("denied_total", "Requests denied.")
    assert lines(metrics) == [
        "# HELP flatproxy_filter_acme_denied_total Requests denied.",
        "# TYPE flatproxy_filter_acme_denied_total counter",
        'flatproxy_filter_acme_denied_total{listener="web",route="orders"} 0',
    ]
    counter.add()
    counter.add(2)
    assert lines(metrics)[-1].endswith(" 3")


def test_labels_are_the_declared_ones_and_are_escaped(metrics):
    gauge = metrics.gauge("left", 'A "help"\nof two lines\\', ["rule", "peer"])
    gauge.set(1.5, peer='a"b\n\\', rule="x")
    gauge.add(-2, rule="x", peer='a"b\n\\')
    assert lines(metrics) == [
        '# HELP flatproxy_filter_acme_left A "help"\\nof two lines\\\\',
        "# TYPE flatproxy_filter_acme_left gauge",
        'flatproxy_filter_acme_left{listener="web",route="orders",rule="x",peer="a\\"b\\n\\\\"} -0.5',
    ]
    with pytest.raises(ValueError, match="has the labels rule, peer, not rule"):
        gauge.set(1, rule="x")


def test_a_histogram_counts_what_is_below_each_bound(metrics):
    histogram = metrics.histogram("seconds", "Time.", ["to"], buckets=[0.1, 1])
    for value in (0.05, 0.1, 0.5, 7):
        histogram.observe(value, to="redis")
    labels = 'listener="web",route="orders",to="redis"'
    assert lines(metrics)[2:] == [
        f'flatproxy_filter_acme_seconds_bucket{{{labels},le="0.1"}} 2',
        f'flatproxy_filter_acme_seconds_bucket{{{labels},le="1"}} 3',
        f'flatproxy_filter_acme_seconds_bucket{{{labels},le="+Inf"}} 4',
        f"flatproxy_filter_acme_seconds_sum{{{labels}}} 7.65",
        f"flatproxy_filter_acme_seconds_count{{{labels}}} 4",
    ]


def test_labels_of_strangers_do_not_fill_the_memory(metrics):
    counter = metrics.counter("seen_total", "Seen.", ["peer"])
    for number in range(MOST_COMBINATIONS + 50):
        counter.add(peer=str(number))
    counter.add(peer="0")
    written = lines(metrics)[2:]
    assert len(written) == MOST_COMBINATIONS + 1
    assert written[0].endswith(" 2"), "what is known is still counted on its own"
    assert written[-1].endswith('peer="other"} 50'), "the rest is summed up"


def test_declaring_again_is_the_same_metric(metrics):
    first = metrics.counter("a_total", "A.", ["x"])
    assert metrics.counter("a_total", "A.", ["x"]) is first
    with pytest.raises(ValueError, match="is declared already"):
        metrics.gauge("a_total", "A.", ["x"])
    with pytest.raises(ValueError, match="is declared already"):
        metrics.counter("a_total", "A.")


def test_a_series_is_what_its_labels_say_and_is_there_at_once(metrics):
    counter = metrics.counter("seen_total", "Seen.", ["rule", "decision"])
    allowed = counter.labelled(decision="allow", rule="x")
    assert lines(metrics)[-1].endswith('rule="x",decision="allow"} 0')
    allowed.add()
    allowed.add(2)
    counter.add(rule="x", decision="allow")
    counter.labelled(rule="x", decision="allow").add(4)
    assert lines(metrics)[2:] == [
        'flatproxy_filter_acme_seen_total{listener="web",route="orders",rule="x",decision="allow"} 8'
    ]
    with pytest.raises(ValueError, match="only grows"):
        allowed.add(-1)


def test_gauges_and_histograms_have_series_too(metrics):
    gauge = metrics.gauge("left", "Left.").labelled()
    gauge.set(3)
    gauge.add(-1)
    histogram = metrics.histogram("seconds", "Time.", ["to"], buckets=[1]).labelled(to="redis")
    histogram.observe(0.5)
    histogram.observe(7)
    values = [line.rpartition(" ")[2] for line in lines(metrics) if not line.startswith("#")]
    assert values == ["2", "1", "2", "7.5", "2"]


def test_the_labels_of_a_series_are_the_declared_ones(metrics):
    with pytest.raises(ValueError, match="has the labels rule, not none"):
        metrics.counter("seen_total", "Seen.", ["rule"]).labelled()


def test_a_series_beyond_the_bound_counts_for_all_others(metrics):
    counter = metrics.counter("seen_total", "Seen.", ["peer"])
    for number in range(MOST_COMBINATIONS + 2):
        counter.labelled(peer=str(number)).add()
    written = lines(metrics)[2:]
    assert len(written) == MOST_COMBINATIONS + 1
    assert written[-1].endswith('peer="other"} 2')


@pytest.mark.parametrize("word", ["A", "a-b", "", "1a", "route", "listener", "le"])
def test_names_are_words(metrics, word):
    with pytest.raises(ValueError, match="is no name for a metric or a label"):
        metrics.counter("a_total", "A.", [word])


def test_a_counter_only_grows(metrics):
    with pytest.raises(ValueError, match="only grows"):
        metrics.counter("a_total", "A.").add(-1)
    with pytest.raises(ValueError, match="only grows"):
        metrics.counter("a_total", "A.").add(float("nan"))


def test_buckets_grow(metrics):
    with pytest.raises(ValueError, match="must grow"):
        metrics.histogram("a", "A.", buckets=[1, 1])


def test_routes_are_samples_of_one_family(metrics):
    other = FilterMetrics("flatproxy_filter_acme_", ("web", "pay"))
    for one in (metrics, other):
        one.counter("a_total", "A.").add()
    written = lines(metrics, other)
    assert len(written) == 4, "one HELP and one TYPE, or Prometheus refuses the page"
    assert 'route="pay"' in written[-1]


def test_versions_that_disagree_are_not_mixed(metrics):
    metrics.counter("a", "A.").add()
    later = FilterMetrics("flatproxy_filter_acme_", ("web", "pay"))
    later.gauge("a", "A.").set(2)
    assert len(lines(metrics, later)) == 3


def test_nothing_is_lost_between_threads(metrics):
    counter = metrics.counter("a_total", "A.", ["x"])
    series = counter.labelled(x="1")
    threads = [
        threading.Thread(target=lambda: [(counter.add(x="1"), series.add()) for _ in range(1000)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert lines(metrics)[-1].endswith(" 8000")
