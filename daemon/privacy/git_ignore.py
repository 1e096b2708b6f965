"""Whether git ignores a document, read from its ignore files. Git itself is not run.

A repository is foreign code: its settings make git start programs, ask servers, follow links. Here its files are only
read: plain ones, of bounded size, matched within a bounded number of steps. The index is not read, so a tracked file
that a pattern names counts as ignored, too.
"""

from __future__ import annotations

import functools
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from .git_config import ignore_settings
from .wildmatch import IgnorePattern, n_steps, names, patterns_of

MAX_FILE_BYTES = 256 * 1024
MAX_PATH_CHARS = 4096  # no system opens a longer one
MAX_STEPS = 3_000_000  # about a second
SYSTEM_CONFIG = Path("/etc/gitconfig")


class UnreadableIgnoreFilesError(Exception):
    """An ignore file is no plain file, too large, unreadable, or of patterns that take too long."""


@dataclass(frozen=True)
class _Rules:
    """The patterns of one ignore file, and the folder that they are relative to."""

    folder: Path
    patterns: tuple[IgnorePattern, ...]

    def verdict(self, place: Path, is_folder: bool, budget: _StepBudget) -> bool | None:
        """Whether the last pattern that names `place` itself ignores it; None where no pattern does."""
        try:
            path = _text(os.fsencode(place.relative_to(self.folder).as_posix()))
        except ValueError:
            return None
        for pattern in reversed(self.patterns):
            budget.spend(n_steps(pattern, path))
            if names(pattern, path, is_folder):
                return pattern.ignores
        return None


class _StepBudget:
    """How many steps the matching may still take."""

    def __init__(self) -> None:
        self._left = MAX_STEPS

    def spend(self, steps: int) -> None:
        self._left -= steps
        if self._left < 0:
            raise UnreadableIgnoreFilesError


@dataclass(frozen=True)
class _Shared:
    """Rules for the whole repository: its own, then the user's, of which each file may ignore by itself."""

    own: tuple[_Rules, ...]
    of_user: tuple[tuple[_Rules, ...], ...]
    ignore_case: bool


def is_ignored(path: Path, environ: Mapping[str, str]) -> bool:
    """Whether the repository around the absolute `path`, or the user's own settings of git, ignore it.

    False outside of repositories. UnreadableIgnoreFilesError where that cannot be told."""
    try:
        top = next((folder for folder in path.parents if os.path.lexists(folder / ".git")), None)
        return top is not None and _is_ignored(path, top, _shared(top, environ))
    except (OSError, ValueError) as error:
        raise UnreadableIgnoreFilesError from error


def _is_ignored(path: Path, top: Path, shared: _Shared) -> bool:
    """From the top down, because nothing in an ignored folder can be taken in again."""
    budget = _StepBudget()
    own: list[_Rules] = []
    folder = top
    for name in path.relative_to(top).parts:
        own = [*_rules(folder / ".gitignore", folder, shared.ignore_case), *own]  # the nearest folder's come first
        place = folder / name
        ranked = [(*own, *shared.own, *user) for user in shared.of_user]
        if any(_verdict(each, place, place != path, budget) for each in ranked):
            return True
        folder = place
    return False


def _verdict(ranked: tuple[_Rules, ...], place: Path, is_folder: bool, budget: _StepBudget) -> bool:
    verdicts = (rules.verdict(place, is_folder, budget) for rules in ranked)
    return next((verdict for verdict in verdicts if verdict is not None), False)


def _rules(file: Path, folder: Path, ignore_case: bool) -> Iterator[_Rules]:
    """The rules of the file, if there is such a file."""
    content = _read(file)
    if content:
        yield _Rules(folder, _patterns(content, ignore_case))


@functools.lru_cache(maxsize=64)
def _patterns(content: bytes, ignore_case: bool) -> tuple[IgnorePattern, ...]:
    return patterns_of(_text(content), ignore_case)


def _read(file: Path) -> bytes:
    """The content of a plain file; empty where there is none, or a link, which git does not follow either."""
    try:
        descriptor = os.open(file, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except (FileNotFoundError, NotADirectoryError):
        return b""
    except OSError:
        if file.is_symlink():
            return b""
        raise
    with os.fdopen(descriptor, "rb") as opened:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_size > MAX_FILE_BYTES:
            raise UnreadableIgnoreFilesError
        return opened.read(MAX_FILE_BYTES)


def _text(content: bytes) -> str:
    """A character for each byte: `?` and `[...]` are about bytes."""
    return content.decode("latin-1")


def _shared(top: Path, environ: Mapping[str, str]) -> _Shared:
    """What holds in the whole repository: `info/exclude`, and the files that git's settings name."""
    git_folder = top / ".git"
    if not git_folder.is_dir():  # a linked work tree: its file says where the folder is
        git_folder = top / os.fsdecode(_read(git_folder).removeprefix(b"gitdir:").strip())
    common = git_folder / os.fsdecode(_read(git_folder / "commondir").strip())
    home = Path(environ.get("HOME") or Path.home())
    config = Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "git"
    files = (SYSTEM_CONFIG, config / "config", home / ".gitconfig", common / "config", git_folder / "config.worktree")
    found = ignore_settings(files, home, top, lambda file: os.fsdecode(_read(file.resolve())))
    of_user = found.excludes_files or (config / "ignore",)
    return _Shared(
        tuple(_rules(common / "info" / "exclude", top, found.ignore_case)),
        tuple(tuple(_rules(file.resolve(), top, found.ignore_case)) for file in of_user),
        found.ignore_case,
    )
