"""The eight moments at which a filter may be asked, and whether a class defines them as they are documented."""

from __future__ import annotations

import difflib
import inspect
import typing
from dataclasses import dataclass
from types import CodeType, FunctionType, MappingProxyType
from typing import TYPE_CHECKING, Any

from flatproxy.api.verdict import Close, Respond, Retry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


@dataclass(frozen=True, slots=True)
class Phase:
    """One moment: what its method is given, what it may return, and the callback of Proxy-Wasm that it is."""

    name: str
    parameters: tuple[str, ...]
    returns: tuple[str, ...]
    """Besides None, which always means: carry on."""
    wasm: str | None
    """None: an extension of ours."""

    @property
    def signature(self) -> str:
        """As documented: `on_request(exchange) -> Respond | None`."""
        return f"{self.name}({', '.join(self.parameters)}) -> {' | '.join((*self.returns, 'None'))}"


_BODY = ("exchange", "chunk", "last")
_VERDICTS = {kind.__name__: kind for kind in (Respond, Retry, Close)}
# What somebody may think of as an answer; for other types a mistake would be a guess.
_ANSWERS = frozenset({*_VERDICTS.values(), bytes, str, int, bool, float, dict, list, tuple})

PHASES: Mapping[str, Phase] = MappingProxyType(
    {
        phase.name: phase
        for phase in (
            Phase("on_connect", ("exchange",), ("Close",), "proxy_on_new_connection"),
            Phase("on_request", ("exchange",), ("Respond",), "proxy_on_request_headers"),
            Phase("on_attempt", ("exchange",), (), None),
            Phase("on_request_body", _BODY, ("bytes", "Respond"), "proxy_on_request_body"),
            Phase("on_failure", ("exchange", "failure"), ("Retry", "Respond"), None),
            Phase("on_response", ("exchange",), ("Respond",), "proxy_on_response_headers"),
            Phase("on_response_body", _BODY, ("bytes",), "proxy_on_response_body"),
            Phase("on_done", ("exchange",), (), "proxy_on_log"),
        )
    }
)
"""By name, in the order in which an exchange comes through them."""


def faults_of(cls: type, base: type) -> Iterator[str]:
    """Say what is wrong with the phases of `cls`, a class derived from `base`."""
    defined = _defined(cls, base)
    for name in defined:
        if name.startswith("on_") and name not in PHASES:
            yield f"'{name}' is no phase{_meant(name)}"
    blocking = getattr(cls, "blocking", False) is True
    for phase in PHASES.values():
        if phase.name in defined:
            yield from _method_faults(phase, defined[phase.name], blocking=blocking)


def defined_phases(cls: type, base: type) -> frozenset[str]:
    """Return the names of the phases that `cls` defines, itself or through a class it is derived from."""
    return frozenset(PHASES.keys() & _defined(cls, base).keys())


def call_fault(method: Any, arguments: Iterable[str]) -> str | None:
    """Say why a method cannot be called with these arguments, if it cannot."""
    signature = inspect.signature(method)
    try:
        signature.bind("self", *arguments)
    except TypeError:
        return f"takes {signature}, where ({', '.join(('self', *arguments))}) is called"
    return None


def _defined(cls: type, base: type) -> dict[str, Any]:
    """Return the attributes that `cls` has beyond those of `base`; the nearest definition counts."""
    defined: dict[str, Any] = {}
    for part in reversed(cls.__mro__):
        if part is not object and part is not base:
            defined |= vars(part)
    return defined


def _meant(name: str) -> str:
    close = difflib.get_close_matches(name, PHASES, n=1)
    hint = f" (did you mean '{close[0]}'?)" if close else ""
    return f"{hint}, phases are {', '.join(PHASES)}"


def _method_faults(phase: Phase, method: Any, *, blocking: bool) -> Iterator[str]:
    if not isinstance(method, FunctionType):
        yield f"'{phase.name}' must be a method (`def` or `async def`), not {type(method).__name__}"
        return
    if fault := call_fault(method, phase.parameters):
        yield f"'{phase.name}' {fault}: write `def {phase.signature.replace('(', '(self, ', 1)}`"
    if inspect.isgeneratorfunction(method) or inspect.isasyncgenfunction(method):
        yield f"'{phase.name}' is a generator: it must return its verdict, not yield it"
    for found in _forbidden(phase, method):
        yield f"'{phase.name}' answers with {found}: it may return {' or '.join((*phase.returns, 'None'))}"
    if blocking and inspect.iscoroutinefunction(method):
        yield f"'{phase.name}' is `async def`, and the class says `blocking = True`: it is one or the other"


def _forbidden(phase: Phase, method: FunctionType) -> list[str]:
    """Name what the method makes, or says that it returns, and the phase cannot take.

    Where a verdict comes from elsewhere nothing is found: then it counts as a failure in traffic.
    """
    made = {method.__globals__.get(name) for name in _names_in(method.__code__) if name in _VERDICTS}
    told = set(_parts(_told_to_return(method)))
    kinds = {kind for kind in (made & set(_VERDICTS.values())) | told if isinstance(kind, type)}
    return sorted(kind.__name__ for kind in kinds if kind.__name__ not in phase.returns and kind in _ANSWERS)


def _names_in(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names_in(constant)


def _told_to_return(method: FunctionType) -> Any:
    try:
        return typing.get_type_hints(method).get("return")
    except Exception:  # noqa: BLE001 -- names that only a type checker knows
        return None


def _parts(annotation: Any) -> Iterator[Any]:
    yield annotation
    for part in typing.get_args(annotation):
        yield from _parts(part)
