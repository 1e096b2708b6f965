"""Imports of JavaScript and TypeScript: what statements bind, which are needed, and where they go.

From the standard library only Node's modules are known, and only in files that are clearly for Node. The file decides
between `import` and `require`, and how strings and statements end. `import type` binds no value.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

from tree_sitter import Node

from halfwatt.daemon.code.edits import Edit
from halfwatt.daemon.code.languages import kinds
from halfwatt.daemon.code.syntax import Source, ancestors, walk

from .names import NewText, Use
from .place import below, into_list, is_alone_on_line, on_top
from .script_bindings import DECLARATIONS, ScriptBinding, bindings, bindings_of, specifier, specifiers, statements
from .standard import standard

_TYPE_PLACES = kinds(
    "type_annotation type_arguments type_parameters implements_clause extends_type_clause type_predicate "
    "nested_type_identifier generic_type union_type intersection_type array_type lookup_type mapped_type_clause "
    "type_query"
)
_NODE_SIGNS = re.compile(
    r"\b(module\.exports|exports\.\w|__dirname|__filename|process\.(argv|env|exit|cwd)|Buffer\.)|\A#!.*node"
)
_GLOBALS = frozenset({"console", "process"})  # names of modules that are there without an import
_WEB_CRYPTO = frozenset({"getRandomValues", "randomUUID", "subtle"})


@dataclass(frozen=True)
class _Writing:
    quote: str
    end: str
    requires: bool  # CommonJS

    def statement(self, module: str, bindings: list[ScriptBinding]) -> list[str]:
        source = f"{self.quote}{module}{self.quote}"
        lines = []
        for it in (it for it in bindings if it.member in ("default", "*")):
            if self.requires:
                lines.append(f"const {it.name} = require({source}){self.end}")
            else:
                lines.append(f"import {'* as ' * (it.member == '*')}{it.name} from {source}{self.end}")
        named = [it for it in bindings if it.member not in ("default", "*")]
        if named:
            listed = ", ".join(it.element(": " if self.requires else " as ") for it in named)
            opening = "const" if self.requires else "import type" if all(it.is_type for it in named) else "import"
            origin = f"= require({source})" if self.requires else f"from {source}"
            lines.append(f"{opening} {{ {listed} }} {origin}{self.end}")
        return lines


def edits(text: NewText, offered: tuple[str, ...], folder: Path | None) -> list[Edit]:
    present = [it for node in statements(text.after) for it in bindings(text.after, node)]
    offers = [it for statement in offered for it in bindings_of(Source(statement, text.after.language))]
    types_only = {it.name for it in present if it.is_type} - {it.name for it in present if not it.is_type}
    bound = {it.name for it in present} - types_only
    wanted: dict[ScriptBinding, None] = {}
    for use in text.uses:
        if use.name in bound or (use.name in types_only and _is_type(use.node)) or _is_tag(use):
            continue
        if use.name in types_only:
            wanted[next(it for it in present if it.name == use.name)] = None
        elif use.name not in text.used_elsewhere:
            found = next((it for it in offers if it.name == use.name), None) or _known(text.after, present, use)
            if found is not None:
                wanted[found] = None
    values = [it for it in wanted if it.name in types_only]
    return [*_as_values(text.before, values), *_placed(text, [it for it in wanted if it not in values])]


def _is_type(node: Node) -> bool:
    return node.type == "type_identifier" or any(it.type in _TYPE_PLACES for it in ancestors(node))


def _is_tag(use: Use) -> bool:
    """Whether a name is an element of HTML: `<path>` in JSX."""
    parent = use.node.parent
    in_tag = parent is not None and parent.type.startswith("jsx_") and parent.type.endswith("element")
    return in_tag and use.name[:1].islower() and not use.members


def _known(source: Source, present: list[ScriptBinding], use: Use) -> ScriptBinding | None:
    """A module of Node that has what is looked up in it."""
    modules = standard("node").modules
    if use.member not in modules.get(use.name, ()) or use.name in _GLOBALS or use.member in _WEB_CRYPTO:
        return None
    prefixes = [it.module.startswith("node:") for it in present if it.module.removeprefix("node:") in modules]
    if not prefixes and not _NODE_SIGNS.search(source.text):
        return None
    prefix = "node:" if prefixes and sum(prefixes) * 2 > len(prefixes) else ""
    members = [
        it.member for it in present if it.module.removeprefix("node:") in modules and it.member in ("default", "*")
    ]
    whole = "default" if members.count("default") > members.count("*") else "*"
    return ScriptBinding(prefix + use.name, whole, use.name)


def _as_values(source: Source, wanted: list[ScriptBinding]) -> list[Edit]:
    """`type` is taken from the names that are needed as values; the others of their statement get one each."""
    names = {it.name for it in wanted}
    found: list[Edit] = []
    for node in statements(source):
        if not names & {it.name for it in bindings(source, node)}:
            continue
        whole = next((it for it in node.children if it.type == "type"), None)
        specifiers = [it for it in walk(node) if it.type == "import_specifier"]
        needed = [it for it in specifiers if specifier(source, "", it, False).name in names]
        if whole is None:
            found.extend(_without_type(source, child) for it in needed for child in it.children if child.type == "type")
            continue
        found.append(_without_type(source, whole))
        for other in (it for it in specifiers if it not in needed):
            found.append(Edit(source.start(other), source.start(other), "type "))
    return found


def _without_type(source: Source, word: Node) -> Edit:
    end = source.end(word)
    blank = re.compile(r"\s*").match(source.text, end)
    return Edit(source.start(word), blank.end() if blank else end, "")


def _placed(text: NewText, wanted: list[ScriptBinding]) -> list[Edit]:
    if not wanted:
        return []
    source, style = text.before, _style_of(text.after)
    found: list[Edit] = []
    lines: list[str] = []
    for module in dict.fromkeys(it.module for it in wanted):
        group = sorted((it for it in wanted if it.module == module), key=lambda it: it.member)
        named = [it for it in group if it.member not in ("default", "*")]
        joined = _joined(source, module, named) if named and not style.requires else []
        found.extend(joined)
        rest = [it for it in group if not (joined and it in named)]
        if style.requires:
            rest = [replace(it, member="*") if it.member == "default" else it for it in rest]
        lines.extend(style.statement(module, rest) if rest else [])
    if lines:
        found.append(_new_lines(source, lines, style))
    return found


def _new_lines(source: Source, lines: list[str], style: _Writing) -> Edit:
    nodes = [it for it in _head(source) if is_alone_on_line(source, it)]
    same = [it for it in nodes if (it.type in DECLARATIONS) == style.requires]
    if same or nodes:
        return below(source, (same or nodes)[-1], lines)
    return on_top(source, lines)


def _head(source: Source) -> list[Node]:
    """The imports on top of the file: those above the first function and class."""
    found = []
    found_statements = list(statements(source))
    ends = source.language.functions | source.language.classes | kinds("export_statement")
    for node in source.root.named_children:
        if node.type in ends:
            break
        if node in found_statements:
            found.append(node)
    return found


def _joined(source: Source, module: str, named: list[ScriptBinding]) -> list[Edit]:
    """Into an `import` statement that takes names from the same module and can take more."""
    for node in (it for it in _head(source) if it.type in source.language.imports):
        present = bindings(source, node)
        if not present or present[0].module != module or any(it.member == "*" for it in present):
            continue
        if any(it.type == "type" for it in node.children) and not all(it.is_type for it in named):
            continue
        held = next((it for it in walk(node) if it.type == "named_imports"), None)
        clause = next((it for it in node.named_children if it.type == "import_clause"), None)
        if held is None and clause is not None:
            listed = ", ".join(it.element(" as ") for it in named)
            return [Edit(source.end(clause), source.end(clause), f", {{ {listed} }}")]
        elements = specifiers(held) if held is not None else []
        if elements:
            return [edit for it in named for edit in into_list(source, elements, it.element(" as "), _element_key)]
    return []


def _element_key(element: str) -> tuple[bool, str]:
    return False, element.removeprefix("type ")


def _style_of(source: Source) -> _Writing:
    imports = list(statements(source))
    texts = [source.text_of(it).rstrip() for it in imports] or [source.text]
    doubles, singles = (sum(it.count(quote) for it in texts) for quote in ('"', "'"))
    if imports:
        ends = sum(it.endswith(";") for it in texts) * 2 >= len(texts)
    else:
        ends = len(re.findall(r";[ \t]*$", source.text, re.MULTILINE)) * 5 >= source.text.count("\n")
    has_import = any(it.type in source.language.imports for it in imports)
    exports = any(it.type == "export_statement" for it in source.root.named_children)
    is_script = bool(re.search(r"\b(require\(|module\.exports|exports\.\w)", source.text))
    return _Writing(
        "'" if singles > doubles else '"', ";" if ends else "", is_script and not has_import and not exports
    )
