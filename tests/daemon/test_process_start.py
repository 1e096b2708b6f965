"""Rules of a program's start."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from halfwatt.daemon.process_start import make_safe


@pytest.fixture(autouse=True)
def own_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.parametrize("path", [".:/bin:bin::/usr/bin:./x:", "/bin:/usr/bin"])
def test_programs_are_looked_for_in_full_paths_alone(path: str) -> None:
    environ = {"PATH": path, "XDG_STATE_HOME": "near", "XDG_DATA_HOME": "/far"}
    make_safe(environ)
    assert environ == {"PATH": "/bin:/usr/bin", "XDG_DATA_HOME": "/far"}


def test_new_files_are_for_their_owner_alone() -> None:
    make_safe({})
    assert os.umask(0o022) == 0o077
