"""The folder with the data sets, for tests of the router that need it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder in HALFWATT_DATA; without it the test is skipped."""
    value = os.environ.get("HALFWATT_DATA", "")
    if not value or not (Path(value) / "mbpp.jsonl").is_file():
        pytest.skip("needs the data sets: set HALFWATT_DATA to their folder")
    return Path(value)
