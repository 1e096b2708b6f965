"""The PyPI packages whose functions are tasks: a table of pinned wheels, and their unpacked files in a cache folder.

Each wheel is pinned by version and SHA-256 digest in `data/doctest_packages.csv`. pip fetches it. Nothing of it is
built, installed or run here: only pure-Python wheels are taken, and they are merely unpacked. Code of a package runs
in the sandbox alone. The table is written by `pin_packages.py`.
"""

import compileall
import csv
import hashlib
import py_compile
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from halfwatt.daemon.child_process import python_command
from halfwatt.router_model.errors import DataMissing

PACKAGES_TABLE = Path(__file__).parent.parent / "data" / "doctest_packages.csv"
# only wheels that any interpreter can use: a source package would run its build
PIP_OPTIONS = (
    "--only-binary=:all:",
    "--platform=any",
    "--implementation=py",
    "--abi=none",
    "--python-version=3.11",
    "--disable-pip-version-check",
    "--no-input",
    "--quiet",
)
_MOST_BYTES = 400 << 20


@dataclass(frozen=True)
class Package:
    """One pinned wheel. `needs` are the keys of further packages on its path.

    `family` is the project that it belongs to: packages of one family stand in the same half. It is empty for a package
    that is only needed by others.
    """

    distribution: str
    version: str
    sha256: str
    licence: str
    family: str
    needs: tuple[str, ...]

    @property
    def key(self) -> str:
        return f"{self.distribution}-{self.version}"


@cache
def load_packages(table: Path = PACKAGES_TABLE) -> Mapping[str, Package]:
    """The packages of the table by their keys, in its order."""
    with table.open(newline="", encoding="utf-8") as lines:
        packages = [_of_row(row) for row in csv.DictReader(lines)]
    return {package.key: package for package in packages}


def folders_of(package: Package, packages: Mapping[str, Package], cache_dir: Path) -> tuple[Path, ...]:
    """The unpacked package and then what it needs, fetched where it is not there.

    Raises `DataMissing` where a wheel cannot be had or is not the pinned one.
    """
    return tuple(_unpacked(packages[key], cache_dir.absolute()) for key in (package.key, *package.needs))


def _of_row(row: Mapping[str, str]) -> Package:
    needs = tuple(row["needs"].split())
    return Package(row["distribution"], row["version"], row["sha256"], row["licence"], row["family"], needs)


def _unpacked(package: Package, cache_dir: Path) -> Path:
    folder = cache_dir / package.key
    if folder.is_dir():
        return folder
    cache_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache_dir) as scratch:
        wheel = _download(package, Path(scratch))
        unpack(wheel, Path(scratch) / package.key)
        (Path(scratch) / package.key).rename(folder)
    return folder


def _download(package: Package, folder: Path) -> Path:
    """The wheel of the pinned digest; pip compares it, and so do we."""
    pinned = folder / "requirements.txt"
    pinned.write_text(f"{package.distribution}=={package.version} --hash=sha256:{package.sha256}\n", encoding="utf-8")
    command = python_command("pip", "download", "--no-deps", "--require-hashes", *PIP_OPTIONS)
    command += [f"--dest={folder}", "-r", str(pinned)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    wheels = list(folder.glob("*.whl"))
    if done.returncode != 0 or len(wheels) != 1:
        reason = (done.stderr.strip().splitlines() or ["it gave no reason"])[-1]
        raise DataMissing(f"pip could not fetch {package.distribution} {package.version}: {reason}")
    if hashlib.sha256(wheels[0].read_bytes()).hexdigest() != package.sha256:
        raise DataMissing(f"The wheel of {package.distribution} {package.version} is not the one of the table.")
    return wheels[0]


def unpack(wheel: Path, folder: Path) -> None:
    """Unpack a wheel and compile its modules, without running any of it. Raises `DataMissing`.

    The compiled files carry a digest of their source, so that a module seen with another text is compiled anew.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > _MOST_BYTES:
                raise DataMissing(f"The wheel {wheel.name} is larger than {_MOST_BYTES >> 20} MiB when unpacked.")
            archive.extractall(folder)
    except (zipfile.BadZipFile, OSError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise DataMissing(f"The wheel {wheel.name} could not be unpacked.") from error
    mode = py_compile.PycInvalidationMode.CHECKED_HASH
    compileall.compile_dir(folder, quiet=2, invalidation_mode=mode, stripdir=str(folder))
