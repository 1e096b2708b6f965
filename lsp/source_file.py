"""A source file on disk, for the command line: read strictly, replaced atomically.

Whatever can go wrong is reported before a model is asked. A file that changed meanwhile is not written. This module
knows no language server.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from halfwatt.daemon.code import languages
from halfwatt.daemon.code.headers import language_of
from halfwatt.daemon.code.languages import Language
from halfwatt.daemon.code.lines import line_starts
from halfwatt.daemon.errors import HalfwattError, UsageError

if TYPE_CHECKING:
    from halfwatt.daemon.code.syntax import Source

MAX_BYTES = 1024 * 1024
_PLACE = re.compile(r"(?P<file>.+?):(?P<line>\d+)(?::(?P<column>\d+))?", re.DOTALL)
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class SourceFile:
    """A file's content as it was read. `text` has no byte order mark; `raw` is every byte."""

    path: Path
    raw: bytes
    text: str
    language: Language

    @cached_property
    def source(self) -> Source:
        """The parsed text."""
        from halfwatt.daemon.code.syntax import Source

        return Source(self.text, self.language)

    def offset(self, line: int, column: int | None) -> int:
        """Characters before a line and column, both counted from 1; without a column: the line's first code."""
        starts = line_starts(self.text)
        if not 1 <= line <= len(starts):
            raise UsageError(f"{self.path.name} has {len(starts)} lines, not {line}. Nothing was done.")
        start = starts[line - 1]
        end = starts[line] if line < len(starts) else len(self.text)
        code = self.text[start:end].rstrip("\r\n")
        if column is None:
            return start + len(code) - len(code.lstrip())
        if not 1 <= column <= len(code) + 1:
            raise UsageError(
                f"Line {line} of {self.path.name} has {len(code)} columns, not {column}. Nothing was done."
            )
        return start + column - 1


def parse_place(place: str) -> tuple[Path, int, int | None]:
    """`FILE:LINE` or `FILE:LINE:COLUMN`, taken apart."""
    match = _PLACE.fullmatch(place)
    if match is None:
        raise UsageError(f"{place!r} is not FILE:LINE or FILE:LINE:COLUMN, for example src/stats.py:12.")
    return Path(match["file"]), int(match["line"]), int(match["column"]) if match["column"] else None


def read(path: Path) -> SourceFile:
    """The file; UsageError names what is wrong with it and what to do."""
    language = languages.for_path(path.name)
    if not path.exists():
        raise UsageError(f"There is no file {path}. Check the name.")
    if not path.is_file():
        raise UsageError(f"{path} is not a file. Name a source file.")
    if language is None:
        raise UsageError(f"The language of {path.name} is not known. Known languages: {languages.supported()}.")
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise UsageError(f"{path.name} has {size / 1e6:.1f} MB; files above 1 MiB are not read. Split the file.")
    raw = path.read_bytes()
    if b"\0" in raw:
        raise UsageError(f"{path.name} holds binary data (zero bytes), not UTF-8 program text. Nothing was done.")
    try:
        text = raw.removeprefix(_BOM).decode("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{path.name} is not valid UTF-8: byte {error.start} is {raw[error.start]:#04x}. "
            "Convert the file to UTF-8 and try again; nothing was done."
        ) from None
    return SourceFile(path, raw, text, language_of(text, path.name, language))


def check_writable(file: SourceFile) -> None:
    """Raise HalfwattError where `write` would be refused; to be called before the work."""
    target = file.path.resolve()
    if not os.access(target, os.W_OK) or not os.access(target.parent, os.W_OK):
        raise HalfwattError(f"{file.path} cannot be written. Change its permissions, or leave out --apply.")


def write(file: SourceFile, text: str) -> None:
    """Replace the file's text in one step, keeping its mode, byte order mark and links; refused if it changed."""
    target = file.path.resolve()
    if not target.is_file() or target.read_bytes() != file.raw:
        raise HalfwattError(f"{file.path} changed while the function was generated; it was not written. Try again.")
    mark = _BOM if file.raw.startswith(_BOM) else b""
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(mark + text.encode("utf-8"))
            out.flush()
            os.fsync(out.fileno())
        shutil.copymode(target, name)
        os.replace(name, target)  # noqa: PTH105 - `name` is the text that mkstemp gave
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
