"""Which files of the workspace a document imports, and which of their names.

The syntax tree finds the import statements; one rule per style of import turns a statement into candidate files. It
reads no file, and packages from outside the workspace are left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from halfwatt.daemon.code.languages import ImportStyle, Language
from halfwatt.daemon.code.syntax import Source, walk

_NAME = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True)
class Imported:
    """Files that one import may mean, likeliest first, and the names it brings (None: any)."""

    candidates: tuple[Path, ...]
    names: frozenset[str] | None


@dataclass(frozen=True)
class ImporterLocation:
    """Where the importing document lies: its own folder and the workspace's."""

    folder: Path
    root: Path


def imported(source: Source, importer: ImporterLocation) -> list[Imported]:
    """The workspace files behind a document's imports, in the order of the document."""
    style = source.language.import_style
    if style is None:
        return []
    found: list[Imported] = []
    for statement in _statements(source):
        found.extend(each for each in _RULES[style](statement, importer) if each.candidates)
    return found


def _statements(source: Source) -> Iterator[str]:
    """The texts of the import statements, wherever they stand."""
    language: Language = source.language
    for node in walk(source.root):
        if node.type in language.imports:
            yield source.text_of(node)


def _python(statement: str, importer: ImporterLocation) -> Iterator[Imported]:
    match = re.match(r"from\s+(\.*)([\w.]*)\s+import\s+(.*)", statement, re.DOTALL)
    if match is None:
        for module in re.findall(r"(?:import|,)\s+([\w.]+)", statement):
            yield Imported(_python_files(importer.root, module) + _python_files(importer.folder, module), None)
        return
    dots, module, listed = match.groups()
    names = frozenset(_NAME.findall(re.sub(r"\bas\s+\w+|#[^\n]*", "", listed)))
    bases = [_up(importer.folder, len(dots) - 1)] if dots else [importer.root, importer.root / "src", importer.folder]
    yield Imported(tuple(file for base in bases for file in _python_files(base, module)), names)
    for name in sorted(names):
        whole = f"{module}.{name}" if module else name
        yield Imported(tuple(file for base in bases for file in _python_files(base, whole)), None)


def _python_files(base: Path, module: str) -> tuple[Path, ...]:
    if not module:
        return (base / "__init__.py",)
    stem = base.joinpath(*module.split("."))
    return (stem.with_name(stem.name + ".py"), stem / "__init__.py")


def _script(statement: str, importer: ImporterLocation) -> Iterator[Imported]:
    match = re.match(r"""import\s+(?:type\s+)?(.*?)\s*from\s*["'](\.[^"']*)["']""", statement, re.DOTALL)
    if match is None:
        return
    stem = importer.folder / PurePosixPath(match.group(2))
    endings = (".ts", ".tsx", ".d.ts", ".js", ".jsx", ".mjs")
    files = tuple(stem.with_name(stem.name + ending) for ending in endings)
    written_as_js = (stem.with_suffix(".ts"), stem.with_suffix(".tsx")) if stem.suffix == ".js" else ()
    names = frozenset(_NAME.findall(re.sub(r"\bas\s+\w+", "", match.group(1))))
    listed = names if "{" in match.group(1) else None
    yield Imported((*files, *written_as_js, stem, stem / "index.ts", stem / "index.js"), listed)


def _rust(statement: str, importer: ImporterLocation) -> Iterator[Imported]:
    match = re.match(r"(?:pub\s+)?use\s+(crate|super|self)::(.*);", statement, re.DOTALL)
    if match is None:
        return
    path = [part for part in re.split(r"::", match.group(2).partition("{")[0]) if _NAME.fullmatch(part)]
    names = frozenset(_NAME.findall(match.group(2).rpartition("::")[2])) or None
    base = {"crate": importer.root / "src", "super": importer.folder, "self": importer.folder}[match.group(1)]
    modules = [path[:size] for size in range(len(path), 0, -1)]
    yield Imported(tuple(file for parts in modules for file in _rust_files(base.joinpath(*parts))), names)


def _rust_files(stem: Path) -> tuple[Path, Path]:
    return stem.with_name(stem.name + ".rs"), stem / "mod.rs"


def _java(statement: str, importer: ImporterLocation) -> Iterator[Imported]:
    match = re.match(r"import\s+(?:static\s+)?([\w.]+)", statement)
    if match is None:
        return
    parts = match.group(1).split(".")
    bases = (importer.root / "src/main/java", importer.root / "src", importer.root)
    yield Imported(tuple(base.joinpath(*parts).with_suffix(".java") for base in bases), None)


def _include(statement: str, importer: ImporterLocation) -> Iterator[Imported]:
    match = re.match(r'#\s*include\s+"([^"]+)"', statement)
    if match is not None:
        name = PurePosixPath(match.group(1))
        yield Imported(tuple(base / name for base in (importer.folder, importer.root, importer.root / "include")), None)


def _go(statement: str, importer: ImporterLocation) -> Iterator[Imported]:
    """A Go package is a folder, whose files the caller takes. The end of the import path is the folder's."""
    for path in re.findall(r'"([\w./~-]+)"', statement):
        parts = PurePosixPath(path).parts
        tails = [parts[n:] for n in range(1, len(parts))]
        yield Imported(tuple(importer.root.joinpath(*tail) for tail in tails), None)


def _up(folder: Path, n: int) -> Path:
    for _ in range(n):
        folder = folder.parent
    return folder


Rule = Callable[[str, ImporterLocation], Iterator[Imported]]
_RULES: dict[ImportStyle, Rule] = {
    "python": _python,
    "script": _script,
    "go": _go,
    "rust": _rust,
    "java": _java,
    "include": _include,
}
