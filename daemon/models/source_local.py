"""Model bytes from a file on this machine. The file itself is only read."""

from __future__ import annotations

from pathlib import Path

from .catalog import LocalSource
from .source import Download, SourceError

CHUNK_BYTES = 1 << 20


def describe(source: LocalSource) -> str:
    return f"local file {source.path}"


def fetch(source: LocalSource, job: Download) -> None:
    """Append what is missing; raises SourceError where the file is not there or has another size."""
    path = Path(source.path).expanduser()
    if not path.is_file():
        raise SourceError("it is not there")
    size = path.stat().st_size
    if size != job.total:
        raise SourceError(f"it has {size} bytes instead of {job.total}")
    done = job.done
    try:
        with path.open("rb") as reader, job.partial.open("ab") as writer:
            reader.seek(done)
            while chunk := reader.read(CHUNK_BYTES):
                writer.write(chunk)
                done += len(chunk)
                job.report(done)
    except PermissionError as error:
        raise SourceError(f"it cannot be read ({error.strerror})") from error
