"""A parsed text: its tree, and offsets between the tree's bytes and the text's characters.

It does not know what a stub is; targets.py does. Grammars are imported on first use.
"""

from __future__ import annotations

import importlib
import re
from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property, lru_cache
from itertools import accumulate, islice

import tree_sitter
from tree_sitter import Node

from .indent import indent_of
from .languages import Language

_LONE_CR = re.compile(rb"\r(?!\n)")
_STRETCH = 1024
_GOES_ON = bytes(range(0x80, 0xC0))


@lru_cache(maxsize=32)
def grammar(module: str, function: str) -> tree_sitter.Language:
    """The grammar that a `Language` names."""
    return tree_sitter.Language(getattr(importlib.import_module(module), function)())


class Source:
    """A text and its tree. Offsets in arguments and results count characters (code points), not bytes."""

    def __init__(self, text: str, language: Language) -> None:
        self.text = text
        self.language = language
        self._data = text.encode("utf-8", "surrogatepass")
        self._is_ascii = len(self._data) == len(text)
        parsed = _LONE_CR.sub(b"\n", self._data) if "\r" in text else self._data  # grammars know no CR as a line end
        self.root = tree_sitter.Parser(grammar(*language.grammar)).parse(parsed).root_node

    @cached_property
    def parses(self) -> bool:
        return not self.root.has_error

    @cached_property
    def _chars_before(self) -> list[int]:
        """Characters before each stretch of _STRETCH bytes, so that a long text is not counted again for each node."""
        counts = (_n_chars(self._data[at : at + _STRETCH]) for at in range(0, len(self._data), _STRETCH))
        return list(accumulate(counts, initial=0))

    def char(self, byte: int) -> int:
        """Characters before this byte."""
        if self._is_ascii:
            return byte
        stretch = byte // _STRETCH
        return self._chars_before[stretch] + _n_chars(self._data[stretch * _STRETCH : byte])

    def byte(self, char: int) -> int:
        """Bytes before this character."""
        if self._is_ascii:
            return char
        stretch = max(bisect_right(self._chars_before, char) - 1, 0)
        start = stretch * _STRETCH
        n_missing = char - self._chars_before[stretch]
        begins = (at for at in range(start, len(self._data)) if self._data[at] & 0xC0 != 0x80)
        return next(islice(begins, n_missing, None), len(self._data))

    def start(self, node: Node) -> int:
        return self.char(node.start_byte)

    def end(self, node: Node) -> int:
        return self.char(node.end_byte)

    def text_of(self, node: Node) -> str:
        return self._data[node.start_byte : node.end_byte].decode("utf-8", "surrogatepass")

    def node_at(self, offset: int) -> Node:
        """The smallest node around the character at `offset`."""
        start = self.byte(offset)
        return self.root.descendant_for_byte_range(start, start + 1) or self.root

    def line_start(self, offset: int) -> int:
        return max(self.text.rfind("\n", 0, offset), self.text.rfind("\r", 0, offset)) + 1

    def line_end(self, offset: int) -> int:
        """The end of the line's text, before its line end."""
        found = [at for at in (self.text.find("\n", offset), self.text.find("\r", offset)) if at >= 0]
        return min(found, default=len(self.text))

    def indent_at(self, offset: int) -> str:
        """The white space at the start of the line."""
        return indent_of(self.text[self.line_start(offset) : self.line_end(offset)])


def _n_chars(data: bytes) -> int:
    """Characters that begin in UTF-8 data: every byte but those that go on with one."""
    return len(data.translate(None, _GOES_ON))


def faults(source: Source) -> list[Node]:
    """Where the parser skipped text or invented a token."""
    found = []
    todo = [source.root] if source.root.has_error else []
    while todo:
        node = todo.pop()
        if node.is_error or node.is_missing:
            found.append(node)
        if node.has_error:
            todo.extend(node.children)
    return found


def walk(node: Node) -> Iterator[Node]:
    """The node and everything below it, in reading order."""
    todo = [node]
    while todo:
        found = todo.pop()
        yield found
        todo.extend(reversed(found.children))


def ancestors(node: Node | None) -> Iterator[Node]:
    """The node itself, then its parents up to the root."""
    while node is not None:
        yield node
        node = node.parent
