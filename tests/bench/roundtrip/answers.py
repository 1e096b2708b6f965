"""The shapes in which a model may give a function back. Each makes an answer from the original text, or None.

None: the shape does not exist for this function (no class around it, a file too long to repeat).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from halfwatt.daemon.code.syntax import Source

from . import layout
from .functions import RealFunction, language_of, syntax_of
from .layout import Piece, cut, dedented, with_steps
from .stubs import body_step

MOST_CLASS_LINES = 400
MOST_FILE_LINES = 600


@dataclass(frozen=True)
class Original:
    """A real function in its file, and the pieces that answers are made of."""

    function: RealFunction
    source: Source

    @cached_property
    def whole_as_is(self) -> Piece:
        function = self.function
        return cut(self.source, function.start, function.end, self.source.indent_at(function.start))

    @cached_property
    def whole(self) -> Piece:
        return dedented(self.whole_as_is)

    @cached_property
    def body(self) -> Piece:
        """The statements and comments, without the indentation of the first line."""
        text, start, end = self.source.text, self.function.body_start, self.function.body_end
        start += len(text[start:end]) - len(text[start:end].lstrip())
        end = start + len(text[start:end].rstrip())
        return dedented(cut(self.source, start, end, self.source.indent_at(start)))

    @property
    def continuation(self) -> str:
        """What a model writes behind `{` or the colon and a line end, up to the closing brace."""
        text = self.source.text[self.function.body_start : self.function.body_end].replace("\r\n", "\n")
        first, line_end, rest = text.partition("\n")
        if first.strip() or not line_end:
            return self.source.indent_at(self.function.start) + self.step + text.strip() + "\n"
        return rest

    @property
    def step(self) -> str:
        return body_step(self.source.text, self.function)


Maker = Callable[[Original], str | None]


@dataclass(frozen=True)
class Shape:
    """`holds`: whether the answer holds the body; where it does not, only a refusal is right."""

    name: str
    make: Maker
    holds: bool = True


def fenced(original: Original, code: str, info: str | None = None) -> str:
    return f"```{syntax_of(original.function).fence if info is None else info}\n{code}\n```"


def _function(original: Original) -> str:
    return fenced(original, original.whole.text)


def _function_as_is(original: Original) -> str | None:
    return fenced(original, original.whole_as_is.text) if original.whole_as_is.indent else None


def _bare_function(original: Original) -> str:
    return original.whole.text + "\n"


def _body(original: Original) -> str:
    return fenced(original, original.body.text)


def _class(original: Original) -> str | None:
    if original.function.owner is None:
        return None
    start, end = original.function.owner
    piece = dedented(cut(original.source, start, end, original.source.indent_at(start)))
    return fenced(original, piece.text) if len(piece.lines) <= MOST_CLASS_LINES else None


def _file(original: Original) -> str | None:
    text = original.source.text.replace("\r\n", "\n").replace("\r", "\n")
    return fenced(original, text.rstrip("\n")) if text.count("\n") <= MOST_FILE_LINES else None


def _prose(original: Original) -> str:
    name, code = original.function.name, fenced(original, original.whole.text)
    texts = (
        f"Sure! Here is `{name}`:\n\n{code}\n\nIt does what its signature says. Let me know if you need tests.",
        f"### Solution\n\n`{name}` was empty. I filled it in:\n\n{code}\n\n**Notes**\n\n- `{name}` is done.\n"
        "- Call it with the arguments that its signature names.",
        f"To implement {name}(), go through the arguments one by one.\n\n1. Check them.\n2. Compute.\n\n{code}\n",
    )
    return texts[original.function.choice("prose", len(texts))]


def _draft(original: Original) -> str:
    """The function with a wrong body."""
    function, text = original.function, original.source.text
    syntax = syntax_of(function)
    head = cut(original.source, function.start, function.body_start, original.source.indent_at(function.start))
    tail = " }" if syntax.braces else ""
    behind = text[function.body_end : function.end].lstrip("}").split("\n")[0] if syntax.braces else ""
    return dedented(head).text + f"\n{syntax.unit}{syntax.draft}\n" + tail.strip() + behind


def _reasoning(original: Original) -> str:
    thought = f"The user wants `{original.function.name}`. A first try:\n{fenced(original, _draft(original))}\nWrong."
    return f"<think>\n{thought}\n</think>\n\n{_function(original)}"


def _reasoning_end(original: Original) -> str:
    """The opening tag is part of some chat templates, and the answer only has the closing one."""
    return _reasoning(original).removeprefix("<think>\n")


def _reasoning_without_end(original: Original) -> str:
    return _reasoning(original).split("\nWrong.")[0] + "\nBut that is wrong, because"


def _other_steps(original: Original, new: str) -> str | None:
    """The function in other steps of indentation, where that says the same (checked by its syntax tree)."""
    if original.step == new:
        return None
    moved = with_steps(original.whole, original.step, new)
    language = language_of(syntax_of(original.function))
    return (
        fenced(original, moved.text) if _outline(Source(moved.text, language)) == original_outline(original) else None
    )


def original_outline(original: Original) -> str:
    return _outline(Source(original.whole.text, original.source.language))


def _outline(source: Source) -> str:
    return str(source.root)


def _narrow_or_wide(original: Original) -> str | None:
    return _other_steps(original, "    " if original.step == "  " else "  ")


def _tabs(original: Original) -> str | None:
    return _other_steps(original, "\t")


def _crlf(original: Original) -> str:
    return _function(original).replace("\n", "\r\n")


def _imports_in_front(original: Original) -> str:
    syntax = syntax_of(original.function)
    nodes = [it for it in original.source.root.named_children if it.type in syntax.imports and not it.has_error]
    lines = [original.source.text_of(it).replace("\r\n", "\n").rstrip() for it in nodes[:6]]
    return fenced(original, "\n".join([*lines, syntax.foreign_import.format()]) + "\n\n\n" + original.whole.text)


def _helper_behind(original: Original) -> str:
    return fenced(original, f"{original.whole.text}\n\n\n{syntax_of(original.function).helper}")


def _examples_behind(original: Original) -> str | None:
    if original.function.name == "main":  # which the example is, too
        return None
    example = syntax_of(original.function).example.format(name=original.function.name)
    return fenced(original, f"{original.whole.text}\n\n\n{example}")


def _other_fence(original: Original) -> str:
    code, name = original.whole.text, syntax_of(original.function).fence
    forms = (
        f"~~~{name}\n{code}\n~~~",
        f"````{name}\n{code}\n````",
        f"```\n{code}\n```",
        f"``` {name}\n{code}\n```",
        f'```{name} title="file"\n{code}\n```',
        f"```{name.upper()}\n{code}\n```\n",
        f"1. The code:\n\n   ```{name}\n{layout.indented(original.whole, '   ')}\n   ```",
    )
    return forms[original.function.choice("fence", len(forms))]


def _several_blocks(original: Original) -> str | None:
    if original.function.name == "main":
        return None
    example = fenced(original, syntax_of(original.function).example.format(name=original.function.name))
    forms = (
        f"Usage:\n\n{example}\n\nThe function:\n\n{_function(original)}\n\nOutput:\n\n```\n3\n```",
        f"```bash\nmake install\n```\n\n{_function(original)}\n\nTests:\n\n{example}",
        f"First a draft:\n\n{fenced(original, _draft(original))}\n\nThe complete version:\n\n{_function(original)}",
    )
    return forms[original.function.choice("blocks", len(forms))]


SHAPES: tuple[Shape, ...] = (
    Shape("function", _function),
    Shape("function, indented as in the file", _function_as_is),
    Shape("no fence", _bare_function),
    Shape("body only", _body),
    Shape("class", _class),
    Shape("file", _file),
    Shape("prose around", _prose),
    Shape("reasoning in front", _reasoning),
    Shape("reasoning, closing tag only", _reasoning_end),
    Shape("reasoning without end", _reasoning_without_end, holds=False),
    Shape("other indentation", _narrow_or_wide),
    Shape("tabs", _tabs),
    Shape("CRLF answer", _crlf),
    Shape("imports in front", _imports_in_front),
    Shape("helper behind", _helper_behind),
    Shape("examples behind", _examples_behind),
    Shape("other fence", _other_fence),
    Shape("several blocks", _several_blocks),
)

PLAIN = _function
