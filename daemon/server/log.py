"""The daemon's log: one JSON object a line, rotated, in the state folder.

Exceptions are written as their type and place, never their text: the text could carry code or a path.
"""

from __future__ import annotations

import logging
import os
import traceback
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType

import msgspec

MAX_BYTES = 1_000_000
N_OLD_FILES = 2


class JsonLines(logging.Formatter):
    """`time`, `level`, `pid`, `from`, `event`, and for exceptions `error` and `at`."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "pid": os.getpid(),
            "from": record.name,
            "event": record.getMessage(),
        }
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
            line["at"] = places(record.exc_info[2])
        return msgspec.json.encode(line).decode()


def places(trace: TracebackType | None) -> list[str]:
    """The frames of a traceback as file, line and function, without source text."""
    frames = traceback.extract_tb(trace)
    return [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]


def set_up(log_file: Path, level: str) -> None:
    """Send this process's log to the file; OSError where it cannot be written."""
    log_file.parent.mkdir(parents=True, exist_ok=True)
    handler = RotatingFileHandler(log_file, maxBytes=MAX_BYTES, backupCount=N_OLD_FILES, encoding="utf-8")
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    for old in tuple(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    # Libraries log requests, URLs and bodies at their lower levels: only their warnings are wanted.
    root.setLevel(logging.WARNING)
    set_level(level)
    # uvicorn warns of each malformed request, and strangers can send many.
    lowest = {"uvicorn": logging.ERROR, "uvicorn.access": logging.CRITICAL, "asyncio": logging.WARNING}
    for name, found in lowest.items():
        logging.getLogger(name).setLevel(found)


def set_level(level: str) -> None:
    """How much of our own is logged: debug, info, warning or error."""
    logging.getLogger("halfwatt").setLevel(level.upper())
