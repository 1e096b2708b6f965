"""What the server asks of the editor: progress, messages, previews and edits, as far as this client can do them.

generate/jobs.py drives it and so needs no LSP. It decides nothing about code.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Any

from lsprotocol import types
from pygls.capabilities import get_capability
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer
from pygls.uris import to_fs_path

from halfwatt.daemon.code.edits import Edit, apply
from halfwatt.daemon.paths import Paths

from .documents import Snapshot, open_document, snapshot
from .extensions import GENERATE_DELTA, SHOW_DIFF, Ability, DeltaNote, DiffNote, JobState, LinePosition, LineRange
from .untyped import fields

LANDING_LIMIT_S = 2.0  # editors send a change within a fraction of this after they applied an edit


class Editor:
    """One editor window. Where the client cannot do something, the method does the next best thing."""

    def __init__(self, server: LanguageServer, paths: Paths) -> None:
        self.name = "lsp"  # what the client calls itself, once it has said so
        self._server = server
        self._paths = paths
        self._changed = asyncio.Event()
        self._latest: Snapshot | None = None

    def can(self, capability: str) -> Any:
        """What the client said of this capability, for example `text_document.inline_completion`; None for nothing."""
        return get_capability(self._server.client_capabilities, capability)

    def wants(self, ability: Ability) -> bool:
        """Whether the client said that it understands one of halfwatt's additions."""
        experimental = fields(self._server.client_capabilities.experimental)
        return bool(fields(experimental.get("halfwatt")).get(ability))

    def snapshot(self, uri: str) -> Snapshot:
        """The open document now; the same object, parsed once, while nothing changes. Raises UsageError."""
        now = snapshot(self._server.workspace, uri)
        if now != self._latest:
            self._latest = now
        return self._latest

    def folders(self) -> list[str]:
        """The paths of the workspace's folders. A folder that is not on this machine's disk has none."""
        paths = (to_fs_path(it.uri) for it in self._server.workspace.folders.values())
        return [path for path in paths if path]

    def document_changed(self) -> None:
        """To be called when any document changed."""
        self._changed.set()

    def notify(self, method: str, params: object) -> None:
        self._server.protocol.notify(method, params)

    def delta(
        self, job_id: str, base: Snapshot, span: tuple[int, int], text: str, state: JobState, message: str
    ) -> None:
        """Tell the live preview how far a job is."""
        start, end = (LinePosition(line=it.line, character=it.character) for it in map(base.position, span))
        place = LineRange(start=start, end=end)
        note = DeltaNote(job=job_id, uri=base.uri, range=place, text=text, state=state, message=message)
        self.notify(GENERATE_DELTA, note)

    def progress(self, title: str, cancel: Callable[[], Any]) -> Progress:
        return Progress(self._server, title, cancel, bool(self.can("window.work_done_progress")))

    async def apply(self, now: Snapshot, edits: tuple[Edit, ...], label: str, code: str) -> bool:
        """Apply the edits to this version of the document as one step; False where the editor did not.

        Some editors answer that they applied an edit although they dropped it for its version, so the new text must
        arrive. After a refusal, the change that was in the way has time to arrive."""
        if not self.can("workspace.apply_edit"):
            return False
        changes = [types.TextEdit(now.range(it.start, it.end), it.text) for it in edits]
        edit = types.WorkspaceEdit(changes={now.uri: changes})
        if self.can("workspace.workspace_edit.document_changes"):
            document = types.OptionalVersionedTextDocumentIdentifier(uri=now.uri, version=now.version)
            edit = types.WorkspaceEdit(document_changes=[types.TextDocumentEdit(document, changes)])
        params = types.ApplyWorkspaceEditParams(edit=edit, label=label)
        expected = apply(now.text, edits)
        try:
            is_taken = (await self._server.workspace_apply_edit_async(params)).applied
        except JsonRpcException:  # how eglot refuses an edit of an older version
            is_taken = False
        if is_taken:
            return await self._shows(now.uri, lambda text: text == expected or code in text)
        await self._shows(now.uri, lambda text: text != now.text)
        return False

    async def _shows(self, uri: str, is_so: Callable[[str], bool]) -> bool:
        """Whether the document's text becomes so within LANDING_LIMIT_S."""
        loop = asyncio.get_running_loop()
        until = loop.time() + LANDING_LIMIT_S
        while True:
            document = open_document(self._server.workspace, uri)
            if is_so(document.source if document is not None else ""):
                return True
            self._changed.clear()
            try:
                async with asyncio.timeout_at(until):
                    await self._changed.wait()
            except TimeoutError:
                return False

    def show(self, message: str, kind: types.MessageType = types.MessageType.Info) -> None:
        self._server.window_show_message(types.ShowMessageParams(kind, message))

    async def ask(self, message: str, answers: Iterable[str]) -> str | None:
        """The answer that the user picked, None for none.

        Without answers it is a message: a question without a choice stops some editors until a key is pressed."""
        actions = [types.MessageActionItem(title) for title in answers]
        if not actions:
            self.show(message, types.MessageType.Warning)
            return None
        params = types.ShowMessageRequestParams(types.MessageType.Warning, message, actions)
        picked = await self._server.window_show_message_request_async(params)
        return picked.title if picked is not None else None

    async def show_diff(self, snapshot: Snapshot, title: str, diff: str) -> None:
        """Show what could not be applied: by our own notification, else as a file that the user may delete."""
        if self.wants("showDiff") or self.wants("review"):
            self.notify(SHOW_DIFF, DiffNote(title=title, uri=snapshot.uri, text=diff))
        elif self.can("window.show_document.support"):
            from .diff_file import write_diff

            path = write_diff(self._paths.cache / "diffs", snapshot.name, diff)
            await self._server.window_show_document_async(types.ShowDocumentParams(uri=path.as_uri()))
        self.show(title, types.MessageType.Warning)


class Progress:
    """A work-done progress that the server made; its Cancel button calls `cancel`. Silent where unsupported."""

    def __init__(self, server: LanguageServer, title: str, cancel: Callable[[], Any], supported: bool) -> None:
        self._tracker = server.work_done_progress
        self._token = secrets.token_hex(8)
        self._cancel = cancel
        self._state = "new"
        if supported:
            self._task = asyncio.ensure_future(self._begin(title))

    async def _begin(self, title: str) -> None:
        await self._tracker.create_async(self._token)
        if self._state == "ended":
            self._tracker.tokens.pop(self._token, None)
            return
        self._tracker.begin(self._token, types.WorkDoneProgressBegin(title=title, cancellable=True))
        self._state = "begun"
        self._tracker.tokens[self._token].add_done_callback(self._on_token_done)

    def _on_token_done(self, token: Future[Any]) -> None:
        if token.cancelled():
            self._cancel()

    def report(self, message: str) -> None:
        if self._state == "begun":
            self._tracker.report(self._token, types.WorkDoneProgressReport(message=message))

    def end(self, message: str) -> None:
        if self._state == "begun":
            self._tracker.tokens.pop(self._token, None)
            self._tracker.end(self._token, types.WorkDoneProgressEnd(message=message))
        self._state = "ended"
