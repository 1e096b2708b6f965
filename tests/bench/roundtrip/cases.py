"""The cases of one real function: its file with a stub, one for each shape of an answer and each kind of file."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from halfwatt.daemon.code.syntax import Source

from .answers import PLAIN, SHAPES, Original
from .functions import RealFunction, language_of, syntax_of
from .judge import has_errors
from .stubs import Stubbed, stubbed

CRLF_FILE, BOM_FILE, BROKEN_FILE = "CRLF file", "file with BOM", "file that is broken"
CONTINUATION = "continuation"
FILE_SHAPES = (CONTINUATION, CRLF_FILE, BOM_FILE, BROKEN_FILE)


@dataclass(frozen=True)
class Case:
    """A file with a stub, an answer, and what the file held before. `body` is where the real body stands in it.

    `holds`: whether the answer holds the body; where it does not, only a refusal is right. `brings`: the one import or
    function outside the body that must come along. `continued`: the answer goes on behind the target's opening."""

    shape: str
    original: Source
    body: tuple[int, int]
    stub: Stubbed
    answer: str
    holds: bool = True
    brings: str = ""
    continued: bool = False


def plain_case(original: Original, shape: str) -> Case:
    """The function in a fence, in the file as it is."""
    function = original.function
    stub = stubbed(original.source.text, function)
    return Case(shape, original.source, (function.body_start, function.body_end), stub, PLAIN(original))


def original_of(function: RealFunction) -> Original:
    text = function.path.read_bytes().decode("utf-8")
    return Original(function, Source(text, language_of(syntax_of(function))))


def cases_of(original: Original, shapes: Collection[str]) -> Iterator[Case]:
    """The function's cases in those of the shapes that exist for it."""
    case = plain_case(original, "")
    for shape in SHAPES:
        answer = shape.make(original) if shape.name in shapes else None
        if answer is not None:
            yield replace(case, shape=shape.name, answer=answer, holds=shape.holds)
    if CONTINUATION in shapes:
        yield replace(case, shape=CONTINUATION, answer=original.continuation, continued=True)
    if CRLF_FILE in shapes and "\r" not in original.source.text:
        yield _in_crlf(replace(case, shape=CRLF_FILE))
    if BOM_FILE in shapes:
        yield replace(case, shape=BOM_FILE)
    if BROKEN_FILE in shapes and (broken := _broken(original.function, replace(case, shape=BROKEN_FILE))) is not None:
        yield broken


def _in_crlf(case: Case) -> Case:
    """The same in a file whose lines all end with CR LF."""

    def at(text: str, offset: int) -> int:
        return offset + text.count("\n", 0, offset)

    text, stub = case.original.text, case.stub
    moved = Stubbed(
        stub.text.replace("\n", "\r\n"),
        at(stub.text, stub.start),
        at(stub.text, stub.end),
        at(stub.text, stub.cursor),
        stub.form,
    )
    original = Source(text.replace("\n", "\r\n"), case.original.language)
    return replace(case, original=original, body=(at(text, case.body[0]), at(text, case.body[1])), stub=moved)


def _broken(function: RealFunction, case: Case) -> Case | None:
    """The same with a half-typed line elsewhere; None where that leaves no function to be found."""
    syntax = syntax_of(function)
    line = syntax.broken_line + "\n"
    first = case.original.root.named_children[0]
    outermost = _outermost_start(case.original, function.start)
    at = outermost if function.choice("broken", 2) and outermost > case.original.end(first) else len(case.stub.text)
    shift = len(line) if at <= case.stub.start else 0
    text = case.original.text
    at_original = at if shift else len(text)
    if not text.endswith("\n"):
        return None
    original = Source(text[:at_original] + line + text[at_original:], case.original.language)
    stub = case.stub
    moved = Stubbed(
        stub.text[:at] + line + stub.text[at:],
        stub.start + shift,
        stub.end + shift,
        stub.cursor + shift,
        stub.form,
    )
    start, end = function.start + shift, function.end + shift
    if not original.root.has_error or has_errors(original, start, end):
        return None
    return replace(case, original=original, body=(case.body[0] + shift, case.body[1] + shift), stub=moved)


def _outermost_start(source: Source, offset: int) -> int:
    """The start of the line of the file's top-level statement around the offset."""
    byte = source.byte(offset)
    top = next((it for it in source.root.children if it.start_byte <= byte < it.end_byte), source.root)
    return source.line_start(source.start(top))
