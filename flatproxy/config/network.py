"""Addresses, networks, hosts and HTTP tokens as they are written in the file."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

from flatproxy.config.values import parse_text, refuse

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 section 5.6.2
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_TRUST_DOMAIN = re.compile(r"[a-z0-9._-]{1,255}")  # SPIFFE-ID section 2.1
_SPIFFE_ID = re.compile(r"spiffe://([a-z0-9._-]{1,255})((?:/[A-Za-z0-9._-]+)*)")  # SPIFFE-ID section 2
_LONGEST_SPIFFE_ID = 2048

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Address:
    """A host (an IP address, or a DNS name where one is allowed) and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def ip(self) -> IpAddress | None:
        """The IP address, or None for a name."""
        return parse_ip(self.host)


@dataclass(frozen=True, slots=True)
class Network:
    """`address/prefix`."""

    address: str
    prefix: int

    def __str__(self) -> str:
        return f"{self.address}/{self.prefix}"


def parse_ip(text: str) -> IpAddress | None:
    """Read an IP address, or return None. Zones (`fe80::1%eth0`) are none: they mean something on one host only."""
    try:
        return None if "%" in text else ipaddress.ip_address(text)
    except ValueError:
        return None


# === addresses ===


def parse_listen(value: Any) -> Address:
    """Accept `IP:port`: what a socket can be bound to without asking anyone. Port 0: the system chooses one."""
    return _ip_and_port(value, "127.0.0.1:8080", lowest_port=0)


def parse_name_server(value: Any) -> Address:
    """Accept `IP:port`: a name server has no name that could be asked for."""
    return _ip_and_port(value, "10.0.0.53:53", lowest_port=1)


def _ip_and_port(value: Any, example: str, lowest_port: int) -> Address:
    if isinstance(value, Address):
        return value
    address = _host_and_port(value, example, lowest_port)
    if address.host == "localhost":
        raise refuse(f"needs an IP address, not a name; did you mean '127.0.0.1:{address.port}'?")
    if address.ip is None:
        raise refuse(f"needs an IP address, not the name '{address.host}'")
    return address


def parse_endpoint(value: Any) -> Address:
    """Accept `IP:port` or `name:port`."""
    if isinstance(value, Address):
        return value
    address = _host_and_port(value, example="127.0.0.1:9001 or orders.internal:80")
    if address.ip is None:
        _check_dns_name(address.host)
    elif address.ip.is_unspecified:
        raise refuse(
            f"{address.host} is no address that one can connect to; did you mean '127.0.0.1:{address.port}'?"
        )
    return address


def _host_and_port(value: Any, example: str, lowest_port: int = 1) -> Address:
    text = parse_text(value) if not isinstance(value, int) else str(value)
    host, colon, port = text.rpartition(":")
    if not colon or "://" in text or (":" in host and not (host.startswith("[") and host.endswith("]"))):
        raise refuse(_address_advice(text, example))
    if not host:
        raise refuse(f"has no host; did you mean '127.0.0.1:{port}'?")
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and lowest_port <= int(port) <= 65535):
        raise refuse(f"the port must be from {lowest_port} to 65535, not '{port}'")
    return Address(_host(host), int(port))


def _host(host: str) -> str:
    bracketed = host.startswith("[")
    address = parse_ip(host.strip("[]") if bracketed else host)
    if bracketed and not isinstance(address, ipaddress.IPv6Address):
        raise refuse(f"'{host}' is no IPv6 address")
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        raise refuse(f"write the IPv4 address itself: '{address.ipv4_mapped}'")
    if address is None and re.fullmatch(r"[0-9.]+", host):
        raise refuse(f"'{host}' is no IPv4 address")
    return str(address) if address else host.lower()


def _address_advice(text: str, example: str) -> str:
    if isinstance(parse_ip(text), ipaddress.IPv6Address):
        return f"an IPv6 address stands in brackets, with a port; did you mean '[{text}]:80'?"
    if text.isdigit():
        return f"must be an address with a port such as {example}; did you mean '127.0.0.1:{text}'?"
    if "://" in text:
        return f"must be an address with a port such as {example}, not a URL"
    return f"must be an address with a port such as {example}, not '{text}'"


def parse_network(value: Any) -> Network:
    """Accept `10.0.0.0/8`, or one address."""
    if isinstance(value, Network):
        return value
    text = parse_text(value)
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise refuse(f"must be a network such as 10.0.0.0/8, not '{text}'") from None
    written = text.partition("/")[0]
    if ipaddress.ip_address(written) != network.network_address:
        raise refuse(f"'{text}' has bits set behind its prefix; did you mean '{network}'?")
    return Network(str(network.network_address), network.prefixlen)


# === hosts and identities ===


def parse_host_pattern(value: Any) -> str:
    """Accept a host without a port, or `*.` and a domain. Case does not matter."""
    text = parse_text(value).lower()
    if text == "*":
        raise refuse("leave `host` out to match any host")
    bare = text.removeprefix("[").removesuffix("]")
    if (ip := parse_ip(bare)) is not None:
        return f"[{ip}]" if ip.version == 6 else str(ip)
    name, colon, port = text.rpartition(":")
    if colon and port.isdigit():
        raise refuse(f"hosts are matched on any port; did you mean '{name}'?")
    _check_dns_name(text.removeprefix("*."))
    return text


def parse_host(value: Any) -> str:
    """Accept a host with or without a port: what a `Host` header may say."""
    text = parse_text(value).lower()
    ip = parse_ip(text.removeprefix("[").removesuffix("]"))
    if ip is not None:
        return f"[{ip}]" if ip.version == 6 else str(ip)
    _, colon, port = text.rpartition(":")
    if colon and port.isdigit():
        address = _host_and_port(text, "orders.internal:80")
        if address.ip is None:
            _check_dns_name(address.host)
        return str(address)
    _check_dns_name(text)
    return text


def parse_dns_name(value: Any) -> str:
    """Accept a DNS name."""
    text = parse_text(value).lower()
    if parse_ip(text) is not None:
        raise refuse(f"must be a DNS name, not the address {text}")
    _check_dns_name(text)
    return text


def _check_dns_name(name: str) -> None:
    if name.endswith("."):
        raise refuse(f"ends with a dot; did you mean '{name.rstrip('.')}'?")
    if not name.isascii():
        raise refuse(f"'{name}' is not ASCII; write its 'xn--' form")
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in name.split(".")):
        raise refuse(f"'{name}' is no host name")


def parse_alternative_name(value: Any) -> str:
    """Accept a DNS name or an IP address: what a certificate may be issued to."""
    text = parse_text(value)
    return str(parse_ip(text) or parse_dns_name(text))


def parse_trust_domain(value: Any) -> str:
    """Accept a SPIFFE trust domain: a lower-case name without scheme or path."""
    text = parse_text(value)
    if text.startswith("spiffe://"):
        raise refuse(
            f"is written without its scheme; did you mean '{text.removeprefix('spiffe://').split('/')[0]}'?"
        )
    if not _TRUST_DOMAIN.fullmatch(text):
        raise refuse(f"'{text}' is no trust domain: lower-case letters, digits, '.', '-', '_'")
    return text


def parse_spiffe_id(value: Any) -> str:
    """Accept `spiffe://trust-domain/path`."""
    text = parse_text(value)
    match = _SPIFFE_ID.fullmatch(text)
    dots = {".", ".."} & set(match[2].split("/")) if match else None
    if not match or dots or len(text) > _LONGEST_SPIFFE_ID:
        raise refuse(f"must be a SPIFFE id such as spiffe://demo.mesh/orders, not '{text[:80]}'")
    return text


# === HTTP tokens ===


def parse_header_name(value: Any) -> str:
    """Accept a header name; names are kept in lower case."""
    text = parse_text(value)
    if not _TOKEN.fullmatch(text):
        raise refuse(f"'{text}' is no header name")
    return text.lower()


def parse_token(value: Any) -> str:
    """Accept one token, as a pseudonym in `Via` is."""
    text = parse_text(value)
    if not _TOKEN.fullmatch(text):
        raise refuse(f"'{text}' is no single word without spaces")
    return text


def parse_method(value: Any) -> str:
    """Accept a request method. They are case-sensitive (RFC 9110 section 9.1), so `get` is most likely a slip."""
    text = parse_text(value)
    if not _TOKEN.fullmatch(text):
        raise refuse(f"'{text}' is no method")
    if text != text.upper():
        raise refuse(f"methods are in upper case; did you mean '{text.upper()}'?")
    return text


def parse_header_value(value: Any) -> str:
    """Accept what a header may carry: printable text, which may be empty, without blanks around it."""
    if value == "":
        return ""
    text = parse_text(value)
    if text != text.strip():
        raise refuse("a header value must not start or end with a blank")
    return text


def unique_header_names(value: Any) -> Any:
    """Refuse a mapping that names one header twice in different case; whatever else it is, others judge."""
    if isinstance(value, dict):
        seen: dict[str, str] = {}
        for name in value:
            if isinstance(name, str) and seen.setdefault(name.lower(), name) != name:
                raise refuse(f"'{name}' and '{seen[name.lower()]}' are the same header")
    return value


def words(value: Any) -> Any:
    """Let one word stand for a list of one."""
    return value if isinstance(value, list | tuple | dict) or value is None else [value]


_STRING = WithJsonSchema({"type": "string", "minLength": 1})
ListenAddress = Annotated[Address, BeforeValidator(parse_listen), _STRING]
NameServer = Annotated[Address, BeforeValidator(parse_name_server), _STRING]
EndpointAddress = Annotated[Address, BeforeValidator(parse_endpoint), _STRING]
NetworkText = Annotated[Network, BeforeValidator(parse_network), _STRING]
HostPattern = Annotated[str, BeforeValidator(parse_host_pattern, json_schema_input_type=str)]
Host = Annotated[str, BeforeValidator(parse_host, json_schema_input_type=str)]
DnsName = Annotated[str, BeforeValidator(parse_dns_name, json_schema_input_type=str)]
AlternativeName = Annotated[str, BeforeValidator(parse_alternative_name, json_schema_input_type=str)]
TrustDomain = Annotated[str, BeforeValidator(parse_trust_domain, json_schema_input_type=str)]
SpiffeId = Annotated[str, BeforeValidator(parse_spiffe_id, json_schema_input_type=str)]
HeaderName = Annotated[str, BeforeValidator(parse_header_name, json_schema_input_type=str)]
HeaderValue = Annotated[str, BeforeValidator(parse_header_value, json_schema_input_type=str)]
Token = Annotated[str, BeforeValidator(parse_token, json_schema_input_type=str)]
Method = Annotated[str, BeforeValidator(parse_method, json_schema_input_type=str)]
