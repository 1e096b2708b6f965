"""Importing a module starts nothing: its top level holds definitions and constants, and reads nothing from outside."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from repository import ROOT

# onnxruntime reads this variable while it is imported: nothing later would keep it from collecting usage
MAY_ACT = {"router_model/__init__.py": {"os.environ"}}
OUTSIDE = {"os.environ", "sys.argv", "sys.stdin", "sys.stdout"}
ACTING = {
    "open", "read_text", "read_bytes", "write_text", "write_bytes", "exists", "is_file", "stat", "mkdir", "iterdir",
    "glob", "getenv", "run", "Popen", "Thread", "socket", "connect", "start", "basicConfig", "addHandler", "setLevel",
}  # fmt: skip
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)


def constants(tree: ast.Module) -> Iterator[ast.stmt]:
    """Statements of the top level that run at import, class bodies and functions apart."""
    for node in tree.body:
        is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        is_guarded = isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "__name__ == '__main__'")
        if not is_text and not is_guarded and not isinstance(node, DEFINITIONS):
            yield node


def acts(path: Path) -> Iterator[str]:
    """What a module does when it is imported."""
    allowed = MAY_ACT.get(path.relative_to(ROOT).as_posix(), set())
    for statement in constants(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(statement, ast.Expr):
            yield ast.unparse(statement)
        for node in ast.walk(statement):
            if isinstance(node, ast.Attribute) and ast.unparse(node) in OUTSIDE - allowed:
                yield ast.unparse(node)
            if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in ACTING:
                yield ast.unparse(node.func)


@pytest.mark.parametrize("package", ["daemon", "lsp", "router_model"])
def test_module_only_defines(package: str) -> None:
    files = [path for path in (ROOT / package).rglob("*.py") if path.name != "__main__.py"]
    assert {path.relative_to(ROOT).as_posix(): found for path in files if (found := list(acts(path)))} == {}
