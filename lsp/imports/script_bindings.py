"""Reading imports of JavaScript and TypeScript: the statements of a file, and what each binds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tree_sitter import Node

from halfwatt.daemon.code.languages import kinds
from halfwatt.daemon.code.syntax import Source

DECLARATIONS = kinds("lexical_declaration variable_declaration")


@dataclass(frozen=True)
class ScriptBinding:
    """One name that an import binds. `member` is "default", "*" for the whole module, or the name in the module."""

    module: str
    member: str
    name: str
    is_type: bool = False

    def element(self, joint: str) -> str:
        """As it stands in a list; `joint` is " as " or ": "."""
        return self.member if self.member == self.name else f"{self.member}{joint}{self.name}"


def statements(source: Source) -> Iterator[Node]:
    """The import statements, and the declarations that call `require`, on top level."""
    for node in source.root.named_children:
        if node.type in source.language.imports or (node.type in DECLARATIONS and _required(source, node)):
            yield node


def _required(source: Source, node: Node) -> tuple[Node, str] | None:
    """The pattern and the module of `const pattern = require("module")`."""
    declarators = [it for it in node.named_children if it.type == "variable_declarator"]
    if len(declarators) != 1:
        return None
    name, value = declarators[0].child_by_field_name("name"), declarators[0].child_by_field_name("value")
    if name is None or value is None:
        return None
    match = re.fullmatch(r"""require\(\s*["'`]([^"'`]+)["'`]\s*\)""", source.text_of(value))
    return (name, match[1]) if match else None


def bindings_of(source: Source) -> list[ScriptBinding]:
    return [it for node in statements(source) for it in bindings(source, node)]


def bindings(source: Source, node: Node) -> list[ScriptBinding]:
    """What one statement binds. `import "module"` binds nothing."""
    if node.type in DECLARATIONS:
        required = _required(source, node)
        return _from_pattern(source, *required) if required else []
    origin = node.child_by_field_name("source")
    module = source.text_of(origin)[1:-1] if origin is not None else ""
    is_type = any(it.type in ("type", "typeof") for it in node.children)
    found: list[ScriptBinding] = []
    for clause in node.named_children:
        if clause.type == "import_require_clause":
            found.extend(ScriptBinding(module, "*", source.text_of(it)) for it in clause.named_children[:1])
        for part in clause.named_children if clause.type == "import_clause" else ():
            if part.type == "identifier":
                found.append(ScriptBinding(module, "default", source.text_of(part), is_type))
            elif part.type == "namespace_import":
                found.append(ScriptBinding(module, "*", source.text_of(part.named_children[-1]), is_type))
            else:
                found.extend(specifier(source, module, it, is_type) for it in specifiers(part))
    return found


def _from_pattern(source: Source, pattern: Node, module: str) -> list[ScriptBinding]:
    if pattern.type == "identifier":
        return [ScriptBinding(module, "*", source.text_of(pattern))]
    found = []
    for part in pattern.named_children:
        key, value = part.child_by_field_name("key"), part.child_by_field_name("value")
        name = source.text_of(value or part.child_by_field_name("left") or part)
        found.append(ScriptBinding(module, source.text_of(key) if key is not None else name, name))
    return found


def specifiers(node: Node) -> list[Node]:
    return [it for it in node.named_children if it.type == "import_specifier"]


def specifier(source: Source, module: str, node: Node, is_type: bool) -> ScriptBinding:
    name, alias = node.child_by_field_name("name") or node, node.child_by_field_name("alias")
    own = any(it.type in ("type", "typeof") for it in node.children)
    return ScriptBinding(module, source.text_of(name), source.text_of(alias or name), is_type or own)
