"""Hole punching: remove a piece of real source, complete it, compare. And typing positions for training the filter.

The source is that of installed pure-Python packages with licences that allow it, which a test checks, read where it is
installed; nothing of it is kept. Packages for training and packages for testing are never mixed.
"""

from __future__ import annotations

import ast
import importlib.util
import random
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any, Literal

from bench import plain_llama

TRAIN_PACKAGES = (
    *("starlette", "rich", "typer", "click", "ecologits", "_pytest", "attr", "jinja2", "uvicorn", "httpcore2"),
    *("markdown_it", "pygls", "tqdm", "pathspec", "networkx", "joblib", "cattr", "pip"),
    *("huggingface_hub", "pygments"),
)
TEST_PACKAGES = (
    *("filelock", "platformdirs", "keyring", "anyio", "fastapi", "pluggy", "h11", "more_itertools"),
    *("sqlite_utils", "llm", "tomlkit", "sse_starlette", "diskcache", "fsspec"),
)
Kind = Literal["line", "rest", "block", "body"]
KINDS: tuple[Kind, ...] = ("line", "rest", "block", "body")
MAX_HOLE_LINES = 8
POSITIONS_PER_FILE = 22


@dataclass(frozen=True)
class Hole:
    """A piece taken out of a file: `removed` stood between `prefix` and `suffix`."""

    kind: Kind
    package: str
    path: Path
    prefix: str
    removed: str
    suffix: str

    @property
    def surroundings_parse(self) -> bool:
        return parses(self.prefix + self.suffix)


def holes(packages: tuple[str, ...], n: int, seed: int) -> list[Hole]:
    """`n` holes, the kinds and the packages in turn."""
    chance = random.Random(seed)  # noqa: S311 - a sample, not a secret
    files = [(package, path) for package in packages for path in source_files(package, seed)]
    chance.shuffle(files)
    found: list[Hole] = []
    for turn in range(20):
        for n_file, (package, path) in enumerate(files):
            kind = KINDS[(turn + n_file) % len(KINDS)]
            hole = _hole(kind, package, path, chance)
            if hole is not None:
                found.append(hole)
            if len(found) == n:
                return found
    return found


def first_line(text: str) -> str:
    """The first line that says anything, without the space around it."""
    return next((line.strip() for line in text.split("\n") if line.strip()), "")


def similarity(one: str, other: str) -> float:
    """Edit similarity of two texts, 0 to 1, the space around them left out."""
    return SequenceMatcher(None, one.strip(), other.strip(), autojunk=False).ratio()


def chars_saved(shown: str, removed: str) -> int:
    """Characters of the leading lines that are exactly what the author wrote."""
    saved = 0
    for said, wanted in zip(shown.strip().split("\n"), removed.strip().split("\n"), strict=False):
        if said.rstrip() != wanted.rstrip():
            break
        saved += len(said.strip())
    return saved


def parses(text: str) -> bool:
    try:
        ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return False
    return True


def source_files(package: str, seed: int, most: int = 6) -> list[Path]:
    """Some of a package's own files, of medium size, in an order that the seed decides."""
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        return []
    folder = Path(next(iter(found.submodule_search_locations)))
    files = sorted(path for path in folder.rglob("*.py") if 2_000 < path.stat().st_size < 60_000)
    files = [path for path in files if not {"_vendor", "tests"} & set(path.parts)]
    random.Random(f"{seed} {package}").shuffle(files)  # noqa: S311 - a sample, not a secret
    return files[:most]


def typing_positions(packages: tuple[str, ...], model: Path, seed: int) -> Iterator[dict[str, Any]]:
    """Cursor positions of somebody who types a passage of a file, with the model's raw text at each.

    Half of the passages are written at a document's end, half between existing lines."""
    chance = random.Random(seed)  # noqa: S311 - a sample, not a secret
    files = [(package, path) for package in packages for path in source_files(package, seed)]
    chance.shuffle(files)
    with plain_llama.running(model, n_threads=1) as plain:
        for package, path in files:
            text = path.read_text()
            starts = [at + 1 for at, char in enumerate(text) if char == "\n"]
            if len(starts) < 60:
                continue
            start = starts[chance.randrange(10, len(starts) - 20)]
            mode = chance.choice(["append", "insert"])
            window = text.rfind("\n", 0, max(0, start - 2200)) + 1
            at = start
            for _ in range(POSITIONS_PER_FILE):
                at += max(1, int(chance.expovariate(1 / 14)))
                if at >= len(text) - 30:
                    break
                suffix = "" if mode == "append" else text[text.find("\n", at) :][:200]
                answer = plain.complete(text[window:at], suffix, 28, one_line=True)
                end = "length" if answer.n_tokens == 28 else "line"
                yield {"package": package, "path": str(path), "pos": at, "mode": mode, "raw": answer.text, "end": end}


def _hole(kind: Kind, package: str, path: Path, chance: random.Random) -> Hole | None:
    text = path.read_text()
    if not parses(text):
        return None
    spans = list(_spans(kind, text, chance))
    if not spans:
        return None
    start, end = chance.choice(spans)
    return Hole(kind, package, path, text[:start], text[start:end], text[end:])


def _spans(kind: Kind, text: str, chance: random.Random) -> Iterator[tuple[int, int]]:
    """Character spans that could be taken out."""
    lines = text.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    if kind in ("line", "rest"):
        yield from _line_spans(kind, text, lines, starts, chance)
        return
    owners = (ast.FunctionDef, ast.AsyncFunctionDef) if kind == "body" else (ast.If, ast.For, ast.While, ast.With)
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, owners):
            continue
        first, last = node.body[0], node.body[-1]
        if kind == "body" and _is_docstring(first) and len(node.body) > 1:
            first = node.body[1]
        n_lines = (last.end_lineno or 0) - first.lineno + 1
        start = starts[first.lineno - 1] + len(_indent(lines[first.lineno - 1]))
        if 1 < n_lines <= MAX_HOLE_LINES and first.lineno > node.lineno and text[start:].startswith(_code(first, text)):
            yield start, starts[last.end_lineno or 0] - 1


def _line_spans(
    kind: Kind, text: str, lines: list[str], starts: list[int], chance: random.Random
) -> Iterator[tuple[int, int]]:
    """Lines that are statements of their own, or the later part of them."""
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.stmt) or _is_docstring(node) or node.end_lineno is None:
            continue
        line = lines[node.lineno - 1]
        start, end = starts[node.lineno - 1] + len(_indent(line)), starts[node.lineno - 1] + len(line.rstrip())
        if end - start < 8 or node.col_offset != len(_indent(line)) or "#" in line:
            continue
        if kind == "line":
            yield start, end
            continue
        words = [at for at in range(start + 4, end - 4) if not text[at].isalnum() and text[at] not in " _"]
        if words:
            yield chance.choice(words) + 1, end


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _code(node: ast.stmt, text: str) -> str:
    return (ast.get_source_segment(text, node) or "\0").partition("\n")[0]


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]
