"""The class of a filter: what it may look like, and what is said when it does not."""

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

import flatproxy
from flatproxy import Close, ContractError, Exchange, Filter, Options, Respond, Retry
from flatproxy.api.phases import PHASES

ROOT = Path(__file__).parents[3]


def define(**body):
    """A filter class with this in its body."""
    return type("Made", (Filter,), {"name": "acme.made", **body})


def refusal(**body):
    with pytest.raises(ContractError) as caught:
        define(**body)
    return str(caught.value)


def test_the_example_of_the_design_works():
    class DenyList(Filter):
        name = "acme.deny_list"

        class Options(Options):
            peers: frozenset[str]

        def on_request(self, exchange: Exchange) -> Respond | None:
            if exchange.peer.identity in self.options.peers:
                return Respond(403, "peer is on the deny list")
            return None

    made = DenyList(DenyList.Options(peers=["a"]))
    assert made.options.peers == {"a"}, "a list of the file becomes the declared set"
    assert made.phases == {"on_request"}, "only what the class defines"
    assert (made.blocking, made.shared) == (False, False)
    assert repr(made) == "<filter acme.deny_list>"


def test_options_are_frozen_and_complete():
    class Rate(Options):
        per_second: int
        """How many."""

    with pytest.raises(ValidationError, match="extra_forbidden"):
        Rate.model_validate({"per_second": 1, "burts": 2})
    with pytest.raises(ValidationError, match="frozen"):
        Rate(per_second=1).per_second = 2
    assert Rate.model_fields["per_second"].description == "How many."


def test_phases_are_inherited_from_a_base_that_is_no_filter_itself():
    class Base(Filter, abstract=True):
        def on_done(self, exchange):
            pass

    class Mixin:
        def on_request(self, exchange):
            pass

    class Both(Mixin, Base):
        name = "acme.both"

    assert Both.phases == {"on_done", "on_request"}


def test_a_mixin_with_a_misspelt_phase_is_refused_too():
    class Mixin:
        def on_reqest(self, exchange):
            pass

    with pytest.raises(ContractError, match="'on_reqest' is no phase"):
        type("Both", (Mixin, Filter), {"name": "acme.both"})


def test_a_misspelt_phase_is_told_with_what_is_right():
    assert refusal(on_reqest=lambda self, exchange: None) == (
        "Made is no filter: 'on_reqest' is no phase (did you mean 'on_request'?), phases are on_connect, on_request, "
        "on_attempt, on_request_body, on_failure, on_response, on_response_body, on_done"
    )


def on_request_retry(self, exchange):
    return Retry() if exchange.request.path == "/" else None


def on_done_says(self, exchange) -> bool:
    return True


def on_connect_nested(self, exchange):
    def answer():
        return Respond(403)

    return answer()


async def on_attempt_typed(self, exchange) -> Close | None:
    return None


@pytest.mark.parametrize(
    ("phase", "method", "told"),
    [
        ("on_request", on_request_retry, "'on_request' answers with Retry: it may return Respond or None"),
        ("on_done", on_done_says, "'on_done' answers with bool: it may return None"),
        ("on_connect", on_connect_nested, "'on_connect' answers with Respond: it may return Close or None"),
        ("on_attempt", on_attempt_typed, "'on_attempt' answers with Close: it may return None"),
    ],
)
def test_a_verdict_of_another_phase_is_seen_in_the_code(phase, method, told):
    assert refusal(**{phase: method}) == f"Made is no filter: {told}"


def test_every_phase_may_make_its_own_verdicts():
    def on_failure(self, exchange, failure) -> Retry | Respond | None:
        return Retry() if failure.replayable else Respond(503)

    define(on_failure=on_failure)


@pytest.mark.parametrize("phase", PHASES.values(), ids=PHASES)
def test_a_wrong_signature_is_told_with_the_documented_one(phase):
    message = refusal(**{phase.name: lambda self: None})
    assert phase.signature.replace("(", "(self, ", 1) in message
    assert f"where (self, {', '.join(phase.parameters)}) is called" in message


@pytest.mark.parametrize("phase", PHASES.values(), ids=PHASES)
def test_every_phase_may_be_def_or_async_def_and_name_its_arguments_as_it_likes(phase):
    async def waits(self, *_):
        pass

    assert define(**{phase.name: waits}).phases == {phase.name}
    assert define(**{phase.name: lambda self, *_: None}).phases == {phase.name}


def test_a_phase_is_a_method():
    assert "must be a method (`def` or `async def`), not staticmethod" in refusal(on_done=staticmethod(len))
    assert "must be a method (`def` or `async def`), not NoneType" in refusal(on_done=None)


def test_a_phase_is_no_generator():
    def yields(self, exchange):
        yield

    assert "'on_request' is a generator" in refusal(on_request=yields)


def test_a_blocking_filter_has_no_async_phase():
    async def waits(self, exchange):
        pass

    assert "one or the other" in refusal(on_request=waits, blocking=True)


@pytest.mark.parametrize("name", ["Deny", "a b", "", "a..b", ".a", "a/b", "deny.py", "x" * 65, "1a", "a-b"])
def test_an_illegal_name_is_refused(name):
    assert "is no name for a filter" in refusal(name=name)


def test_a_filter_needs_a_name_of_its_own():
    base = define()
    with pytest.raises(ContractError, match="has no `name` of its own"):
        type("Second", (base,), {})
    assert "must be text, not 7" in refusal(name=7)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"blocking": 1}, "`blocking` must be True or False, not 1"),
        ({"shared": "yes"}, "`shared` must be True or False, not 'yes'"),
        ({"version": 1}, "`version` must be text, not 1"),
        ({"Options": dict}, "`Options` must be a class derived from flatproxy.Options"),
        ({"__init__": lambda self: None}, "'__init__' takes (self), where (self, options) is called"),
        ({"close": lambda self, why: None}, "'close' takes (self, why), where (self) is called"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_the_rest_of_the_class_is_looked_at_too(body, said):
    assert said in refusal(**body)


def test_everything_that_is_wrong_is_said_at_once():
    message = refusal(name="No", on_x=1, blocking=2)
    assert all(part in message for part in ("'No' is no name", "'on_x' is no phase", "`blocking` must be"))


def test_what_an_author_imports_is_there_and_is_loaded_only_then():
    assert all(getattr(flatproxy, name) is not None for name in flatproxy.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Filtre'"):
        _ = flatproxy.Filtre
    code = "import sys, flatproxy; print('pydantic' in sys.modules); from flatproxy import Filter; print('flatproxy.core' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"], "cheap to import, and without the native core"
