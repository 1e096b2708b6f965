"""Marked words in code, prompt, path and key, sent through the real daemon and model: none is found anywhere after."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from generate_home import halfwatt, user_home

from halfwatt.daemon.client.runtime_files import read_address
from halfwatt.daemon.paths import user_paths

CODE, FOLDER, NAME, KEY, WORD = (f"canary{word}" for word in ("code7", "folder7", "name7", "key7", "word7"))
STUB = f'def {CODE}(a: int, b: int) -> int:\n    """Return {WORD}, the sum of a and b."""\n    pass\n'
UNREACHABLE = """
[local]
max_tokens = 60
[routing]
escalation = "ask"
[[tiers]]
name = "big"
kind = "cloud"
key = "big"
base_url = "http://127.0.0.1:{port}/v1"
model = "m"
timeout_s = 5
"""


@pytest.fixture
def environ(tmp_path: Path, model_path: Path) -> Iterator[dict[str, str]]:
    with socket.socket() as closed:  # bound and not listening: whoever connects is refused
        closed.bind(("127.0.0.1", 0))
        with user_home(tmp_path / "home", model_path) as made:
            settings = user_paths(made).config_file
            settings.write_text(UNREACHABLE.format(port=closed.getsockname()[1]))
            yield made | {"HALFWATT_KEY_BIG": KEY}


def marked(texts: dict[str, bytes]) -> list[str]:
    """Which texts hold a marked word."""
    words = [word.encode() for word in (CODE, FOLDER, NAME, KEY, WORD)]
    return [name for name, text in texts.items() for word in words if word in text]


def written(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file() and not path.is_symlink()}


def arguments_of(pid: int) -> dict[str, bytes]:
    process = psutil.Process(pid)
    return {f"process {it.pid}": " ".join(it.cmdline()).encode() for it in (process, *process.children())}


def test_marked_words_are_in_no_file_log_ledger_error_or_process_argument(
    environ: dict[str, str], tmp_path: Path
) -> None:
    folder = tmp_path / "user" / FOLDER
    folder.mkdir(parents=True)
    file = folder / f"{NAME}.py"
    file.write_text(STUB)
    broken = folder / f"{NAME}.js"
    broken.write_text(f"const {CODE} = '{WORD}'\n")
    place = f"{file}:1"
    done = [
        halfwatt(environ, "generate", place, "--json"),
        halfwatt(environ, "generate", place, "--route", "cloud"),  # refused connection, so local answers
        halfwatt(environ, "complete", f"{file}:3:4"),
        halfwatt(environ, "explain", place, "--route", "cloud"),
    ]
    assert [it.returncode for it in done] == [0, 0, 0, 0], [it.stderr for it in done]
    assert "did not answer" in done[1].stderr
    failed = halfwatt(environ, "generate", f"{broken}:1")
    assert failed.returncode != 0
    address = read_address(user_paths(environ))
    assert address is not None
    told = {f"stderr {number}": it.stderr.encode() for number, it in enumerate(done)}
    assert marked(told) == []
    assert marked(arguments_of(address.pid)) == []
    halfwatt(environ, "daemon", "stop")
    files = written(Path(environ["HALFWATT_HOME"])) | written(Path(environ["HOME"]))
    assert any(name.endswith("ledger.sqlite3") for name in files)
    assert any(name.endswith("daemon.log") for name in files)
    assert os.fsencode("explicit rule") in b"".join(files.values())  # the ledger's text can be found this way
    assert marked(files) == []
