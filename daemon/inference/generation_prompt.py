"""The one way to ask for a function: the messages, how the answer begins, and where it ends.

Serving, labels, calibration and benchmarks all build their requests here, so that what is measured is what is served.
The wording is the published one that the router was trained on: changing it would make the router wrong. What of the
file a model is shown is prompt_context.py's part. Chat templates are filled in by the worker.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tree_sitter import Node

from halfwatt.daemon.code.functions import comments_above
from halfwatt.daemon.code.lines import split_lines
from halfwatt.daemon.code.syntax import Source, ancestors
from halfwatt.daemon.code.targets import Target
from halfwatt.daemon.wire import StopRule

from .prompt_context import file_context

SYSTEM_PROMPT = "You are a code generator and only respond with code without explanations."
INSTRUCTION = "Please only respond with a codeblock and do not explain anything. Complete the following task:\n"
# Each answer heeds those of its form: a continuation the first one, a whole answer the others (stops.py).
BODY_STOPS: tuple[StopRule, ...] = ("body", "code_block", "trailing", "repeated_lines")
FUNCTION_STOPS: tuple[StopRule, ...] = ("function", "code_block", "trailing", "repeated_lines")
MAX_CONTEXT_CHARS = 8000
MAX_USAGE_CHARS = 3000


@dataclass(frozen=True)
class GenerationPrompt:
    """A request for one target. `opening` is the beginning of the answer, for a model that can be given it."""

    messages: tuple[dict[str, str], ...]
    opening: str
    language: str  # its id
    stop_rules: tuple[StopRule, ...]

    def answer(self, code: str, continued: bool) -> str:
        """The whole answer, its beginning included."""
        return self.opening + code if continued else code


def generation_prompt(
    source: Source,
    target: Target,
    context: Sequence[str] | None = None,
    system: str = SYSTEM_PROMPT,
    max_context_chars: int = MAX_CONTEXT_CHARS,
) -> GenerationPrompt:
    """The request for the target. Parts of the context are taken in order while they fit; None: the file's own.

    `system` is the model's system message; without a text there is none.
    """
    parts = file_context(source, target) if context is None else context
    code = "\n\n".join([*_fitting(parts, max_context_chars), _wanted(source, target)])
    begun = opened_code(source, target)
    fence = _fence(code + begun)
    user = f"{INSTRUCTION}{_task(target)}{fence}{target.language.id}\n{code}\n{fence}"
    messages = [{"role": "system", "content": system}] if system else []
    return GenerationPrompt(
        messages=(*messages, {"role": "user", "content": user}),
        opening=f"{fence}{target.language.id}\n{begun}",
        language=target.language.id,
        stop_rules=BODY_STOPS if target.kind == "stub" else FUNCTION_STOPS,
    )


def opened_code(source: Source, target: Target) -> str:
    """The code that the answer begins with.

    For a stub: the file's own text up to where the body begins, comments above it included, in whole lines. Else the
    comment, the keyword of a function, and its name as far as known, without a line end.
    """
    if target.kind == "stub":
        return _head(source, target).rstrip() + "\n"
    above = _lines(source, target.outer_start, target.outer_end) + "\n" if target.kind == "comment" else ""
    language = target.language
    in_class = target.kind == "comment" and _class_around(source, target) is not None
    if not language.keyword or (in_class and not language.keyword_in_class):
        return above
    indent = target.indent if target.kind == "comment" else ""
    return above + indent + f"{_awaited(source, target)}{language.keyword} {target.name}".rstrip()


def _fitting(parts: Sequence[str], max_chars: int) -> list[str]:
    kept = []
    for part in parts:
        max_chars -= len(part)
        if max_chars < 0:
            break
        kept.append(part)
    return kept


def _fence(code: str) -> str:
    """Longer than any run of backticks in the code, so that none of them ends the block."""
    return "`" * max([3, *(len(run) + 1 for run in re.findall(r"`{3,}", code))])


def _task(target: Target) -> str:
    language = target.language.name
    if target.kind == "comment":
        return f"Write one {language} function that does what the comment at the end says.\n"
    if target.kind == "call":
        return (
            f"Write the {language} function `{target.name}` that is called here and is missing. Only that function.\n"
        )
    if target.owners:
        return f"Write only the function `{target.name}` at the end, with its body.\n"
    return ""


def _wanted(source: Source, target: Target) -> str:
    """What stands last in the request: the stub, the comment, or the statement with the call."""
    if target.kind == "comment":
        return _lines(source, target.outer_start, target.outer_end)
    if target.kind == "call":
        return _usage(source, target)
    head = _head(source, target).rstrip()
    if target.language.braces:
        return f"{head}\n{target.indent}}}"
    body = _unified(source.text[target.start : target.end]).split("\n")
    return "\n".join([head, *(line for line in body if line.strip().startswith("#"))])


def _head(source: Source, target: Target) -> str:
    """The stub's own text from the comments above it to where the body begins."""
    nodes = [it for it in ancestors(source.node_at(target.outer_start)) if it.parent is not None]
    whole = [it for it in nodes if source.start(it) == target.outer_start and source.end(it) <= target.outer_end]
    above = comments_above(source, whole[-1]) if whole else []
    return _lines(source, source.start(above[0]) if above else target.outer_start, target.start)


def _lines(source: Source, start: int, end: int) -> str:
    """The text with the indentation of its first line, if nothing else stands before it there."""
    line_start = source.line_start(start)
    is_first = not source.text[line_start:start].strip()
    return _unified(source.text[line_start if is_first else start : end])


def _unified(text: str) -> str:
    return "".join(line.rstrip("\r\n") + "\n" * (line[-1] in "\r\n") for line in split_lines(text))


def _class_around(source: Source, target: Target) -> Node | None:
    node = source.node_at(target.outer_start)
    return next((it for it in ancestors(node.parent) if it.type in target.language.classes), None)


def _awaited(source: Source, target: Target) -> str:
    """`async ` where the missing function's call is awaited."""
    call = source.node_at(target.outer_start)
    around = [it.type for it in ancestors(call) if source.start(it) <= target.outer_start][:4]
    return "async " if target.kind == "call" and any(it.startswith("await") for it in around) else ""


def _usage(source: Source, target: Target) -> str:
    """The statement around the call that shows how the missing function is used."""
    node = source.node_at(target.outer_start)
    best = node
    for candidate in ancestors(node):
        if candidate.parent is None or len(source.text_of(candidate)) > MAX_USAGE_CHARS:
            break
        best = candidate
    return source.text_of(best)
