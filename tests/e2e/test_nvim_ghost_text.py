"""Ghost text in a real Neovim: shown while typing, accepted whole, by word and by line, dismissed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import editor_run
import pytest
from generate_home import user_home

pytestmark = pytest.mark.editor

FILE = "ghost.lua"


@pytest.fixture(scope="module")
def environ(tmp_path_factory: pytest.TempPathFactory, model_path: Path) -> Iterator[dict[str, str]]:
    with user_home(tmp_path_factory.mktemp("ghost"), model_path) as made:
        yield made | {"HALFWATT_COMPLETION_TIME_BOX_MS": "90000"}


@pytest.mark.parametrize("name", editor_run.nvim_names(FILE))
def test_scenario(environ: dict[str, str], tmp_path: Path, name: str) -> None:
    editor_run.run_nvim(FILE, name, environ, tmp_path)


def test_ledger_knows_what_neovim_took(environ: dict[str, str]) -> None:
    """Runs behind the scenarios, in the same home."""
    with sqlite3.connect(Path(environ["HALFWATT_HOME"]) / "data" / "ledger.sqlite3") as ledger:
        found = dict(ledger.execute("SELECT outcome, count(*) FROM requests WHERE kind = 'complete' GROUP BY outcome"))
    assert found.get("accepted"), found
    assert found.get("partially_accepted"), found
