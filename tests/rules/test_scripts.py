"""Scripts of the editors' tests name files of the checkout; a file that moves takes its name along."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from repository import TESTS

SCRIPTS = sorted(path for pattern in ("*.mjs", "*.lua", "*.el", "*.sh", "*.js") for path in TESTS.rglob(pattern))
RELATIVE_FILE = re.compile(r"""['"](\.\.?/[\w./-]+\.(?:py|lua|mjs|js|el|sh))['"]""")
MADE_BY_A_TEST = {"../second/window.py"}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.relative_to(TESTS).as_posix())
def test_files_that_a_script_names_are_there(script: Path) -> None:
    named = set(RELATIVE_FILE.findall(script.read_text(encoding="utf-8"))) - MADE_BY_A_TEST
    assert {name for name in named if not (script.parent / name).exists()} == set()
