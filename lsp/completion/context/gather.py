"""Gathering context: declarations behind a document's imports, recently used files, and recent edits.

It runs in a thread and stops at a deadline. A file enters only if it lies in the document's own workspace, is small, is
not excluded, and holds no secret. Nothing is kept of files that may not enter.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from halfwatt.daemon.code.languages import for_id, for_path
from halfwatt.daemon.code.syntax import Source
from halfwatt.daemon.privacy import excluded, secrets
from halfwatt.daemon.privacy.document_secrets import DocumentSecrets
from halfwatt.daemon.settings.schema import ContextSource, PrivacyConfig

from .imports import Imported, ImporterLocation, imported
from .outline import outline
from .prompt import ContextChunk, block
from .recent_edits import RecentEdits
from .recent_files import PlacedChunk, RecentFiles, around
from .relevance import NEAR_CHARS, relevant

LIMIT_S = 0.15
MAX_FILE_BYTES = 200_000
MAX_IMPORTED = 12
MAX_GO_FILES = 6
_MAX_CACHED = 128


@dataclass(frozen=True)
class ContextDocument:
    """A document whose context is wanted. `workspace` is its workspace folder, None where it has none."""

    uri: str
    path: str | None
    text: str
    language: str
    workspace: str | None


class Gatherer:
    """Collects chunks for a document; remembers outlines of files that have not changed."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.recent_files = RecentFiles()
        self.recent_edits = RecentEdits()
        self._secrets = DocumentSecrets()
        self._clock = clock
        self._outlines: OrderedDict[tuple[Path, float, frozenset[str] | None], str] = OrderedDict()

    def context(
        self,
        document: ContextDocument,
        cursor: int,
        sources: Collection[ContextSource],
        privacy: PrivacyConfig,
        n_chars: int,
    ) -> str:
        """The context block for a prompt at an offset of the document, in at most `n_chars`.

        It holds what bears on the text around the cursor, declarations first."""
        near = document.text[max(0, cursor - NEAR_CHARS) : cursor + NEAR_CHARS // 4]
        declared = self.declarations(document, privacy) if "declarations" in sources else []
        chunks = relevant(declared, near, n_chars // 2, n_shared=1)
        others: list[ContextChunk] = []
        if "ring" in sources and document.workspace is not None:
            others += self.recent_files.chunks(document.workspace, document.uri)
        if "edits" in sources and document.workspace is not None:
            others += self._edited(document.workspace, near, privacy)
        left = n_chars - sum(len(chunk.text) for chunk in chunks)
        chunks += relevant(others, near, left, n_shared=2)
        return block(chunks, document.language, n_chars)

    def noted(self, before: ContextDocument, after: ContextDocument, privacy: PrivacyConfig) -> None:
        """A document changed by typing. Edits of one with a secret are not kept: they may be a part of it."""
        if privacy.detect_secrets and self._secrets.places(after.uri, after.text):
            return
        if after.workspace is not None and after.path:
            self.recent_edits.noted(after.workspace, Path(after.path), before.text, after.text)

    def _edited(self, workspace: str, near: str, privacy: PrivacyConfig) -> list[ContextChunk]:
        deadline = self._clock() + LIMIT_S
        chunks: list[ContextChunk] = []
        for piece in self.recent_edits.pieces(workspace, near):
            if self._clock() <= deadline and may_enter(piece.path, piece.text, privacy):
                chunks.append(ContextChunk(_name(piece.path, Path(workspace)), piece.text))
        return chunks

    def remember(self, document: ContextDocument, line: int, privacy: PrivacyConfig) -> None:
        """Remember the lines around `line`, if the document may be context for others."""
        if document.workspace is None or not document.path:
            return
        if not may_enter(Path(document.path), document.text, privacy):
            self.recent_files.forget(document.uri)
            return
        text = around(document.text, line)
        chunk = ContextChunk(_name(Path(document.path), Path(document.workspace)), text)
        self.recent_files.add(PlacedChunk(document.workspace, document.uri, chunk))

    def declarations(self, document: ContextDocument, privacy: PrivacyConfig) -> list[ContextChunk]:
        """Outlines of the workspace files that the document imports."""
        language = for_id(document.language)
        if document.workspace is None or not document.path or language is None:
            return []
        deadline = self._clock() + LIMIT_S
        root = Path(document.workspace).resolve()
        importer = ImporterLocation(Path(document.path).resolve().parent, root)
        chunks: list[ContextChunk] = []
        for each in imported(Source(document.text, language), importer)[: 4 * MAX_IMPORTED]:
            if self._clock() > deadline or len(chunks) >= MAX_IMPORTED:
                break
            chunks.extend(self._outlined(each, root, Path(document.path), privacy))
        return list(dict.fromkeys(chunks))

    def _outlined(self, each: Imported, root: Path, own: Path, privacy: PrivacyConfig) -> list[ContextChunk]:
        for candidate in each.candidates:
            files = sorted(candidate.glob("*.go"))[:MAX_GO_FILES] if candidate.is_dir() else [candidate]
            texts = [(file, self._outline(file, each.names, root, privacy)) for file in files if file != own]
            found = [ContextChunk(_name(file, root), text) for file, text in texts if text]
            if found:
                return found
        return []

    def _outline(self, file: Path, names: frozenset[str] | None, root: Path, privacy: PrivacyConfig) -> str:
        try:
            real = file.resolve(strict=True)
            stat = real.stat()
        except (OSError, RuntimeError):
            return ""
        language = for_path(file.name)
        inside = real.is_relative_to(root) and real.is_file()
        if language is None or not inside or stat.st_size > MAX_FILE_BYTES:
            return ""
        key = (real, stat.st_mtime, names)
        if key not in self._outlines:
            text = real.read_text("utf-8", "replace")
            self._outlines[key] = outline(text, language, names) if may_enter(real, text, privacy) else ""
            while len(self._outlines) > _MAX_CACHED:
                self._outlines.popitem(last=False)
        return self._outlines[key]


def may_enter(path: Path, text: str, privacy: PrivacyConfig) -> bool:
    """Whether a file with this text may be context for another file. The text is the whole one: a piece of it may hold
    a piece of a secret."""
    if excluded.exclusion_reason(str(path), privacy) is not None:
        return False
    return not privacy.detect_secrets or not secrets.find([text])


def _name(file: Path, root: Path) -> str:
    real = file.resolve()
    return real.relative_to(root.resolve()).as_posix() if real.is_relative_to(root.resolve()) else file.name
