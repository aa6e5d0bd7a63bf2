"""The one door to the native core: everybody else imports it from here.

* `Engine(workers)`: the data threads. `apply(plan, sockets, filters, map_identity)` swaps the plan (`sockets`: per listen address
  one listening descriptor for each worker, copied; `filters`: the opened instances, by the keys that the plan names;
  `map_identity`: asked once for each connection who its client is) or raises `PlanRefused` and keeps the old one. `drain(deadline_ms)` stops accepting and waits; True when every exchange
  was finished. `metrics()` is Prometheus text, `status()` JSON.
* `check(plan, filters)`: compiles a plan and drops it; raises `PlanRefused`.
* `find_route(plan, listener, method, target, headers)`: the name of the route that would take a request, or None;
  raises ValueError with the reason where the answer would be a 400.
* `drive(filters, script)`: one scripted exchange through filters, without sockets; see `flatproxy.api.testing`.
"""

try:
    from flatproxy.core._native import Engine, PlanRefused, __version__, check, drive, find_route
except ImportError as error:
    raise ImportError(
        f"the native core of FlatProxy cannot be loaded; `make build` builds it ({error})"
    ) from error

__all__ = ["Engine", "PlanRefused", "__version__", "check", "drive", "find_route"]
