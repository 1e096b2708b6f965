"""The two small files by which clients find the running daemon: its address and its token.

Every client reads them, so this module is cheap to import. It starts no daemon and calls none.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

import msgspec
from msgspec import Struct

from halfwatt.daemon.errors import DaemonError
from halfwatt.daemon.paths import Paths
from halfwatt.daemon.private_files import PRIVATE_FOLDER, write_private

HOST = "127.0.0.1"
_TOKEN = re.compile(r"[\w-]{1,200}", re.ASCII)


class Address(Struct, frozen=True):
    """Where the running daemon listens, and which process and version it is."""

    port: int
    pid: int
    version: str

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"


class Health(Struct, frozen=True):
    """What `/halfwatt/v1/healthz` says to a caller with the token."""

    pid: int
    version: str


def instance_lock_file(paths: Paths) -> Path:
    """The file that the running daemon locks. The lock ends with the daemon, however that ends."""
    return paths.runtime / "daemon.lock"


def make_private_folder(folder: Path) -> None:
    """Make the runtime folder for this user alone. DaemonError where it, or its parent, belongs to another user."""
    folder.parent.mkdir(parents=True, exist_ok=True, mode=PRIVATE_FOLDER)
    folder.mkdir(exist_ok=True, mode=PRIVATE_FOLDER)
    require_own_folder(folder)
    if stat.S_IMODE(folder.stat().st_mode) & 0o077:
        folder.chmod(PRIVATE_FOLDER)


def require_own_folder(folder: Path) -> None:
    """DaemonError where the runtime folder is there and it, or its parent, belongs to another user."""
    try:
        found = folder.lstat()
        is_own = stat.S_ISDIR(found.st_mode) and not _foreign(found) and not _foreign(folder.parent.stat(), True)
    except FileNotFoundError:
        return
    except OSError:  # a folder on the way that this user may not enter
        is_own = False
    if not is_own:
        raise DaemonError(
            f"The runtime folder {folder} belongs to another user or is a link, so the token would not be safe. "
            "Nothing was started; remove it, or set XDG_RUNTIME_DIR or HALFWATT_HOME to a folder of your own."
        )


def publish(paths: Paths, address: Address, token: str) -> None:
    """Write the token, then the address, so that a client that sees the address can read the token."""
    write_private(paths.token_file, token.encode())
    write_private(paths.address_file, msgspec.json.encode(address))


def withdraw(paths: Paths, address: Address | None = None) -> None:
    """Remove address, token and socket: of this address, or without one those that a dead daemon has left."""
    if address is not None and not is_published(paths, address):
        return
    for file in (paths.address_file, paths.token_file, paths.socket_file):
        file.unlink(missing_ok=True)


def is_published(paths: Paths, address: Address) -> bool:
    """Whether clients still find this address. What cannot be read now, as with too many open files, still counts."""
    try:
        return msgspec.json.decode(paths.address_file.read_bytes(), type=Address) == address
    except (FileNotFoundError, msgspec.MsgspecError):
        return False
    except OSError:
        return True


def read_address(paths: Paths) -> Address | None:
    """The address of the last daemon that started, alive or not; None where the file is missing or damaged."""
    try:
        return msgspec.json.decode(paths.address_file.read_bytes(), type=Address)
    except (OSError, msgspec.MsgspecError):
        return None


def read_token(paths: Paths) -> str | None:
    """The token in its file; None where the file is missing or holds no token."""
    try:
        token = paths.token_file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return token if _TOKEN.fullmatch(token) else None


def _foreign(found: os.stat_result, root_may: bool = False) -> bool:
    if not hasattr(os, "getuid"):
        return False
    return found.st_uid != os.getuid() and not (root_may and found.st_uid == 0)
