"""What every source of model bytes shares: the download it works for, and how it reports a failure.

A source appends to the partial file, whose first bytes are the same from every source. It checks no digest and renames
no file; pull.py does both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path


class SourceError(Exception):
    """This source cannot deliver, but another one may. The text says why, as the end of a sentence."""


class DownloadCancelledError(Exception):
    """The caller asked to stop. The partial file stays."""


@dataclass(frozen=True)
class Download:
    """One file to fetch: `total` bytes into the file `partial`.

    A source may make the folder `scratch` and has to remove it. `pause` waits that many seconds before a retry."""

    partial: Path
    scratch: Path
    total: int
    progress: Callable[[int, int], None]
    cancelled: Callable[[], bool]
    environ: Mapping[str, str]
    pause: Callable[[float], None]

    @property
    def done(self) -> int:
        """Bytes that the partial file has already."""
        return self.partial.stat().st_size if self.partial.exists() else 0

    def truncate(self, n_bytes: int) -> None:
        """Keep only the first bytes."""
        with self.partial.open("ab") as file:
            file.truncate(n_bytes)

    def report(self, n_bytes: int) -> None:
        """Report the progress to the caller; DownloadCancelledError if the caller asked to stop."""
        self.progress(min(n_bytes, self.total), self.total)
        if self.cancelled():
            raise DownloadCancelledError
