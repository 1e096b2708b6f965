"""Moving lines of code: taking their indentation away, and writing it in other steps. Strings stay as they are."""

from __future__ import annotations

from dataclasses import dataclass

from tree_sitter import Node

from halfwatt.daemon.code.syntax import Source, walk

TAB_COLUMNS = 8


@dataclass(frozen=True)
class Piece:
    """Lines cut out of a file; LF between them. `frozen` are indexes of lines that begin inside a string."""

    lines: tuple[str, ...]
    frozen: frozenset[int]
    indent: str  # of the line that the piece begins in

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


def cut(source: Source, start: int, end: int, indent: str) -> Piece:
    """The characters `start:end` as they are; where they begin a line, with that line's indentation."""
    line_start = source.line_start(start)
    if source.text[line_start:start].strip() == "":
        start = line_start
    text = source.text[start:end].replace("\r\n", "\n").replace("\r", "\n")
    n_before = source.text[:start].replace("\r\n", "\n").replace("\r", "\n").count("\n")
    frozen = frozenset(row - n_before for row in rows_in_strings(source, start, end))
    return Piece(tuple(text.split("\n")), frozen, indent)


def rows_in_strings(source: Source, start: int, end: int) -> set[int]:
    """Rows between two offsets whose start is content of a string."""
    found: set[int] = set()
    around = source.root.descendant_for_byte_range(source.byte(start), source.byte(end)) or source.root
    for node in walk(around):
        if node.end_point.row > node.start_point.row and _is_string(node):
            found.update(range(node.start_point.row + 1, node.end_point.row + 1))
    return found


def _is_string(node: Node) -> bool:
    is_text = "string" in node.type and node.type != "concatenated_string"
    return is_text or node.type in ("char_literal", "regex", "heredoc_body")


def dedented(piece: Piece) -> Piece:
    """Without the indentation that the first line's block has."""
    lines = [
        line if at in piece.frozen else _without(line, piece.indent) if line.strip() else ""
        for at, line in enumerate(piece.lines)
    ]
    return Piece(tuple(lines), piece.frozen, "")


def _without(line: str, indent: str) -> str:
    if line.startswith(indent):
        return line[len(indent) :]
    blank = len(line) - len(line.lstrip(" \t"))
    return line[min(blank, len(indent)) :]


def with_steps(piece: Piece, old: str, new: str) -> Piece:
    """A dedented piece with `new` for each step `old` of indentation; what is left over stays as spaces."""
    step = TAB_COLUMNS if old == "\t" else len(old)
    lines = []
    for at, line in enumerate(piece.lines):
        rest = line.lstrip(" \t")
        levels, odd = divmod(len(line[: len(line) - len(rest)].expandtabs(TAB_COLUMNS)), step)
        lines.append(line if at in piece.frozen else new * levels + " " * odd + rest)
    return Piece(tuple(lines), piece.frozen, "")


def indented(piece: Piece, indent: str) -> str:
    """The piece's text with this in front of each line that is not blank and not inside a string."""
    return "\n".join(
        line if at in piece.frozen or not line.strip() else indent + line for at, line in enumerate(piece.lines)
    )
