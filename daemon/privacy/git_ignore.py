"""Whether git ignores a document, read from its ignore files. Git itself is not run.

A repository is foreign code: its settings make git start programs, ask servers, follow links. Here its files are only
read: plain ones, of bounded size, matched within a bounded number of steps. The index is not read, so a tracked file
that a pattern names counts as ignored, too. gitignore(5) has the rules; pathspec translates the patterns.
"""

from __future__ import annotations

import configparser
import functools
import math
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from pathspec import GitIgnoreSpec
from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

MAX_FILE_BYTES = 256 * 1024
_FOLDER_MARK = GitIgnoreSpecPattern("*/").regex.pattern  # type: ignore[union-attr]  # only an empty pattern has none
MAX_STEPS = 20_000_000  # a second of regular expressions


class UnreadableIgnoreFilesError(Exception):
    """An ignore file is no plain file, too large, unreadable, or of patterns that take too long."""


class _Rules:
    """The patterns of one ignore file, and the folder that they are relative to."""

    def __init__(self, folder: Path, patterns: tuple[GitIgnoreSpecPattern, ...]) -> None:
        self.folder = folder
        self._patterns = patterns

    def verdict(self, place: Path, is_folder: bool, budget: _StepBudget) -> bool | None:
        """Whether the last pattern that names `place` itself ignores it; None where no pattern does."""
        try:
            path = _text(os.fsencode(place.relative_to(self.folder).as_posix())) + ("/" if is_folder else "")
        except ValueError:
            return None
        for pattern in reversed(self._patterns):
            if pattern.include is not None and _names(pattern, path, budget):
                return pattern.include
        return None


class _StepBudget:
    """How many steps the matching may still take."""

    def __init__(self) -> None:
        self._left = MAX_STEPS

    def spend(self, steps: int) -> None:
        self._left -= steps
        if self._left < 0:
            raise UnreadableIgnoreFilesError


def is_ignored(path: Path, environ: Mapping[str, str]) -> bool:
    """Whether the repository around the absolute `path`, or the user's own settings of git, ignore it.

    False outside of repositories. UnreadableIgnoreFilesError where that cannot be told."""
    try:
        top = next((folder for folder in path.parents if os.path.lexists(folder / ".git")), None)
        if top is None:
            return False
        shared = [*_rules(_info_exclude(top), top), *_rules(_user_file(environ), top)]
        return _is_ignored(path, top, shared)
    except (OSError, ValueError, configparser.Error) as error:
        raise UnreadableIgnoreFilesError from error


def _is_ignored(path: Path, top: Path, shared: list[_Rules]) -> bool:
    """From the top down, because nothing in an ignored folder can be taken in again."""
    budget = _StepBudget()
    own: list[_Rules] = []
    folder = top
    for name in path.relative_to(top).parts:
        own = [*_rules(folder / ".gitignore", folder), *own]  # the nearest folder's rules come first
        place = folder / name
        verdicts = (rules.verdict(place, place != path, budget) for rules in (*own, *shared))
        if next((verdict for verdict in verdicts if verdict is not None), False):
            return True
        folder = place
    return False


def _names(pattern: GitIgnoreSpecPattern, path: str, budget: _StepBudget) -> bool:
    """Whether the pattern names this path itself. pathspec's expressions also hold for what lies below."""
    text = str(pattern.pattern).rstrip()
    budget.spend(math.comb(len(path), min(text.count("*"), len(path))))
    found = pattern.match_file(path)
    if found is None:
        return False
    expression = found.match.re.pattern
    if expression == ".":  # `*`, `**` and the like
        return True
    if expression == _FOLDER_MARK:  # `*/` and the like
        return path.endswith("/")
    if expression == "/":  # `*/**`
        return "/" in path[:-1] and (path.endswith("/") or not text.endswith("/"))
    end: int = found.match.end()
    if text.endswith("/**/"):
        return end < len(path) and path.endswith("/")
    return end < len(path) if text.endswith("/**") else end == len(path)


def _rules(file: Path | None, folder: Path) -> Iterator[_Rules]:
    """The rules of the file, if there is such a file."""
    if file is not None:
        content = _read(file)
        if content:
            yield _Rules(folder, _patterns(content))


@functools.lru_cache(maxsize=64)
def _patterns(content: bytes) -> tuple[GitIgnoreSpecPattern, ...]:
    return tuple(GitIgnoreSpec.from_lines(_text(content).split("\n")).patterns)


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


def _info_exclude(top: Path) -> Path:
    """`info/exclude` of the repository; in a linked work tree it lies with the main one."""
    git_folder = top / ".git"
    if not git_folder.is_dir():
        git_folder = top / os.fsdecode(_read(git_folder).removeprefix(b"gitdir:").strip())
    common = os.fsdecode(_read(git_folder / "commondir").strip())
    return git_folder / common / "info" / "exclude"


def _user_file(environ: Mapping[str, str]) -> Path | None:
    """The user's own ignore file: core.excludesFile, else the default that gitignore(5) names."""
    home = Path(environ.get("HOME") or Path.home())
    config = Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "git"
    for file in (home / ".gitconfig", config / "config"):
        settings = configparser.RawConfigParser(strict=False, allow_no_value=True, delimiters=("=",))
        settings.read_string("\n".join(line.strip() for line in os.fsdecode(_read(file.resolve())).splitlines()))
        named = settings.get("core", "excludesfile", fallback=None)
        if named:
            own = named.strip('"')
            return (home / own.removeprefix("~/") if own.startswith("~/") else home / own).resolve()
    return (config / "ignore").resolve()
