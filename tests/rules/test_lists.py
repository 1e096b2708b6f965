"""Lists that must be kept twice are compared with the one that counts.

Another program reads them, or a command line that must start fast does not import the one that counts.
"""

from __future__ import annotations

import json
import re
from typing import get_args

import pytest
from repository import ROOT

from halfwatt.daemon import wire
from halfwatt.daemon.cli import config as cli_config
from halfwatt.daemon.cli import models as cli_models
from halfwatt.daemon.code.languages import LANGUAGES
from halfwatt.daemon.models import pull
from halfwatt.daemon.settings import schema
from halfwatt.daemon.telemetry import otlp

LANGUAGE_IDS = {id_ for it in LANGUAGES for id_ in (it.id, *it.aliases)}
LANGUAGE_NAMES = {it.name.partition(" (")[0] for it in LANGUAGES}
EMACS_MODES = {"javascript": "js", "cpp": "c++"}  # where the mode is not named after the languageId
NOT_IN_EMACS = {"typescript", "typescriptreact"}  # Emacs 28 has no mode for them


def read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def listed(path: str, pattern: str) -> str:
    """The part of a file that the pattern's group holds."""
    match = re.search(pattern, read(path), re.DOTALL)
    assert match is not None, f"{path} has no longer what looks like its list"
    return match[1]


def words(text: str) -> set[str]:
    return set(re.findall(r"[\w+-]+", text))


# file, pattern around its list of languageIds
LANGUAGE_LISTS = [
    ("editors/vscode/src/server.ts", r"const LANGUAGES = \[(.*?)\]"),
    ("editors/nvim/lua/halfwatt/config.lua", r"filetypes = \{(.*?)\}"),
    ("editors/nvim/doc/halfwatt.txt", r"Where it is started\. Default: (.*?)\n`"),
]


@pytest.mark.parametrize(("path", "pattern"), LANGUAGE_LISTS, ids=[row[0] for row in LANGUAGE_LISTS])
def test_editor_serves_every_language(path: str, pattern: str) -> None:
    assert words(listed(path, pattern)) == LANGUAGE_IDS


def test_vscode_starts_with_every_language() -> None:
    events = json.loads(read("editors/vscode/package.json"))["activationEvents"]
    assert {event.removeprefix("onLanguage:") for event in events} == LANGUAGE_IDS


def test_vscode_page_names_every_language() -> None:
    sentence = listed("editors/vscode/README.md", r"## Where it works\n\n(.*?):")
    assert set(re.split(r", | and ", sentence)) == LANGUAGE_NAMES


def test_emacs_example_has_a_mode_for_every_language_that_emacs_knows() -> None:
    modes = words(listed("packaging/docs/editors.md", r"'\(\(([\w +-]*?)\) \. \(\"halfwatt\""))
    wanted = {f"{EMACS_MODES.get(it.id, it.id)}-mode" for it in LANGUAGES if it.id not in NOT_IN_EMACS}
    assert modes == wanted


def test_telemetry_may_name_every_language() -> None:
    assert otlp.LANGUAGES == LANGUAGE_IDS


@pytest.mark.parametrize("path", ["pyproject.toml", "constraints.txt"])
def test_every_grammar_is_installed_and_no_other(path: str) -> None:
    wanted = {it.grammar[0].replace("_", "-") for it in LANGUAGES}
    assert set(re.findall(r"\b(tree-sitter-[a-z]+)", read(path))) == wanted


def test_command_line_takes_what_the_settings_and_the_sources_know() -> None:
    assert cli_config.Consent == wire.Consent
    assert cli_config.ServerKind == schema.ServerKind
    assert cli_models.SourceKind == pull.SourceKind
    assert set(cli_config.CONSENT_WORDS) == set(get_args(wire.Consent))


def test_every_kind_of_server_is_a_kind_of_tier() -> None:
    assert set(get_args(schema.ServerKind)) == set(get_args(wire.TierKind)) - {"local", "none"}
