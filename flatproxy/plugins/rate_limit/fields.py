"""What a client is told: RateLimit and RateLimit-Policy as in draft-ietf-httpapi-ratelimit-headers-10, and Retry-After.

Both are lists of strings with parameters (RFC 9651): `RateLimit-Policy: "default";q=100;w=1` says what was agreed,
`RateLimit: "default";r=19;t=1` how many are left and in how many seconds there is one more.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

from flatproxy import Respond
from flatproxy.plugins.rate_limit.buckets import SLACK

if TYPE_CHECKING:
    from flatproxy import Headers
    from flatproxy.plugins.rate_limit.options import RateLimitOptions

POLICY, LIMIT = "ratelimit-policy", "ratelimit"
# Answers differ in their seconds only.
MOST_ANSWERS = 128


class Fields:
    """Writes them for one limit."""

    def __init__(self, options: RateLimitOptions) -> None:
        many, window = options.quota
        self._name, self._rate, self._status = options.name, options.rate, options.status
        # Parameters that are not the draft's carry the name of who made them (section 3.1).
        self._policy = f'"{options.name}";q={many};w={window};flatproxy-burst={options.capacity}'
        self._shown = options.headers != "none"
        self._of_seconds = lru_cache(MOST_ANSWERS)(self._answer)

    def refusal(self, left: float) -> Respond:
        """Answer whom `-left` tokens are missing."""
        return self._of_seconds(self._seconds(-left))

    def add(self, headers: Headers, left: float) -> None:
        """Tell whom `left` tokens are left."""
        whole = int(left + SLACK)
        headers.add(POLICY, self._policy)
        headers.add(LIMIT, f'"{self._name}";r={whole};t={self._seconds(whole + 1 - left)}')

    def _seconds(self, tokens: float) -> int:
        """Return after how many whole seconds so many tokens are back; at least 1, or a client would come at once."""
        return max(1, math.ceil(tokens / self._rate))

    def _answer(self, seconds: int) -> Respond:
        fields = {"retry-after": str(seconds)}
        if self._shown:
            fields |= {POLICY: self._policy, LIMIT: f'"{self._name}";r=0;t={seconds}'}
        return Respond(self._status, "too many requests\n", headers=fields)
