"""A small real language client over stdio, for tests, the demo and the bench.

It keeps documents like an editor does (text, version, versioned edits that it may refuse) and records every
notification. Not an editor: it draws nothing.
"""

from __future__ import annotations

import asyncio
import sys
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from lsprotocol import converters, types
from pygls.lsp.client import LanguageClient
from pygls.protocol import LanguageServerProtocol, default_converter

LIMIT_S = 120.0
CONVERTER: Any = converters.get_converter()
OUR_NOTIFICATIONS = ("halfwatt/generateDelta", "halfwatt/didChangeStatus", "halfwatt/showDiff")
WISHES = {"halfwatt": {"status": True, "generateDelta": True, "review": True}}


def capabilities(experimental: object = WISHES, encodings: list[str] | None = None) -> types.ClientCapabilities:
    """What a full-featured editor says that it can do."""
    return types.ClientCapabilities(
        workspace=types.WorkspaceClientCapabilities(
            apply_edit=True, workspace_edit=types.WorkspaceEditClientCapabilities(document_changes=True)
        ),
        text_document=types.TextDocumentClientCapabilities(
            code_action=types.CodeActionClientCapabilities(disabled_support=True),
            inline_completion=types.InlineCompletionClientCapabilities(),
        ),
        window=types.WindowClientCapabilities(
            work_done_progress=True, show_document=types.ShowDocumentClientCapabilities(support=True)
        ),
        general=types.GeneralClientCapabilities(
            position_encodings=[types.PositionEncodingKind(it) for it in encodings or ["utf-16"]]
        ),
        experimental=experimental,
    )


class _Protocol(LanguageServerProtocol):
    """pygls reads a code action as a command, whose shape is a part of it: keep those answers as plain JSON."""

    def get_result_type(self, method: str) -> Any:  # type: ignore[override]  # pygls' method is a cached one
        return None if method == types.TEXT_DOCUMENT_CODE_ACTION else super().get_result_type(method)


class _Client(LanguageClient):
    def __init__(self) -> None:
        super().__init__("session", "1", protocol_cls=_Protocol, converter_factory=default_converter)

    @property
    def process(self) -> asyncio.subprocess.Process:
        """The server's process; pygls has no public way to it."""
        assert self._server is not None
        return self._server


class Session:
    """One editor window. `texts` and `versions` by URI; `heard` holds each method's params in order."""

    def __init__(self) -> None:
        self.client: Any = _Client()  # pygls types its client half only
        self.texts: dict[str, str] = {}
        self.versions: dict[str, int] = {}
        self.heard: defaultdict[str, list[Any]] = defaultdict(list)
        self.answers: list[str | None] = []  # to window/showMessageRequest, in order
        self.applied: list[bool] = []  # whether each edit that arrived was applied
        self.lies_about_edits = False  # some editors answer "applied" to an edit that they dropped
        self.before_apply: Callable[[], None] = lambda: None
        self.initialized: types.InitializeResult | None = None
        self._encoding = "utf-16"
        self._news = asyncio.Event()
        self._serve()

    async def start(self, command: list[str], environ: Mapping[str, str], able: types.ClientCapabilities) -> None:
        await self.client.start_io(*command, env=dict(environ))
        params = types.InitializeParams(capabilities=able, client_info=types.ClientInfo("session", "1"))
        self.initialized = await self.client.initialize_async(params)
        agreed = self.initialized.capabilities.position_encoding  # an enumeration's member or a plain string
        self._encoding = str(getattr(agreed, "value", agreed) or "utf-16")
        self.client.initialized(types.InitializedParams())

    async def stop(self) -> None:
        """Shut down and exit as an editor does; ends the process if it does not listen."""
        process = self.process
        try:
            async with asyncio.timeout(20):
                await self.client.shutdown_async(None)
                self.client.exit(None)
                await process.wait()
        except (TimeoutError, RuntimeError):
            if process.returncode is None:
                process.kill()
        await self.client.stop()

    @property
    def process(self) -> asyncio.subprocess.Process:
        """The server's process."""
        process: asyncio.subprocess.Process = self.client.process
        return process

    @property
    def stderr(self) -> asyncio.StreamReader:
        stderr = self.process.stderr
        assert isinstance(stderr, asyncio.StreamReader)
        return stderr

    def open(self, uri: str, text: str, language: str = "python") -> None:
        self.texts[uri], self.versions[uri] = text, 1
        item = types.TextDocumentItem(uri, language, 1, text)
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(item))

    def close(self, uri: str) -> None:
        del self.texts[uri], self.versions[uri]
        self.client.text_document_did_close(types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(uri)))

    def type(self, uri: str, start: int, end: int, text: str) -> None:
        """Replace characters as a user's typing does, and tell the server incrementally."""
        place = types.Range(self.position(uri, start), self.position(uri, end))
        self.texts[uri] = self.texts[uri][:start] + text + self.texts[uri][end:]
        self._tell(uri, [types.TextDocumentContentChangePartial(range=place, text=text)])

    def position(self, uri: str, offset: int) -> types.Position:
        before = self.texts[uri][:offset].replace("\r\n", "\n").replace("\r", "\n").split("\n")
        return types.Position(len(before) - 1, self._units(before[-1]))

    async def actions(
        self, uri: str, offset: int, diagnostics: list[types.Diagnostic] | None = None
    ) -> list[types.CodeAction]:
        at = self.position(uri, offset)
        params = types.CodeActionParams(
            types.TextDocumentIdentifier(uri), types.Range(at, at), types.CodeActionContext(diagnostics or [])
        )
        found = await self.client.text_document_code_action_async(params)
        return [CONVERTER.structure(it, types.CodeAction) for it in found or []]

    async def command(self, name: str, **arguments: Any) -> Any:
        return await self.client.workspace_execute_command_async(types.ExecuteCommandParams(name, [arguments]))

    async def generate(self, uri: str, offset: int, **more: Any) -> str:
        at = self.position(uri, offset)
        place = {"line": at.line, "character": at.character}
        reply = await self.command("halfwatt.generate", uri=uri, position=place, **more)
        return str(field(reply, "job"))

    async def until(self, happened: Callable[[], Any], limit_s: float = LIMIT_S) -> Any:
        """Wait for news until `happened` gives something true, and return that."""
        async with asyncio.timeout(limit_s):
            while not (value := happened()):
                self._news.clear()
                await self._news.wait()
        return value

    async def ended(self, job: str) -> Any:
        """The last delta of a job."""
        return await self.until(lambda: next((it for it in self.deltas(job) if it.state in ENDINGS), None))

    def deltas(self, job: str) -> list[Any]:
        return [it for it in self.heard["halfwatt/generateDelta"] if it.job == job]

    def _serve(self) -> None:
        for method in (*OUR_NOTIFICATIONS, types.WINDOW_SHOW_MESSAGE, types.PROGRESS):
            self._record(method)
        requests: dict[str, Callable[[Any], Any]] = {
            types.WINDOW_WORK_DONE_PROGRESS_CREATE: lambda _: None,
            types.WORKSPACE_APPLY_EDIT: self._apply_edit,
            types.WINDOW_SHOW_MESSAGE_REQUEST: self._pick,
            types.WINDOW_SHOW_DOCUMENT: lambda _: types.ShowDocumentResult(success=True),
        }
        for method, handler in requests.items():
            self._record(method, handler)

    def _record(self, method: str, handler: Callable[[Any], Any] = lambda _: None) -> None:
        def heard(params: Any) -> Any:
            answer = handler(params)
            self.heard[method].append(params)
            self._news.set()
            return answer

        self.client.feature(method)(heard)

    def _apply_edit(self, params: types.ApplyWorkspaceEditParams) -> types.ApplyWorkspaceEditResult:
        self.before_apply()
        applied = self._apply(params.edit)
        self.applied.append(applied)
        return types.ApplyWorkspaceEditResult(applied=applied or self.lies_about_edits)

    def _pick(self, params: types.ShowMessageRequestParams) -> types.MessageActionItem | None:
        """The next of `answers`, if it is offered."""
        wanted = self.answers.pop(0) if self.answers else None
        return next((it for it in params.actions or [] if it.title == wanted), None)

    def _apply(self, edit: types.WorkspaceEdit) -> bool:
        for change in edit.document_changes or []:
            assert isinstance(change, types.TextDocumentEdit)
            uri, version = change.text_document.uri, change.text_document.version
            if version is not None and version != self.versions[uri]:
                return False
            self._replace(uri, [it for it in change.edits if isinstance(it, types.TextEdit)])
        for uri, edits in (edit.changes or {}).items():
            self._replace(uri, list(edits))
        return True

    def _replace(self, uri: str, edits: list[types.TextEdit]) -> None:
        text = self.texts[uri]
        places = [(self._offset(uri, it.range.start), self._offset(uri, it.range.end), it.new_text) for it in edits]
        for start, end, new_text in sorted(places, reverse=True):
            text = text[:start] + new_text + text[end:]
        self.texts[uri] = text
        self._tell(uri, [types.TextDocumentContentChangeWholeDocument(text)])

    def _tell(self, uri: str, changes: list[Any]) -> None:
        self.versions[uri] += 1
        document = types.VersionedTextDocumentIdentifier(version=self.versions[uri], uri=uri)
        self.client.text_document_did_change(types.DidChangeTextDocumentParams(document, changes))

    def _units(self, text: str) -> int:
        return {
            "utf-8": len(text.encode()),
            "utf-16": len(text.encode("utf-16-le")) // 2,
            "utf-32": len(text),
        }[self._encoding]

    def _offset(self, uri: str, position: types.Position) -> int:
        lines = self.texts[uri].splitlines(keepends=True)
        before = sum(len(line) for line in lines[: position.line])
        line = lines[position.line] if position.line < len(lines) else ""
        return before + next(at for at in range(len(line) + 1) if self._units(line[:at]) >= position.character)


ENDINGS = ("applied", "failed", "cancelled", "ready")


def field(value: Any, name: str) -> Any:
    """A member of untyped JSON, which arrives as a dict or as a named tuple."""
    return value.get(name) if isinstance(value, dict) else getattr(value, name)


@asynccontextmanager
async def session(
    environ: Mapping[str, str], able: types.ClientCapabilities | None = None, command: list[str] | None = None
) -> AsyncGenerator[Session, None]:
    """A running `halfwatt lsp` with an editor in front of it."""
    window = Session()
    await window.start(command or [sys.executable, "-m", "halfwatt.lsp.cli", "lsp"], environ, able or capabilities())
    try:
        yield window
    finally:
        await window.stop()
