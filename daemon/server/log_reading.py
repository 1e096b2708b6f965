"""Reading the end of the daemon's log for a person or a program. log.py writes it."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import Any

import msgspec


def last_lines(log_file: Path, n: int) -> list[dict[str, Any]]:
    """The newest `n` entries, oldest first; what is not an entry comes as {"event": text}."""
    try:
        with log_file.open(encoding="utf-8", errors="replace") as file:
            return [_entry(line) for line in deque(file, maxlen=n)]
    except FileNotFoundError:
        return []


def describe(entry: dict[str, Any]) -> str:
    """One entry as a line to read."""
    parts = [entry.get(name, "") for name in ("time", "level", "from", "event", "error")]
    places = " < ".join(reversed(entry.get("at", [])))
    return " ".join(str(part) for part in [*parts, places] if part)


def _entry(line: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(line, type=dict[str, Any])
    except msgspec.MsgspecError:
        return {"event": line.rstrip("\n")}
