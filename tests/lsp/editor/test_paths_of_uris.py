"""From the editor's URIs to paths.

pygls decides by the machine it runs on whether separators become backslashes; drive letters, escapes and shares it
reads alike everywhere, and those are tested here.
"""

from __future__ import annotations

from pathlib import Path, PurePath
from types import SimpleNamespace
from typing import cast

import pytest
from lsprotocol import types
from pygls.lsp.server import LanguageServer

from halfwatt.daemon.paths import user_paths
from halfwatt.lsp.editor.documents import Documents
from halfwatt.lsp.editor.editor import Editor
from halfwatt.lsp.inline_completion import workspace_of


def editor(tmp_path: Path, uri: str, *folders: str) -> Editor:
    """An editor with one open document in a workspace of these folders."""
    workspace = Documents(None, workspace_folders=[types.WorkspaceFolder(it, "folder") for it in folders])
    workspace.put_text_document(types.TextDocumentItem(uri, "python", 1, "x = 1\n"))
    server = cast("LanguageServer", SimpleNamespace(workspace=workspace))
    return Editor(server, user_paths({"HALFWATT_HOME": str(tmp_path)}))


# document, folder, the document's path, the folder's path
URIS = [
    ("file:///src/proj/a.py", "file:///src/proj", "/src/proj/a.py", "/src/proj"),
    ("file:///c%3A/src/proj/a.py", "file:///c%3A/src/proj", "c:/src/proj/a.py", "c:/src/proj"),
    ("file:///C:/src/proj/a.py", "file:///c%3A/src/proj", "c:/src/proj/a.py", "c:/src/proj"),
    ("file://host/share/proj/a.py", "file://host/share/proj", "//host/share/proj/a.py", "//host/share/proj"),
    ("file:///w/100%25%20%C3%A9/a.py", "file:///w/100%25%20%C3%A9", "/w/100% é/a.py", "/w/100% é"),
    ("file:///w/a%2520b/a.py", "file:///w/a%2520b", "/w/a%20b/a.py", "/w/a%20b"),
]


@pytest.mark.parametrize(("uri", "folder", "path", "folder_path"), URIS, ids=[row[0] for row in URIS])
def test_document_lies_in_its_workspace_folder(
    tmp_path: Path, uri: str, folder: str, path: str, folder_path: str
) -> None:
    window = editor(tmp_path, uri, folder)
    now = window.snapshot(uri)
    assert PurePath(now.path) == PurePath(path)
    assert workspace_of(now.path, window.folders()) == str(PurePath(folder_path))


def test_innermost_folder_is_the_documents_own(tmp_path: Path) -> None:
    window = editor(tmp_path, "file:///c%3A/src/a/b.py", "file:///c%3A/src", "file:///C%3A/src/a", "file:///c%3A/other")
    assert workspace_of(window.snapshot("file:///c%3A/src/a/b.py").path, window.folders()) == str(PurePath("c:/src/a"))


@pytest.mark.parametrize("uri", ["untitled:Untitled-1", "vscode-vfs://github/o/r/a.py"])
def test_document_that_is_no_file_has_no_path(tmp_path: Path, uri: str) -> None:
    window = editor(tmp_path, uri, "vscode-vfs://github/o/r", "file:///src")
    assert window.snapshot(uri).path == ""
    assert window.folders() == [str(PurePath("/src"))]
    assert workspace_of("", window.folders()) is None
