"""What every filter is derived from. A class that does not keep the contract fails when it is defined, not in traffic.

    class DenyList(Filter):
        name = "acme.deny_list"

        class Options(Options):
            peers: frozenset[str]

        def on_request(self, exchange: Exchange) -> Respond | None: ...

Life of an instance: `__init__(options)` -> `open(host)` -> phases -> `close()`.
"""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ConfigDict

from flatproxy.api.errors import ContractError
from flatproxy.api.phases import call_fault, defined_phases, faults_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator

    from flatproxy.api.exchange import Exchange, Failure
    from flatproxy.api.host import Host
    from flatproxy.api.verdict import Close, Respond, Retry

LONGEST_NAME = 64
_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")
# `use: deny_list.py` means a file.
_FILE_ENDINGS = (".py", ".wasm")


class Options(BaseModel):
    """What an operator may set. Frozen, and a key that is not declared is an error at its place in the file.

    The text below a field documents it, as here: `flatproxy filter show` prints it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


# Inside Filter the name means the options of one filter.
AnyOptions = Options


class Filter:
    """A piece of policy, asked in the phases that its class defines, for the routes that name it."""

    name: ClassVar[str]
    """What `use` in a configuration says: `acme.deny_list`. Unique among all that is installed."""
    version: ClassVar[str] = ""
    """Left out: the version of the package."""
    blocking: ClassVar[bool] = False
    """True: the phases wait for something (a file, a query), so they run on a bounded pool of threads."""
    shared: ClassVar[bool] = False
    """True: routes with equal options share one instance. Otherwise each `use` has its own."""
    phases: frozenset[str] = frozenset()
    """The names of the phases that the class defines. Computed."""
    Options: ClassVar[type[AnyOptions]] = AnyOptions
    """What can be set; left out: nothing."""

    failure_statuses: frozenset[int] = frozenset()
    """Replies with these statuses count as failed tries: `on_failure` is asked. For filters that define it; set in
    `__init__`, as the next two."""
    attempt_timeout: float | None = None
    """Seconds after which a try without a reply's head has failed (`ATTEMPT_TIMEOUT`). None: the exchange's time."""
    hedge_after: float | None = None
    """Seconds after which `on_failure` is asked about a try that is only slow (`SLOW`). `Retry` then has another endpoint
    asked as well, and the first reply wins. For requests without a body, where there is another endpoint."""

    options: Any
    """The checked options, an instance of `Options`."""
    host: Host
    """There from `open` on."""

    def __init_subclass__(cls, *, abstract: bool = False, **rest: Any) -> None:
        """Check the class. One that is only there to be derived from says `class Base(Filter, abstract=True)`.

        Raises `ContractError` with everything that is wrong.
        """
        super().__init_subclass__(**rest)
        faults = [*faults_of(cls, Filter), *_class_faults(cls)]
        if not abstract:
            faults += _name_faults(cls)
        if faults:
            raise ContractError(f"{cls.__qualname__} is no filter: " + "; ".join(faults))
        cls.phases = defined_phases(cls, Filter)

    def __init__(self, options: Any) -> None:
        """Keep the options. No side effects: a plan may be built only to be looked at."""
        self.options = options

    def __repr__(self) -> str:
        return f"<filter {self.name}>"

    # === life ===

    def open(self, host: Host) -> None:
        """Begin: start threads, open files, declare metrics. What is raised here refuses the plan."""

    def close(self) -> None:
        """End. Called once after an `open` that worked, when no plan has used the filter for the drain time."""

    # === phases, in their order; None always means: carry on ===

    def on_connect(self, exchange: Exchange) -> Close | Awaitable[Close | None] | None:
        """A connection was accepted, its peer is known, and nothing was read yet: there is no request to look at."""

    def on_request(self, exchange: Exchange) -> Respond | Awaitable[Respond | None] | None:
        """The head of a request is here. What is changed in `exchange.request` is what every attempt starts from."""

    def on_attempt(self, exchange: Exchange) -> Awaitable[None] | None:
        """A try begins. What is changed in `exchange.attempt` goes to this endpoint, this time."""

    def on_request_body(
        self,
        exchange: Exchange,
        chunk: bytes,
        last: bool,  # noqa: FBT001 -- called by position
    ) -> bytes | Respond | Awaitable[bytes | Respond | None] | None:
        """A piece of the request's body, behind the head of the first try; bytes replace it, `b""` drops it. The last may be empty, and has the trailers."""

    def on_failure(
        self, exchange: Exchange, failure: Failure
    ) -> Retry | Respond | Awaitable[Retry | Respond | None] | None:
        """A try has failed. Without a verdict the client gets what `failure` says, or the reply that counts as one."""

    def on_response(self, exchange: Exchange) -> Respond | Awaitable[Respond | None] | None:
        """A reply has come, and its head is about to be sent as the response; filters are asked in reverse order.

        Not asked where FlatProxy or a filter answers in place of an upstream.
        """

    def on_response_body(
        self,
        exchange: Exchange,
        chunk: bytes,
        last: bool,  # noqa: FBT001 -- called by position
    ) -> bytes | Awaitable[bytes | None] | None:
        """A piece of the response's body; bytes replace it, `b""` drops it. The last has the trailers. Reverse order."""

    def on_done(self, exchange: Exchange) -> Awaitable[None] | None:
        """All is over, however it ended. Always, exactly once; nothing can be changed any more."""


# === the class ===


def checked_name(name: object) -> str:
    """Return a name that a filter may have. Raises ValueError."""
    if not isinstance(name, str):
        raise ValueError(f"`name` must be text, not {name!r}")  # noqa: TRY004 -- one kind of error for its callers
    if not _NAME.fullmatch(name) or len(name) > LONGEST_NAME or name.endswith(_FILE_ENDINGS):
        raise ValueError(
            f"'{name[: 2 * LONGEST_NAME]}' is no name for a filter: it is lower-case letters, digits and '_', in words "
            f"that are joined by '.' and start with a letter, {LONGEST_NAME} characters at most"
        )
    return name


def _name_faults(cls: type[Filter]) -> Iterator[str]:
    if "name" not in vars(cls):
        yield 'it has no `name` of its own; write one such as name = "acme.deny_list"'
        return
    try:
        checked_name(cls.name)
    except ValueError as error:
        yield str(error)


def _class_faults(cls: type[Filter]) -> Iterator[str]:
    values: dict[str, Any] = {key: getattr(cls, key) for key in ("blocking", "shared", "version", "Options")}
    for flag in ("blocking", "shared"):
        if not isinstance(values[flag], bool):
            yield f"`{flag}` must be True or False, not {values[flag]!r}"
    if not isinstance(values["version"], str):
        yield f"`version` must be text, not {values['version']!r}"
    if not (isinstance(values["Options"], type) and issubclass(values["Options"], AnyOptions)):
        yield "`Options` must be a class derived from flatproxy.Options"
    for method, arguments in (("__init__", ("options",)), ("open", ("host",)), ("close", ())):
        function = getattr(cls, method)
        if inspect.iscoroutinefunction(function):
            yield f"'{method}' must be a plain `def`"
        elif callable(function) and (fault := call_fault(function, arguments)):
            yield f"'{method}' {fault}"
