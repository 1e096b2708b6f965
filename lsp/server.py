"""`halfwatt lsp`: the language server on standard input and output.

It registers features and hands their messages on. It imports only what `initialize` needs: the daemon's client, the
parser and the grammars are imported at first use.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer
from pygls.protocol import default_converter

from halfwatt.daemon.errors import HalfwattError
from halfwatt.daemon.paths import Paths, user_paths
from halfwatt.lsp.editor.daemon_link import DaemonLink
from halfwatt.lsp.editor.documents import Documents
from halfwatt.lsp.editor.editor import Editor
from halfwatt.lsp.editor.extensions import COMMANDS, DID_CHANGE_STATUS
from halfwatt.lsp.editor.untyped import fields

from .code_actions import KINDS, code_actions

if TYPE_CHECKING:
    from cattrs import Converter

    from halfwatt.lsp.editor.status import StatusSubscription
    from halfwatt.lsp.generate.jobs import Jobs

    from .commands import Commands

VERSION = "0.1.0"  # asking the installed package for it takes 25 ms at each start; a test compares the two
REQUEST_FAILED = -32803


class HalfwattServer(LanguageServer):
    """One editor window's server. Parts that need heavy imports are made on first use."""

    def __init__(self, paths: Paths, environ: Mapping[str, str]) -> None:
        super().__init__("halfwatt", VERSION, converter_factory=_converter)
        self.link = DaemonLink(paths, environ)
        self.editor = Editor(self, paths)
        self.on_change: list[Callable[[str], None]] = []  # called with the URI of a document that changed
        self.on_close: list[Callable[[], Awaitable[None]]] = []
        self._jobs: Jobs | None = None
        self._status: StatusSubscription | None = None
        self._commands: Commands | None = None

    @property
    def jobs(self) -> Jobs:
        if self._jobs is None:
            from halfwatt.lsp.generate.jobs import Jobs

            self._jobs = Jobs(self.editor, self.link, lambda: self.status.refresh())
        return self._jobs

    @property
    def status(self) -> StatusSubscription:
        if self._status is None:
            from halfwatt.lsp.editor.status import StatusSubscription

            send = lambda params: self.editor.notify(DID_CHANGE_STATUS, params)  # noqa: E731
            self._status = StatusSubscription(self.link, send, lambda: self._jobs is not None and self._jobs.busy)
        return self._status

    @property
    def commands(self) -> Commands:
        if self._commands is None:
            from .commands import Commands

            self._commands = Commands(self.editor, self.jobs, self.link, lambda: self.status.last)
        return self._commands

    def use_own_documents(self, params: types.InitializeParams) -> None:
        """Make the workspace hold `Documents`, which count lines as the protocol does."""
        given = self.protocol.workspace
        self.protocol._workspace = Documents(  # pygls has no other way to choose the document class
            given.root_uri,
            types.TextDocumentSyncKind.Incremental,
            params.workspace_folders or [],
            given.position_encoding,
        )

    def report_server_error(self, error: Exception, source: Any) -> None:
        """Log the kind of the error only. pygls would show the raw error to the user, who can do nothing about it."""
        logging.getLogger(__name__).error("a message could not be served (%s)", type(error).__name__)

    async def close(self) -> None:
        """Cancel what runs and close the connection to the daemon."""
        for closing in self.on_close:
            await closing()
        if self._jobs is not None:
            await self._jobs.stop()
        if self._status is not None:
            self._status.stop()
        await self.link.aclose()


def create(paths: Paths, environ: Mapping[str, str]) -> HalfwattServer:
    """A server with everything registered; it does nothing before it is started."""
    server = HalfwattServer(paths, environ)
    _register_lifecycle(server)
    _register_code_actions(server)
    for name in COMMANDS:
        _register_command(server, name)
    _register_inline_completion(server)
    return server


def main() -> None:
    """Serve the editor on standard input and output until it goes away."""
    quiet_logging()
    create(user_paths(os.environ), os.environ).start_io()


def _converter() -> Converter:
    """pygls' own, but it stops at the first error of a message. So its code for each class is half as long."""
    converter: Converter = default_converter()  # type: ignore[no-untyped-call]  # pygls types its classes only
    converter.detailed_validation = False
    return converter


class _TemplateHandler(logging.StreamHandler[Any]):
    """Writes a message's template and the kind of error only: the arguments may hold the user's code."""

    def format(self, record: logging.LogRecord) -> str:
        kind = f" [{record.exc_info[0].__name__}]" if record.exc_info and record.exc_info[0] else ""
        return f"halfwatt lsp: {record.name}: {str(record.msg).splitlines()[0]}{kind}"


def quiet_logging() -> None:
    """Editors show stderr as errors: only warnings go there, and never what a message held."""
    handler = _TemplateHandler(sys.stderr)
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("pygls").setLevel(logging.ERROR)


def _register_lifecycle(server: HalfwattServer) -> None:
    @server.feature(types.INITIALIZE)
    def initialize(params: types.InitializeParams) -> None:
        server.use_own_documents(params)
        if params.client_info is not None:
            server.editor.name = params.client_info.name.lower().replace(" ", "-")[:40]

    @server.feature(types.INITIALIZED)
    def initialized(_: types.InitializedParams) -> None:
        if server.editor.wants("status"):
            server.link.on_connect = server.status.start
            server.status.start()

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def did_change(params: types.DidChangeTextDocumentParams) -> None:
        uri = params.text_document.uri
        if server._jobs is not None:
            server._jobs.document_changed(uri, server.workspace.get_text_document(uri).source)
        for listener in server.on_change:
            listener(uri)

    @server.feature(types.SHUTDOWN)
    async def shutdown(_: None) -> None:
        await server.close()


def _register_command(server: HalfwattServer, name: str) -> None:
    @server.command(f"halfwatt.{name}")
    async def command(*arguments: Any) -> Any:
        try:
            return await server.commands.run(name, fields(arguments[0] if arguments else None))
        except HalfwattError as error:
            raise JsonRpcException(str(error), REQUEST_FAILED) from None


def _register_code_actions(server: HalfwattServer) -> None:
    options = types.CodeActionOptions(code_action_kinds=KINDS)

    @server.feature(types.TEXT_DOCUMENT_CODE_ACTION, options)
    def code_action(params: types.CodeActionParams) -> list[types.CodeAction]:
        return code_actions(server.editor, params)


def _register_inline_completion(server: HalfwattServer) -> None:
    from .inline_completion import InlineCompletion, register

    completion = InlineCompletion(server.editor, server.link)
    server.on_change.append(completion.changed)
    server.on_close.append(completion.aclose)
    register(server, completion)
