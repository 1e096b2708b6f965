"""A class name means one thing: no two modules of daemon/, lsp/ and router_model/ define classes of the same name.

An underscore in front does not make a different name.
"""

from __future__ import annotations

import ast
from collections import defaultdict

from repository import ROOT

PACKAGES = ("daemon", "lsp", "router_model")


def places_of_classes() -> dict[str, list[str]]:
    """Class name → the places that define it; classes inside classes and functions count, too."""
    found = defaultdict(list)
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ClassDef):
                    found[node.name.lstrip("_")].append(f"{path.relative_to(ROOT).as_posix()}:{node.lineno}")
    return found


def test_no_class_name_is_defined_twice() -> None:
    assert {name: places for name, places in places_of_classes().items() if len(places) > 1} == {}
