"""Holes in a project's own history: one line of a commit is taken out, the commit's other changes are the recent
edits. This is how the context source `edits` is judged; nothing random could stand in for what people change together.
"""

from __future__ import annotations

import ast
import random
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.completion.hole_run import BUDGET
from bench.completion.holes import Hole, parses

from halfwatt.daemon.settings.schema import ContextSource, PrivacyConfig
from halfwatt.lsp.completion.context.gather import ContextDocument, Gatherer

EDITS: tuple[ContextSource, ...] = ("edits",)
MAX_OTHERS = 6
MAX_CHANGED = 12  # lines of a change that counts as an edit
MIN_CHARS = 12
_HUNK = re.compile(r"@@ -\d+(?:,\d+)? \+(\d+)(?:,(\d+))? @@")


@dataclass(frozen=True)
class Change:
    """Lines of a file, from 0, that a commit brought; `text` is the whole file after it."""

    path: Path
    first: int
    n_lines: int
    text: str


@dataclass(frozen=True)
class EditHole:
    """A hole, the project's folder, and what was edited before it."""

    hole: Hole
    folder: Path
    others: tuple[Change, ...]

    def context(self) -> str:
        gatherer = Gatherer()
        for change in self.others:
            lines = change.text.split("\n")
            before = "\n".join(lines[: change.first] + lines[change.first + change.n_lines :])
            gatherer.noted(
                self._document(change.path, before), self._document(change.path, change.text), PrivacyConfig()
            )
        here = self._document(self.hole.path, self.hole.prefix + self.hole.suffix)
        return gatherer.context(here, len(self.hole.prefix), EDITS, PrivacyConfig(), BUDGET.context)

    def _document(self, path: Path, text: str) -> ContextDocument:
        return ContextDocument(path.as_uri(), str(path), text, "python", str(self.folder))


def edit_holes(folder: Path, n: int, seed: int) -> list[EditHole]:
    """`n` holes out of the history of the git repository `folder`, at most two a commit."""
    chance = random.Random(seed)  # noqa: S311 - a sample, not a secret
    commits = _git(folder, "log", "--no-merges", "--format=%H").split()
    chance.shuffle(commits)
    found: list[EditHole] = []
    for commit in commits:
        changes = list(_changes(folder, commit))
        for change in chance.sample(changes, min(2, len(changes))) if len(changes) > 1 else ():
            hole = _hole(change, chance)
            others = [other for other in changes if other is not change][:MAX_OTHERS]
            if hole is not None:
                found.append(EditHole(hole, folder, tuple(others)))
        if len(found) >= n:
            break
    return found[:n]


def _changes(folder: Path, commit: str) -> Iterator[Change]:
    path, text = None, ""
    for line in _git(folder, "show", "-U0", "--format=", "--diff-filter=M", commit, "--", "*.py").split("\n"):
        if line.startswith("+++ b/"):
            path = folder / line.removeprefix("+++ b/")
            text = _git(folder, "show", f"{commit}:{line.removeprefix('+++ b/')}")
        elif (match := _HUNK.match(line)) and path is not None:
            n_lines = int(match.group(2) or 1)
            if 0 < n_lines <= MAX_CHANGED:
                yield Change(path, int(match.group(1)) - 1, n_lines, text)


def _hole(change: Change, chance: random.Random) -> Hole | None:
    """One line of the change that is a statement of its own."""
    if not parses(change.text):
        return None
    lines = change.text.split("\n")
    changed = range(change.first, change.first + change.n_lines)
    nodes = [node for node in ast.walk(ast.parse(change.text)) if isinstance(node, ast.stmt)]
    usable = [node.lineno - 1 for node in nodes if node.lineno - 1 in changed and _is_code(lines[node.lineno - 1])]
    if not usable:
        return None
    row = chance.choice(usable)
    start = sum(len(line) + 1 for line in lines[:row]) + len(lines[row]) - len(lines[row].lstrip())
    end = start + len(lines[row].strip())
    return Hole("line", "history", change.path, change.text[:start], change.text[start:end], change.text[end:])


def _is_code(line: str) -> bool:
    return len(line.strip()) >= MIN_CHARS and line.strip()[0] not in "\"'#"


def _git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True).stdout
