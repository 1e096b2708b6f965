"""The request for a target: what the model is asked, with as little of the file as helps.

The stable part (instruction, imports, class) comes first, so that the model's cache of a prompt's beginning is reused.
The wording is the published one that the router was trained on: changing it would make the router wrong.
"""

from __future__ import annotations

from tree_sitter import Node

from halfwatt.daemon.code.functions import body_of, functions_in, name_of, outer
from halfwatt.daemon.code.syntax import Source, ancestors
from halfwatt.daemon.code.targets import Target, imports
from halfwatt.daemon.wire import StopRule

INSTRUCTION = "Please only respond with a codeblock and do not explain anything. Complete the following task:\n"
STOP_RULES: tuple[StopRule, ...] = ("code_block", "repeated_lines", "trailing")
MAX_IMPORTS_CHARS = 1500
MAX_OWNER_CHARS = 2000
MAX_USAGE_CHARS = 3000


def messages(source: Source, target: Target) -> list[dict[str, str]]:
    """OpenAI chat messages for the target; the daemon adds the model's own system message."""
    blocks = [_imports(source), _owner(source, target), _wanted(source, target)]
    code = "\n\n".join(block for block in blocks if block)
    return [{"role": "user", "content": f"{INSTRUCTION}{_task(target)}```{target.language.id}\n{code}\n```"}]


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


def _imports(source: Source) -> str:
    text = "\n".join(source.text_of(node).strip() for node in imports(source))
    return text if len(text) <= MAX_IMPORTS_CHARS else text[:MAX_IMPORTS_CHARS].rsplit("\n", 1)[0]


def _owner(source: Source, target: Target) -> str:
    """The enclosing class: its head, its fields, its constructor, the other methods' signatures."""
    node = source.node_at(min(target.outer_start, max(len(source.text) - 1, 0)))
    owner = next((it for it in ancestors(node) if it.type in source.language.classes), None)
    body = owner.child_by_field_name("body") if owner is not None else None
    if target.kind != "stub" or owner is None or body is None:
        return ""
    indent = source.indent_at(source.start(owner))
    head = source.text[source.start(owner) : source.start(body)].rstrip()
    lines = [indent + head + (" {" if source.language.braces else "")]
    lines.extend(_member(source, child, target) for child in body.named_children)
    return "\n".join(_until(lines, MAX_OWNER_CHARS))


def _member(source: Source, child: Node, target: Target) -> str:
    start = source.start(child)
    functions = [it for it in functions_in(source, child) if outer(source, it) == child or it == child]
    if start == target.outer_start or child.type in source.language.comments:
        return ""
    if not functions or name_of(source, functions[0]) in source.language.constructors:
        return source.indent_at(start) + source.text_of(child)
    found = body_of(source, functions[0])
    opening = found.opening if found else source.end(child)
    signature = source.text[start:opening].rstrip("{ \t\r\n")
    return source.indent_at(start) + signature + (" ..." if not source.language.braces else " { … }")


def _until(lines: list[str], n_chars: int) -> list[str]:
    kept: list[str] = []
    for line in filter(None, lines):
        n_chars -= len(line) + 1
        if n_chars < 0:
            break
        kept.append(line)
    return kept


def _wanted(source: Source, target: Target) -> str:
    if target.kind == "comment":
        return target.documentation
    if target.kind == "call":
        return _usage(source, target)
    above = target.documentation.split("\n") if target.language.braces and target.documentation else []
    start = target.indent + source.text[target.outer_start : target.start]
    if target.language.braces:
        return "\n".join([*(target.indent + line.strip() for line in above), start + "\n" + target.indent + "}"])
    todo = [line for line in source.text[target.start : target.end].splitlines() if line.strip().startswith("#")]
    return "\n".join([start.rstrip(), *todo])


def _usage(source: Source, target: Target) -> str:
    """The statement around the call that shows how the missing function is used."""
    node = source.node_at(target.outer_start)
    best = node
    for candidate in ancestors(node):
        if candidate.parent is None or len(source.text_of(candidate)) > MAX_USAGE_CHARS:
            break
        best = candidate
    return source.text_of(best)
