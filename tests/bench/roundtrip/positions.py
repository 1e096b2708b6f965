"""In what position a function stands: the kinds that the selection spreads over and the report counts."""

from __future__ import annotations

from tree_sitter import Node

from halfwatt.daemon.code.syntax import Source, ancestors, walk

from .syntaxes import Syntax, kinds

PLAIN = "plain"
_RUST_OPERATORS = kinds(
    "Add Sub Mul Div Rem Neg Not BitAnd BitOr BitXor Shl Shr AddAssign SubAssign MulAssign DivAssign Index IndexMut "
    "Deref DerefMut PartialEq PartialOrd Ord Drop"
)
_MODULES = frozenset({"namespace_definition", "internal_module", "mod_item"})
_CONDITIONS = frozenset({"preproc_if", "preproc_ifdef", "preproc_else", "preproc_elif"})


def positions_of(source: Source, node: Node, whole: Node, syntax: Syntax) -> tuple[str, ...]:
    """All that hold, sorted; `plain` where none does."""
    found = {
        *_by_scope(node, whole, syntax),
        *_by_modifiers(source, node, whole, syntax),
        *_by_surroundings(source, node, whole),
        *_by_body(node, syntax),
    }
    return tuple(sorted(found)) or (PLAIN,)


def _by_scope(node: Node, whole: Node, syntax: Syntax) -> set[str]:
    scopes = [it for it in ancestors(whole.parent) if it.type in syntax.classes | syntax.functions]
    found = set()
    if node.type in syntax.closures:
        found.add("closure with a name")
    if scopes and scopes[0].type in syntax.classes:
        found.add("method")
        if any(it.type in syntax.functions for it in scopes):
            found.add("class in a function")
        if any(it.type in syntax.classes for it in scopes[1:]):
            found.add("nested class")
        if scopes[0].type in ("trait_item", "interface_declaration"):
            found.add("default of an interface")
    elif scopes:
        found.add("function in a function")
    if node.type == "method_declaration" and syntax.id == "go":
        found.add("method")
    return found


def _by_modifiers(source: Source, node: Node, whole: Node, syntax: Syntax) -> set[str]:
    head = source.text[source.start(whole) : source.start(node.child_by_field_name("body") or node)]
    words = set(head.replace("(", " ").replace("*", " * ").split())
    types = {it.type for it in whole.children} | {it.type for it in node.children}
    found = set()
    if words & {"get", "set"} and node.type == "method_definition":
        found.add("accessor")
    if syntax.id == "python" and any(mark in head for mark in ("@property", ".setter", ".getter", "cached_property")):
        found.add("accessor")
    if "async" in words:
        found.add("async")
    if "static" in words or "@staticmethod" in head:
        found.add("static")
    if node.type == "method_definition" and any(it.type == "*" for it in node.children):
        found.add("generator")
    if node.type in ("generator_function_declaration", "generator_function"):
        found.add("generator")
    if "decorated_definition" in (whole.type,) or "@" in head or _attribute_above(whole):
        found.add("decorated")
    if types & {"type_parameters", "type_parameter_list"} or node.child_by_field_name("type_parameters"):
        found.add("generic")
    if whole.type == "template_declaration" or any(it.type == "template_declaration" for it in ancestors(node)):
        found.add("template")
    return found


def _attribute_above(whole: Node) -> bool:
    above = whole.prev_sibling
    return above is not None and above.type in ("attribute_item", "decorator")


def _by_surroundings(source: Source, node: Node, whole: Node) -> set[str]:
    found = set()
    around = list(ancestors(whole.parent))
    n_modules = sum(1 + source.text_of(it).split("{", 1)[0].count("::") for it in around if it.type in _MODULES)
    if n_modules >= 2:
        found.add("nested namespaces")
    elif n_modules:
        found.add("namespace")
    if any(it.type in _CONDITIONS and not _is_guard(it) for it in around):
        found.add("#if")
    if node.child_by_field_name("declarator") is not None:
        found |= _by_declarator(source, node)
    if node.type == "constructor_declaration" or _name(source, node) in ("constructor", "__init__"):
        found.add("constructor")
    name = _name(source, node)
    if name.startswith("__") and name.endswith("__") and name != "__init__":
        found.add("operator")
    impl = next((it for it in around if it.type == "impl_item"), None)
    trait = impl.child_by_field_name("trait") if impl is not None else None
    if trait is not None:
        found.add("implementation of a trait")
        if source.text_of(trait).split("::")[-1].split("<")[0] in _RUST_OPERATORS:
            found.add("operator")
    if name and sum(_name(source, it) == name for it in _siblings(whole)) > 1:
        found.add("overload")
    return found


def _by_declarator(source: Source, node: Node) -> set[str]:
    declarator = node.child_by_field_name("declarator")
    body = node.child_by_field_name("body")
    assert declarator is not None
    inner = {it.type for it in walk(declarator)}
    found = set()
    if inner & {"operator_name", "operator_cast"}:
        found.add("operator")
    if "destructor_name" in inner:
        found.add("destructor")
    if "qualified_identifier" in {it.type for it in declarator.children} | {declarator.type}:
        found.add("member outside its class")
    if any(it.type == "field_initializer_list" for it in node.children) and body is not None:
        found.add("constructor")
    return found


def _is_guard(node: Node) -> bool:
    """An include guard: `#ifndef` around nearly the whole file."""
    root = next(it for it in ancestors(node) if it.parent is None)
    return node.type == "preproc_ifdef" and node.end_byte - node.start_byte > 0.8 * (root.end_byte - root.start_byte)


def _siblings(whole: Node) -> list[Node]:
    return whole.parent.named_children if whole.parent is not None else []


def _name(source: Source, node: Node) -> str:
    """The plain name of a function or of what a wrapper holds; "" where it is not simple."""
    named = node.child_by_field_name("name")
    if named is not None:
        return source.text_of(named)
    inner = node.child_by_field_name("definition") or node.child_by_field_name("declarator")
    if inner is not None and inner.type not in ("identifier", "field_identifier"):
        return _name(source, inner)
    return source.text_of(inner) if inner is not None else ""


def _by_body(node: Node, syntax: Syntax) -> set[str]:
    body = node.child_by_field_name("body")
    found = set()
    todo = list(body.children) if body is not None else []
    while todo:
        it = todo.pop()
        if it.type in ("yield", "yield_expression"):
            found.add("generator")
        if it.type in ("jsx_element", "jsx_self_closing_element"):
            found.add("JSX")
        if it.type in _CONDITIONS:
            found.add("#if inside")
        if it.type not in syntax.functions:
            todo.extend(it.children)
    return found
