"""A configuration on its way to be served: file -> config + identity + plan, or every error at once.

Nothing that serves is touched here: no socket is opened, no plan applied.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NoReturn

from flatproxy.config.errors import ConfigErrors
from flatproxy.config.load import loads, read_text
from flatproxy.config.models import Config
from flatproxy.core.identity import Identity, IdentityError, Signature, Source, open_source, signature
from flatproxy.core.plan import Plan
from flatproxy.core.registry import Registry


class CandidateRefused(Exception):  # noqa: N818 -- it is many errors, and its name says so
    """It cannot be served; `errors` says everything that is wrong with it."""

    def __init__(self, errors: list[str]) -> None:
        super().__init__("\n".join(errors))
        self.errors = errors


@dataclass(frozen=True)
class Origin:
    """A configuration's text and where it stood: enough to read it again when the file has changed since."""

    text: str
    name: str
    folder: str
    filter_sources: dict[str, str] = field(default_factory=dict)
    """The texts of the filter files that were loaded, by `use`; none before the first look at them."""

    @classmethod
    def of_file(cls, path: Path) -> "Origin":
        """Raises CandidateRefused."""
        with _refusing():
            return cls(read_text(path), str(path), str(path.absolute().parent))


@dataclass(frozen=True)
class Candidate:
    """All that serving needs, complete and checked."""

    origin: Origin
    config: Config
    source: Source | None
    seen: Signature  # of the source's files, from before they were read
    identity: Identity | None
    files_seen: Signature  # of the other files that the plan names, likewise
    plan: Plan
    token: str | None

    @classmethod
    def build(cls, origin: Origin) -> "Candidate":
        """Read and compile; raises CandidateRefused."""
        with _refusing():
            config = loads(origin.text, origin.name, Path(origin.folder))
            source = None if config.identity is None else open_source(config.identity)
            seen = () if source is None else signature(source.watched())
            files_seen = signature(config.tls_files())
            identity = None if source is None else _load(source, config)
            plan = Plan.build(config, Registry.discover(), identity, origin.filter_sources)
            origin = replace(origin, filter_sources=dict(plan.filter_sources))
            return cls(origin, config, source, seen, identity, files_seen, plan, _token(config))

    def renewed(self, identity: Identity) -> "Candidate":
        """The same with another certificate; raises CandidateRefused."""
        with _refusing():
            plan = Plan.build(self.config, Registry.discover(), identity, self.origin.filter_sources)
            return replace(self, identity=identity, plan=plan)


def _load(source: Source, config: Config) -> Identity:
    try:
        return source.load()
    except IdentityError as error:
        raise CandidateRefused([f"{config.source.place(('identity',))}: {error}"]) from error


def _token(config: Config) -> str | None:
    """The admin token; an address that others can reach is never open without one."""
    admin = config.admin
    if admin is None:
        return None
    if admin.token_file is None:
        if admin.listen.ip is None or not admin.listen.ip.is_loopback:
            _refuse(config, "listen", f"{admin.listen} is not on loopback: it needs a `token_file`")
        return None
    try:
        token = admin.token_file.read_text("ascii").strip()
    except OSError as error:
        _refuse(config, "token_file", f"cannot read {admin.token_file}: {error.strerror}")
    except UnicodeDecodeError:
        _refuse(config, "token_file", f"{admin.token_file} holds bytes that are no text")
    if not token:
        _refuse(config, "token_file", f"{admin.token_file} is empty")
    return token


def _refuse(config: Config, key: str, message: str) -> NoReturn:
    raise CandidateRefused([f"{config.source.place(('admin', key))}: {message}"]) from None


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except ConfigErrors as error:
        raise CandidateRefused([str(problem) for problem in error.problems]) from error
