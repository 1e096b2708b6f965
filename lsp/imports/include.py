"""Includes of C and C++: which headers new text needs, and where they go.

Headers include others. So a name that the rest of the file uses is taken to be there, and project headers around the
file are read for what they bring. Where one is not found, only an include that the answer offered is added.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tree_sitter import Node

from halfwatt.daemon.code.edits import Edit
from halfwatt.daemon.code.languages import kinds
from halfwatt.daemon.code.syntax import Source

from .names import NewText, Use
from .place import above, below, is_sorted, on_top
from .standard import standard, words

MAX_HEADERS = 200
MAX_CHARS = 500_000
_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:<([^>\n]+)>|"([^"\n]+)")', re.MULTILINE)
# Names that any container, string or stream of the standard library brings along.
_ANYWHERE = words("move forward swap pair make_pair size_t ptrdiff_t nullptr_t initializer_list begin end declval")
_SYSTEM = (Path("/usr/include"), Path("/usr/local/include"), Path("/opt/homebrew/include"))
_CONDITION = kinds("identifier preproc_defined unary_expression")
_STAYS = _CONDITION | kinds(
    "preproc_def preproc_call preproc_function_def comment preproc_if preproc_ifdef using_declaration"
)


@dataclass(frozen=True)
class _Reach:
    """What the file's includes bring: headers, and the texts of those that are not standard.

    `is_whole` says that they are all that the file has."""

    headers: frozenset[str]
    words: frozenset[str]
    is_whole: bool

    def brings(self, name: str, candidates: tuple[str, ...]) -> bool:
        """Whether a name, as `strlen` or `std::sort`, is there without any of the headers that have it."""
        return name in self.words or any(_same(it, other) for it in candidates for other in self.headers)


def edits(text: NewText, offered: tuple[str, ...], folder: Path | None) -> list[Edit]:
    quoted = [it for statement in offered for it in _quoted(statement)]
    plain = {it.strip('<>"') for it in quoted}
    reach: _Reach | None = None
    wanted: set[str] = set()
    for name, candidates in _needs(text):
        reach = reach or _reach(text, folder)
        if reach.brings(name, candidates) or any(f"<{it}>" in wanted for it in candidates):
            continue
        offers = [it for it in candidates if any(_same(it, other) for other in plain)]
        if offers or (reach.is_whole and name.removeprefix("std::") not in _ANYWHERE):
            wanted.add(f"<{_spelled(offers or candidates, text.after)}>")
    brought = {f"<{it}>" for header in wanted for it in standard("headers").modules.get(header[1:-1], ())}
    wanted -= brought
    present = set(_headers(text.after.text))
    wanted |= {it for it in quoted if not _is_standard(it[1:-1]) and it[1:-1] not in present and _explains(text, it)}
    return [*_placed(text.before, sorted(wanted)), *_usings(text, offered)]


def _needs(text: NewText) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The names of the standard library that the new text uses, with the headers that have each."""
    is_cpp = text.after.language.id == "cpp"
    uses_std = is_cpp and "using namespace std" in text.after.text
    names = standard("cpp").by_name if is_cpp else {}
    for use in text.uses:
        key = "::".join(use.members[:2])
        if is_cpp and use.name == "std" and use.members:
            found = names.get(key) or names.get(use.member, ())
            elsewhere = text.members_elsewhere("std")
            if found and not any(it.split("::")[0] == use.member for it in elsewhere):
                yield f"std::{use.member}", found
        elif use.name not in text.used_elsewhere and not use.members and use.name not in _elsewhere(text):
            found = names.get(use.name, ()) if uses_std else ()
            plain = standard("c").by_name.get(use.name, ()) if _is_c_use(use) else ()
            if found or plain:
                yield use.name, found or plain


def _elsewhere(text: NewText) -> frozenset[str]:
    """Names of the standard library that the rest of the file has by their full path or by `using`."""
    return frozenset(it.rpartition("::")[2] for it in text.members_elsewhere("std")) | frozenset(
        re.findall(r"using\s+std::(\w+)\s*;", text.after.text)
    )


def _is_c_use(use: Use) -> bool:
    """Whether a name can only be that of the library: a call, a type, or a word in capitals."""
    parent = use.node.parent
    is_call = (
        parent is not None and parent.type == "call_expression" and parent.child_by_field_name("function") == use.node
    )
    return (
        is_call
        or use.node.type == "type_identifier"
        or use.name.isupper()
        or use.name in ("errno", "stdin", "stdout", "stderr")
    )


def _headers(text: str) -> list[str]:
    return [angle or quoted for angle, quoted in _INCLUDE.findall(text)]


def _quoted(statement: str) -> list[str]:
    return [f"<{angle}>" if angle else f'"{quoted}"' for angle, quoted in _INCLUDE.findall(statement)]


def _same(one: str, other: str) -> bool:
    """`<cstring>` and `<string.h>` bring the same names."""
    return _c_name(one) == _c_name(other)


def _c_name(header: str) -> str:
    return f"{header[1:]}.h" if header[:1] == "c" and f"{header[1:]}.h" in standard("c").modules else header


def _is_standard(header: str) -> bool:
    return header in standard("cpp").modules or _c_name(header) in standard("c").modules


def _spelled(candidates: Sequence[str], source: Source) -> str:
    """The first of the headers. C's are `<cstring>` in C++, unless the file writes `<string.h>` or the like."""
    header = candidates[0]
    cpp_name = f"c{header.removesuffix('.h')}"
    if source.language.id != "cpp" or not header.endswith(".h") or cpp_name not in standard("cpp").modules:
        return header
    old = [it for it in _headers(source.text) if it in standard("c").modules]
    return header if old else cpp_name


def _reach(text: NewText, folder: Path | None) -> _Reach:
    """What the includes of a file bring. Headers are looked for in the folders around it and in the system's.

    A file that uses what neither it nor an include declares has it from where it is included itself."""
    headers: set[str] = set()
    seen_words: set[str] = set()
    seen: set[Path] = set()
    todo = [(folder, angle or quoted) for angle, quoted in _INCLUDE.findall(text.after.text)]
    is_whole = True
    while todo:
        base, header = todo.pop()
        if _is_standard(header):
            headers |= {header} | standard("headers").modules.get(header, frozenset())
            continue
        path = _file_of(base, folder, header)
        is_whole = is_whole and path is not None and len(seen) < MAX_HEADERS
        if path is None or path in seen or len(seen) >= MAX_HEADERS:
            continue
        seen.add(path)
        inner = _text_of(path)
        seen_words.update(re.findall(r"(?:std::)?\w+", inner))
        todo.extend((path.parent, angle or quoted) for angle, quoted in _INCLUDE.findall(inner))
    unexplained = _foreign(text.undeclared_elsewhere) if headers else text.undeclared_elsewhere | _foreign_uses(text)
    is_whole = is_whole and not unexplained - seen_words
    return _Reach(frozenset(headers), frozenset(seen_words), is_whole)


def _foreign(names: frozenset[str]) -> frozenset[str]:
    """Names that are not the language's or its library's."""
    known = standard("c").by_name.keys() | standard("cpp").by_name.keys() | {"std", "NULL", "true", "false", "nullptr"}
    return frozenset(it for it in names - known if not it.startswith("__"))


def _foreign_uses(text: NewText) -> frozenset[str]:
    return _foreign(frozenset(it.name for it in text.uses))


def _text_of(header: Path) -> str:
    """The header's text; "" where it cannot be read."""
    try:
        return header.read_text(encoding="utf-8", errors="replace")[:MAX_CHARS]
    except OSError:
        return ""


def _file_of(base: Path | None, folder: Path | None, header: str) -> Path | None:
    if base is None or folder is None or PurePosixPath(header).is_absolute():
        return None
    roots = [folder, *list(folder.parents)[:4]]
    around = [base, *(root / sub for root in roots for sub in ("", "include", "src", "lib")), *_SYSTEM]
    return next((it / header for it in around if (it / header).is_file()), None)


def _explains(text: NewText, quoted: str) -> bool:
    """Whether an offered header of another library can be what brings a name that nothing else does."""
    words = set(re.findall(r"\w+", quoted))
    known = standard("cpp").by_name
    for use in text.uses:
        if use.name not in text.used_elsewhere and use.name != "std" and use.name not in known and use.name in words:
            return True
    return False


def _usings(text: NewText, offered: tuple[str, ...]) -> list[Edit]:
    """Offered `using std::name;` lines for names that the text writes without `std::`."""
    found = []
    for statement in offered:
        match = re.fullmatch(r"\s*using\s+([\w:]+)::(\w+)\s*;\s*", statement)
        if (
            match
            and any(it.name == match[2] for it in text.uses)
            and match[2] not in text.used_elsewhere | _elsewhere(text)
        ):
            found.append(f"using {match[1]}::{match[2]};")
    nodes = _head(text.before)
    return [below(text.before, nodes[-1], found, gap=True)] if found and nodes else []


def _placed(source: Source, wanted: list[str]) -> list[Edit]:
    if not wanted:
        return []
    lines = [f"#include {it}" for it in wanted]
    nodes = _head(source)
    if not nodes:
        return [_first(source, lines)]
    found: dict[int, Edit] = {}
    for line in lines:
        edit = _beside(source, nodes, line)
        before = found.get(edit.start)
        found[edit.start] = Edit(edit.start, edit.end, before.text + edit.text if before else edit.text)
    return list(found.values())


def _beside(source: Source, nodes: list[Node], line: str) -> Edit:
    """In order in the block of lines that has most of the standard headers; else below the last include."""
    blocks: list[list[Node]] = []
    for node in nodes:
        touches = blocks and node.start_point.row == _last_row(blocks[-1][-1]) + 1
        blocks[-1].append(node) if touches else blocks.append([node])
    counts = [sum(_is_angle_standard(source, it) for it in block) for block in blocks]
    if not max(counts):
        return below(source, nodes[-1], [line])
    peers = [it for it in blocks[counts.index(max(counts))] if _is_angle_standard(source, it)]
    peers = _like(source, peers, line)
    texts = [source.text_of(it).strip() for it in peers]
    smaller = [it for it, own in zip(peers, texts, strict=True) if own < line]
    if is_sorted(texts) and not smaller and not _has_comment_above(peers[0]):
        return above(source, peers[0], [line])
    return below(source, smaller[-1] if is_sorted(texts) and smaller else peers[-1], [line])


def _like(source: Source, peers: list[Node], line: str) -> list[Node]:
    """Headers with `.h` and those without are often kept apart."""
    same = [it for it in peers if (".h>" in source.text_of(it)) == (".h>" in line)]
    return same or peers


def _has_comment_above(node: Node) -> bool:
    above_it = node.prev_named_sibling
    return above_it is not None and above_it.type == "comment" and _last_row(above_it) + 1 >= node.start_point.row


def _last_row(node: Node) -> int:
    return node.end_point.row - (1 if node.end_point.column == 0 else 0)


def _is_angle_standard(source: Source, node: Node) -> bool:
    match = _INCLUDE.match(source.text_of(node))
    return match is not None and bool(match[1]) and _is_standard(match[1])


def _head(source: Source) -> list[Node]:
    """The includes on top of the file that stand under no condition but the include guard."""
    found = []
    for node in _home(source):
        if node.type == "preproc_include":
            found.append(node)
        elif node.type not in _STAYS:
            break
    return found


def _home(source: Source) -> list[Node]:
    """The statements of the file, or those inside its include guard."""
    guard = _guard(source)
    return guard.named_children if guard is not None else source.root.named_children


def _guard(source: Source) -> Node | None:
    """The `#ifndef` that holds the whole file and begins with a `#define`."""
    nodes = [it for it in source.root.named_children if it.type != "comment"]
    if len(nodes) != 1 or nodes[0].type not in ("preproc_ifdef", "preproc_if"):
        return None
    inner = [it for it in nodes[0].named_children if it.type not in _CONDITION | {"comment"}]
    negated = re.match(r"#\s*(ifndef|if\s+!\s*defined)", source.text_of(nodes[0]))
    has_define = any(it.type == "preproc_def" for it in inner[:2])
    return nodes[0] if negated and has_define else None


def _first(source: Source, lines: list[str]) -> Edit:
    """Below the guard, `#pragma once` and the definitions that headers look at; else on top of the file."""
    last = None
    guard = _guard(source)
    for node in _home(source):
        text = source.text_of(node)
        if (
            node.type == "preproc_def"
            and ((guard is not None and last is None) or re.search(r"define\s+_\w+_SOURCE\b", text))
        ) or (node.type == "preproc_call" and re.match(r"#\s*pragma\s+once", text)):
            last = node
        elif node.type not in _CONDITION | {"comment", "preproc_def"}:
            break
    return _under(source, last, lines) if last is not None else on_top(source, lines)


def _under(source: Source, node: Node, lines: list[str]) -> Edit:
    edit = below(source, node, lines, gap=True)
    rest = source.text[edit.end :]
    touches = bool(rest.strip()) and not re.match(r"(\r\n|\n|\r)[ \t]*(\r\n|\n|\r)", rest)
    return Edit(edit.start, edit.end, edit.text + ("\r\n" if "\r\n" in edit.text else "\n") * touches)
