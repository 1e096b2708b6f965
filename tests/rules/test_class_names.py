"""A class name means one thing everywhere, so it is defined once. Stand-ins in tests may share a name."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_no_class_name_is_defined_twice() -> None:
    files: dict[str, list[str]] = defaultdict(list)
    for package in ("daemon", "lsp", "router_model"):
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ClassDef):
                    files[node.name].append(path.relative_to(ROOT).as_posix())
    assert {name: places for name, places in files.items() if len(places) > 1} == {}
