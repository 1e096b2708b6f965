"""What each program of ours does first: its files are for their owner alone, and no program of this folder is run.

The user's umask may let others read, and a `.` in PATH would run what a cloned repository brings. The daemon also
closes what an older version left open to others.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator, MutableMapping
from pathlib import Path

from .paths import XDG_VARIABLES, Paths

_OTHERS = 0o077


def make_safe(environ: MutableMapping[str, str] = os.environ) -> None:
    """From now on this process and its children make private files, and look for programs in full paths alone.

    Relative folders in XDG variables do not count: the XDG base directory specification says so."""
    os.umask(_OTHERS)
    folders = environ.get("PATH", os.defpath).split(os.pathsep)
    environ["PATH"] = os.pathsep.join(folder for folder in folders if Path(folder).is_absolute())
    for name in XDG_VARIABLES:
        if not Path(environ.get(name, "/")).is_absolute():
            del environ[name]


def close_to_others(paths: Paths) -> None:
    """Take the rights of group and others from our own folders and the files right in them, where they have any."""
    folders = {paths.config, paths.data, paths.state, paths.cache, paths.runtime}
    if paths.models.is_relative_to(paths.data):  # one that the user chose elsewhere may be shared
        folders.add(paths.models)
    for folder in folders:
        with contextlib.suppress(OSError):  # it is missing, or another user's: whoever uses it says so
            for each in (folder, *_files_in(folder)):
                _close(each)


def _files_in(folder: Path) -> Iterator[Path]:
    return (each for each in folder.iterdir() if each.is_file() and not each.is_symlink())


def _close(path: Path) -> None:
    found = path.lstat()
    if not stat.S_ISLNK(found.st_mode) and found.st_mode & _OTHERS and found.st_uid == os.getuid():
        path.chmod(stat.S_IMODE(found.st_mode) & ~_OTHERS)
