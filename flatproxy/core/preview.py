"""Building a plan to look at it: `check` and `explain` write nothing, so they must not make an authority either."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from flatproxy.config.errors import ConfigErrors, Problem
from flatproxy.core.identity import EmbeddedAuthority, FilesAuthority, Identity, IdentityError
from flatproxy.core.plan import Plan
from flatproxy.core.registry import Registry, RegistryError

if TYPE_CHECKING:
    from flatproxy.config.identity import Identity as IdentitySettings
    from flatproxy.config.models import Config


def preview(config: Config) -> Plan:
    """Build the plan of a configuration and leave no trace. Raises `ConfigErrors`."""
    try:
        registry = Registry.discover()
    except RegistryError as error:
        raise ConfigErrors([Problem(config.source.place(()), str(error))]) from error
    return Plan.build(config, registry, preview_identity(config))


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
