"""Add packages to the table of pinned wheels: version, digest, licence, and what each needs.

pip resolves the newest version without installing anything; its report has all of it. A package whose licence is not
known to be an open one is refused. It reads no code of a package.
"""

import csv
import json
import re
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from halfwatt.daemon.child_process import python_command
from halfwatt.router_model.errors import DataMissing

from .packages import PIP_OPTIONS, Package

COLUMNS = ("distribution", "version", "sha256", "licence", "family", "needs")
_OPEN_LICENCE = re.compile(
    r"\b(MIT|BSD|Apache|ISC|PSF|Python Software Foundation|L?GPL|GNU|MPL|Mozilla|Unlicense|Zlib|0BSD|HPND|ZPL|Zope|"
    r"CC0|Public Domain|Artistic|AFL|EUPL|CNRI|PostgreSQL|BSL|MulanPSL)",
    re.IGNORECASE,
)
_LONGEST_LICENCE = 60


def pin(name: str, family: str) -> list[Package]:
    """The package and what it needs, newest versions; the first is the package itself.

    A package that needs compiled ones is pinned alone: what works without them is used. Raises `DataMissing`.
    """
    try:
        metadata = _resolved(name)
    except DataMissing:
        metadata = _resolved(name, "--no-deps")
    itself = next(each for each in metadata if _normal(each["metadata"]["name"]) == _normal(name))
    others = [_package(each, "", ()) for each in metadata if each is not itself]
    package = _package(itself, family or _normal(name), tuple(sorted(each.key for each in others)))
    if not _OPEN_LICENCE.search(package.licence):
        raise DataMissing(f"{name} names no open licence that is known here ({package.licence or 'none'}).")
    return [package, *others]


def merged(known: Mapping[str, Package], added: Iterable[Package]) -> list[Package]:
    """The packages of the table with the added ones, by name.

    What is in the collection keeps its family and its version, so that the table of functions stays true.
    """
    packages = dict(known)
    collected = {package.distribution for package in packages.values() if package.family}
    for package in added:
        if package.family and package.distribution in collected:
            continue
        if package.key not in packages or (package.family and not packages[package.key].family):
            packages[package.key] = package
    return [packages[key] for key in sorted(packages)]


def write_packages(packages: Iterable[Package], table: Path) -> None:
    """Write the table."""
    with table.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(COLUMNS)
        for package in packages:
            writer.writerow([*(getattr(package, name) for name in COLUMNS[:-1]), " ".join(package.needs)])


def _resolved(name: str, *options: str) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = python_command("pip", "install", "--dry-run", "--ignore-installed", f"--target={folder}")
        command += [*PIP_OPTIONS, *options, f"--report={report}", name]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            reason = (done.stderr.strip().splitlines() or ["it gave no reason"])[-1]
            raise DataMissing(f"pip could not resolve {name}: {reason}")
        installed: list[dict[str, Any]] = json.loads(report.read_text(encoding="utf-8"))["install"]
        return installed


def _package(entry: dict[str, Any], family: str, needs: tuple[str, ...]) -> Package:
    metadata = entry["metadata"]
    digest = entry["download_info"]["archive_info"]["hashes"]["sha256"]
    return Package(_normal(metadata["name"]), metadata["version"], digest, _licence(metadata), family, needs)


def _licence(metadata: dict[str, Any]) -> str:
    """The expression, else the classifiers, else a short text."""
    classifiers = [each for each in metadata.get("classifier", ()) if each.startswith("License ::")]
    named = " and ".join(each.rpartition(" :: ")[2] for each in classifiers)
    text = (metadata.get("license") or "").strip()
    stated = text if len(text) <= _LONGEST_LICENCE and "\n" not in text else ""
    return str(metadata.get("license_expression") or named or stated)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
