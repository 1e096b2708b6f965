"""No room on the disk: a sentence that says so, exit code 1, and the user's file as it was. On a real full disk."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from generate_home import halfwatt, user_home
from missing import missing

STUB = 'def add(a: int, b: int) -> int:\n    """Return the sum of a and b."""\n    pass\n'


def on_small_disk(environ: dict[str, str], disk: Path, n_bytes: int, script: str) -> subprocess.CompletedProcess[str]:
    """Run a shell script that sees an empty disk of this size at `disk`; `$HALFWATT` is the command."""
    sandbox = ["bwrap", "--dev-bind", "/", "/", "--size", str(n_bytes), "--tmpfs", str(disk)]
    if shutil.which("bwrap") is None or subprocess.run([*sandbox, "true"], capture_output=True).returncode:
        missing("a small disk needs bubblewrap that works here")
    command = f"{sys.executable} -m halfwatt.lsp.cli"
    return subprocess.run(
        [*sandbox, "sh", "-c", script],
        env=environ | {"HALFWATT": command},
        cwd=disk.parent,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    folder = tmp_path / "disk"
    folder.mkdir()
    return folder


@pytest.fixture
def bare_environ(tmp_path: Path) -> Iterator[dict[str, str]]:
    with user_home(tmp_path / "bare", None) as made:
        yield made


@pytest.fixture(scope="module")
def environ(tmp_path_factory: pytest.TempPathFactory, model_path: Path) -> Iterator[dict[str, str]]:
    with user_home(tmp_path_factory.mktemp("disk"), model_path) as made:
        yield made


@pytest.mark.parametrize("n_bytes", [4096, 40_960])
def test_daemon_that_has_no_room_for_its_files_says_so(bare_environ: dict[str, str], disk: Path, n_bytes: int) -> None:
    file = disk.parent / "a.py"
    file.write_text(STUB)
    there = bare_environ | {"HALFWATT_HOME": str(disk / "halfwatt")}
    done = on_small_disk(there, disk, n_bytes, "$HALFWATT generate a.py:1 --apply")
    assert done.returncode == 1, done.stderr
    assert "disk" in done.stderr
    assert "Traceback" not in done.stderr
    assert file.read_text() == STUB


@pytest.mark.parametrize("arguments", ["config set routing.route local", "models pull"])
def test_command_that_has_no_room_says_so(bare_environ: dict[str, str], disk: Path, arguments: str) -> None:
    there = bare_environ | {"HALFWATT_HOME": str(disk / "halfwatt")}
    script = f"mkdir -p disk/halfwatt/config; head -c 9999 /dev/zero > disk/fill; $HALFWATT {arguments}"
    done = on_small_disk(there, disk, 4096, script)
    assert done.returncode in (1, 2), done.stderr
    assert "No space left" in done.stderr or "are free" in done.stderr
    assert "Traceback" not in done.stderr


def test_file_on_a_full_disk_stays_as_it_was(environ: dict[str, str], disk: Path) -> None:
    """The daemon's own files have room; the answer has none."""
    started = halfwatt(environ, "daemon", "start")
    assert started.returncode == 0, started.stderr
    (disk.parent / "a.py").write_text(STUB)
    script = (
        "cp a.py disk/a.py; cat /dev/zero > disk/fill 2>/dev/null; "
        "$HALFWATT generate disk/a.py:1 --apply; code=$?; cmp a.py disk/a.py && ls disk >&2; exit $code"
    )
    done = on_small_disk(environ, disk, 16_384, script)
    assert done.returncode == 1, done.stderr
    assert "No space left on device" in done.stderr
    assert done.stderr.endswith("a.py\nfill\n")  # nothing was left behind, and cmp found the file unchanged
