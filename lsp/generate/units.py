"""Parsing a piece of an answer's code, which may be a file, members of a class, or some of both in a row.

Grammars know whole files only. So what does not parse as one is put into a class or an object, and, where it holds more
than one thing, every part is looked at for itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property

from halfwatt.daemon.code.indent import width_of
from halfwatt.daemon.code.languages import Language
from halfwatt.daemon.code.syntax import Source

_CLOSES = re.compile(r"[)\]}>]|(else|elif|except|finally|catch|end)\b")


class CodePiece:
    """One block of an answer's code, and the ways to read it: each gives some parsed texts."""

    def __init__(self, code: str, language: Language) -> None:
        self._code = code
        self._language = language

    @cached_property
    def plain(self) -> Source:
        return Source(self._code, self._language)

    @property
    def parses(self) -> bool:
        return any(all(it.parses for it in reading) for reading in self._clean())

    def readings(self) -> Iterator[list[Source]]:
        """The likeliest way first. Those without faults come before; a text that is cut off has none."""
        yield from self._clean()
        if not self.plain.parses:
            yield [self.plain]
            yield from ([it] for it in self._framed)

    def _clean(self) -> Iterator[list[Source]]:
        yield from ([it] for it in (self.plain, *self._framed) if it.parses)
        if len(self._parts) > 1:
            for frame in range(len(self._language.frames) + 1):
                chosen = [it.in_frame(frame) for it in self._parts]
                if all(it.parses for it in chosen):
                    yield chosen

    def in_frame(self, frame: int) -> Source:
        """The code in one of the language's frames, counted from 1, or, where it does not fit there, alone."""
        framed = self._framed[frame - 1] if frame else self.plain
        return framed if framed.parses else self.plain

    @cached_property
    def _framed(self) -> list[Source]:
        """The code in each frame of the language, imports above it left outside."""
        end = 0
        for node in self.plain.root.children:
            if node.type not in self._language.imports | self._language.comments or node.has_error:
                break
            end = self.plain.end(node) if node.type in self._language.imports else end
        above, code = self._code[:end], self._code[end:]
        return [Source(f"{above}\n{it.format(code)}", self._language) for it in self._language.frames]

    @cached_property
    def _parts(self) -> list[CodePiece]:
        return [CodePiece(it, self._language) for it in _split(self._code)]


def _split(code: str) -> list[str]:
    """The code, cut above each line that follows an empty one, stands at the left and begins something."""
    lines = code.split("\n")
    least = min((width_of(line) for line in lines if line.strip()), default=0)
    parts: list[list[str]] = [[]]
    for at, line in enumerate(lines):
        is_start = line.strip() and width_of(line) == least and not _CLOSES.match(line.strip())
        if is_start and at and not lines[at - 1].strip():
            parts.append([])
        parts[-1].append(line)
    return ["\n".join(it) for it in parts if any(line.strip() for line in it)]
