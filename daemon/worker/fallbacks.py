"""Sets of native parameters from fast to safe, and the memory of which one worked on this machine.

Nothing can catch a crash of native code, so supervisor.py tries the next fallback in a new process. After a week the
fastest is tried again, and so it is with a new version of the library or of halfwatt, another processor or model.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec import Struct

from halfwatt.daemon.models.catalog import ModelSpec

from .protocol import Fallback

FALLBACKS = (
    Fallback("fast"),
    Fallback("without repacked weights", extra_buffers=False),
    Fallback("without memory mapping", extra_buffers=False, memory_map=False),
    Fallback("one thread", extra_buffers=False, memory_map=False, max_threads=1),
)


REMEMBERED_S = 7 * 86400.0


class WorkingFallback(Struct, frozen=True):
    """A fallback that worked, and since when no faster one has been tried (epoch seconds)."""

    index: int
    since_s: float


class FallbackMemory:
    """Which fallback worked, in a small JSON file. A file that cannot be read counts as empty."""

    def __init__(self, file: Path, clock: Callable[[], float] = time.time) -> None:
        self._file = file
        self._clock = clock

    def first_to_try(self, key: str) -> int:
        """Index of the fallback to try first: 0, the fastest, unless a safer one was remembered within a week.

        A memory from the future, as after a clock's jump, does not count."""
        found = self._read().get(key)
        if found is None or not 0 <= self._clock() - found.since_s < REMEMBERED_S:
            return 0
        return min(max(0, found.index), len(FALLBACKS) - 1)

    def remember(self, key: str, index: int) -> bool:
        """Store the fallback that worked; False where the file cannot be written, which does no harm."""
        known = self._read()
        if key in known and known[key].index == index and self.first_to_try(key) == index:
            return True
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            part = self._file.with_name(f"{self._file.name}.{os.getpid()}.part")
            part.write_bytes(msgspec.json.encode({**known, key: WorkingFallback(index, self._clock())}))
            part.replace(self._file)
        except OSError:
            return False
        return True

    def _read(self) -> dict[str, WorkingFallback]:
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=dict[str, WorkingFallback])
        except (OSError, msgspec.MsgspecError):
            return {}


def memory_key(spec: ModelSpec, processor: str | None = None) -> str:
    """Names what decides which fallback works: the model's bytes, the versions, the processor: by default this
    machine's."""
    model = spec.sha256 or f"{spec.file}-{spec.path.stat().st_size if spec.path else 0}"
    versions = " ".join(importlib.metadata.version(name) for name in ("llama-cpp-python", "halfwatt"))
    return hashlib.sha256(f"{model} {versions} {processor or _this_processor()}".encode()).hexdigest()[:16]


def _this_processor() -> str:
    """The processor's name and features, as far as the system reports them."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    return " ".join(sorted({line for line in lines if line.startswith(("model name", "flags", "Features"))}))
