"""Keys that sign tokens, and the document by which they are known."""

import json
import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

MAKERS: dict[str, Any] = {
    "RS256": lambda: rsa.generate_private_key(65537, 2048),
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
}


class Signer:
    """One private key."""

    def __init__(self, algorithm: str = "ES256", key_id: str | None = "k1") -> None:
        self.algorithm, self.key_id = algorithm, key_id
        self.private = MAKERS[algorithm]()

    def token(self, *, lasts: float = 600, headers: dict[str, Any] | None = None, **claims: Any) -> str:
        """A token that is good for so many seconds."""
        named = {"kid": self.key_id} if self.key_id else {}
        content = {"exp": int(time.time() + lasts), **claims}
        return jwt.encode(
            {name: value for name, value in content.items() if value is not None},
            self.private,
            self.algorithm,
            headers={**named, **(headers or {})},
        )

    def published(self) -> dict[str, Any]:
        """The public half, as an entry of a key set."""
        public = jwt.get_algorithm_by_name(self.algorithm).to_jwk(self.private.public_key(), as_dict=True)
        return {**public, **({"kid": self.key_id} if self.key_id else {})}


def key_set(*signers: Signer) -> bytes:
    """The document that has the public halves."""
    return json.dumps({"keys": [signer.published() for signer in signers]}).encode()
