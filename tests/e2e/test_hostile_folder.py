"""Every child process of halfwatt, started from a folder like a cloned repository that wants its code to run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from running_daemon import environ_for, until

from halfwatt.daemon.client.runtime_files import read_address
from halfwatt.daemon.paths import user_paths

HALFWATT = str(Path(sys.executable).parent / "halfwatt")
# What children import first, by name: the standard library, tools that run as `python -m`, and our own packages.
MODULES = (
    *("sitecustomize", "usercustomize", "json", "logging", "asyncio", "subprocess", "sqlite3", "ssl", "venv"),
    *("pip", "halfwatt", "daemon", "lsp", "llama_cpp", "numpy", "msgspec", "tokenizers", "onnxruntime", "openai"),
)
PROGRAMS = (
    *("git", "pip", "python3", "python", "halfwatt", "uname", "nvidia-smi", "ldconfig", "gcc", "cc", "ld", "objdump"),
    *("xdg-open", "www-browser", "links", "lynx", "w3m", "firefox", "bwrap", "sysctl", "systemctl"),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Whatever is imported or run from here leaves the file `ran`."""
    hostile = tmp_path / "hostile"
    hostile.mkdir()
    code = f"open({str(tmp_path / 'ran')!r}, 'a').write(__name__ + chr(10))\n"
    for name in MODULES:
        (hostile / name).mkdir()
        (hostile / name / "__init__.py").write_text(code)
        (hostile / name / "__main__.py").write_text(code)
    for name in PROGRAMS:
        (hostile / name).unlink(missing_ok=True) if (hostile / name).is_file() else None
        if not (hostile / name).exists():
            (hostile / name).write_text(f"#!/bin/sh\necho {name} >> {tmp_path / 'ran'}\n")
            (hostile / name).chmod(0o755)
    (hostile / "pyvenv.cfg").write_text(f"home = {hostile}\n")
    (hostile / ".env").write_text("PYTHONPATH=.\n")
    return hostile


def run(folder: Path, environ: dict[str, str], *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [HALFWATT, *arguments],
        cwd=folder,
        env=environ,
        input=text,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_folder_would_run_code_if_it_were_let(folder: Path, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "pip", "--version"], cwd=folder, capture_output=True, check=False)
    assert (tmp_path / "ran").exists()


def test_commands_daemon_worker_and_language_server_run_nothing_of_it(
    folder: Path, tmp_path: Path, model_path: Path
) -> None:
    path = f".{os.pathsep}{os.environ['PATH']}{os.pathsep}"  # as some have it: with the folder that they are in
    environ = environ_for(tmp_path / "home", HALFWATT_MODELS_DIR=str(model_path.parent), PATH=path)
    (folder / "a.py").write_text('def add(a, b):\n    """The sum."""\n')
    try:
        assert run(folder, environ, "daemon", "start").returncode == 0
        daemon = read_address(user_paths(environ))
        assert daemon is not None
        assert "def add" in run(folder, environ, "generate", "a.py:1").stdout
        for child in children(daemon.pid):
            assert Path(f"/proc/{child}/cwd").readlink() == Path("/")
        for command in (
            ["doctor"],
            ["key", "status", "x"],
            ["dashboard"],
            ["energy"],
            ["models", "list"],
            ["setup", "energy"],
        ):
            assert "Traceback" not in run(folder, environ, *command).stderr
        assert "Traceback" not in run(folder, environ, "lsp").stderr
    finally:
        run(folder, environ, "daemon", "stop")
    until(lambda: read_address(user_paths(environ)) is None)
    assert not (tmp_path / "ran").exists()


def children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(int(child) for child in found)]


def test_fetching_a_model_runs_no_pip_of_it(folder: Path, tmp_path: Path) -> None:
    environ = environ_for(
        tmp_path / "home", PIP_NO_INDEX="1", PIP_FIND_LINKS=str(tmp_path), HF_ENDPOINT="http://127.0.0.1:9"
    )
    done = run(folder, environ, "models", "pull", "qwen2.5-coder-0.5b")
    assert done.returncode != 0  # nothing is there to fetch
    assert "pip could not fetch" in done.stdout + done.stderr
    assert not (tmp_path / "ran").exists()


def test_folders_may_be_given_from_where_the_user_is(tmp_path: Path) -> None:
    environ = environ_for(Path("near"), HALFWATT_MODELS_DIR="models")
    try:
        started = run(tmp_path, environ, "daemon", "start")
        assert started.returncode == 0, started.stderr
        assert run(tmp_path, environ, "daemon", "status").returncode == 0
        assert (tmp_path / "near" / "run" / "daemon.json").exists()
    finally:
        run(tmp_path, environ, "daemon", "stop")
