"""The packages whose sources the round-trip bench reads: which, where they lie, how they are fetched without root.

They are unpacked into a cache folder and never run. Nothing of them is copied into the repository.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from repository import ROOT

CACHE = ROOT / ".cache" / "roundtrip"
Index = Literal["npm", "debian", "pypi"]


@dataclass(frozen=True)
class Package:
    """`index`: where it is fetched. `small`: one of the few that CI fetches."""

    index: Index
    name: str
    small: bool = False

    @property
    def folder(self) -> Path:
        return CACHE / self.index / self.name.replace("/", "+")


def _all(index: Index, names: str, small: str = "") -> tuple[Package, ...]:
    return tuple(Package(index, name, name in small.split()) for name in names.split())


PACKAGES: tuple[Package, ...] = (
    *_all(
        "npm",
        # TypeScript and TSX
        "@tanstack/query-core @tanstack/react-query @tanstack/router-core @reduxjs/toolkit rxjs zod immer mobx effect "
        "react-native-screens react-native-svg react-native-gesture-handler react-native-paper @react-navigation/stack "
        # JavaScript
        "express lodash eslint three preact ky "
        # Java
        "@capacitor/android cordova-android @capacitor-community/sqlite "
        # C and C++
        "lmdb leveldown cpu-features react-native",
        small="@capacitor/android @tanstack/react-query",
    ),
    *_all(
        "debian",
        "golang-github-spf13-cobra-dev golang-github-gorilla-mux-dev golang-golang-x-tools-dev "
        "golang-golang-x-text-dev golang-golang-x-net-dev golang-github-gin-gonic-gin-dev "
        "golang-github-google-go-cmp-dev golang-github-burntsushi-toml-dev golang-github-emirpasic-gods-dev "
        "golang-golang-x-exp-dev "
        "librust-itertools-dev librust-serde-json-dev librust-regex-dev librust-tokio-dev librust-hashbrown-dev "
        "librust-nom-dev librust-num-bigint-dev librust-petgraph-dev librust-clap-dev librust-url-dev "
        "openjdk-17-source "
        "libfmt-dev nlohmann-json3-dev catch2 librange-v3-dev libabsl-dev libeigen3-dev libstb-dev",
        small="golang-github-spf13-cobra-dev librust-itertools-dev libfmt-dev",
    ),
    *_all("pypi", "llama-cpp-python"),
)


def fetch(packages: Sequence[Package]) -> list[str]:
    """Fetch what is not there yet; the names of packages that cannot be had, each with the reason."""
    failed = []
    for package in packages:
        if package.folder.exists():
            continue
        print(f"fetching {package.name}", file=sys.stderr, flush=True)
        try:
            _fetch(package)
        except (OSError, subprocess.CalledProcessError, tarfile.TarError) as error:
            failed.append(f"{package.name}: {_reason(error)}")
    return failed


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return f"the program {error.filename} is not installed"
    said = error.stderr.strip().splitlines() if isinstance(error, subprocess.CalledProcessError) else []
    return said[-1] if said else str(error)


def _fetch(package: Package) -> None:
    package.folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=package.folder.parent) as name:
        folder = Path(name)
        unpacked = folder / "unpacked"
        {"npm": _npm, "debian": _debian, "pypi": _pypi}[package.index](package.name, folder, unpacked)
        for archive in [*unpacked.rglob("src.zip"), *unpacked.rglob("src.zip.gz")]:
            shutil.unpack_archive(archive, archive.parent / "src", "zip")
            archive.unlink()
        unpacked.rename(package.folder)


def _npm(name: str, folder: Path, unpacked: Path) -> None:
    _call(["npm", "pack", "--silent", "--ignore-scripts", name], folder)
    _untar(folder, unpacked)


def _pypi(name: str, folder: Path, unpacked: Path) -> None:
    _call([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", name, name], folder)
    _untar(folder, unpacked)


def _untar(folder: Path, unpacked: Path) -> None:
    with tarfile.open(next(folder.glob("*gz"))) as archive:
        archive.extractall(unpacked, filter="data")


def _debian(name: str, folder: Path, unpacked: Path) -> None:
    """With the system's package lists; where those do not have it, with lists of our own. Neither needs root."""
    unpacked.mkdir()
    try:
        _call(["apt-get", "-q", "download", name], folder)
    except subprocess.CalledProcessError:
        _call([*_apt_with_own_lists(), "-q", "download", name], folder)
    _call(["dpkg-deb", "-x", str(next(folder.glob("*.deb"))), str(unpacked)], folder)


def _apt_with_own_lists() -> list[str]:
    state = CACHE / "apt"
    command = ["apt-get", "-o", f"Dir::State::Lists={state}/lists", "-o", f"Dir::Cache={state}/cache"]
    if not state.exists():
        (state / "lists" / "partial").mkdir(parents=True)
        (state / "cache" / "archives" / "partial").mkdir(parents=True)
        _call([*command, "-q", "update"], state)
    return command


def _call(command: list[str], folder: Path) -> None:
    subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)


@dataclass(frozen=True)
class Root:
    """A folder with the sources of one package, or of several, each a folder in it."""

    path: Path
    package: str = ""  # empty: the folder's first level names the packages

    def package_of(self, file: Path) -> str:
        return self.package or file.relative_to(self.path).parts[0]


def installed() -> list[Root]:
    """What an environment has anyway: its packages, the standard library, and `node_modules` where there are any."""
    paths = [Path(sysconfig.get_path("purelib")), ROOT / "editors" / "vscode" / "node_modules"]
    return [
        *(Root(path) for path in paths if path.is_dir()),
        Root(Path(sysconfig.get_path("stdlib")), "python-stdlib"),
    ]


def fetched(packages: Iterable[Package]) -> list[Root]:
    return [Root(it.folder, it.name) for it in packages if it.folder.is_dir()]


def files_below(root: Root) -> list[Path]:
    """Every file, in order; caches and what is installed below the standard library left out."""
    found: list[Path] = []
    for folder, folders, names in os.walk(root.path):
        folders[:] = sorted(it for it in folders if it not in ("__pycache__", "site-packages", ".git"))
        found.extend(Path(folder) / name for name in sorted(names))
    return found
