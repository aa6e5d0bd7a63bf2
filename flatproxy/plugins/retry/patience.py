"""How long to wait before a further try: by chance, or what the upstream asks for."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flatproxy.plugins.retry.options import BackOff

_SECONDS = re.compile(r"\d{1,9}")


def back_off(options: BackOff, attempt: int) -> float:
    """Draw seconds to wait after the try of that number, 1 for the first.

    Full jitter: anything up to a limit that doubles with each try, so that those who failed together do not come back
    together.
    """
    # Bounded before it is a power: 2 ** 16 times the base is beyond every limit that matters.
    limit = min(options.most.total_seconds(), options.base.total_seconds() * 2 ** min(attempt - 1, 16))
    return random.uniform(0, limit)  # noqa: S311 -- chance is no secret here


def asked_for(retry_after: str | None, now: datetime | None = None) -> float | None:
    """Read `Retry-After`, seconds or a date (RFC 9110 section 10.2.3); None where it says nothing that can be read."""
    if retry_after is None:
        return None
    text = retry_after.strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    # A date without a zone is one in GMT: HTTP knows no other (RFC 9110 section 5.6.7).
    date = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max(0.0, (date - (now or datetime.now(UTC))).total_seconds())
