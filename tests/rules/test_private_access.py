"""Tests use what they test as its users do: no test and no helper reads a private name of another object or module.

Names that an object reads of itself (`self`, `cls`) are its own.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from repository import TESTS

PUBLIC = {"os._exit"}  # documented as public, whatever its name looks like
CALLS_WITH_NAMES = {"getattr", "setattr", "delattr"}
FILES = sorted(TESTS.rglob("*.py"))


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def private_access(tree: ast.Module) -> Iterator[str]:
    """Private names as attributes, in imports, and in strings for `getattr`, `setattr` and `monkeypatch`."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="self" | "cls")):
                continue
            case ast.Attribute(attr=name) if is_private(name) and ast.unparse(node) not in PUBLIC:
                yield f"line {node.lineno}: {ast.unparse(node)}"
            case ast.ImportFrom(names=names):
                yield from (f"line {node.lineno}: {each.name}" for each in names if is_private(each.name))
            case ast.Call(func=ast.Name(id=called) | ast.Attribute(attr=called)) if called in CALLS_WITH_NAMES:
                texts = [each.value for each in node.args if isinstance(each, ast.Constant)]
                yield from (
                    f"line {node.lineno}: {text}"
                    for text in texts
                    if isinstance(text, str) and is_private(text.rpartition(".")[2])
                )


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(TESTS).as_posix())
def test_no_private_name_of_another_is_used(path: Path) -> None:
    assert list(private_access(ast.parse(path.read_text(encoding="utf-8")))) == []


@pytest.mark.parametrize(
    "line",
    [
        "service._parts.router",
        "tier._load = None",
        "from halfwatt.daemon.api import _body",
        'setattr(tier, "_load", None)',
        'monkeypatch.setattr("halfwatt.daemon.worker.fallbacks._processor", str)',
    ],
)
def test_private_names_are_found(line: str) -> None:
    assert len(list(private_access(ast.parse(line)))) == 1
