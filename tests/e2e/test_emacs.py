"""Emacs with eglot and nothing else: an editor of which halfwatt knows nothing. The scenarios are in emacs/."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import editor_run
import pytest
from generate_home import halfwatt, user_home
from missing import missing
from repository import TESTS

pytestmark = pytest.mark.editor

SCENARIOS = TESTS / "emacs" / "scenarios.el"
HELPERS = {"until", "check", "open-file", "take-code-action", "worker", "tell-the-server", "type-meanwhile"}
NAMES = [it for it in re.findall(r"^\(defun ([\w-]+)", SCENARIOS.read_text(), re.MULTILINE) if it not in HELPERS]


@pytest.fixture(scope="module")
def emacs() -> str:
    """Emacs that has eglot: part of it from 29 on, before that Debian's package elpa-eglot."""
    found = shutil.which("emacs")
    has_eglot = [found or "", "--batch", "--eval", "(require 'eglot)"]
    if found is None or subprocess.run(has_eglot, capture_output=True, check=False).returncode != 0:
        missing("Emacs with eglot is missing: install Debian's packages emacs-nox and elpa-eglot")
    return found


@pytest.fixture(scope="module")
def environ(tmp_path_factory: pytest.TempPathFactory, model_path: Path) -> Iterator[dict[str, str]]:
    """A user's environment whose daemon runs with the model loaded: scenarios hold the worker while they type."""
    folder = tmp_path_factory.mktemp("emacs")
    with user_home(folder, model_path) as made:
        (folder / "add.py").write_text('def add(a, b):\n    """Return a + b."""\n    pass\n')
        loaded = halfwatt(made, "generate", f"{folder / 'add.py'}:1", "--route", "local")
        assert loaded.returncode == 0, loaded.stderr
        yield made


@pytest.mark.parametrize("name", NAMES)
def test_scenario(emacs: str, environ: dict[str, str], tmp_path: Path, name: str) -> None:
    editor_run.run([emacs, "--batch", "--load", str(SCENARIOS), "--funcall", name], name, environ, tmp_path)
