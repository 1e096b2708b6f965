"""An editor's documents: positions, lines, and what is not open."""

from __future__ import annotations

import pytest

from halfwatt.daemon.code.languages import LANGUAGES
from halfwatt.daemon.code.lines import split_lines
from halfwatt.daemon.errors import UsageError
from halfwatt.lsp.editor.documents import Documents, Snapshot, snapshot

URI = "file:///w/a%20b/%C3%A9.py"
TEXT = "a = 'é😀'\f # page\x0b\x85\u2028\r\nb = 2\rc = 3\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
def test_positions_go_there_and_back_in_every_encoding(encoding: str) -> None:
    now = Snapshot(URI, 1, TEXT, LANGUAGES[0], "", encoding)
    for offset in range(len(TEXT) + 1):
        if TEXT[offset - 1 : offset + 1] != "\r\n":
            assert now.offset(now.position(offset)) == offset
    assert now.position(TEXT.index("c")).line == 2


def test_lines_end_only_where_the_protocol_says() -> None:
    assert split_lines(TEXT) == [TEXT[: TEXT.index("b")], "b = 2\r", "c = 3\n"]


def test_closed_document_is_refused() -> None:
    with pytest.raises(UsageError, match="not open"):
        snapshot(Documents(None), URI)
