"""Generations in one process: the editor and the daemon are stand-ins, everything between them is real."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from lsprotocol import types
from parse_count import parsed_texts
from pygls.lsp.server import LanguageServer

from halfwatt.daemon.paths import user_paths
from halfwatt.daemon.wire import (
    AnswerItem,
    Energy,
    Feedback,
    Latency,
    RequestOptions,
    Result,
    RouteDecision,
    Saved,
    SecretFound,
    TokenCounts,
)
from halfwatt.lsp.code_actions import code_actions
from halfwatt.lsp.commands import Commands
from halfwatt.lsp.editor.daemon_link import DaemonLink
from halfwatt.lsp.editor.documents import Documents
from halfwatt.lsp.editor.editor import Editor
from halfwatt.lsp.generate.jobs import Jobs

URI = "file:///w/a.py"
TEXT = "import os\n\n\ndef add(a, b):\n    pass\n\n\nx = 1\n"
CODE = "def add(a, b):\n    return a + b\n"
DONE = TEXT.replace("pass", "return a + b")
CAPABILITIES = types.ClientCapabilities(
    workspace=types.WorkspaceClientCapabilities(apply_edit=True),
    experimental={"halfwatt": {"generateDelta": True}},
)


@dataclass
class Window:
    """The part of a language server that an `Editor` uses. It applies edits as an editor does."""

    workspace: Documents
    client_capabilities: types.ClientCapabilities = field(default_factory=lambda: CAPABILITIES)
    states: list[str] = field(default_factory=list)
    questions: asyncio.Queue[list[str]] = field(default_factory=asyncio.Queue)  # the answers that each one offers
    work_done_progress: Any = None

    @property
    def protocol(self) -> Any:
        return SimpleNamespace(notify=lambda _, params: self.states.append(params["state"]))

    @property
    def text(self) -> str:
        return str(self.workspace.text_documents[URI].source)

    async def workspace_apply_edit_async(
        self, params: types.ApplyWorkspaceEditParams
    ) -> types.ApplyWorkspaceEditResult:
        for edit in (params.edit.changes or {})[URI]:
            self.type(edit.range, edit.new_text)
        return types.ApplyWorkspaceEditResult(applied=True)

    async def window_show_message_request_async(self, params: types.ShowMessageRequestParams) -> None:
        self.questions.put_nowait([it.title for it in params.actions or ()])

    def type(self, place: types.Range, text: str) -> None:
        document = self.workspace.text_documents[URI]
        version = (document.version or 0) + 1
        identifier = types.VersionedTextDocumentIdentifier(version=version, uri=URI)
        change = types.TextDocumentContentChangePartial(range=place, text=text)
        self.workspace.update_text_document(identifier, change)


@dataclass
class Daemon:
    """Answers with `code`; `meanwhile` is what happens before its last word.

    `in_doubt`: it offers the cloud once it has judged its answer. Asked for the route alone, it never does.
    """

    code: str = CODE
    in_doubt: bool = False
    continued: bool = False
    meanwhile: Callable[[], None] = lambda: None
    outcomes: list[Feedback] = field(default_factory=list)
    asked: list[RequestOptions] = field(default_factory=list)
    told: asyncio.Event = field(default_factory=asyncio.Event)

    async def client(self) -> Daemon:
        return self

    async def chat(self, _: Any, options: RequestOptions, **__: Any) -> AsyncGenerator[AnswerItem, None]:
        self.asked.append(options)
        yield RouteDecision("local", "local", "m", "because")
        yield self.code
        self.meanwhile()
        shape = (TokenCounts(10, 3), Latency(), Energy(), Saved())
        end = Result("", "local", "local", "m", "because", {}, "end", *shape, "1", True, self.in_doubt, self.continued)
        yield end

    async def route(self, *_: Any) -> RouteDecision:
        return RouteDecision("local", "local", "m", "because")

    async def feedback(self, feedback: Feedback) -> None:
        self.outcomes.append(feedback)
        self.told.set()


@dataclass
class Parts:
    window: Window
    daemon: Daemon
    editor: Editor
    jobs: Jobs
    commands: Commands
    changed: asyncio.Event

    async def generate(self) -> None:
        """Take the code action at the stub, as an editor does, and wait for the end of what it starts."""
        (action,) = code_actions(self.editor, action_params())
        assert action.command is not None
        (arguments,) = action.command.arguments or ()
        await self.commands.run("generate", cast("dict[str, Any]", arguments))
        while self.jobs.busy:
            self.changed.clear()
            await self.changed.wait()


def action_params() -> types.CodeActionParams:
    at = types.Position(4, 6)
    return types.CodeActionParams(
        types.TextDocumentIdentifier(URI), types.Range(at, at), types.CodeActionContext(diagnostics=[])
    )


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    window, daemon = Window(Documents(None)), Daemon()
    window.workspace.put_text_document(types.TextDocumentItem(URI, "python", 1, TEXT))
    editor = Editor(cast("LanguageServer", window), user_paths({"HALFWATT_HOME": str(tmp_path)}))
    link, changed = cast("DaemonLink", daemon), asyncio.Event()
    jobs = Jobs(editor, link, changed.set)
    return Parts(window, daemon, editor, jobs, Commands(editor, jobs, link, lambda: None), changed)


async def test_generation_parses_its_document_once_and_fits_once(parts: Parts) -> None:
    """The code action, the command, the prompt, the fit and the edit share one tree."""
    with parsed_texts() as parsed:
        await parts.generate()
    assert parts.window.text == DONE
    assert parsed == [TEXT, CODE, DONE]


async def test_answer_that_continues_the_function_fills_its_body(parts: Parts) -> None:
    parts.daemon.code, parts.daemon.continued = "    return a + b\n", True
    await parts.generate()
    assert parts.daemon.asked[0].opening == "```python\ndef add(a, b):\n"
    assert parts.window.text == DONE


async def test_secret_anywhere_in_the_document_is_told(parts: Parts) -> None:
    """The prompt holds a few pieces of the document; the daemon could not find what is elsewhere."""
    start = types.Position(7, 0)
    parts.window.type(types.Range(start, start), "password = 'hunter2'\n")
    await parts.generate()
    assert parts.daemon.asked[0].document_secrets == (SecretFound("named password or key", 8),)


async def test_text_typed_meanwhile_is_parsed_once_and_the_answer_fitted_anew(parts: Parts) -> None:
    typed, start = "# typed\n", types.Position(0, 0)
    parts.daemon.meanwhile = lambda: parts.window.type(types.Range(start, start), typed)
    with parsed_texts() as parsed:
        await parts.generate()
    assert parts.window.text == typed + DONE
    assert parsed == [TEXT, CODE, DONE, typed + TEXT, CODE, typed + DONE]


async def test_generation_says_what_became_of_it(parts: Parts) -> None:
    await parts.generate()
    assert parts.window.states == ["running", "running", "applied"]
    await parts.daemon.told.wait()
    assert [it.outcome for it in parts.daemon.outcomes] == ["accepted"]


@pytest.mark.parametrize("in_doubt", [False, True])
async def test_unusable_answer_that_the_daemon_doubted_offers_the_cloud(parts: Parts, in_doubt: bool) -> None:
    """The doubt came with the answer: the route alone, asked for afterwards, would not tell of it."""
    parts.daemon.code, parts.daemon.in_doubt = "def add(a, b):\n    return (\n", in_doubt
    await parts.generate()
    offered = await parts.window.questions.get()
    assert offered == ["Try again", *(["Try the cloud model"] if in_doubt else []), "Show the answer"]
    assert parts.window.text == TEXT
