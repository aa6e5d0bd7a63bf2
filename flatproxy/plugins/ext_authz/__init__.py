"""The filter `ext_authz`: a service decides. Begin in `options`; `question` asks, `service` sends, `answer` understands."""

from __future__ import annotations

from flatproxy import Filter, hookimpl
from flatproxy.plugins.ext_authz.filter import ExtAuthz


@hookimpl
def register_filters() -> list[type[Filter]]:
    """Tell FlatProxy what is in this package."""
    return [ExtAuthz]
