"""Model bytes from a file on this machine. That file is only read, never moved or changed."""

from __future__ import annotations

from pathlib import Path

from .catalog import LocalSource
from .source import Download, SourceError

CHUNK_BYTES = 1 << 20


def describe(source: LocalSource) -> str:
    return f"local file {source.path}"


def fetch(source: LocalSource, download: Download) -> None:
    """Append what is missing; SourceError where the file does not exist or has another size."""
    path = Path(source.path).expanduser()
    if not path.is_file():
        raise SourceError("it is not there")
    size = path.stat().st_size
    if size != download.total:
        raise SourceError(f"it has {size} bytes instead of {download.total}")
    done = download.done
    try:
        with path.open("rb") as reader, download.partial.open("ab") as writer:
            reader.seek(done)
            while chunk := reader.read(CHUNK_BYTES):
                writer.write(chunk)
                done += len(chunk)
                download.report(done)
    except PermissionError as error:
        raise SourceError(f"it cannot be read ({error.strerror})") from error
