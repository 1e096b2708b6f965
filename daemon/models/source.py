"""What every source of model bytes shares: the job it is given, and how it says that it failed.

A source appends to the partial file, whose first bytes are the same whatever source they came from; checking the
digest and renaming is pull.py's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path


class SourceError(Exception):
    """This source cannot deliver; the text says why, as the end of a sentence. Another source may."""


class DownloadCancelledError(Exception):
    """The caller asked to stop; what is in the partial file stays."""


@dataclass(frozen=True)
class Download:
    """One file to be had: `total` bytes into `partial`. `scratch` is a folder that a source may make and has to remove
    again; `pause` waits that many seconds before another try."""

    partial: Path
    scratch: Path
    total: int
    progress: Callable[[int, int], None]
    cancelled: Callable[[], bool]
    environ: Mapping[str, str]
    pause: Callable[[float], None]

    @property
    def done(self) -> int:
        """Bytes that are there already."""
        return self.partial.stat().st_size if self.partial.exists() else 0

    def truncate(self, n_bytes: int) -> None:
        """Keep only the first bytes."""
        with self.partial.open("ab") as file:
            file.truncate(n_bytes)

    def report(self, n_bytes: int) -> None:
        """Tell the caller how far it is, and stop here if it has asked to."""
        self.progress(min(n_bytes, self.total), self.total)
        if self.cancelled():
            raise DownloadCancelledError
