"""What the tests of the worker share."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from halfwatt.daemon.models import catalog
from halfwatt.daemon.models.catalog import ModelSpec


@pytest.fixture(scope="session")
def spec(model_path: Path) -> ModelSpec:
    """The real 0.5B model as the catalog describes it."""
    return replace(catalog.load()["qwen2.5-coder-0.5b"], path=model_path)
