"""Which functions a run takes: the same at each run, spread over packages and over positions."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from halfwatt.daemon.code.syntax import Source

from .functions import RealFunction, functions_of, language_of, read_text
from .packages import Root, files_below
from .syntaxes import SYNTAXES, Syntax, for_id

MOST_FUNCTIONS_OF_A_FILE = 4
MOST_BYTES = 40_000
FEWEST_FILES = 40  # of a language are read, however few functions are wanted
Reader = Callable[[Sequence["File"]], Iterable[list[RealFunction]]]


@dataclass(frozen=True)
class File:
    path: Path
    package: str
    relative: str
    language_id: str

    @property
    def order(self) -> str:
        return hashlib.sha256(f"{self.package}/{self.relative}".encode()).hexdigest()


def choose(
    roots: Iterable[Root],
    limit: int,
    read: Reader,
    language_ids: Sequence[str] | None = None,
    most_bytes: int = MOST_BYTES,
) -> list[RealFunction]:
    """At most `limit` functions, the same number of each language; as many files are read as functions are wanted."""
    by_language = files(roots, most_bytes)
    wanted = sorted(language_ids or {*by_language, "cpp"})
    n = limit // len(wanted)
    chosen = [file for it in by_language for file in by_language[it][: max(n, FEWEST_FILES)] if _may_be(it, wanted)]
    found: dict[str, list[RealFunction]] = {it: [] for it in wanted}
    for functions in read(chosen):
        for function in functions:
            found.setdefault(function.language_id, []).append(function)
    return [function for it in wanted for function in pick(found[it], n)]


def _may_be(language_id: str, wanted: Sequence[str]) -> bool:
    """Whether a file of this language by its name may hold one that is wanted: headers of C may be C++."""
    return language_id in wanted or (language_id == "c" and "cpp" in wanted)


def files(roots: Iterable[Root], most_bytes: int) -> dict[str, list[File]]:
    """The roots' source files by language, package after package in turn, small enough and not empty."""
    by_package: dict[str, dict[str, list[File]]] = defaultdict(lambda: defaultdict(list))
    for root in roots:
        for path in files_below(root):
            syntax = _syntax_for(path)
            if syntax is not None and 200 < path.stat().st_size <= most_bytes:
                package = root.package_of(path)
                file = File(path, package, path.relative_to(root.path).as_posix(), syntax.id)
                by_package[syntax.id][package].append(file)
    return {language_id: list(_in_turn(packages)) for language_id, packages in by_package.items()}


def named(root: Root, name: str) -> list[File]:
    """The file `package/relative` of a root, as a list of one or none."""
    relative = name.removeprefix(f"{root.package}/") if root.package else name.partition("/")[2]
    path = root.path / relative
    syntax = _syntax_for(path)
    is_here = syntax is not None and path.is_file() and f"{root.package_of(path)}/{relative}" == name
    return [File(path, root.package_of(path), relative, syntax.id)] if is_here and syntax is not None else []


def _in_turn(packages: dict[str, list[File]]) -> Iterator[File]:
    ordered = [sorted(packages[name], key=lambda it: it.order) for name in sorted(packages)]
    for row in zip_longest(*ordered):
        yield from (it for it in row if it is not None)


def _syntax_for(path: Path) -> Syntax | None:
    """By the file's name; a header counts as C until it is read."""
    if path.name.endswith((".d.ts", ".d.mts", ".d.cts", ".min.js")):
        return None
    return next((it for it in SYNTAXES if path.suffix in it.extensions), None)


def functions_in(file: File) -> list[RealFunction]:
    """The file's functions. An editor tells a C++ header from one of C; here the grammar that fits better does."""
    text = read_text(file.path)
    if text is None:
        return []
    syntax = for_id(file.language_id)
    if file.path.suffix == ".h" and _n_errors(text, for_id("cpp")) < _n_errors(text, syntax):
        syntax = for_id("cpp")
    return functions_of(file.path, file.package, file.relative, text, syntax)


def _n_errors(text: str, syntax: Syntax) -> int:
    root = Source(text, language_of(syntax)).root
    return sum(it.has_error for it in root.children) if root.has_error else 0


def pick(found: Sequence[RealFunction], n: int) -> list[RealFunction]:
    """At most n functions: each kind of position in turn, in each the package that was taken from least."""
    by_position: dict[str, list[RealFunction]] = defaultdict(list)
    for function in sorted(found, key=lambda it: it.order):
        for position in function.positions:
            by_position[position].append(function)
    taken: dict[str, RealFunction] = {}
    of_package: Counter[str] = Counter()
    of_file: Counter[Path] = Counter()
    while len(taken) < n and by_position:
        for position in sorted(by_position):
            left = [
                it for it in by_position[position] if it.id not in taken and of_file[it.path] < MOST_FUNCTIONS_OF_A_FILE
            ]
            by_position[position] = left
            if not left:
                del by_position[position]
            elif len(taken) < n:
                function = min(left[:200], key=lambda it: of_package[it.package])
                taken[function.id] = function
                of_package[function.package] += 1
                of_file[function.path] += 1
    return list(taken.values())
