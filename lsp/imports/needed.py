"""The edits that add the imports which new text needs.

An import is added where the text uses a name that nothing in sight binds, if the answer brought the import or the name
belongs to the language's standard library. What is not known is left alone: a star import, a macro or a file that is
not seen may bind it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from halfwatt.daemon.code.edits import Edit
from halfwatt.daemon.code.languages import ImportStyle
from halfwatt.daemon.code.syntax import Source

from . import go, include, java, python, rust, script
from .names import NewText
from .scopes import SCOPINGS

Rule = Callable[[NewText, tuple[str, ...], Path | None], list[Edit]]
_RULES: dict[ImportStyle, Rule] = {
    "python": python.edits,
    "script": script.edits,
    "go": go.edits,
    "rust": rust.edits,
    "java": java.edits,
    "include": include.edits,
}


def import_edits(
    before: Source, after: Source, edits: tuple[Edit, ...], offered: tuple[str, ...] = (), folder: Path | None = None
) -> tuple[Edit, ...]:
    """The imports that the text of `edits` needs, as further edits of `before`.

    `edits` are all others that will be applied, and `after` is what they make. `offered` are import statements that
    came with the text, `folder` is where the file lies. None of the result overlaps `edits`. Where one starts with an
    edit, it goes before that edit."""
    style = before.language.import_style
    if style is None or not edits:
        return ()
    text = NewText(before, after, edits, SCOPINGS[style])
    return tuple(sorted(_RULES[style](text, offered, folder), key=lambda it: it.start))
