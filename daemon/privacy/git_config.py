"""The few settings of git that say what is ignored, read from its configuration files. Git itself is not run.

Includes are followed whatever their condition says, so a value that holds only elsewhere counts, too. Values are data
here: nothing that they name is started.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

MAX_DEPTH = 8  # of includes
MAX_FILES = 50
_SECTION = re.compile(r'\[\s*([\w.-]+)(?:\s+"(?:[^"\\]|\\.)*")?\s*\]')
_SETTING = re.compile(r"([A-Za-z][\w-]*)\s*(?:=(.*))?", re.DOTALL)
_PART = re.compile(r'"((?:[^"\\]|\\.)*)"|\\(.)|([#;].*)|([^"\\#;]+)', re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "b": "\b"}


@dataclass(frozen=True)
class IgnoreSettings:
    """`excludes_files`: every value of core.excludesFile. `ignore_case`: core.ignoreCase is on somewhere."""

    excludes_files: tuple[Path, ...]
    ignore_case: bool


def ignore_settings(files: tuple[Path, ...], home: Path, top: Path, read: Callable[[Path], str]) -> IgnoreSettings:
    """What these files and all that they include say. `read` gives a file's text, "" where there is none."""
    excludes: dict[Path, None] = {}
    ignore_case = False
    todo = [(file, 0) for file in files]
    seen: set[Path] = set()
    while todo and len(seen) < MAX_FILES:
        file, depth = todo.pop()
        if file in seen:
            continue
        seen.add(file)
        for section, name, value in _settings(read(file)):
            if section in ("include", "includeif") and name == "path" and depth < MAX_DEPTH:
                todo.append((_path(value, home, file.parent), depth + 1))
            elif (section, name) == ("core", "excludesfile") and value:
                excludes[_path(value, home, top)] = None
            elif (section, name) == ("core", "ignorecase"):
                ignore_case = ignore_case or value.lower() in ("", "true", "yes", "on", "1")
    return IgnoreSettings(tuple(excludes), ignore_case)


def _settings(text: str) -> Iterator[tuple[str, str, str]]:
    """Section, name and value of each setting; names in lower case."""
    section = ""
    for line in re.sub(r"\\\r?\n", "", text).splitlines():
        rest = line.strip()
        if header := _SECTION.match(rest):
            section = header[1].lower()
            rest = rest[header.end() :].strip()
        if found := _SETTING.match(rest):
            yield section, found[1].lower(), _value(found[2] or "")


def _value(raw: str) -> str:
    """Without quotes, escapes and a comment at the end."""
    parts: list[str] = []
    for quoted, escaped, comment, plain in _PART.findall(raw.strip()):
        if comment:
            break
        parts.append(re.sub(r"\\(.)", _unescaped, quoted) + _ESCAPES.get(escaped, escaped) + plain)
    return "".join(parts).strip()


def _unescaped(found: re.Match[str]) -> str:
    return _ESCAPES.get(found[1], found[1])


def _path(value: str, home: Path, base: Path) -> Path:
    if value.startswith("~/"):
        return home / value[2:]
    return Path(value).expanduser() if value.startswith("~") else base / value
