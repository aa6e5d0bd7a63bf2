"""Which traces are recorded, by whom it is decided."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased

from flatproxy.plugins.tracing.context import NOBODY, Caller, new_trace_id
from flatproxy.plugins.tracing.options import TracingOptions
from flatproxy.plugins.tracing.sampling import Sampling

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
YES, NO, OPEN = (Caller(TRACE, SPAN, sampled) for sampled in (True, False, None))


def sampling(written):
    return Sampling(TracingOptions.model_validate({"sampling": written}).sampling)


@pytest.mark.parametrize(
    ("written", "recorded"), [("always", True), ("100%", True), ("never", False), ("0%", False)]
)
def test_what_is_decided_here_is_so_whatever_the_caller_says(written, recorded):
    for caller in (YES, NO, OPEN, NOBODY):
        for trace_id in (TRACE, "f" * 32, "0" * 31 + "1"):
            assert sampling(written).decide(trace_id, caller) is recorded


@pytest.mark.parametrize("written", [{"parent": "always"}, {"parent": "never"}, {"parent": "1%"}])
def test_who_has_decided_is_followed(written):
    assert sampling(written).decide(TRACE, YES) is True
    assert sampling(written).decide(TRACE, NO) is False


def test_where_nobody_has_decided_we_do():
    for caller in (OPEN, NOBODY):
        assert sampling({"parent": "always"}).decide(TRACE, caller) is True
        assert sampling({"parent": "never"}).decide(TRACE, caller) is False


def test_by_default_callers_are_followed_and_few_traces_begin_here():
    usual = Sampling(TracingOptions().sampling)
    assert usual.decide(TRACE, YES)
    begun = sum(usual.decide(new_trace_id(), NOBODY) for _ in range(20_000))
    # Ten standard deviations on either side.
    assert 60 < begun < 340, f"about 200 of 20,000 should be recorded, not {begun}"


@given(st.integers(1, 2**128 - 1), st.sampled_from(["0.0001%", "1%", "12.5%", "50%", "99.99%"]))
def test_who_takes_the_same_share_agrees_with_opentelemetry(number, share):
    theirs = TraceIdRatioBased(float(share.rstrip("%")) / 100).should_sample(None, number, "")
    assert sampling(share).decide(f"{number:032x}", NOBODY) == theirs.decision.is_sampled()
