"""Imports point one way, and only named files touch the heavy libraries. Read from the source, nothing is run."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CLIENT_SIDE = {"client", "wire", "errors", "paths", "config", "config_file", "cli_common", "excluded", "secrets"}
ONLY_IN = {
    "llama_cpp": {"daemon/worker.py", "daemon/worker_engine.py", "router_model/batched_decode.py"},
    "pygls": {"lsp/"},
    "lsprotocol": {"lsp/"},
    "starlette": {"daemon/"},
    "onnxruntime": {"router_model/"},
    "torch": {"router_model/"},
    "openai": {"daemon/remote_tier.py", "daemon/remote_errors.py", "router_model/"},
}


def python_files(folder: str) -> list[Path]:
    return sorted(path for path in (ROOT / folder).rglob("*.py") if "node_modules" not in path.parts)


def imports(path: Path) -> Iterator[str]:
    """Dotted names of everything that a file imports, relative ones made absolute."""
    package = ".".join(["halfwatt", *path.relative_to(ROOT).with_suffix("").parts[:-1]])
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package.split(".")[: len(package.split(".")) + 1 - node.level]) if node.level else ""
            name = ".".join(part for part in (base, node.module) if part)
            yield name
            yield from (f"{name}.{alias.name}" for alias in node.names)


def imported_from(folder: str, package: str) -> set[tuple[str, str]]:
    prefix = f"halfwatt.{package}."
    return {
        (path.relative_to(ROOT).as_posix(), name.removeprefix(prefix).split(".")[0])
        for path in python_files(folder)
        for name in imports(path)
        if name.startswith(prefix)
    }


def test_language_server_uses_only_the_client_side_of_the_daemon() -> None:
    used = imported_from("lsp", "daemon")
    allowed = {(path, module) for path, module in used if module in CLIENT_SIDE}
    command_groups = {(path, module) for path, module in used if path == "lsp/cli.py" and module.startswith("cli_")}
    assert used - allowed - command_groups == set()


def test_language_server_uses_the_router_only_to_mount_its_commands() -> None:
    used = imported_from("lsp", "router_model")
    assert {entry for entry in used if entry != ("lsp/cli.py", "cli")} == set()


@pytest.mark.parametrize(("folder", "above"), [("daemon", "lsp"), ("router_model", "lsp"), ("router_model", "daemon")])
def test_lower_layer_never_imports_a_higher_one(folder: str, above: str) -> None:
    assert imported_from(folder, above) == set()


@pytest.mark.parametrize("library", sorted(ONLY_IN))
def test_heavy_library_is_imported_only_where_it_belongs(library: str) -> None:
    users = {
        path.relative_to(ROOT).as_posix()
        for folder in ("daemon", "lsp", "router_model")
        for path in python_files(folder)
        if any(name == library or name.startswith(library + ".") for name in imports(path))
    }
    allowed = ONLY_IN[library]
    assert {path for path in users if not any(path == place or path.startswith(place) for place in allowed)} == set()
