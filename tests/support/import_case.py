"""A case of an import: a file whose `¦…¦` is the new text. What stands between the marks is put in by one edit."""

from __future__ import annotations

from pathlib import Path

from halfwatt.daemon.code import languages
from halfwatt.daemon.code.edits import Edit, apply
from halfwatt.daemon.code.syntax import Source
from halfwatt.lsp.imports.needed import import_edits


def with_imports(language: str, marked: str, offered: tuple[str, ...] = (), folder: Path | None = None) -> str:
    """The file with the new text and the imports that it got."""
    known = languages.for_id(language)
    assert known is not None
    above, new, below = marked.split("¦")
    before = Source(above + below, known)
    main = Edit(len(above), len(above), new)
    after = Source(apply(before.text, (main,)), known)
    assert after.parses
    edits = import_edits(before, after, (main,), offered, folder)
    assert apply(before.text, edits).count(below) >= 1
    at_body = "".join(it.text for it in edits if it.start == main.start)
    others = tuple(it for it in edits if it.start != main.start)
    result = apply(before.text, (*others, Edit(main.start, main.end, at_body + new)))
    assert Source(result, known).parses
    return result


def added_lines(language: str, marked: str, offered: tuple[str, ...] = (), folder: Path | None = None) -> list[str]:
    """The lines that the imports changed or added, without blank ones."""
    before = marked.replace("¦", "").split("\n")
    after = with_imports(language, marked, offered, folder).split("\n")
    return [it for it in after if it.strip() and it not in before]
