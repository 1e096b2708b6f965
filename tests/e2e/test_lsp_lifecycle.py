"""The language server's start, documents, code actions and end, over real stdio. No model is needed here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from importlib.metadata import version

import pytest
import pytest_asyncio
from lsp_session import Session, capabilities, field, session
from lsprotocol import types
from pygls.exceptions import JsonRpcException
from running_daemon import environ_for

from halfwatt.lsp.editor.documents import MAX_CHARS
from halfwatt.lsp.editor.extensions import COMMANDS

pytestmark = pytest.mark.asyncio(loop_scope="module")
URI = "file:///w/a%20b/%C3%A9.py"
STUB = "def f(a):\n    pass\n"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_window(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Session]:
    async with session(environ_for(tmp_path_factory.mktemp("home"))) as window:
        yield window


@pytest_asyncio.fixture(loop_scope="module")
async def window(shared_window: Session) -> AsyncIterator[Session]:
    """An editor without documents. Its server runs for the whole module, because a start takes most of a test."""
    yield shared_window
    for uri in list(shared_window.texts):
        shared_window.close(uri)


async def test_server_announces_what_it_can(clean_environ: dict[str, str]) -> None:
    async with session(clean_environ) as window:
        assert window.initialized is not None
        assert window.initialized.server_info is not None
        assert window.initialized.server_info.version == version("halfwatt")
        able = window.initialized.capabilities
        assert able.execute_command_provider is not None
        assert {f"halfwatt.{name}" for name in COMMANDS} <= set(able.execute_command_provider.commands)
        assert isinstance(able.code_action_provider, types.CodeActionOptions)
        assert able.inline_completion_provider is not None


async def test_server_ends_with_its_editor_and_says_nothing_on_stderr(clean_environ: dict[str, str]) -> None:
    async with session(clean_environ) as window:
        window.open(URI, STUB)
        assert await window.actions(URI, 3)
    assert await window.stderr.read() == b""
    assert window.process.returncode == 0


async def test_server_ends_when_its_editor_dies(clean_environ: dict[str, str]) -> None:
    async with session(clean_environ) as window:
        process = window.process
        assert process.stdin is not None
        process.stdin.close()
        async with asyncio.timeout(20):
            await process.wait()


# language id, text with the cursor at ¦, title, kind
ACTIONS = [
    ("python", "def f(a):\n    ¦pass\n", "Generate function 'f'", "refactor.rewrite"),
    ("python", "x = 1\n# Return the mean ¦of a list.\n", "Generate function from this comment", "refactor.rewrite"),
    ("python", "x = me¦an([1])\n", "Generate function 'mean'", "quickfix"),
    ("typescript", "const f = (a: number) => {¦};\n", "Generate function 'f'", "refactor.rewrite"),
    ("javascriptreact", "function F() { ¦}\n", "Generate function 'F'", "refactor.rewrite"),
    ("rust", "fn f() { to¦do!() }\n", "Generate function 'f'", "refactor.rewrite"),
    ("python", "def f(a):\n    return a¦\n", None, None),
    ("markdown", "# TODO a long comment ¦here\n", None, None),
]


@pytest.mark.parametrize(("language", "marked", "title", "kind"), ACTIONS)
async def test_code_action_fits_the_place(
    window: Session, language: str, marked: str, title: str | None, kind: str | None
) -> None:
    window.open("untitled:Untitled-1", marked.replace("¦", ""), language)
    actions = await window.actions("untitled:Untitled-1", marked.index("¦"))
    found = [(it.title, str(getattr(it.kind, "value", it.kind))) for it in actions]
    assert found == ([(title, kind)] if title else [])


async def test_diagnostic_turns_a_call_into_a_quick_fix(window: Session) -> None:
    text = "export const x = double(2);\n"
    window.open("file:///w/a.ts", text, "typescript")
    assert await window.actions("file:///w/a.ts", text.index("double")) == []
    place = types.Range(types.Position(0, 17), types.Position(0, 23))
    diagnostic = types.Diagnostic(place, "Cannot find name 'double'.")
    (action,) = await window.actions("file:///w/a.ts", text.index("double"), [diagnostic])
    assert action.title == "Generate function 'double'"
    assert list(action.diagnostics or []) == [diagnostic]


async def test_refused_place_shows_its_reason_where_the_editor_can(window: Session) -> None:
    text = "def f(a: int) -> int: ...\n"
    window.open("file:///w/a.pyi", text)
    (action,) = await window.actions("file:///w/a.pyi", 3)
    assert action.disabled is not None
    assert "type stub" in action.disabled.reason


async def test_binary_document_shows_its_reason(window: Session) -> None:
    window.open("file:///w/a.py", "def f():\n    pass\n\0")
    (action,) = await window.actions("file:///w/a.py", 3)
    assert action.disabled is not None
    assert "binary" in action.disabled.reason


# what is wrong, uri, language, text, part of the sentence
UNUSABLE = [
    ("language", "file:///w/a.md", "markdown", "x\n", "Known languages"),
    ("size", "file:///w/a.py", "python", "x = 1\n" * (MAX_CHARS // 6 + 1), "larger than"),
    ("binary", "file:///w/a.py", "python", "x = '\0'\n", "binary"),
    ("finished", "file:///w/a.py", "python", "x = 1\n", "no function stub"),
    ("type stub", "file:///w/a.pyi", "python", "def f(): ...\n", "type stub"),
]


@pytest.mark.parametrize(("wrong", "uri", "language", "text", "sentence"), UNUSABLE, ids=[row[0] for row in UNUSABLE])
async def test_generate_refuses_with_a_sentence(
    window: Session, wrong: str, uri: str, language: str, text: str, sentence: str
) -> None:
    window.open(uri, text, language)
    with pytest.raises(JsonRpcException, match=sentence):
        await window.generate(uri, 0)
    assert window.texts[uri] == text


async def test_bad_arguments_are_named(window: Session) -> None:
    window.open(URI, STUB)
    with pytest.raises(JsonRpcException, match="needs `uri`"):
        await window.command("halfwatt.generate", uri=URI)
    with pytest.raises(JsonRpcException, match="Unknown route 'moon'"):
        await window.generate(URI, 3, route="moon")
    with pytest.raises(JsonRpcException, match="not open"):
        await window.command("halfwatt.generate", uri="file:///w/b.py", position={"line": 0, "character": 0})
    with pytest.raises(JsonRpcException, match="no such generation"):
        await window.command("halfwatt.accept", job="none")


async def test_why_without_a_request_says_so(window: Session) -> None:
    reply = await window.command("halfwatt.why")
    assert "no request yet" in field(reply, "text")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
async def test_typed_text_arrives_unchanged(clean_environ: dict[str, str], encoding: str) -> None:
    """Form feeds and emoji before the stub must not shift it: the action is found at the right place."""
    text = "s = '😀é'\f\n" + STUB
    async with session(clean_environ, capabilities(encodings=[encoding])) as window:
        window.open(URI, text)
        window.type(URI, text.index("'"), text.index("'"), "'😀' + ")
        window.type(URI, window.texts[URI].index("f(a)"), window.texts[URI].index("(a)"), "größe")
        (action,) = await window.actions(URI, window.texts[URI].index("pass"))
        assert action.title == "Generate function 'größe'"
