"""Imports point one way: each room may import the rooms named here and no others. Read from the source; nothing runs.

Lazy imports count, and so do module names in strings (`"halfwatt.daemon.cli.models"`), but not those for
`python_command`: a child process imports nothing into its parent.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from repository import ROOT

PACKAGES = ("daemon", "lsp", "router_model")
# room: the rooms whose modules it may import, itself apart
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "daemon": (),
    "daemon/settings": ("daemon",),
    "daemon/code": (),
    "daemon/client": ("daemon",),
    "daemon/inference": ("daemon", "daemon/code", "router_model/serving"),
    "daemon/privacy": ("daemon", "daemon/settings"),
    "daemon/energy": ("daemon", "daemon/settings"),
    "daemon/models": ("daemon", "daemon/settings"),
    "daemon/meters": ("daemon", "daemon/settings", "daemon/energy"),
    "daemon/ledger": ("daemon", "daemon/settings", "daemon/energy"),
    "daemon/worker": ("daemon", "daemon/settings", "daemon/inference", "daemon/models", "router_model/serving"),
    "daemon/tiers": (
        "daemon", "daemon/settings", "daemon/inference", "daemon/energy", "daemon/models", "daemon/meters",
        "daemon/worker",
    ),
    "daemon/routing": (
        "daemon", "daemon/settings", "daemon/inference", "daemon/energy", "daemon/models", "daemon/meters",
        "daemon/ledger", "router_model", "router_model/serving",
    ),
    "daemon/telemetry": ("daemon", "daemon/ledger"),
    "daemon/dashboard": ("daemon", "daemon/ledger"),
    "daemon/service": (
        "daemon", "daemon/settings", "daemon/inference", "daemon/privacy", "daemon/energy", "daemon/ledger",
        "daemon/routing", "daemon/tiers",
    ),
    "daemon/api": (
        "daemon", "daemon/settings", "daemon/client", "daemon/inference", "daemon/energy", "daemon/ledger",
        "daemon/tiers", "daemon/service",
    ),
    "daemon/server": (
        "daemon", "daemon/settings", "daemon/client", "daemon/energy", "daemon/models", "daemon/meters",
        "daemon/ledger", "daemon/tiers", "daemon/routing", "daemon/telemetry", "daemon/dashboard",
        "daemon/service", "daemon/api",
    ),
    "daemon/cli": (
        "daemon", "daemon/settings", "daemon/client", "daemon/code", "daemon/inference", "daemon/energy",
        "daemon/models", "daemon/meters", "daemon/ledger", "daemon/worker", "daemon/tiers", "daemon/routing",
        "daemon/telemetry", "daemon/server", "router_model", "router_model/serving", "router_model/labelling",
        "router_model/commands",
    ),
    "lsp/completion/postprocess": ("daemon/code",),
    "lsp/editor": ("daemon", "daemon/client", "daemon/code"),
    "lsp/completion/context": ("daemon/privacy", "daemon/settings", "daemon/code"),
    "lsp/imports": ("daemon/code",),
    "lsp/generate": ("daemon", "daemon/privacy", "daemon/code", "daemon/inference", "lsp/editor", "lsp/imports"),
    "lsp/completion": (
        "daemon", "daemon/client", "daemon/privacy", "daemon/settings", "daemon/code", "lsp/completion/context",
        "lsp/completion/postprocess",
    ),
    "lsp": (
        "daemon", "daemon/client", "daemon/privacy", "daemon/settings", "daemon/cli", "daemon/code", "daemon/inference",
        "lsp/editor",
        "lsp/generate", "lsp/completion", "lsp/completion/context",
    ),
    "router_model": (),
    "router_model/sandbox": ("router_model",),
    "router_model/serving": ("router_model", "router_model/sandbox"),
    "router_model/labelling": (
        "daemon", "daemon/code", "daemon/inference", "daemon/models", "daemon/worker",
        "router_model", "router_model/sandbox", "router_model/serving",
    ),
    "router_model/training": ("router_model/serving", "router_model/labelling"),
    "router_model/export": ("router_model/serving", "router_model/training"),
    "router_model/measures": (
        "router_model/serving", "router_model/labelling", "router_model/training",
    ),
    "router_model/baselines": (
        "router_model/labelling", "router_model/training", "router_model/measures",
    ),
    "router_model/bench": (
        "router_model", "router_model/serving", "router_model/labelling", "router_model/training",
        "router_model/measures", "router_model/baselines",
    ),
    "router_model/commands": (
        "router_model", "router_model/sandbox", "router_model/serving", "router_model/labelling",
        "router_model/training", "router_model/export", "router_model/measures", "router_model/baselines",
        "router_model/bench",
    ),
    "router_model/recording": (
        "router_model", "router_model/sandbox", "router_model/labelling", "router_model/export",
        "router_model/measures", "router_model/baselines",
        "router_model/bench",
    ),
}  # fmt: skip
ONLY_IN = {
    "llama_cpp": ("daemon/worker/", "router_model/labelling/batched_decode.py"),
    "pygls": ("lsp/",),
    "lsprotocol": ("lsp/",),
    "starlette": ("daemon/api/", "daemon/dashboard/", "daemon/server/"),
    "uvicorn": ("daemon/server/",),
    "onnxruntime": ("router_model/",),
    "torch": ("router_model/",),
    "openai": ("daemon/tiers/", "router_model/labelling/"),
}
MODULE_NAME = re.compile(r"halfwatt(?:\.\w+)+")


def source_files() -> list[Path]:
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def room_of(path: Path) -> str:
    return path.parent.relative_to(ROOT).as_posix()


def modules() -> dict[str, Path]:
    """Dotted name → file; a package is known by its name, too."""
    found = {}
    for path in source_files():
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(["halfwatt", *(parts[:-1] if parts[-1] == "__init__" else parts)])] = path
    return found


MODULES = modules()


@cache
def imports(path: Path) -> frozenset[str]:
    """Dotted names of everything that a file imports, relative ones made absolute, and module names in strings."""
    return frozenset(_imports(path))


def _imports(path: Path) -> Iterator[str]:
    package = ["halfwatt", *path.parent.relative_to(ROOT).parts]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) + 1 - node.level]) if node.level else ""
            name = ".".join(part for part in (base, node.module) if part)
            yield name
            yield from (f"{name}.{alias.name}" for alias in node.names)
    started = {node.args[0] for node in ast.walk(tree) if isinstance(node, ast.Call) and _starts_child(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and node not in started and MODULE_NAME.fullmatch(str(node.value)):
            yield str(node.value)


def _starts_child(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id == "python_command"


@cache
def imported_files(path: Path) -> set[Path]:
    """Files of ours that a file imports. A package's `__init__` counts only where nothing below it is meant."""
    names = set(imports(path))
    found = {MODULES[name] for name in names if name in MODULES}
    return {file for file in found if file.name != "__init__.py"} - {path}


def rooms() -> set[str]:
    return {room_of(path) for path in source_files() if path.name != "__init__.py"}


def test_every_room_stands_in_the_table() -> None:
    assert rooms() == set(MAY_IMPORT)


@pytest.mark.parametrize("room", sorted(MAY_IMPORT))
def test_room_imports_only_what_the_table_allows(room: str) -> None:
    allowed = {room, *MAY_IMPORT[room]}
    files = [path for path in source_files() if room_of(path) == room]
    wrong = {
        f"{path.name} imports {other.relative_to(ROOT).as_posix()}"
        for path in files
        for other in imported_files(path)
        if room_of(other) not in allowed
    }
    assert wrong == set()


def test_table_has_no_circle() -> None:
    floors: dict[str, int] = {}
    left = dict(MAY_IMPORT)
    while left:
        free = [room for room, below in left.items() if all(each in floors for each in below)]
        assert free, f"these rooms import each other in a circle: {sorted(left)}"
        floors |= dict.fromkeys(free, len(floors))
        left = {room: below for room, below in left.items() if room not in floors}


def test_table_allows_nothing_that_no_file_uses() -> None:
    used = {(room_of(path), room_of(other)) for path in source_files() for other in imported_files(path)}
    spare = {f"{room} → {other}" for room, below in MAY_IMPORT.items() for other in below if (room, other) not in used}
    assert spare == set()


def test_no_circle_between_files() -> None:
    """Imports that stand under TYPE_CHECKING count, too: two files that name each other are one thing in two places."""
    below = {path: imported_files(path) for path in source_files()}
    while free := [path for path, others in below.items() if not others & below.keys()]:
        for path in free:
            del below[path]
    assert sorted(path.relative_to(ROOT).as_posix() for path in below) == []


def test_no_folder_has_more_than_sixteen_source_files() -> None:
    folders = [ROOT / "tests", *(ROOT / package for package in PACKAGES)]
    counts = Counter(path.parent for folder in folders for path in folder.rglob("*.py") if path.name != "__init__.py")
    assert {str(folder): count for folder, count in counts.items() if count > 16} == {}


def test_room_says_its_job_and_imports_nothing() -> None:
    for room in rooms():
        tree = ast.parse((ROOT / room / "__init__.py").read_text(encoding="utf-8"))
        assert ast.get_docstring(tree), f"{room}/__init__.py has no sentence about the room"
        ours = [name for name in sorted(imports(ROOT / room / "__init__.py")) if name.startswith("halfwatt")]
        assert ours == [], f"{room}/__init__.py imports {ours}"


@pytest.mark.parametrize("library", sorted(ONLY_IN))
def test_heavy_library_is_imported_only_where_it_belongs(library: str) -> None:
    users = {
        path.relative_to(ROOT).as_posix()
        for path in source_files()
        if any(name == library or name.startswith(library + ".") for name in imports(path))
    }
    assert {path for path in users if not path.startswith(ONLY_IN[library])} == set()
