"""Building a plan to look at it: `check` and `explain` write nothing, so they must not make an authority either."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from flatproxy.config.errors import ConfigErrors, Problem
from flatproxy.core.identity import EmbeddedAuthority, FilesAuthority, Identity, IdentityError
from flatproxy.core.plan import Plan
from flatproxy.core.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flatproxy.config.identity import Identity as IdentitySettings
    from flatproxy.config.models import Config
    from flatproxy.config.source import Steps

# How the core begins what it says of a plan (`crates/dataplane/src/plan/compile.rs`).
_PART = re.compile(
    r"(?:listener (?P<listener>[^:]+): (?:route (?P<route>[^:]+): )?|upstream (?P<upstream>[^:]+): )"
)


class Named(Protocol):
    """A listener, a route or an upstream."""

    @property
    def name(self) -> str:
        """What the file calls it."""


@dataclass(frozen=True, slots=True)
class Preview:
    """A plan that nobody serves. `compiled`: the native core was there and has taken it."""

    plan: Plan
    compiled: bool


def preview(config: Config) -> Preview:
    """Build the plan of a configuration and leave no trace. Raises `ConfigErrors`."""
    plan = Plan.build(config, Registry.discover(), preview_identity(config))
    return Preview(plan, compiled=_compile(plan, config))


def _compile(plan: Plan, config: Config) -> bool:
    """Let the native core judge what only it can: regexes above all."""
    try:
        from flatproxy.core import (
            native,  # late: an installation without the core can still look at a configuration
        )
    except ImportError:
        return False
    try:
        native.check(plan.document, plan.filters)
    except native.PlanRefused as refusal:
        raise ConfigErrors([_refusal(str(refusal), config)]) from refusal
    return True


def _refusal(message: str, config: Config) -> Problem:
    """Put what the core says at the place of the part that it names."""
    part = _PART.match(message)
    path = _path_of(config, **part.groupdict()) if part else ()
    return Problem(config.source.place(path), message)


def _path_of(config: Config, listener: str | None, route: str | None, upstream: str | None) -> Steps:
    if upstream is not None:
        return ("upstreams", *_index_of(config.upstreams, upstream))
    index = _index_of(config.listeners, listener)
    if not index or route is None:
        return ("listeners", *index)
    return ("listeners", *index, "routes", *_index_of(config.listeners[index[0]].routes, route))


def _index_of(items: Iterable[Named], name: str | None) -> tuple[int, ...]:
    return next(((number,) for number, item in enumerate(items) if item.name == name), ())


# === identity ===


def preview_identity(config: Config) -> Identity | None:
    """Return an identity as `run` would have it; one of the embedded authority is signed by a root made for the moment.

    Raises `ConfigErrors`.
    """
    if config.identity is None:
        return None
    try:
        return _from_files(config.identity) or _embedded(config.identity)
    except IdentityError as error:
        part = "files" if config.identity.files else "state"
        raise ConfigErrors([Problem(config.source.place(("identity", part)), str(error))]) from error


def _from_files(settings: IdentitySettings) -> Identity | None:
    files = settings.files
    if files is None:
        return None
    return FilesAuthority(
        settings.trust_domain, cert=files.cert, key=files.key, ca=files.ca, crl=files.crl
    ).load()


def _embedded(settings: IdentitySettings) -> Identity:
    if (settings.state / "ca.pem").exists():
        kept = EmbeddedAuthority.existing(settings.state).trust_domain
        if kept != settings.trust_domain:
            raise IdentityError(
                f"{settings.state} holds the authority of '{kept}', not of '{settings.trust_domain}'"
            )
    with tempfile.TemporaryDirectory(prefix="flatproxy-") as folder:
        authority = EmbeddedAuthority(Path(folder), settings.trust_domain)
        return authority.issue(settings.own_id, settings.dns_names, settings.lifetime)
