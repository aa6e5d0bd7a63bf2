"""`flatproxy ca`: the embedded authority by hand: make its root, issue certificates, revoke them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flatproxy.cli.report import fail, out

if TYPE_CHECKING:
    from flatproxy.core.identity import EmbeddedAuthority

DEFAULT_STATE = Path(".flatproxy")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}

app = typer.Typer(
    help="The embedded authority: its root, and certificates for workloads.", no_args_is_help=True
)

StateOption = Annotated[
    Path,
    typer.Option(
        "--state",
        metavar="DIR",
        help="The state folder of the authority, `identity.state` of the configuration.",
    ),
]


def _parse_lifetime(text: str) -> timedelta:
    number, unit = text[:-1], text[-1:]
    if unit not in _UNITS or not number.isascii() or not number.isdigit():
        raise typer.BadParameter(
            f"'{text}': write a number and s, m, h or d, such as 24h", param_hint="--lifetime"
        )
    return timedelta(seconds=int(number) * _UNITS[unit])


def _parse_serial(text: str) -> int:
    try:
        return int(text.replace(":", ""), 16)
    except ValueError:
        raise typer.BadParameter("a serial number is hexadecimal, as `ca issue` prints it") from None


@app.command(epilog="Example: flatproxy ca init --trust-domain demo.mesh")
def init(
    trust_domain: Annotated[
        str,
        typer.Option("--trust-domain", metavar="NAME", help="The SPIFFE trust domain, such as demo.mesh."),
    ],
    state: StateOption = DEFAULT_STATE,
) -> None:
    """Make the root of a trust domain, unless it is there already. `flatproxy run` does this by itself as well."""
    from flatproxy.core.identity import EmbeddedAuthority, IdentityError

    try:
        made = EmbeddedAuthority(state, trust_domain).initialise()
    except IdentityError as error:
        fail(str(error))
    out().print(f"{'Made' if made else 'Found'} the root of {trust_domain}: {state / 'ca.pem'}")


@app.command(epilog="Example: flatproxy ca issue --id spiffe://demo.mesh/shop/web --out ./web")
def issue(
    spiffe_id: Annotated[str, typer.Option("--id", metavar="SPIFFE-ID", help="Of the workload.")],
    folder: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the files go.")],
    name: Annotated[
        list[str] | None,
        typer.Option("--name", help="A DNS name or IP address besides the id; may be repeated."),
    ] = None,
    lifetime: Annotated[
        str, typer.Option("--lifetime", metavar="TIME", help="How long it is valid: 90m, 24h, 7d.")
    ] = "24h",
    state: StateOption = DEFAULT_STATE,
) -> None:
    """Issue a certificate: writes cert.pem, key.pem (only its owner can read it) and ca.pem."""
    from flatproxy.core.identity import EmbeddedAuthority, IdentityError
    from flatproxy.core.identity.state import write_atomically

    valid = _parse_lifetime(lifetime)
    try:
        identity = EmbeddedAuthority.existing(state).issue(spiffe_id, name or [], valid)
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / "key.pem", identity.key_pem.encode())
        write_atomically(folder / "cert.pem", identity.chain_pem.encode(), mode=0o644)
        write_atomically(folder / "ca.pem", identity.ca_pem.encode(), mode=0o644)
    except IdentityError as error:
        fail(str(error))
    except OSError as error:
        fail(f"cannot write to {folder}: {error.strerror}")
    out().print(f"Issued {identity.id}: {folder / 'cert.pem'}, key.pem, ca.pem")
    out().print(f"serial {identity.serial}, valid until {identity.not_after:%Y-%m-%d %H:%M:%S} UTC")


@app.command(epilog="Example: flatproxy ca show --pem > ca.pem")
def show(
    pem: Annotated[bool, typer.Option("--pem", help="Print the root certificate and nothing else.")] = False,
    state: StateOption = DEFAULT_STATE,
) -> None:
    """Show the root, and what was revoked."""
    from cryptography.hazmat.primitives import hashes

    from flatproxy.core.identity import IdentityError
    from flatproxy.core.identity.certificates import certificate_pem

    authority = _existing(state)
    try:
        root, revoked = authority.root(), authority.revoked()
    except IdentityError as error:
        fail(str(error))
    if pem:
        out().print(certificate_pem(root).decode(), end="")
        return
    out().print(f"trust domain  {authority.trust_domain}")
    out().print(f"root          {state / 'ca.pem'}")
    out().print(f"sha256        {root.fingerprint(hashes.SHA256()).hex(':')}")
    out().print(f"valid until   {root.not_valid_after_utc:%Y-%m-%d %H:%M:%S} UTC")
    for serial, date in revoked.items():
        out().print(f"revoked       {serial} at {date:%Y-%m-%d %H:%M:%S} UTC")


@app.command(epilog="Example: flatproxy ca revoke --cert ./web/cert.pem")
def revoke(
    serial: Annotated[
        int | None, typer.Argument(parser=_parse_serial, metavar="SERIAL", help="As `ca issue` prints it.")
    ] = None,
    cert: Annotated[
        Path | None,
        typer.Option("--cert", metavar="FILE", help="The certificate, in place of its serial number."),
    ] = None,
    state: StateOption = DEFAULT_STATE,
) -> None:
    """Revoke a certificate. A FlatProxy that runs with this state folder refuses it within seconds."""
    from flatproxy.core.identity import IdentityError

    if (serial is None) == (cert is None):
        raise typer.BadParameter("give either SERIAL or --cert FILE")
    authority = _existing(state)
    try:
        number = serial if serial is not None else _serial_in(cert, authority)
        news = authority.revoke(number)
    except IdentityError as error:
        fail(str(error))
    out().print(
        f"{'Revoked' if news else 'Was revoked already:'} {number:x}; the list is {state / 'crl.pem'}"
    )


def _existing(state: Path) -> EmbeddedAuthority:
    from flatproxy.core.identity import EmbeddedAuthority, IdentityError

    try:
        return EmbeddedAuthority.existing(state)
    except IdentityError as error:
        fail(str(error))


def _serial_in(path: Path | None, authority: EmbeddedAuthority) -> int:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature

    from flatproxy.core.identity import IdentityError

    assert path is not None
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
        certificate.verify_directly_issued_by(authority.root())
    except OSError as error:
        raise IdentityError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, TypeError) as error:
        raise IdentityError(f"{path} holds no certificate of this authority") from error
    except InvalidSignature as error:
        raise IdentityError(f"{path} was not issued by this authority") from error
    return certificate.serial_number
