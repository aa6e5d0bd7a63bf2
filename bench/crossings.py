"""How often FlatProxy's data threads went into Python, by its own count: never, where a route has no filter in Python."""

import urllib.request

METRIC = "flatproxy_python_crossings_total"


class NotCountedError(RuntimeError):
    """A core that does not tell."""


def read(admin: str) -> int:
    """Crossings since the start of the proxy that serves its metrics at this address. Raises NotCountedError."""
    with urllib.request.urlopen(f"http://{admin}/metrics", timeout=10) as response:
        return count(response.read().decode())


def count(metrics: str) -> int:
    """Crossings by the text of the metrics, over all labels. Raises NotCountedError."""
    lines = [line for line in metrics.splitlines() if line.startswith((METRIC + " ", METRIC + "{"))]
    if not lines:
        raise NotCountedError(
            f"this core has no metric {METRIC}, so nobody can tell whether it went into Python; `make build` makes a newer one"
        )
    return sum(int(float(line.rpartition(" ")[2])) for line in lines)


def fault(count: int, *, expected: bool) -> str:
    """What is wrong with so many crossings in a cell where there must be some, or none; empty: nothing."""
    if expected and not count:
        return "no crossing into Python, where a filter in Python should have been asked"
    if count and not expected:
        return f"{count} crossings into Python, where no filter in Python was asked"
    return ""
