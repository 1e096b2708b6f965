"""Each child process is given its working folder, and Python runs as a child by daemon/child_process.py alone."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from repository import ROOT

STARTERS = {"Popen", "run", "check_output", "check_call", "call", "create_subprocess_exec", "create_subprocess_shell"}
PRODUCT = [path for room in ("daemon", "lsp", "router_model") for path in sorted((ROOT / room).rglob("*.py"))]
# The helper itself, the sandbox (isolated by -I), and a check that only prints it.
MAY_NAME_PYTHON = {"daemon/child_process.py", "router_model/sandbox/sandbox.py", "daemon/cli/checks.py"}


def starters(tree: ast.AST) -> list[ast.Call]:
    """Calls that start a process: of `subprocess`, `os` or `asyncio`."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [call for call in calls if _module(call) in ("subprocess", "os", "asyncio") and _is_starter(call)]


def _module(call: ast.Call) -> str:
    owner = call.func.value if isinstance(call.func, ast.Attribute) else None
    return owner.id if isinstance(owner, ast.Name) else ""


def _is_starter(call: ast.Call) -> bool:
    assert isinstance(call.func, ast.Attribute)
    name = call.func.attr
    if _module(call) == "asyncio" and name == "run":
        return False
    return name in STARTERS or (_module(call) == "os" and name.startswith(("exec", "spawn", "popen", "system")))


@pytest.mark.parametrize("path", PRODUCT, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_children_have_a_working_folder_of_our_choice(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    for call in starters(tree):
        assert "cwd" in {keyword.arg for keyword in call.keywords}, f"line {call.lineno} starts a process without cwd="
    if path.relative_to(ROOT).as_posix() not in MAY_NAME_PYTHON:
        assert "sys.executable" not in path.read_text("utf-8")


def test_the_search_finds_what_it_is_for() -> None:
    found = starters(ast.parse("import subprocess, os\nsubprocess.run(['git'])\nos.system('git')\nasyncio.run(main())"))
    assert len(found) == 2
    assert any(starters(ast.parse(path.read_text("utf-8"))) for path in PRODUCT)
