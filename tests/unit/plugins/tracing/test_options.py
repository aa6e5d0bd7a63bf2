"""What an operator may write for `tracing`, and what is refused; secrets are never told."""

import pytest
from pydantic import ValidationError

from flatproxy.plugins.tracing.options import TracingOptions

COLLECTOR = "http://127.0.0.1:4318"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (COLLECTOR, f"{COLLECTOR}/v1/traces"),
        (f"{COLLECTOR}/", f"{COLLECTOR}/v1/traces"),
        ("https://otel.demo", "https://otel.demo/v1/traces"),
        ("http://[::1]:4318", "http://[::1]:4318/v1/traces"),
        ("https://otel.demo/otlp/v1/traces", "https://otel.demo/otlp/v1/traces"),
    ],
)
def test_an_endpoint_without_a_path_gets_the_usual_one(written, meant):
    assert TracingOptions(endpoint=written).endpoint == meant


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"endpoint": "127.0.0.1:4318"}, "must be the URL of a collector"),
        ({"endpoint": "grpc://otel.demo"}, "must be the URL of a collector"),
        ({"endpoint": "http://"}, "must be the URL of a collector"),
        ({"endpoint": "http://a:99999"}, "must be the URL of a collector"),
        ({"endpoint": "http://[::1"}, "must be the URL of a collector"),
        ({"endpoint": "http://me:secret@otel.demo"}, "must have no user, query or fragment"),
        ({"endpoint": "http://otel.demo/?key=secret"}, "must have no user, query or fragment"),
        ({"endpoint": COLLECTOR, "headers": {"a b": "1"}}, "must be the name of a header"),
        ({"endpoint": COLLECTOR, "headers": {"key": "sec\r\nret"}}, "must be a header that can be sent"),
        ({"endpoint": COLLECTOR, "headers": {"key": 1234567}}, "must be text (quote it), or {file: ...}"),
        ({"endpoint": COLLECTOR, "headers": {"key": {}}}, "needs exactly one of value, file"),
        ({"endpoint": COLLECTOR, "headers": {"key": {"value": "secret", "file": "a"}}}, "needs exactly one"),
        ({"headers": {"key": "secret"}}, "no `endpoint`"),
        ({"sampling": "sometimes"}, "must be always, never, or a share such as 1%"),
        ({"sampling": 0.01}, "must be always, never, or a share such as 1%"),
        ({"sampling": "101%"}, "must be from 0% to 100%"),
        ({"sampling": {"parent": "always", "share": "1%"}}, "needs exactly one of share, parent"),
        ({"sampling": {}}, "needs exactly one of share, parent"),
        ({"propagate": []}, "propagate"),
        ({"propagate": ["jaeger"]}, "b3multi"),
        ({"propagate": ["b3", "b3"]}, "has a format twice"),
        ({"queue": 10, "batch": 20}, "larger than the `queue`"),
        ({"queue": 0}, "greater than or equal to 1"),
        ({"interval": 0}, "must be longer than 0"),
        ({"sample": "1%"}, "sample"),
    ],
)
def test_what_makes_no_sense_is_refused_without_telling_secrets(options, said):
    with pytest.raises(ValidationError) as caught:
        TracingOptions.model_validate(options)
    assert said in str(caught.value)
    assert "sec" not in str(caught.value).replace("seconds", ""), "what may be a secret is not repeated"


def test_a_secret_is_not_shown():
    options = TracingOptions.model_validate(
        {"endpoint": COLLECTOR, "headers": {"Authorization": "Bearer s3cr3t"}}
    )
    assert "s3cr3t" not in repr(options)
    assert "s3cr3t" not in options.model_dump_json()
    assert options.headers["authorization"].value.get_secret_value() == "Bearer s3cr3t"


def test_options_that_differ_in_a_secret_are_not_equal():
    one, other = (
        TracingOptions.model_validate({"endpoint": COLLECTOR, "headers": {"key": key}}) for key in ("a", "b")
    )
    assert one != other, "or a reload would keep the old secret"
