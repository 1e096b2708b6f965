"""The Neovim plugin in the real editor, with the real server, daemon and model. The scenarios are in nvim/."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import editor_run
import pytest
from cloud_server import CloudServer
from generate_home import halfwatt, user_home
from repository import ROOT

pytestmark = [pytest.mark.editor]

FILE = "scenarios.lua"
WITHOUT_MODEL = {
    "long_messages_wait_for_no_key",
    "missing_model_is_said_with_what_to_do",
    "missing_server_is_a_sentence",
    "question_waits_until_typing_ends",
    "silence_has_a_reason",
}
WITH_CLOUD = {"cloud_answers_where_it_is_chosen_and_why_says_so"}
CLOUD_KEY = "stand-in"
STUB = 'def add(a: int, b: int) -> int:\n    """Return the sum of a and b."""\n    pass\n'


@pytest.fixture(scope="module")
def environ(tmp_path_factory: pytest.TempPathFactory, model_path: Path) -> Iterator[dict[str, str]]:
    """A user's environment whose daemon runs with the model loaded: scenarios hold the worker while they look."""
    folder = tmp_path_factory.mktemp("nvim")
    with user_home(folder, model_path) as made:
        (folder / "add.py").write_text(STUB)
        loaded = halfwatt(made, "generate", f"{folder / 'add.py'}:1", "--route", "local")
        assert loaded.returncode == 0, loaded.stderr
        yield made


@pytest.fixture(scope="module")
def bare_environ(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with user_home(tmp_path_factory.mktemp("nvim-bare"), None) as made:
        yield made


@pytest.fixture
def cloud_environ(tmp_path: Path, cloud_server: CloudServer) -> Iterator[dict[str, str]]:
    """Without a local model, with a stand-in for a cloud and the user's consent to it."""
    with user_home(tmp_path / "cloud", None) as made:
        config = Path(made["HALFWATT_HOME"]) / "config"
        (config / "config.toml").write_text(
            f'[routing]\nescalation = "auto"\n[[tiers]]\nname = "cloud"\nkind = "cloud"\nkey = "{CLOUD_KEY}"\n'
            f'base_url = "{cloud_server.base_url}"\nmodel = "{cloud_server.model}"\nactive_parameters_b = 8\n'
        )
        (config / "keys").mkdir(mode=0o700)
        (config / "keys" / CLOUD_KEY).touch(mode=0o600)
        (config / "keys" / CLOUD_KEY).write_text(cloud_server.key)
        yield made


@pytest.mark.parametrize("name", [it for it in editor_run.nvim_names(FILE) if it not in WITHOUT_MODEL | WITH_CLOUD])
def test_scenario_with_model(environ: dict[str, str], tmp_path: Path, name: str) -> None:
    editor_run.run_nvim(FILE, name, environ, tmp_path)


@pytest.mark.parametrize("name", sorted(WITHOUT_MODEL))
def test_scenario_without_model(bare_environ: dict[str, str], tmp_path: Path, name: str) -> None:
    editor_run.run_nvim(FILE, name, bare_environ, tmp_path)


@pytest.mark.parametrize("name", sorted(WITH_CLOUD))
def test_scenario_with_cloud(cloud_environ: dict[str, str], tmp_path: Path, name: str) -> None:
    editor_run.run_nvim(FILE, name, cloud_environ, tmp_path)


def test_help_names_every_command_mapping_and_option() -> None:
    plugin = ROOT / "editors" / "nvim"
    manual = (plugin / "doc" / "halfwatt.txt").read_text()
    entry = (plugin / "plugin" / "halfwatt.lua").read_text()
    options = (plugin / "lua" / "halfwatt" / "config.lua").read_text()
    for command in re.findall(r'^command\("(\w+)"', entry, re.MULTILINE):
        assert f"*:Halfwatt{command}*" in manual
    for mapping in re.findall(r'^plug\("\w", "([\w-]+)"', entry, re.MULTILINE):
        assert f"<Plug>(halfwatt-{mapping})" in manual
    for option in re.findall(r"---@field (\w+)\?", options):
        assert f"`{option}`" in manual
