"""Where imports of Python go: into the statement of their module, or beside imports of their kind on top of the file.

Statements in blocks (`try`, `if`) are left alone, and so is what stands below the first function or class.
"""

from __future__ import annotations

import re

from tree_sitter import Node

from halfwatt.daemon.code.edits import Edit
from halfwatt.daemon.code.languages import kinds
from halfwatt.daemon.code.syntax import Source

from .place import above, below, into_list, is_alone_on_line, is_sorted, on_top
from .python_bindings import PythonBinding, statement_bindings
from .standard import standard

_LONG = 100  # columns; a longer line of names is not made longer
_ENDS_HEAD = kinds("function_definition class_definition decorated_definition")


def placed(source: Source, needed: list[PythonBinding]) -> list[Edit]:
    """Joined into a statement that imports from the same module, or as new lines."""
    found: list[Edit] = []
    new: list[str] = []
    for module in dict.fromkeys(it.module for it in needed if not it.is_plain):
        members = sorted((it for it in needed if it.module == module and not it.is_plain), key=lambda it: it.member)
        home = _list_of(source, module, members)
        if home is None:
            listed = [it.element() for it in members]
            stars = [it for it in listed if it == "*"]
            new.append(f"from {module} import {stars[0] if stars else ', '.join(listed)}")
        else:
            found.extend(edit for it in members for edit in into_list(source, home, it.element(), _member_key))
    new.extend(it.statement() for it in needed if it.is_plain)
    for edit in _new_lines(source, sorted(new, key=_statement_key)):
        found.append(edit)
    return found


def _member_key(element: str) -> tuple[bool, str]:
    return False, element.partition(" ")[0].lower()


def _list_of(source: Source, module: str, members: list[PythonBinding]) -> list[Node] | None:
    """The names of a statement on top of the file that imports from this module and can take more."""
    for node in _head_imports(source):
        if node.type != "import_from_statement" or any(it.type == "wildcard_import" for it in node.children):
            continue
        listed = statement_bindings(source, node)
        if not listed or listed[0].module != module or any(it.member == "*" for it in members):
            continue
        elements = node.children_by_field_name("name")
        is_open = not any(it.type == "(" for it in node.children)
        end = source.line_end(source.end(node))
        added = sum(len(it.element()) + 2 for it in members)
        if not (is_open and end - source.line_start(source.end(node)) + added > _LONG):
            return elements
    return None


def _head_imports(source: Source) -> list[Node]:
    """The file's imports that stand in no block and above its first function and class."""
    found = []
    for node in source.root.named_children:
        if node.type in _ENDS_HEAD or _is_main(source, node):
            break
        if node.type in source.language.imports and is_alone_on_line(source, node):
            found.append(node)
    return found


def _is_main(source: Source, node: Node) -> bool:
    condition = node.child_by_field_name("condition") if node.type == "if_statement" else None
    return condition is not None and "__name__" in source.text_of(condition)


def _new_lines(source: Source, statements: list[str]) -> list[Edit]:
    """New statements: standard modules beside standard modules, others behind the last that is not relative."""
    head = _head_imports(source)
    future = [it for it in head if it.type == "future_import_statement"]
    others = [it for it in head if it not in future]
    by_place: dict[tuple[int, bool], list[str]] = {}
    found: list[Edit] = []
    for statement in statements:
        if not head:
            by_place.setdefault((-1, False), []).append(statement)
            continue
        at, is_above, gap = _neighbour(source, statement, others, future)
        make = above if is_above else below
        found.append(make(source, at, [statement], gap))
    if not head and statements:
        found.append(on_top(source, statements))
    return _joined(found)


def _neighbour(source: Source, statement: str, others: list[Node], future: list[Node]) -> tuple[Node, bool, bool]:
    """Beside which statement a new one goes, whether above it, and whether a blank line parts them."""
    if not others:
        return future[-1], False, True
    peers = [it for it in others if _is_standard(source.text_of(it)) == _is_standard(statement)]
    peers = (
        [it for it in peers if not source.text_of(it).startswith("from .")] if not _is_standard(statement) else peers
    )
    if peers:
        smaller = [it for it in peers if _statement_key(source.text_of(it)) <= _statement_key(statement)]
        in_order = is_sorted([_statement_key(source.text_of(it)) for it in peers])
        if smaller or not in_order:
            return (smaller[-1] if in_order else peers[-1]), False, False
        return peers[0], True, False
    if _is_standard(statement):
        return others[0], True, True
    absolute = [it for it in others if not source.text_of(it).startswith("from .")]
    return (absolute[-1], False, True) if absolute else (others[0], True, True)


def _is_standard(statement: str) -> bool:
    match = re.match(r"(?:from|import)\s+(\w+)", statement)
    return match is not None and match[1] in standard("python").modules


def _statement_key(statement: str) -> tuple[bool, str]:
    words = statement.split()
    return words[0] == "from", words[1].rstrip(",").lower()


def _joined(found: list[Edit]) -> list[Edit]:
    """Edits at one place, in their order, as one."""
    joined: dict[int, Edit] = {}
    for edit in found:
        before = joined.get(edit.start)
        joined[edit.start] = edit if before is None else Edit(edit.start, edit.end, _joint(before.text, edit.text))
    return list(joined.values())


def _joint(first: str, second: str) -> str:
    """The second of two new lines at one place needs no blank line of its own."""
    if first[:1] in "\r\n" and second[:1] in "\r\n":
        return first + re.sub(r"^(\r\n|\n|\r)(?=\1)", "", second)
    trailing = re.search(r"(\r\n|\n|\r)\1$", first)
    return first[: -len(trailing[1])] + second if trailing else first + second
