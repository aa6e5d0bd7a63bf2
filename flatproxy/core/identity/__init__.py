"""Who we are and whom we believe: trust domain, certificates, and how both are kept fresh.

Read in this order: `spiffe` (names), `material` (what a plan takes), `certificates` (the X.509 profile),
`state` (files on disk), `embedded` and `files` (the two authorities), `watch` (rotation and reload).
Nothing here knows of sockets, plans or the native core.
"""

from flatproxy.core.identity.embedded import EmbeddedAuthority
from flatproxy.core.identity.errors import IdentityError
from flatproxy.core.identity.files import FilesAuthority
from flatproxy.core.identity.material import Identity
from flatproxy.core.identity.source import Source, open_source
from flatproxy.core.identity.watch import Signature, Watch, signature

__all__ = [
    "EmbeddedAuthority",
    "FilesAuthority",
    "Identity",
    "IdentityError",
    "Signature",
    "Source",
    "Watch",
    "open_source",
    "signature",
]
