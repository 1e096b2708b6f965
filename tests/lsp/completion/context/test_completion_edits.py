"""Recent edits and relevance: what of other places may stand in a prompt, judged on texts alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from halfwatt.lsp.completion.context.prompt import ContextChunk
from halfwatt.lsp.completion.context.recent_edits import MAX_LINES, MAX_PIECES, RecentEdits, changed_lines
from halfwatt.lsp.completion.context.relevance import relevant

A, B = Path("/w/a.py"), Path("/w/b.py")
LINES = [f"line_{n} = {n}" for n in range(100)]


def with_line(n: int, line: str, lines: list[str] = LINES) -> str:
    return "\n".join([*lines[:n], line, *lines[n + 1 :]])


@pytest.mark.parametrize(
    ("before", "after", "first", "last", "n_more"),
    [
        ("a\nb\nc", "a\nbx\nc", 1, 1, 0),
        ("a\nb\nc", "a\nb\nnew\nc", 2, 3, 1),
        ("a\nb\nc", "a\nc", 1, 1, -1),
        ("", "a\nb", 0, 1, 1),
        ("same", "same", 0, 0, 0),
        ("aaa", "aaaa", 0, 0, 0),
    ],
)
def test_changed_lines_are_those_that_differ(before: str, after: str, first: int, last: int, n_more: int) -> None:
    region, grown = changed_lines(before, after)
    assert (region.first, region.last, grown) == (first, last, n_more)


def test_keys_at_one_place_are_one_piece_and_another_place_is_another() -> None:
    edits, text = RecentEdits(), "\n".join(LINES)
    for typed in ("n", "ne", "new"):
        text, before = with_line(50, typed), text
        edits.noted("/w", A, before, text)
    edits.noted("/w", A, text, with_line(10, "other", text.split("\n")))
    pieces = edits.pieces("/w", "")
    assert len(pieces) == 2
    assert pieces[0].text.split("\n") == [*LINES[48:50], "new", *LINES[51:53]]
    assert "other" in pieces[1].text


def test_what_the_prompt_shows_and_other_workspaces_are_left_out() -> None:
    edits, text = RecentEdits(), "\n".join(LINES)
    edits.noted("/w", A, text, with_line(50, "new"))
    edits.noted("/elsewhere", B, text, with_line(50, "canary"))
    assert edits.pieces("/w", with_line(50, "new")) == []
    assert [piece.path for piece in edits.pieces("/w", "")] == [A]


def test_paste_or_checkout_is_no_edit_and_pieces_are_bounded() -> None:
    edits, text = RecentEdits(), "\n".join(LINES)
    edits.noted("/w", A, "", text)
    assert len(LINES) > MAX_LINES
    assert edits.pieces("/w", "") == []
    for n in range(MAX_PIECES + 5):
        path = Path(f"/w/{n}.py")
        edits.noted("/w", path, text, with_line(n, "new"))
        edits.closed(path)
    assert len(edits.pieces("/w", "")) == MAX_PIECES


def test_pieces_that_share_the_cursors_rare_words_come_first_and_in_a_stable_order() -> None:
    near = "totals = read_totals(invoice_path)\nfolder / self."
    chunks = [
        ContextChunk("a.py", "self.value = 1\nreturn value"),
        ContextChunk("b.py", "def read_totals(invoice_path):\n    return totals"),
        ContextChunk("c.py", "invoice_path = folder / name\nread_totals(invoice_path)"),
    ]
    assert [chunk.name for chunk in relevant(chunks, near, 10_000, 2)] == ["b.py", "c.py"]
    assert [chunk.name for chunk in relevant(chunks, near, 70, 2)] == ["c.py"]
    assert relevant(chunks, "nothing_of_all_this", 10_000, 1) == []


def test_windows_of_a_long_chunk_do_not_overlap() -> None:
    text = "\n".join(f"read_totals(invoice_path_{n}, invoice_path)" for n in range(30))
    found = relevant([ContextChunk("a.py", text)], "read_totals(invoice_path)", 100_000, 2)
    said = [line for chunk in found for line in chunk.text.split("\n")]
    assert len(said) == len(set(said))
