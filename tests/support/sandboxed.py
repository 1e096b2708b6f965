"""For tests that run generated code: only inside bubblewrap. In CI its absence is a failure, not a skip."""

from __future__ import annotations

import pytest
from missing import IN_CI

from halfwatt.router_model.sandbox.sandbox import sandbox_available

needs_sandbox = pytest.mark.skipif(
    not IN_CI and not sandbox_available(),
    reason="bubblewrap is missing or cannot make namespaces on this machine",
)
