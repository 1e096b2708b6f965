"""The editor's open documents, with lines counted as the protocol counts them.

pygls cuts lines at form feeds and Unicode separators, too; `Documents` does not. Positions become character offsets
here, in the encoding that the editor agreed to. Paths of URIs are pygls'.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath
from typing import TYPE_CHECKING
from urllib.parse import unquote

from lsprotocol import types
from pygls.uris import to_fs_path
from pygls.workspace import TextDocument, Workspace

from halfwatt.daemon.code import languages
from halfwatt.daemon.code.headers import language_of
from halfwatt.daemon.code.languages import Language
from halfwatt.daemon.code.lines import line_starts, split_lines
from halfwatt.daemon.errors import UsageError

if TYPE_CHECKING:
    from halfwatt.daemon.code.syntax import Source

MAX_CHARS = 1024 * 1024
_UNITS = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2)}


class UnusableText(UsageError):
    """A document of a known language that is too large or binary."""


class Document(TextDocument):
    """pygls' document with the protocol's line ends."""

    @property
    def lines(self) -> Sequence[str]:
        return tuple(split_lines(self.source))


class Documents(Workspace):
    """pygls' workspace holding `Document`s."""

    def update_text_document(
        self, text_doc: types.VersionedTextDocumentIdentifier, change: types.TextDocumentContentChangeEvent
    ) -> None:
        """Ignore a change of a closed document. VS Code sends one after it has discarded a document."""
        if open_document(self, text_doc.uri) is not None:
            super().update_text_document(text_doc, change)

    def _create_text_document(
        self,
        doc_uri: str,
        source: str | None = None,
        version: int | None = None,
        language_id: str | None = None,
    ) -> TextDocument:
        return Document(
            doc_uri,
            source=source,
            version=version,
            language_id=language_id,
            sync_kind=types.TextDocumentSyncKind.Incremental,
            position_codec=self._position_codec,
        )


@dataclass(frozen=True)
class Snapshot:
    """A document at one moment. `path` is its file's, "" for an untitled or virtual one.

    Its text is parsed, and its lines are counted, once, when that is first asked for."""

    uri: str
    version: int | None
    text: str
    language: Language
    path: str
    encoding: str

    @property
    def name(self) -> str:
        return PurePath(self.path).name or "untitled"

    @property
    def folder(self) -> Path | None:
        """Where the file lies; None for a document that is no file."""
        return Path(self.path).parent if self.path else None

    @cached_property
    def source(self) -> Source:
        """The parsed text. The parser is imported here: `initialize` does not wait for it."""
        from halfwatt.daemon.code.syntax import Source

        return Source(self.text, self.language)

    @cached_property
    def _line_starts(self) -> list[int]:
        return line_starts(self.text)

    def offset(self, position: types.Position) -> int:
        """Characters before the position; a position behind a line's end counts as the end."""
        starts = self._line_starts
        if position.line >= len(starts):
            return len(self.text)
        start = starts[position.line]
        end = starts[position.line + 1] if position.line + 1 < len(starts) else len(self.text)
        line = self.text[start:end].rstrip("\r\n")
        return start + _chars(line, position.character, self.encoding)

    def position(self, offset: int) -> types.Position:
        line = bisect_right(self._line_starts, offset) - 1
        return types.Position(line, _units(self.text[self._line_starts[line] : offset], self.encoding))

    def range(self, start: int, end: int) -> types.Range:
        return types.Range(self.position(start), self.position(end))


def open_document(workspace: Workspace, uri: str) -> TextDocument | None:
    """The document with this URI, if the editor has it open. pygls keeps them by the URI without escapes."""
    documents: Mapping[str, TextDocument] = workspace.text_documents
    return documents.get(unquote(uri))


def snapshot(workspace: Workspace, uri: str) -> Snapshot:
    """The open document now; UsageError where it is not open, of an unknown language, too large or binary."""
    document = open_document(workspace, uri)
    if document is None:
        raise UsageError("The document is not open in the editor. Open it and try again.")
    path = to_fs_path(uri) or ""
    language = languages.for_id(document.language_id or "") or languages.for_path(document.path)
    if language is None:
        name = document.language_id or PurePath(path).suffix or "this document"
        raise UsageError(f"Functions cannot be generated in {name}. Known languages: {languages.supported()}.")
    reason = unusable(document.source)
    if reason:
        raise UnusableText(f"{reason} Nothing was done.")
    language = language_of(document.source, path, language)
    encoding = str(getattr(workspace.position_encoding, "value", workspace.position_encoding))
    return Snapshot(uri, document.version, document.source, language, path, encoding)


def unusable(text: str) -> str | None:
    """A sentence that says why a text of a known language is left alone, or None."""
    if len(text) > MAX_CHARS:
        return f"The file is larger than {MAX_CHARS // 1024} KiB, which is too much to look through."
    if "\0" in text:
        return "The file holds binary data (zero bytes), not program text."
    return None


def _units(text: str, encoding: str) -> int:
    if encoding not in _UNITS or text.isascii():
        return len(text)
    codec, size = _UNITS[encoding]
    return len(text.encode(codec, "surrogatepass")) // size


def _chars(line: str, units: int, encoding: str) -> int:
    """How many characters the first `units` code units are; half a character counts as none."""
    if encoding not in _UNITS or line.isascii():
        return min(units, len(line))
    codec, size = _UNITS[encoding]
    return len(line.encode(codec, "surrogatepass")[: units * size].decode(codec, "ignore"))
