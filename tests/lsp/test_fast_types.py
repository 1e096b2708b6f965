"""The quick start of the language server: the same protocol, and nothing that a start need not wait for."""

from __future__ import annotations

import json
import subprocess
import sys

FAST = "from halfwatt.lsp.fast_types import import_types; import_types()\n"
FIELDS = """
import attrs, json
from lsprotocol import types
from pygls.protocol import default_converter
default_converter()
shapes = {
    name: [[field.name, str(field.type), str(field.default), field.validator is not None] for field in attrs.fields(it)]
    for name, it in types.ALL_TYPES_MAP.items()
    if isinstance(it, type) and attrs.has(it)
}
print(json.dumps(shapes))
"""
ROUND = """
import json
from lsprotocol import types
from pygls.protocol import default_converter
converter = default_converter()
edit = {"documentChanges": [
    {"textDocument": {"uri": "file:///a", "version": 1}, "edits": [
        {"newText": "x", "range": {"start": {"line": 0, "character": 1}, "end": {"line": 0, "character": 2}}}]},
    {"kind": "rename", "oldUri": "file:///a", "newUri": "file:///b"}]}
print(json.dumps(converter.unstructure(converter.structure(edit, types.WorkspaceEdit)), sort_keys=True))
print(types.Position(1, 2) == types.Position(1, 2), types.Position(1, 2) < types.Position(1, 3), types.Position(1, 2))
"""
START = """
import os, sys
from halfwatt.daemon.paths import user_paths
from halfwatt.lsp.server import create
create(user_paths(os.environ), os.environ)
print(" ".join(sys.modules))
"""


def test_every_class_of_the_protocol_has_the_same_fields() -> None:
    plain = json.loads(python(FIELDS))
    assert len(plain) > 500
    assert json.loads(python(FAST + FIELDS)) == plain


def test_messages_are_read_and_written_the_same() -> None:
    assert python(FAST + ROUND) == python(ROUND)


def test_start_imports_nothing_that_can_wait() -> None:
    found = set(python(FAST + START).split())
    assert "pygls.lsp.server" in found
    assert not found & {"tree_sitter", "numpy", "onnxruntime", "httpx2", "openai", "email", "sqlite3", "http.client"}


def python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120).stdout
