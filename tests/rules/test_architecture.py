"""ARCHITECTURE.md's map names every module: a newcomer finds each file's job there."""

from __future__ import annotations

import re
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAMED = set(re.findall(r"`([\w*.]+)`", (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")))


@pytest.mark.parametrize("folder", ["daemon", "lsp", "router_model"])
def test_map_names_every_module(folder: str) -> None:
    modules = {path.name for path in (ROOT / folder).glob("*.py")} - {"__init__.py"}
    assert [name for name in sorted(modules) if not any(fnmatch(name, each) for each in NAMED)] == []
