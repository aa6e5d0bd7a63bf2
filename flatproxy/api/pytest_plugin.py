"""The fixture `drive` for the tests of whoever writes filters, with no import; pytest finds it by its entry point.

    def test_curl_is_refused(drive):
        assert drive(DenyList, request=Request(headers={"user-agent": "curl"})).response.status == 403

Only pytest loads this module, in every run where FlatProxy is installed: what it offers is imported by who asks for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from flatproxy.api.testing import Drive


@pytest.fixture
def drive(tmp_path: Path) -> Drive:
    """Send one request through filters, as `flatproxy.api.testing.drive`; files in options are looked for in `tmp_path`."""
    from functools import partial

    from flatproxy.api.testing import drive as send

    return partial(send, folder=tmp_path)
