"""Reading imports of Python: what each statement of a text binds."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tree_sitter import Node

from halfwatt.daemon.code.syntax import Source, walk


@dataclass(frozen=True)
class PythonBinding:
    """One name of an import statement: `from os import path as p` is ("os", "path", "p").

    `member` is "" for `import module`, "*" for a star."""

    module: str
    member: str
    name: str

    @property
    def is_plain(self) -> bool:
        return not self.member

    def statement(self) -> str:
        if self.is_plain:
            is_alias = self.name != self.module.partition(".")[0]
            return f"import {self.module}" + (f" as {self.name}" if is_alias else "")
        return f"from {self.module} import {self.element()}"

    def element(self) -> str:
        """As it stands in the list of a `from` statement."""
        return self.member if self.member in (self.name, "*") else f"{self.member} as {self.name}"


def bindings(source: Source) -> list[PythonBinding]:
    """All that the import statements of a text bind."""
    found: list[PythonBinding] = []
    for node in walk(source.root):
        if node.type in ("import_statement", "import_from_statement"):
            found.extend(statement_bindings(source, node))
    return found


def statement_bindings(source: Source, node: Node) -> list[PythonBinding]:
    """What one import statement binds."""
    module_node = node.child_by_field_name("module_name")
    module = re.sub(r"\s", "", source.text_of(module_node)) if module_node is not None else ""
    if any(it.type == "wildcard_import" for it in node.children):
        return [PythonBinding(module, "*", "*")]
    found = []
    for item in node.children_by_field_name("name"):
        alias = item.child_by_field_name("alias")
        named = item.child_by_field_name("name") or item
        name = re.sub(r"\s", "", source.text_of(named))
        bound = source.text_of(alias) if alias is not None else name
        if module_node is None and node.type == "import_statement":
            found.append(PythonBinding(name, "", bound if alias is not None else name.partition(".")[0]))
        else:
            found.append(PythonBinding(module or "__future__", name, bound))
    return found
