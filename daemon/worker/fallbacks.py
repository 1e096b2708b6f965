"""Sets of native parameters from fast to safe, and the memory of which one worked on this machine.

Nothing can catch a crash of native code, so supervisor.py tries the next fallback in a new process. A new version of
the library, another processor or another model starts with the fastest again.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import platform
from pathlib import Path

import msgspec

from halfwatt.daemon.models.catalog import ModelSpec

from .protocol import Fallback

FALLBACKS = (
    Fallback("fast"),
    Fallback("without repacked weights", extra_buffers=False),
    Fallback("without memory mapping", extra_buffers=False, memory_map=False),
    Fallback("one thread", extra_buffers=False, memory_map=False, max_threads=1),
)


class FallbackMemory:
    """Which fallback worked, in a small JSON file. A file that cannot be read counts as empty."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def first_to_try(self, key: str) -> int:
        """Index of the fallback to try first: 0, the fastest, unless a safer one is remembered."""
        return min(max(0, self._read().get(key, 0)), len(FALLBACKS) - 1)

    def remember(self, key: str, index: int) -> bool:
        """Store the fallback that worked; False where the file cannot be written, which does no harm."""
        known = self._read()
        if known.get(key) == index:
            return True
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            part = self._file.with_name(f"{self._file.name}.{os.getpid()}.part")
            part.write_bytes(msgspec.json.encode({**known, key: index}))
            part.replace(self._file)
        except OSError:
            return False
        return True

    def _read(self) -> dict[str, int]:
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=dict[str, int])
        except (OSError, msgspec.MsgspecError):
            return {}


def memory_key(spec: ModelSpec, processor: str | None = None) -> str:
    """Names what decides which fallback works: the model's bytes, the library's version, the processor: by
    default this machine's."""
    model = spec.sha256 or f"{spec.file}-{spec.path.stat().st_size if spec.path else 0}"
    library = importlib.metadata.version("llama-cpp-python")
    return hashlib.sha256(f"{model} {library} {processor or _this_processor()}".encode()).hexdigest()[:16]


def _this_processor() -> str:
    """The processor's name and features, as far as the system reports them."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    return " ".join(sorted({line for line in lines if line.startswith(("model name", "flags", "Features"))}))
