"""Model files on disk: which are there, whether they are the right bytes, removing them, and finding the one to load.

A full check reads the whole file. Its result is stored beside the file (bytes, modification time, sha256) and trusted
while size and time stay the same. This module fetches nothing; pull.py does.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Literal

import filelock
import msgspec
from msgspec import Struct

from halfwatt.daemon.errors import ModelError, NoModelError, UsageError
from halfwatt.daemon.settings.schema import LocalConfig

from . import catalog, hardware
from .catalog import ModelSpec

CHUNK_BYTES = 1 << 20

FileState = Literal["absent", "partial", "unverified", "verified", "damaged"]
Progress = Callable[[int, int], None]  # bytes done, bytes in all


class _Verification(Struct, frozen=True):
    """The result of a full check: the file's size, time and digest then."""

    bytes: int
    mtime_ns: int
    sha256: str


class ModelStore:
    """The folder of model files. It creates nothing until something is written."""

    def __init__(self, models_dir: Path) -> None:
        self.models_dir = models_dir

    def path_of(self, spec: ModelSpec) -> Path:
        """Where the model's file is or would be."""
        return spec.path or self.models_dir / spec.file

    def partial_of(self, spec: ModelSpec) -> Path:
        """Where an unfinished fetch keeps its first bytes."""
        return self.models_dir / f"{spec.file}.partial"

    def partial_bytes(self, spec: ModelSpec) -> int:
        """How many bytes an unfinished fetch has left."""
        partial = self.partial_of(spec)
        return partial.stat().st_size if partial.is_file() else 0

    def scratch_of(self, spec: ModelSpec) -> Path:
        """Where a fetch keeps what it has not unpacked yet; a killed fetch leaves it behind."""
        return self.models_dir / f"{spec.file}.wheels"

    def lock_of(self, spec: ModelSpec) -> Path:
        """The lock file of a fetch."""
        return self.models_dir / f"{spec.file}.lock"

    def state(self, spec: ModelSpec) -> FileState:
        """The file's state by its size and time. A user's own file has no digest to check, so it counts as verified."""
        path = self.path_of(spec)
        if not path.is_file():
            return "partial" if self.partial_bytes(spec) else "absent"
        if spec.sha256 is None:
            return "verified"
        if path.stat().st_size != spec.bytes:
            return "damaged"
        record = _read_record(path)
        if record is None:
            return "unverified"
        return "verified" if record.sha256 == spec.sha256 else "damaged"

    def installed(self, models: Mapping[str, ModelSpec]) -> dict[str, ModelSpec]:
        """Those of `models` whose file has the right size and is not known to be damaged, with `path` set."""
        usable = ("unverified", "verified")
        return {
            name: replace(spec, path=self.path_of(spec)) for name, spec in models.items() if self.state(spec) in usable
        }

    def ensure_verified(self, spec: ModelSpec) -> Path:
        """The file's path, after a full check unless one is stored; the errors are those of `verify`."""
        if self.state(spec) != "verified":
            self.verify(spec)
        return self.path_of(spec)

    def verify(self, spec: ModelSpec, progress: Progress | None = None) -> str:
        """Read the whole file and return its sha256.

        NoModelError where there is no file, ModelError with both digests where it is not the catalog's file."""
        path = self.path_of(spec)
        if not path.is_file():
            raise NoModelError(f"{spec.id} is not here. Fetch it with `halfwatt models pull {spec.id}`.")
        digest = digest_of(path, progress)
        if spec.sha256 is not None:
            self.record_check(path, digest)
            if digest != spec.sha256:
                raise ModelError(
                    f"{spec.id} is damaged: its sha256 is {digest}, and it should be {spec.sha256}. It will not be "
                    f"used. Fetch it again with `halfwatt models rm {spec.id}` and `halfwatt models pull {spec.id}`."
                )
        return digest

    def record_check(self, path: Path, digest: str) -> None:
        """Store the result of a full check. Where the folder cannot be written, the next start checks again."""
        stat = path.stat()
        record = _Verification(bytes=stat.st_size, mtime_ns=stat.st_mtime_ns, sha256=digest)
        with suppress(OSError):
            _record_path(path).write_bytes(msgspec.json.encode(record))

    def remove(self, spec: ModelSpec) -> int:
        """Delete the model's file and what belongs to it; the number of freed bytes.

        NoModelError where there is nothing, ModelError during a fetch, UsageError for a user's own file."""
        if spec.family == "own":
            raise UsageError(f"{spec.file} is your own file, so halfwatt leaves it alone. Delete it yourself.")
        found = [path for path in self._files_of(spec) if path.is_file()]
        if not found:
            raise NoModelError(f"{spec.id} is not here, so there is nothing to remove.")
        freed = sum(path.stat().st_size for path in found)
        try:
            with filelock.FileLock(self.lock_of(spec), timeout=0):
                for path in found:
                    path.unlink()
                shutil.rmtree(self.scratch_of(spec), ignore_errors=True)
        except filelock.Timeout:
            raise ModelError(
                f"{spec.id} is being fetched by another halfwatt. Stop that first; it is as it was."
            ) from None
        return freed

    def _files_of(self, spec: ModelSpec) -> tuple[Path, ...]:
        path = self.path_of(spec)
        return path, self.partial_of(spec), _record_path(path)


def resolve(local: LocalConfig, store: ModelStore, models: Mapping[str, ModelSpec]) -> ModelSpec:
    """The model that the settings name, its file verified and `path` set.

    NoModelError where it has not been fetched, ModelError where it is unknown or damaged."""
    if local.model == "auto":
        return _resolve_auto(store, models)
    if catalog.is_path(local.model):
        if not Path(local.model).expanduser().is_absolute():
            raise ModelError(
                f"local.model is {local.model}, which is not a full path, and the daemon runs in another folder than "
                "you do. Give the full path with `halfwatt config set local.model …`, or set it to auto."
            )
        return catalog.own_model(local.model)
    spec = catalog.find_model(models, local.model)
    if store.state(spec) in ("absent", "partial"):
        raise NoModelError(f"{spec.id} is not here yet. Fetch it with `halfwatt models pull {spec.id}`.")
    return replace(spec, path=store.ensure_verified(spec))


def _resolve_auto(store: ModelStore, models: Mapping[str, ModelSpec]) -> ModelSpec:
    here = store.installed(models)
    if here:
        chosen = catalog.choose_model(here.values(), hardware.memory_bytes(), hardware.cores())
        return replace(chosen, path=store.ensure_verified(chosen))
    damaged = [spec.id for spec in models.values() if store.state(spec) == "damaged"]
    if damaged:
        raise ModelError(
            f"{damaged[0]} is damaged and will not be used. "
            f"Fetch it again with `halfwatt models rm {damaged[0]}` and `halfwatt models pull {damaged[0]}`."
        )
    best = catalog.choose_model(models.values(), hardware.memory_bytes(), hardware.cores())
    size = f"{(best.bytes or 0) / 1e6:.0f} MB"
    raise NoModelError(f"No local model is here yet. Fetch one with `halfwatt models pull` ({best.id}, {size}).")


def digest_of(path: Path, progress: Progress | None = None) -> str:
    """The sha256 of a file, in hexadecimal."""
    total = path.stat().st_size
    digest, done = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
            done += len(chunk)
            if progress:
                progress(done, total)
    return digest.hexdigest()


def _record_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.verified.json")


def _read_record(path: Path) -> _Verification | None:
    """The stored check, if the file has not changed since."""
    try:
        record = msgspec.json.decode(_record_path(path).read_bytes(), type=_Verification)
    except (OSError, msgspec.MsgspecError):
        return None
    stat = path.stat()
    return record if (record.bytes, record.mtime_ns) == (stat.st_size, stat.st_mtime_ns) else None
