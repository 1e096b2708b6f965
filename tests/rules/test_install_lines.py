"""No line here installs the name halfwatt from an index, where nobody owns it yet: only a path or a URL."""

from __future__ import annotations

import re
import subprocess

import pytest
from repository import ROOT

INSTALLERS = (
    r"pip3?\s+install|pipx\s+(?:install|run)|uv\s+(?:tool\s+install|tool\s+run|pip\s+install|add)|uvx|conda\s+install"
    r"|poetry\s+add|npm\s+(?:install|i)|npx|brew\s+install|cargo\s+install|--install-extension|ext\s+install|vsce\s+install"
)
LINE = re.compile(rf"(?:{INSTALLERS})[\"',\s]+([^`\n]*)")
# The name itself, with or without an extra or a version; no path, file, URL or command.
NAME = re.compile(r"(?<![\w./\\-])halfwatt(?:\[[\w,-]*\])?(?:[=<>~!]=?[\w.]*)?(?![\w./\\-])(?!\.(?:whl|vsix|tar))")


def names_in(text: str) -> list[str]:
    """The install lines of the text that ask an index for halfwatt."""
    return [found[0] for found in LINE.finditer(text) if NAME.search(found[1].split("#")[0].split("&&")[0])]


@pytest.mark.parametrize(
    "line",
    ["pip install halfwatt", "pipx install 'halfwatt[train]'", "uvx halfwatt lsp", "pip install -U halfwatt==1.0",
     "uv tool install halfwatt", '["-m", "pip install", "halfwatt"]', "code --install-extension halfwatt"],
)  # fmt: skip
def test_such_a_line_is_found(line: str) -> None:
    assert names_in(line)


@pytest.mark.parametrize(
    "line",
    ["pipx install .   # or: uv tool install .", "pip install ./dist/halfwatt-0.1.0-py3-none-any.whl",
     "code --install-extension halfwatt.vsix", "pip install -e '.[test]' && halfwatt doctor", "npm install"],
)  # fmt: skip
def test_a_path_is_not(line: str) -> None:
    assert not names_in(line)


def test_no_file_of_the_repository_has_one() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    files = [ROOT / name for name in listed.stdout.split("\0") if name] or [p for p in ROOT.rglob("*") if p.is_file()]
    found = {}
    for file in files:
        if file.name in ("test_install_lines.py", "CHANGELOG.md") or not file.is_file():
            continue
        try:
            lines = names_in(file.read_text("utf-8"))
        except UnicodeDecodeError:
            continue
        if lines:
            found[file.relative_to(ROOT).as_posix()] = lines
    assert found == {}


def test_the_extension_installs_only_a_file_that_was_chosen() -> None:
    source = (ROOT / "editors/vscode/src/install.ts").read_text("utf-8")
    assert "endsWith('.whl')" in source
    assert "'pip', 'install', '-v', '--upgrade', wheel]" in source
