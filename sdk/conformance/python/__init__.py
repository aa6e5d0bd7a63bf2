"""The Python kind: its conformance filters, and how they are run."""

from __future__ import annotations

from sdk.conformance.python.kind import PythonKind

KIND = PythonKind()
