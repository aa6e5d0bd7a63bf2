"""The admin address: health, metrics, plan and reload over HTTP, on a thread that data never waits for.

`start` begins it. `application` says what is answered, `guard` who may ask, `metrics` adds what only Python knows.
"""

from flatproxy.admin.server import start

__all__ = ["start"]
