"""The public keys that tokens are signed with (RFC 7517): read from a file or a URL, and again, on a thread of their own."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jwt

if TYPE_CHECKING:
    from flatproxy import Counter, Host
    from flatproxy.plugins.policy.options import JwtOptions

# Between two readings, however many tokens ask for a key that is not there.
PAUSE_SECONDS = 5.0
FIRST_PAUSE_SECONDS = 0.5  # while there are no keys at all
FETCH_SECONDS = 5.0
LARGEST_BYTES = 1 << 20
SMALLEST_RSA_BITS = 2048  # RFC 7518 section 3.3


@dataclass(frozen=True, slots=True)
class Key:
    """One public key and the only algorithm it is used with."""

    id: str | None
    algorithm: str
    public: jwt.PyJWK

    def fits(self, algorithm: str, key_id: str | None) -> bool:
        """Whether a token that names these may be signed with it."""
        return self.algorithm == algorithm and (key_id is None or self.id is None or self.id == key_id)


class KeySource:
    """Keeps `keys` fresh. None: they were never read. What fails keeps the keys that are there."""

    def __init__(self, options: JwtOptions) -> None:
        self.keys: tuple[Key, ...] | None = None
        self._options = options
        self._remote = "://" in options.jwks
        self._document: bytes | None = None
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._host: Host
        self._readings: Counter

    def open(self, host: Host) -> None:
        """Read a file at once, a URL soon. Raises OSError or ValueError for a file that has no keys."""
        self._host = host
        self._readings = host.metrics.counter(
            "jwks_readings_total", "Readings of the keys of tokens.", ("result",)
        )
        if not self._remote:
            self._take(self._read())
        self._thread = threading.Thread(target=self._run, name="policy-jwks", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread; one that fetches ends with what it fetches."""
        self._closing.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(0.1)

    def hurry(self) -> None:
        """Read again soon: a token names a key that is not there. Never waits."""
        self._wake.set()

    # === the thread ===

    def _run(self) -> None:
        if self._remote:
            self._refresh()
        while not self._closing.wait(self._pause()):
            self._wake.wait(self._options.refresh.total_seconds() if self.keys is not None else 0)
            self._wake.clear()
            if not self._closing.is_set():
                self._refresh()

    def _pause(self) -> float:
        return FIRST_PAUSE_SECONDS if self.keys is None else PAUSE_SECONDS

    def _refresh(self) -> None:
        try:
            self._take(self._read())
        except Exception as error:  # noqa: BLE001 -- whatever a network, a server or a document does: try again later
            self._readings.add(result="failed")
            self._host.log.warning("the keys cannot be read", jwks=self._options.jwks, error=error)
        else:
            self._readings.add(result="read")

    def _take(self, document: bytes) -> None:
        if document != self._document:
            self.keys = keys_of(document)
            self._document = document

    def _read(self) -> bytes:
        return self._fetch() if self._remote else Path(self._options.jwks).read_bytes()

    def _fetch(self) -> bytes:
        # Here: whoever has the keys in a file does not need it.
        import ssl

        import httpx

        trust = ssl.create_default_context(cafile=self._options.ca) if self._options.ca else True
        body = b""
        with (
            httpx.Client(verify=trust, timeout=FETCH_SECONDS, trust_env=False) as client,
            client.stream("GET", self._options.jwks) as response,
        ):
            if response.status_code != 200:
                raise ValueError(f"answered with status {response.status_code}")
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > LARGEST_BYTES:
                    raise ValueError(f"more than {LARGEST_BYTES} bytes")
        return body


# === the document ===


def keys_of(document: bytes) -> tuple[Key, ...]:
    """Read a key set. Keys for other purposes and of unknown kinds are left out; raises ValueError when none is left."""
    try:
        parsed = json.loads(document)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the key set is no JSON: {error}") from None
    entries = parsed.get("keys") if isinstance(parsed, dict) else None
    if not isinstance(entries, list):
        raise ValueError("the key set has no list `keys` (RFC 7517 section 5)")  # noqa: TRY004 -- one kind for the caller
    keys = tuple(key for entry in entries if (key := _key(entry)) is not None)
    if not keys:
        raise ValueError("the key set has no public key for RS256, ES256 or EdDSA")
    return keys


def _key(entry: Any) -> Key | None:
    if not isinstance(entry, dict) or entry.get("use", "sig") != "sig":
        return None
    algorithm = _algorithm(entry)
    if algorithm is None or entry.get("alg", algorithm) != algorithm:
        return None
    # Without the private half, should somebody have published it.
    public = {
        name: value for name, value in entry.items() if name not in {"d", "p", "q", "dp", "dq", "qi", "oth"}
    }
    try:
        key = Key(entry.get("kid"), algorithm, jwt.PyJWK(public, algorithm))
    except jwt.PyJWTError:
        return None
    return None if getattr(key.public.key, "key_size", SMALLEST_RSA_BITS) < _smallest(algorithm) else key


def _smallest(algorithm: str) -> int:
    return SMALLEST_RSA_BITS if algorithm == "RS256" else 0


def _algorithm(entry: dict[str, Any]) -> str | None:
    """Name the algorithm that a key is for. A symmetric one is none: whoever knows it could make tokens."""
    match entry.get("kty"), entry.get("crv"):
        case "RSA", _:
            return "RS256"
        case "EC", "P-256":
            return "ES256"
        case "OKP", "Ed25519":
            return "EdDSA"
    return None
