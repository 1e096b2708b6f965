"""Names that are called but defined nowhere. The editor's diagnostics name them; for Python, scopes are looked at, too.

The look at scopes is careful, not complete. It says nothing about files where names may come from elsewhere
(`import *`, `exec`, `globals()`). Other languages rely on diagnostics alone.
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterable

from tree_sitter import Node

from .languages import kinds
from .signature import parameter_list
from .syntax import Source, walk

_UNDEFINED = re.compile(
    r"undefined|not defined|undeclared|not declared|cannot find|can't find|unresolved|not found in this scope"
    r"|could not be resolved|cannot resolve|does not exist",
    re.IGNORECASE,
)
_NEW_SCOPES = kinds(
    "function_definition class_definition lambda list_comprehension set_comprehension dictionary_comprehension "
    "generator_expression"
)
_BUILTINS = frozenset(dir(builtins)) | {"__file__", "__name__", "__path__", "reveal_type", "get_ipython", "display"}
_DYNAMIC = frozenset({"exec", "globals", "vars"})


def diagnosed_names(messages: Iterable[str]) -> list[str]:
    """The names that diagnostics (their messages) call undefined."""
    found: list[str] = []
    for message in messages:
        if _UNDEFINED.search(message):
            quoted = re.findall(r"[\"'`‘“]([^\W\d]\w*)(?:\(.*?\))?[\"'`’”]", message)
            bare = re.findall(r"(?:undefined|method|symbol|identifier|function):?\s+([^\W\d]\w*)", message)
            found.extend([*quoted, *bare])
    return found


def undefined_calls(source: Source) -> list[Node]:
    """Python calls of plain names that no scope around them binds."""
    if _is_dynamic(source):
        return []
    found: list[Node] = []
    todo: list[tuple[Node, tuple[frozenset[str], ...]]] = [(source.root, (_bindings(source, source.root),))]
    while todo:
        node, scopes = todo.pop()
        if node.type == "call" and _is_undefined(source, node, scopes):
            found.append(node)
        for child in node.children:
            inner = (*scopes, _bindings(source, child)) if child.type in _NEW_SCOPES else scopes
            todo.append((child, inner))
    return found


def _is_undefined(source: Source, call: Node, scopes: tuple[frozenset[str], ...]) -> bool:
    """Whether no scope binds the name that is called.

    Names of a class count as visible in its methods. Python sees that otherwise, but such a call means the method."""
    callee = call.child_by_field_name("function")
    if callee is None or callee.type != "identifier":
        return False
    name = source.text_of(callee)
    return name not in _BUILTINS and not any(name in scope for scope in scopes)


def _is_dynamic(source: Source) -> bool:
    for node in walk(source.root):
        if node.type == "wildcard_import":
            return True
        if node.type == "call":
            callee = node.child_by_field_name("function")
            if callee is not None and source.text_of(callee) in _DYNAMIC:
                return True
    return False


def _bindings(source: Source, scope: Node) -> frozenset[str]:
    """The names that this scope binds itself."""
    names: set[str] = set()
    todo = list(scope.children)
    while todo:
        node = todo.pop()
        names.update(_bound_by(source, node))
        if node.type in ("function_definition", "class_definition"):
            continue
        if node.type not in _NEW_SCOPES:
            todo.extend(node.children)
    return frozenset(names)


def _bound_by(source: Source, node: Node) -> list[str]:
    kind = node.type
    if kind in ("function_definition", "class_definition", "named_expression", "keyword_pattern"):
        return _identifiers(source, node.child_by_field_name("name"))
    if kind in ("assignment", "for_statement", "for_in_clause", "type_alias_statement"):
        return _identifiers(source, node.child_by_field_name("left"))
    if kind in ("as_pattern_target", "global_statement", "nonlocal_statement", "type_parameter", "case_pattern"):
        return _identifiers(source, node)
    if kind in ("parameters", "lambda_parameters"):
        return [name for child in node.named_children for name in _parameter(source, child)]
    if kind in ("import_statement", "import_from_statement", "future_import_statement"):
        return _imported(source, node)
    return []


def _identifiers(source: Source, node: Node | None) -> list[str]:
    return [source.text_of(it) for it in walk(node) if it.type == "identifier"] if node is not None else []


def _parameter(source: Source, node: Node) -> list[str]:
    named = node.child_by_field_name("name")
    if named is None and node.type == "typed_parameter":
        named = node.named_children[0]
    return _identifiers(source, named or node)


def _imported(source: Source, node: Node) -> list[str]:
    names = []
    for item in node.children_by_field_name("name"):
        alias = item.child_by_field_name("alias")
        names.append(source.text_of(alias) if alias is not None else source.text_of(item).split(".")[0])
    return names


def parameter_names(source: Source, function: Node) -> list[str]:
    """The names of a function's parameters, in any language of the table."""
    list_node = parameter_list(function)
    if list_node is None:
        return []
    if list_node.type == "identifier":
        return _identifiers(source, list_node)
    return [name for child in list_node.named_children for name in _any_parameter(source, child)]


def _any_parameter(source: Source, node: Node) -> list[str]:
    for field in ("pattern", "name", "declarator", "left"):
        named = node.child_by_field_name(field)
        if named is not None:
            return _identifiers(source, named)
    return _parameter(source, node)
