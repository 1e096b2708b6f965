"""Where halfwatt keeps its files. Creates nothing: whoever writes a file makes its folder."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import platformdirs

FOLDER_VARIABLES = ("HALFWATT_HOME", "HALFWATT_MODELS_DIR")
XDG_VARIABLES = ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR")


@dataclass(frozen=True)
class Paths:
    """The folders of one user. All of them can be moved below one folder with HALFWATT_HOME."""

    config: Path
    data: Path
    state: Path
    cache: Path
    runtime: Path
    models: Path

    @property
    def config_file(self) -> Path:
        return self.config / "config.toml"

    @property
    def ledger_file(self) -> Path:
        return self.data / "ledger.sqlite3"

    @property
    def log_file(self) -> Path:
        return self.state / "daemon.log"

    @property
    def token_file(self) -> Path:
        """Bearer token of the running daemon, mode 0600."""
        return self.runtime / "token"

    @property
    def address_file(self) -> Path:
        """JSON with port, pid and version of the running daemon, mode 0600."""
        return self.runtime / "daemon.json"

    @property
    def socket_file(self) -> Path:
        """Unix socket of the running daemon, where the system has such."""
        return self.runtime / "daemon.sock"

    @property
    def start_lock_file(self) -> Path:
        return self.runtime / "start.lock"

    @property
    def worker_memory_file(self) -> Path:
        """Which fallback parameters worked for which model on this machine."""
        return self.state / "worker.json"

    @property
    def router_memory_file(self) -> Path:
        """What the router measured of this machine, and when feedback was reset."""
        return self.state / "router.json"


def user_paths(environ: Mapping[str, str]) -> Paths:
    """The paths for this environment: HALFWATT_HOME, then HALFWATT_MODELS_DIR, then the platform's folders."""
    home = environ.get("HALFWATT_HOME")
    paths = _below(Path(home).expanduser().absolute()) if home else _platform_paths()
    override = environ.get("HALFWATT_MODELS_DIR")
    return replace(paths, models=Path(override).expanduser().absolute()) if override else paths


def _below(root: Path) -> Paths:
    return Paths(
        config=root / "config",
        data=root / "data",
        state=root / "state",
        cache=root / "cache",
        runtime=root / "run",
        models=root / "models",
    )


def _platform_paths() -> Paths:
    dirs = platformdirs.PlatformDirs("halfwatt", appauthor=False)
    return Paths(
        config=dirs.user_config_path,
        data=dirs.user_data_path,
        state=dirs.user_state_path,
        cache=dirs.user_cache_path,
        runtime=_runtime(dirs),
        models=dirs.user_data_path / "models",
    )


def _runtime(dirs: platformdirs.PlatformDirs) -> Path:
    """The session's runtime folder; without one that is the user's alone, a folder in the home.

    The temporary folder is no choice, because another user can take a name there first."""
    if sys.platform in ("darwin", "win32"):
        return dirs.user_runtime_path
    for folder in (os.environ.get("XDG_RUNTIME_DIR"), f"/run/user/{os.getuid()}"):
        if folder and _is_private(Path(folder)):
            return Path(folder) / "halfwatt"
    return dirs.user_state_path / "run"


def _is_private(folder: Path) -> bool:
    try:
        found = folder.lstat()
    except OSError:
        return False
    is_own = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077
    return is_own and folder.is_absolute()
