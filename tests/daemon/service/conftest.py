"""A service between scripted tiers, for every test of the room."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from scripted_service import Stage, stage_of

from halfwatt.daemon.paths import Paths


@pytest.fixture
def build(paths: Paths, clean_environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Stage]:
    """Makes a stage with these settings. A network is said to be there, so that nothing depends on this machine's."""
    monkeypatch.setattr("halfwatt.daemon.tiers.remote.is_online", lambda: True)
    return lambda settings="": stage_of(settings, paths, clean_environ)
