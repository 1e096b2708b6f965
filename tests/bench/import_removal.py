"""For bench_imports.py: which imports a file has, and how one is taken out. Read without lsp/imports, to judge it.

A binding is a tuple that ends with the name it binds.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from repository import ROOT

from halfwatt.daemon.code.syntax import Source, walk


@dataclass(frozen=True)
class Removal:
    """`start:end` is replaced by `instead`; `statement` is what an answer would bring; `uses` are offsets of uses."""

    start: int
    end: int
    instead: str
    statement: str
    binding: tuple[str, ...]
    uses: tuple[int, ...]


@dataclass(frozen=True)
class Reader:
    removals: Callable[[Source], list[Removal]]
    bound: Callable[[Source], list[tuple[str, ...]]]
    is_standard: Callable[[Removal], bool]
    is_well_placed: Callable[[Source, tuple[str, ...]], bool] = lambda source, binding: True
    is_header: bool = False  # one of several headers may bring the name


def _python_removals(source: Source) -> list[Removal]:
    tree = _parsed(source)
    if tree is None:
        return []
    starts = _line_starts(source.text)
    lines = re.split(r"(?<=\n)|(?<=\r)(?!\n)", source.text)
    found = []
    for node in tree.body:
        if not isinstance(node, ast.Import | ast.ImportFrom) or getattr(node, "module", "") == "__future__":
            continue
        start = starts[node.lineno - 1]
        end = starts[node.end_lineno] if node.end_lineno and node.end_lineno < len(starts) else len(source.text)
        if node.col_offset or ";" in source.text[start:end]:
            continue
        for alias in node.names:
            rest = [it for it in node.names if it is not alias]
            own = _python_statement(node, [alias])
            binding = _python_binding(node, alias)
            if alias.name == "*":
                continue
            instead = _python_statement(node, rest) + "\n" if rest else ""
            uses = tuple(_python_uses(tree, starts, lines, binding[-1]))
            found.append(Removal(start, end, instead, own, binding, uses))
    return found


def _python_statement(node: ast.Import | ast.ImportFrom, names: list[ast.alias]) -> str:
    return ast.unparse(
        ast.Import(names) if isinstance(node, ast.Import) else ast.ImportFrom(node.module, names, node.level)
    )


def _python_binding(node: ast.Import | ast.ImportFrom, alias: ast.alias) -> tuple[str, ...]:
    if isinstance(node, ast.Import):
        return (alias.name, "", alias.asname or alias.name.partition(".")[0])
    return ("." * node.level + (node.module or ""), alias.name, alias.asname or alias.name)


def _python_uses(tree: ast.Module, starts: list[int], lines: list[str], name: str) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id == name:
            line = lines[node.lineno - 1].encode()
            yield starts[node.lineno - 1] + len(line[: node.col_offset].decode())


def _python_bound(source: Source) -> list[tuple[str, ...]]:
    tree = _parsed(source)
    nodes = ast.walk(tree) if tree is not None else ()
    imports = [it for it in nodes if isinstance(it, ast.Import | ast.ImportFrom)]
    return [_python_binding(node, alias) for node in imports for alias in node.names]


def _python_placed(source: Source, binding: tuple[str, ...]) -> bool:
    """At the top level, in a file that compiles, and above every function and class."""
    tree = _parsed(source)
    if tree is None:
        return False
    kinds = ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef
    first = next((it.lineno for it in tree.body if isinstance(it, kinds)), 0)
    for node in tree.body:
        names = node.names if isinstance(node, ast.Import | ast.ImportFrom) else []
        if isinstance(node, ast.Import | ast.ImportFrom) and binding in [_python_binding(node, it) for it in names]:
            compile(source.text, "module", "exec")
            return not first or node.lineno < first
    return False


def _parsed(source: Source) -> ast.Module | None:
    try:
        return ast.parse(source.text)
    except (SyntaxError, ValueError):
        return None


def _line_starts(text: str) -> list[int]:
    return [0, *(match.end() for match in re.finditer(r"\r\n|\n|\r", text))]


_GO_SPEC = re.compile(
    r'^(?:import[ \t]+|[ \t]+)(?:([\w.]+)[ \t]+)?"([^"\n]+)"[ \t]*(?://[^\n]*)?(?:\r?\n)', re.MULTILINE
)


def _go_head(text: str) -> str:
    """The text up to the first declaration that is no import."""
    match = re.search(r"^(func|type|var|const)\b", text, re.MULTILINE)
    return text[: match.start()] if match else text


def _go_removals(source: Source) -> list[Removal]:
    found = []
    for match in _GO_SPEC.finditer(_go_head(source.text)):
        binding = _go_binding(match)
        if binding[-1] in (".", "_", "C"):
            continue
        quoted = f'import {match[1] or ""} "{match[2]}"'
        uses = tuple(it.start() for it in re.finditer(rf"(?<![\w.\"/]){re.escape(binding[-1])}\.[A-Z]", source.text))
        found.append(Removal(match.start(), match.end(), "", quoted, binding, uses))
    return found


def _go_binding(match: re.Match[str]) -> tuple[str, ...]:
    return (match[2], match[1] or re.sub(r"/v\d+$", "", match[2]).rpartition("/")[2])


def _go_bound(source: Source) -> list[tuple[str, ...]]:
    return [_go_binding(it) for it in _GO_SPEC.finditer(_go_head(source.text))]


_JAVA_IMPORT = re.compile(r"^import[ \t]+(static[ \t]+)?([\w.]+)\.(\w+|\*);[ \t]*\r?\n", re.MULTILINE)


def _java_removals(source: Source) -> list[Removal]:
    found = []
    for match in _JAVA_IMPORT.finditer(source.text):
        if match[3] == "*":
            continue
        code = _without_comments(source)
        uses = tuple(
            it.start()
            for it in re.finditer(rf"(?<![\w.]){match[3]}\b", code)
            if not match.start() <= it.start() < match.end()
        )
        found.append(
            Removal(match.start(), match.end(), "", match[0].strip(), (match[1] or "", match[2], match[3]), uses)
        )
    return found


def _without_comments(source: Source) -> str:
    """The text with comments, strings and imports blanked."""
    characters = list(source.text)
    for node in walk(source.root):
        if node.type in source.language.comments | source.language.strings | source.language.imports:
            start, end = source.start(node), source.end(node)
            characters[start:end] = " " * (end - start)
    return "".join(characters)


def _java_bound(source: Source) -> list[tuple[str, ...]]:
    return [(it[1] or "", it[2], it[3]) for it in _JAVA_IMPORT.finditer(source.text)]


_RUST_USE = re.compile(r"^([ \t]*)use ([\w:]+?)(?:::\{([^{}\n]*)\})?;[ \t]*\r?\n", re.MULTILINE)


def _rust_removals(source: Source) -> list[Removal]:
    found = []
    code = _without_comments(source)
    for match in _RUST_USE.finditer(source.text):
        if match[1]:
            continue
        names = [it.strip() for it in match[3].split(",") if it.strip()] if match[3] is not None else [""]
        for name in names:
            if " as " in name or name in ("self", "*"):
                continue
            path = f"{match[2]}::{name}" if name else match[2]
            bound = path.rpartition("::")[2]
            rest = [it for it in names if it != name]
            instead = f"use {match[2]}::{{{', '.join(rest)}}};\n" if rest else ""
            uses = tuple(it.start() for it in re.finditer(rf"(?<!::)(?<![\w.]){bound}\b", code))
            found.append(Removal(match.start(), match.end(), instead, f"use {path};", (path, bound), uses))
    return found


def _rust_bound(source: Source) -> list[tuple[str, ...]]:
    return [
        (it, it.rpartition("::")[2])
        for node in walk(source.root)
        if node.type == "use_declaration"
        for it in _rust_paths(re.sub(r"\s+|//[^\n]*", " ", source.text_of(node)))
    ]


def _rust_paths(statement: str) -> list[str]:
    """All paths of a `use` statement, aliases and globs as they stand."""
    tree = re.sub(r"^.*?\buse |;\s*$", "", statement).replace(" as ", "@").replace(" ", "")
    found, prefixes, word = [], [""], ""
    for character in tree + ",":
        if character == "{":
            prefixes.append(prefixes[-1] + word)
            word = ""
        elif character in ",}":
            if word:
                found.append(prefixes[-1] + word)
            word = ""
            if character == "}":
                prefixes.pop()
        else:
            word += character
    return [it.removesuffix("::self") for it in found]


_SCRIPT_IMPORT = re.compile(
    r"""^import\s+(type\s+)?(?:(\w+)\s*,?\s*)?(?:\{([^{}]*)\}|\*\s+as\s+(\w+))?\s*"""
    r"""from\s*["']([^"']+)["'];?[ \t]*\r?\n""",
    re.MULTILINE,
)
_SCRIPT_REQUIRE = re.compile(
    r"""^(?:const|let|var)\s+(?:(\w+)|\{([^{}]*)\})\s*=\s*require\(["']([^"']+)["']\);?[ \t]*\r?\n""", re.MULTILINE
)


def _script_statements(text: str) -> Iterator[tuple[re.Match[str], bool, str, list[str], str, str]]:
    """Match, whether it requires, the default's or module's name, the names in braces, the namespace, the module."""
    for match in _SCRIPT_IMPORT.finditer(text):
        if match[2] != "type":
            listed = [it.strip() for it in (match[3] or "").split(",") if it.strip()]
            yield match, False, match[2] or "", listed, match[4] or "", match[5]
    for match in _SCRIPT_REQUIRE.finditer(text):
        listed = [it.strip() for it in (match[2] or "").split(",") if it.strip()]
        yield match, True, "", listed, match[1] or "", match[3]


def _script_removals(source: Source) -> list[Removal]:
    found = []
    code = _without_comments(source)
    for match, requires, default, listed, namespace, module in _script_statements(source.text):
        if "//" in (match[3] or "") or "/*" in (match[3] or "") or (not requires and match[1]):
            continue
        parts = (
            [("default", default)] * bool(default) + [("*", namespace)] * bool(namespace) + [(it, it) for it in listed]
        )
        for kind, part in parts:
            if re.match(r"type\s", part) or "=" in part:
                continue
            rest = [it for it in listed if it != part]
            others = [
                *([default] if default and kind != "default" else []),
                *([f"* as {namespace}"] if namespace and kind != "*" else []),
            ]
            if rest:
                others.append("{ " + ", ".join(rest) + " }")
            quote = match[0][match[0].index(module) - 1]
            end = ";" if match[0].rstrip().endswith(";") else ""
            origin = f"{quote}{module}{quote}"
            written = {"default": part, "*": f"* as {part}"}.get(kind, f"{{ {part} }}")
            if requires:
                written = part if kind == "*" else written
                statement = f"const {written} = require({origin}){end}"
                instead = f"const {', '.join(others)} = require({origin}){end}\n" if others else ""
            else:
                statement = f"import {written} from {origin}{end}"
                instead = f"import {', '.join(others)} from {origin}{end}\n" if others else ""
            binding = _script_binding(module, kind, part)
            uses = tuple(
                it.start()
                for it in re.finditer(rf"(?<![\w.$]){re.escape(binding[-1])}(?![\w$])", code)
                if not match.start() <= it.start() < match.end()
            )
            found.append(Removal(match.start(), match.end(), instead, statement, binding, uses))
    return found


def _script_binding(module: str, kind: str, part: str) -> tuple[str, ...]:
    if kind in ("default", "*"):
        return (module, kind, part)
    member, _, name = re.sub(r"\s+as\s+|\s*:\s*", ":", part).partition(":")
    return (module, member, name or member)


def _script_bound(source: Source) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for _, _, default, listed, namespace, module in _script_statements(source.text):
        found += [(module, "default", default)] * bool(default) + [(module, "*", namespace)] * bool(namespace)
        found += [_script_binding(module, it, it) for it in listed]
    return found


_INCLUDE_LINE = re.compile(r"^#include[ \t]*<([\w./]+)>[ \t]*(?://[^\n]*|/\*[^\n]*\*/[ \t]*)?\r?\n", re.MULTILINE)


def _include_removals(source: Source) -> list[Removal]:
    """A header counts as used by one body where the names that only it has in the file's list are used nowhere else."""
    found = []
    code = _without_comments(source)
    present = [it[1] for it in _INCLUDE_LINE.finditer(source.text)]
    for match in _INCLUDE_LINE.finditer(source.text):
        names = _header_names(source, match[1])
        if not names:
            continue
        shared = {it for other in present if other != match[1] for it in _header_names(source, other)}
        prefix = "std::" if "." not in match[1] and source.language.id == "cpp" else r"(?<![\w.:>])"
        uses = [it.start() for it in re.finditer(rf"{prefix}(\w+)\b(?!\s*:)", code) if it[1] in names - shared]
        found.append(Removal(match.start(), match.end(), "", match[0].strip(), (match[1],), tuple(uses)))
    return found


@lru_cache(maxsize=4)
def _headers_of(language: str) -> dict[str, frozenset[str]]:
    lines = (ROOT / "lsp" / "imports" / "standard" / f"{language}.txt").read_text(encoding="utf-8").splitlines()
    return {line.partition(":")[0]: frozenset(line.partition(":")[2].split()) for line in lines}


def _header_names(source: Source, header: str) -> frozenset[str]:
    if "." in header or source.language.id == "c":
        return _headers_of("c").get(header, frozenset())
    return _headers_of("cpp").get(header, frozenset())


def _include_bound(source: Source) -> list[tuple[str, ...]]:
    return [(it[1],) for it in _INCLUDE_LINE.finditer(source.text)]


READERS: dict[str, Reader] = (
    {
        "python": Reader(
            _python_removals,
            _python_bound,
            lambda it: it.binding[0].partition(".")[0] in sys.stdlib_module_names,
            _python_placed,
        ),
        "go": Reader(_go_removals, _go_bound, lambda it: "." not in it.binding[0].partition("/")[0]),
        "java": Reader(_java_removals, _java_bound, lambda it: it.binding[1].startswith("java.") and not it.binding[0]),
        "rust": Reader(
            _rust_removals, _rust_bound, lambda it: it.binding[0].startswith(("std::", "core::", "alloc::"))
        ),
    }
    | dict.fromkeys(
        ("javascript", "typescript", "typescriptreact"),
        Reader(
            _script_removals,
            _script_bound,
            lambda it: it.binding[0].startswith("node:") and it.binding[1] in ("*", "default"),
        ),
    )
    | dict.fromkeys(("c", "cpp"), Reader(_include_removals, _include_bound, lambda it: True, is_header=True))
)
