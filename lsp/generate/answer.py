"""Reading a model's answer: the code in it, the one function that was asked for, the helpers and imports it needs.

Everything else is dropped: tests, example calls, prints, explanations. fit.py puts the result into the file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tree_sitter import Node

from halfwatt.daemon.code.functions import body_of, functions_in, is_stub, name_of, outer
from halfwatt.daemon.code.languages import Language
from halfwatt.daemon.code.syntax import Source, ancestors, walk
from halfwatt.daemon.code.undefined import parameter_names
from halfwatt.daemon.errors import AnswerError

_FENCE = re.compile(r"^[ \t]*```[^\n`]*\n(.*?)(?:^[ \t]*```|\Z)", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Answer:
    """The wanted function in the answer's own tree, with what it uses.

    `helpers` stand at the top of the answer, `methods` beside the function in its class."""

    source: Source
    function: Node
    helpers: tuple[Node, ...]
    methods: tuple[Node, ...]
    imports: tuple[Node, ...]


def read(text: str, language: Language, name: str, signature: str = "") -> Answer:
    """The function `name` ("": any) in a model's answer; raises AnswerError where there is none with a body.

    `signature` lets an answer that is only a body be read as that function."""
    seen_stub = False
    for code in _candidates(text):
        for source in _readings(code, language, name, signature):
            found = [it for it in functions_in(source, source.root) if not name or name_of(source, it) == name]
            found = [it for it in found if name_of(source, it) and not outer(source, it).has_error]
            whole = [it for it in found if not is_stub(source, it)]
            seen_stub = seen_stub or bool(found)
            if whole:
                return _with_needs(source, whole[0])
    if seen_stub:
        raise AnswerError("The model left the body empty; nothing was changed. Try again, or ask another model.")
    raise AnswerError("The model's answer does not parse; nothing was changed. Try again, or ask another model.")


def _candidates(text: str) -> list[str]:
    """The texts that may be code, the likeliest first: fenced blocks, the text before a lone fence, the whole."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    blocks = [match[1] for match in _FENCE.finditer(text)]
    before = text.split("```")[0]
    return [block for block in [*blocks, before, text] if block.strip()]


def _readings(code: str, language: Language, name: str, signature: str) -> list[Source]:
    """The code as it stands, as a class member, and, where it names no function, as a body under the signature."""
    readings = [Source(code, language)]
    if language.scaffold:
        readings.append(Source(language.scaffold.format(code), language))
    if signature and not _names_function(readings[0], code, name):
        body = "\n".join("    " + line for line in code.split("\n"))
        alone = f"{signature} {{\n{body}\n}}\n" if language.braces else f"{signature}\n{body}\n"
        wrapped = [Source(alone, language)]
        if language.scaffold:
            wrapped.append(Source(language.scaffold.format(alone), language))
        readings.extend(it for it in wrapped if it.parses)
    return readings


def _names_function(source: Source, code: str, name: str) -> bool:
    by_word = "```" in code or (name and re.search(rf"\b{re.escape(name)}\s*[=(]", code))
    return bool(by_word or functions_in(source, source.root))


def _with_needs(source: Source, function: Node) -> Answer:
    whole = outer(source, function)
    at_top = [it for it in ancestors(whole) if it.parent is not None][-1]
    beside = whole.parent.named_children if whole != at_top and whole.parent is not None else []
    pool = [it for it in (*beside, *source.root.named_children) if it not in (whole, at_top)]
    pool = [it for it in pool if _is_definition(source, it)]
    used = used_names(source, whole)
    needed: list[Node] = []
    while fresh := [it for it in pool if it not in needed and names_defined(source, it) & used]:
        needed.extend(fresh)
        used = used.union(*(used_names(source, it) for it in fresh))
    needed.sort(key=lambda it: it.start_byte)
    imports = [it for it in source.root.named_children if it.type in source.language.imports]
    return Answer(
        source,
        function,
        helpers=tuple(it for it in needed if it.parent == source.root),
        methods=tuple(it for it in needed if it.parent != source.root),
        imports=tuple(it for it in imports if _is_needed_import(source, it, used)),
    )


def _is_definition(source: Source, node: Node) -> bool:
    if node.has_error or node.type in source.language.imports:
        return False
    if node.type in source.language.functions | source.language.classes | source.language.wrappers:
        return bool(names_defined(source, node))
    return node.type in source.language.definitions and bool(names_defined(source, node))


def names_defined(source: Source, node: Node) -> frozenset[str]:
    """The names that a statement defines for its siblings. Calls and prints define none."""
    for it in walk(node):
        if it.type in source.language.functions:
            return frozenset({name_of(source, it)} - {""})
        for field in ("name", "left", "declarator"):
            named = it.child_by_field_name(field)
            if named is not None and not any(up.type in source.language.calls for up in ancestors(named)):
                return frozenset(source.text_of(leaf) for leaf in walk(named) if leaf.type.endswith("identifier"))
    return frozenset()


def used_names(source: Source, node: Node) -> frozenset[str]:
    return frozenset(source.text_of(it) for it in walk(node) if it.type.endswith("identifier"))


def _is_needed_import(source: Source, node: Node, used: frozenset[str]) -> bool:
    if node.type == "future_import_statement":
        return False
    names = used_names(source, node)
    in_strings = [source.text_of(it) for it in walk(node) if it.type in source.language.strings]
    last_parts = {text.strip("\"'`").split("/")[-1] for text in in_strings}  # Go: "encoding/json" is used as json
    return node.type == "preproc_include" or bool((names | last_parts) & used)


def changed_parameters(answer: Answer, signature: str) -> list[str]:
    """Parameters that the answer's body uses and the file's signature does not have."""
    known = set(re.findall(r"\w+", signature))
    body = body_of(answer.source, answer.function)
    used = {name for part in (body.parts if body else ()) for name in used_names(answer.source, part)}
    parameters = parameter_names(answer.source, answer.function)
    return [name for name in parameters if name in used and name not in known]
