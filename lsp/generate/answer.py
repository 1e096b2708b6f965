"""Reading a model's answer: the body that was asked for, and what it brings along.

There are two forms. A continuation goes on right behind the target's own opening. A block is a free answer: reasoning,
prose, fences, a whole class or file. In it the declaration that *is* the target is looked for: same owner, kind and
parameters, not only the same name. What else is in it (tests, examples, other members) is dropped.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tree_sitter import Node

from halfwatt.daemon.code.functions import body_of, docstring_of, functions_in, outer
from halfwatt.daemon.code.syntax import Source
from halfwatt.daemon.code.targets import Target, function_of
from halfwatt.daemon.code.undefined import parameter_names
from halfwatt.daemon.errors import AnswerError
from halfwatt.daemon.inference.generation_prompt import opened_code

from .blocks import code_blocks
from .in_place import Placed, as_body, placed
from .matches import Search
from .needs import Piece, needed, uses
from .reasoning import without_reasoning
from .refusals import EMPTY, ONLY_REASONING, OTHER, UNPARSABLE, renamed
from .units import CodePiece

_MOST_FENCES = 4  # of a continuation, as places where it may end


@dataclass(frozen=True)
class Answer:
    """What an answer holds for the target, as nodes of the text `source`.

    `parts` are the statements of the body, without a docstring and comments that the file has already."""

    source: Source
    function: Node
    parts: tuple[Node, ...]
    declarations: tuple[Piece, ...]
    imports: tuple[Piece, ...]


def read(file: Source, target: Target, text: str, continued: bool = False) -> Answer:
    """What the answer holds for the target; raises AnswerError where that is nothing usable."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if continued and target.kind == "stub":
        return _continuation(file, target, text)
    return _block(file, target, opened_code(file, target) + text if continued else text)


def _continuation(file: Source, target: Target, text: str) -> Answer:
    """The text up to where the target's body ends. A server may have closed the fence, or run on."""
    lines = text.split("\n")
    fences = [at for at, line in enumerate(lines) if line.strip().startswith(("```", "~~~"))]
    for end in [*fences[:_MOST_FENCES], len(lines)]:
        found = placed(file, target, "\n".join(lines[:end]))
        if found is not None:
            return _of_body(file, target, found, [])
    is_empty = all(it.type in file.language.comments for it in Source(text, file.language).root.children)
    raise AnswerError(EMPTY if is_empty else UNPARSABLE)


def _block(file: Source, target: Target, text: str) -> Answer:
    answer = without_reasoning(text)
    if not answer.strip():
        raise AnswerError(ONLY_REASONING if text.strip() else UNPARSABLE)
    language = file.language
    pieces = [CodePiece(it, language) for it in code_blocks(answer, lambda code: CodePiece(code, language).parses)]
    search = Search(file, target)
    found = [search.in_piece(it) for it in pieces]
    matches = [match for reading in found for match in reading.matches]
    usable = [it for it in matches if it.fault is None]
    if not usable and matches:
        raise AnswerError(matches[-1].fault or UNPARSABLE)
    if not usable:
        return _body_alone(file, target, search, pieces, is_fenced="```" in answer or "~~~" in answer)
    nearest = min(it.distance for it in usable)
    best = [it for it in usable if it.distance == nearest][-1]
    others = [it for reading in found for it in reading.sources if it != best.source and it.parses]
    body = body_of(best.source, best.function)
    parts = _new_parts(file, target, best.source, body.parts if body is not None else (), best.function)
    _check_parameters(file, target, Piece(best.source, best.function), parts)
    return _with_needs(file, target, Piece(best.source, best.function), parts, others)


def _body_alone(file: Source, target: Target, search: Search, pieces: list[CodePiece], is_fenced: bool) -> Answer:
    """The last block that is a body without its function. A word that is not fenced is prose."""
    for block in reversed(pieces if target.kind == "stub" else []):
        if _may_be_body(block.plain, is_fenced) and not search.is_renamed(block.plain):
            found, imports = _without_imports(file, target, block.plain)
            if found is not None:
                return _of_body(file, target, found, imports)
    is_function = any(functions_in(it.plain, it.plain.root) for it in pieces if it.plain.parses)
    raise AnswerError(OTHER if is_function else UNPARSABLE)


def _may_be_body(source: Source, is_fenced: bool) -> bool:
    """Whether there is a statement that does more than to declare something."""
    statements = [it for it in source.root.named_children if not _only_declares(source, it)]
    if is_fenced:
        return bool(statements)
    return any(not re.fullmatch(r"\w*[.!?;:]*", source.text_of(it).strip()) for it in statements)


def _only_declares(source: Source, node: Node) -> bool:
    language = source.language
    if node.type in language.wrappers:
        return any(outer(source, it) == node for it in functions_in(source, node))
    return node.type in language.functions | language.classes | language.imports | language.comments


def _without_imports(file: Source, target: Target, source: Source) -> tuple[Placed | None, list[Piece]]:
    """The body with the imports in it where the language lets a body have them, else without those above it."""
    imports = [it for it in source.root.named_children if it.type in source.language.imports]
    if imports and not source.language.local_imports:
        first = next((it for it in source.root.named_children if it.type not in source.language.imports), None)
        below = source.text[source.line_start(source.start(first)) :] if first is not None else ""
        return as_body(file, target, below), [Piece(source, it) for it in imports]
    return as_body(file, target, source.text), []


def _of_body(file: Source, target: Target, found: Placed, imports: list[Piece]) -> Answer:
    parts = _new_parts(file, target, found.source, found.parts, None)
    behind = [Source(found.behind, file.language)] if found.behind.strip() else []
    answer = _with_needs(file, target, Piece(found.source, found.function), parts, behind, around=False)
    return Answer(answer.source, answer.function, parts, answer.declarations, (*imports, *answer.imports))


def _new_parts(
    file: Source, target: Target, source: Source, parts: Sequence[Node], function: Node | None
) -> tuple[Node, ...]:
    """The statements without the answer's docstring and without comments that the stub has, too."""
    body = body_of(source, function) if function is not None else None
    docstring = docstring_of(source, body) if body is not None else None
    kept = [part for part in parts if part != docstring]
    text = file.text[target.outer_start : target.outer_end]
    while kept and kept[0].type in source.language.comments:
        if source.text_of(kept[0]).strip() not in text:
            break
        kept.pop(0)
    if not kept:
        raise AnswerError(EMPTY)
    return tuple(kept)


def _check_parameters(file: Source, target: Target, function: Piece, parts: Sequence[Node]) -> None:
    """Raise AnswerError where the body uses parameters that the file's signature does not have."""
    own = function_of(file, target)
    if own is None:
        return
    known = parameter_names(file, own)
    used = uses(function.source, parts)
    words = parameter_names(function.source, function.node)
    changed = [it for it in words if it not in known and it in used.plain]
    if changed:
        raise AnswerError(renamed(changed))


def _with_needs(
    file: Source, target: Target, function: Piece, parts: Sequence[Node], others: list[Source], around: bool = True
) -> Answer:
    declarations = needed(file, target, function, tuple(parts), others, around)
    roots = [*([function.source.root] if around else []), *(it.root for it in others)]
    sources = [*([function.source] if around else []), *others]
    imports = [
        Piece(source, it)
        for source, root in zip(sources, roots, strict=True)
        for it in root.named_children
        if it.type in source.language.imports
    ]
    return Answer(function.source, function.node, tuple(parts), tuple(declarations), tuple(imports))
