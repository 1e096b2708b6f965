"""Ghost text over LSP: `textDocument/inlineCompletion` (3.18), plain completion items for clients without it, and
notifications about what was shown and taken.

This module translates messages; completion/session.py does the work and is imported with the first document. The answer
`null` leaves what is shown alone, because a newer question took over. An empty list clears it.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsprotocol import types
from pygls.lsp.server import LanguageServer

from halfwatt.daemon.errors import ConfigError, HalfwattError
from halfwatt.lsp.editor.extensions import (
    COMPLETION_ACCEPTED,
    DID_PARTIALLY_ACCEPT_COMPLETION,
    DID_SHOW_COMPLETION,
)
from halfwatt.lsp.editor.untyped import fields

if TYPE_CHECKING:
    from halfwatt.daemon.settings.schema import Config
    from halfwatt.lsp.completion.context.gather import ContextDocument
    from halfwatt.lsp.completion.session import Session
    from halfwatt.lsp.completion.values import Answer, Offer, Query
    from halfwatt.lsp.editor.daemon_link import DaemonLink
    from halfwatt.lsp.editor.documents import Snapshot
    from halfwatt.lsp.editor.editor import Editor

SETTINGS_FRESH_S = 2.0


def register(server: LanguageServer, completion: InlineCompletion) -> None:
    """Let the server hand inline completion its messages. Nothing heavy is imported before the first document."""
    _register_requests(server, completion)
    _register_notifications(server, completion)


def _register_requests(server: LanguageServer, completion: InlineCompletion) -> None:
    @server.feature(types.TEXT_DOCUMENT_INLINE_COMPLETION, types.InlineCompletionOptions())
    async def inline_completion(params: types.InlineCompletionParams) -> types.InlineCompletionList | None:
        return await completion.inline(params)

    @server.feature(types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions())
    async def ordinary_completion(params: types.CompletionParams) -> types.CompletionList | None:
        return await completion.ordinary(params)

    @server.command(COMPLETION_ACCEPTED)
    def accepted(*arguments: Any) -> None:
        completion.accepted(fields(arguments[0] if arguments else None))


def _register_notifications(server: LanguageServer, completion: InlineCompletion) -> None:
    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def did_open(params: types.DidOpenTextDocumentParams) -> None:
        completion.opened(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    def did_save(params: types.DidSaveTextDocumentParams) -> None:
        completion.saved(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def did_close(params: types.DidCloseTextDocumentParams) -> None:
        completion.closed(params.text_document.uri)

    @server.feature(DID_SHOW_COMPLETION)
    def did_show(params: Any) -> None:
        completion.shown(fields(params))

    @server.feature(DID_PARTIALLY_ACCEPT_COMPLETION)
    def did_accept_partly(params: Any) -> None:
        completion.partly_accepted(fields(params))


class InlineCompletion:
    """From messages to the session and back."""

    def __init__(self, editor: Editor, link: DaemonLink) -> None:
        self._editor = editor
        self._link = link
        self._session: Session | None = None
        self._settings: tuple[float, Config] | None = None

    @property
    def session(self) -> Session:
        if self._session is None:
            from halfwatt.lsp.completion.session import Dependencies, Session

            personal = self._link.paths.state / "completion_filter.json"
            self._session = Session(Dependencies(self._link.client, self._config, personal, lambda: self._editor.name))
        return self._session

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.aclose()

    async def inline(self, params: types.InlineCompletionParams) -> types.InlineCompletionList | None:
        """The items for a cursor; None where a newer question took over."""
        from halfwatt.lsp.completion.values import Offer, Superseded

        now = self._snapshot(params.text_document.uri)
        if now is None:
            return types.InlineCompletionList([])
        invoked = params.context.trigger_kind == types.InlineCompletionTriggerKind.Invoked
        selected = params.context.selected_completion_info
        answer = await self._answer(now, params.position, invoked, selected)
        if isinstance(answer, Superseded):
            return None
        if isinstance(answer, Offer):
            return types.InlineCompletionList([_item(now, params.position, selected, answer)])
        if invoked:
            self._say(answer.reason)
        return types.InlineCompletionList([])

    async def ordinary(self, params: types.CompletionParams) -> types.CompletionList | None:
        """One completion item, for clients that know no inline completion, and only when asked for by hand."""
        from halfwatt.lsp.completion.values import Offer

        by_hand = params.context is None or params.context.trigger_kind == types.CompletionTriggerKind.Invoked
        now = self._snapshot(params.text_document.uri)
        if now is None or not by_hand or self._editor.can("text_document.inline_completion"):
            return None
        answer = await self._answer(now, params.position, True, None)
        if not isinstance(answer, Offer):
            return types.CompletionList(is_incomplete=True, items=[])
        return types.CompletionList(is_incomplete=True, items=[_plain_item(now, params.position, answer)])

    def opened(self, uri: str) -> None:
        if (now := self._snapshot(uri)) is not None:
            self.session.opened(self._document(now))

    def changed(self, uri: str) -> None:
        if (now := self._snapshot(uri)) is not None:
            self.session.changed(self._document(now))

    def saved(self, uri: str) -> None:
        if (now := self._snapshot(uri)) is not None:
            self.session.saved(self._document(now))

    def closed(self, uri: str) -> None:
        if self._session is not None:
            self._session.closed(uri)

    def shown(self, params: dict[str, Any]) -> None:
        self.session.shown(str(params.get("id", "")))

    def partly_accepted(self, params: dict[str, Any]) -> None:
        self.session.partially_accepted(str(params.get("id", "")), _count(params.get("acceptedLength")))

    def accepted(self, arguments: dict[str, Any]) -> None:
        self.session.accepted(str(arguments.get("id", "")), _count(arguments.get("chars")))

    async def _answer(
        self, now: Snapshot, position: types.Position, invoked: bool, selected: types.SelectedCompletionInfo | None
    ) -> Answer:
        from halfwatt.lsp.completion.values import Nothing

        try:
            query = _query(now, position, invoked, selected, self._editor.name)
            return await self.session.suggest(query, self._document(now))
        except HalfwattError as error:
            return Nothing(str(error))

    def _say(self, reason: str) -> None:
        """Tell a user who asked by hand why there is no suggestion."""
        sentence = reason if reason.endswith((".", "!", "?")) else f"No suggestion here: {reason}."
        self._editor.show(sentence)

    def _snapshot(self, uri: str) -> Snapshot | None:
        """The document, if it is open and in a language that is known here."""
        try:
            return self._editor.snapshot(uri)
        except HalfwattError:
            return None

    def _document(self, now: Snapshot) -> ContextDocument:
        from halfwatt.lsp.completion.context.gather import ContextDocument

        workspace = workspace_of(now.path, self._editor.folders())
        return ContextDocument(now.uri, now.path or None, _lf(now.text), now.language.id, workspace)

    def _config(self) -> Config:
        """The settings, read again at most every SETTINGS_FRESH_S. A broken file changes nothing here."""
        from halfwatt.daemon.settings import file as settings_file
        from halfwatt.daemon.settings.schema import Config

        if self._settings is None or time.monotonic() - self._settings[0] > SETTINGS_FRESH_S:
            try:
                config = settings_file.load(self._link.paths, self._link.environ)
            except ConfigError:  # the daemon says what is wrong with it
                config = self._settings[1] if self._settings else Config()
            self._settings = (time.monotonic(), config)
        return self._settings[1]


def workspace_of(path: str, folders: list[str]) -> str | None:
    """The innermost workspace folder that holds a file."""
    if not path:
        return None
    holding = [folder for folder in folders if Path(path).is_relative_to(folder)]
    return max(holding, key=len, default=None)


def _query(
    now: Snapshot,
    position: types.Position,
    invoked: bool,
    selected: types.SelectedCompletionInfo | None,
    editor: str,
) -> Query:
    """The question; a selected entry of an open completion list counts as typed."""
    from halfwatt.lsp.completion.values import Query

    at = now.offset(position)
    start, end = (now.offset(selected.range.start), now.offset(selected.range.end)) if selected else (at, at)
    text = selected.text if selected else ""
    return Query(
        uri=now.uri,
        prefix=_lf(now.text[: min(start, at)] + text) if selected else _lf(now.text[:at]),
        suffix=_lf(now.text[max(end, at) :]),
        language=now.language.id,
        trigger="invoked" if invoked else "automatic",
        path=now.path or None,
        editor=editor,
    )


def _item(
    now: Snapshot, position: types.Position, selected: types.SelectedCompletionInfo | None, offer: Offer
) -> types.InlineCompletionItem:
    at = now.offset(position)
    start, end = (now.offset(selected.range.start), now.offset(selected.range.end)) if selected else (at, at)
    text = (selected.text if selected else "") + offer.text
    place = now.range(min(start, at), max(end, at) + offer.n_replaced)
    return types.InlineCompletionItem(text, range=place, command=_command(offer))


def _plain_item(now: Snapshot, position: types.Position, offer: Offer) -> types.CompletionItem:
    at = now.offset(position)
    edit = types.TextEdit(now.range(at, at + offer.n_replaced), offer.text)
    first = offer.text.strip().partition("\n")[0]
    return types.CompletionItem(
        label=first[:60],
        detail="halfwatt",
        kind=types.CompletionItemKind.Snippet,
        filter_text=_word_before(now.text[:at]) + first,
        documentation=offer.text if "\n" in offer.text else None,
        text_edit=edit,
        sort_text="\x7f",
        command=_command(offer),
    )


def _command(offer: Offer) -> types.Command:
    """The editor runs it after inserting, which tells the server that the suggestion was taken."""
    return types.Command("Accepted", COMPLETION_ACCEPTED, arguments=[{"id": offer.id, "chars": len(offer.text)}])


def _word_before(text: str) -> str:
    end = len(text)
    while end and (text[end - 1].isalnum() or text[end - 1] == "_"):
        end -= 1
    return text[end:]


def _lf(text: str) -> str:
    return text.replace("\r\n", "\n") if "\r" in text else text


def _count(value: Any) -> int:
    return max(0, value) if isinstance(value, int) else 0
