"""Rules of `halfwatt models`: what it prints, where, and with which exit code."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hub_server import Hub, serving
from typer.testing import CliRunner, Result

from halfwatt.daemon.cli.models import app
from halfwatt.daemon.models import catalog
from halfwatt.daemon.models.store import ModelStore
from halfwatt.daemon.paths import Paths
from halfwatt.daemon.settings import file as settings_file

SMALL = "qwen2.5-coder-0.5b"
SPEC = catalog.load()[SMALL]
MAIN = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); " + (
    "from halfwatt.daemon.cli.models import app; app()"
)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def test_list_shows_every_model_and_creates_nothing(paths: Paths) -> None:
    result = run("list")
    assert result.exit_code == 0
    assert result.stdout.count("not here") == len(catalog.load())
    assert "the choice of `auto`" in result.stdout
    assert not paths.models.exists()


def test_list_json_is_one_object_with_states(paths: Paths) -> None:
    paths.models.mkdir(parents=True)
    (paths.models / f"{SPEC.file}.partial").write_bytes(b"12345")
    listing = json.loads(run("list", "--json").stdout)
    rows = {row["id"]: row for row in listing["models"]}
    assert listing["models_dir"] == str(paths.models)
    assert (rows[SMALL]["state"], rows[SMALL]["partial_bytes"]) == ("partial", 5)
    assert sum(row["auto"] for row in rows.values()) == 1


def test_list_shows_the_users_own_file(paths: Paths, tmp_path: Path) -> None:
    own = tmp_path / "mine.gguf"
    own.write_bytes(b"GGUF\x03\0\0\0")
    settings_file.set_value(paths, "local.model", str(own))
    rows = json.loads(run("list", "--json").stdout)["models"]
    assert rows[-1]["id"] == "mine"
    assert rows[-1]["path"] == str(own)


@pytest.mark.parametrize("command", ["pull", "verify", "rm"])
def test_unknown_model_is_one_sentence_with_the_near_one(paths: Paths, command: str) -> None:
    result = run(command, "qwen2.5-coder-0.5")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert "Did you mean qwen2.5-coder-0.5b?" in result.stderr
    assert not paths.models.exists()


@pytest.mark.parametrize("arguments", [["pull", "--source", "moon"], ["rm"], ["verify", "--no-such"]])
def test_wrong_call_is_exit_code_2(paths: Paths, arguments: list[str]) -> None:
    assert run(*arguments).exit_code == 2


def test_verify_and_rm_without_models_say_what_to_do(paths: Paths) -> None:
    result = run("verify")
    assert (result.exit_code, "halfwatt models pull" in result.stderr) == (1, True)
    result = run("rm", SMALL)
    assert (result.exit_code, "nothing to remove" in result.stderr) == (1, True)


def test_failed_pull_names_the_source_and_leaves_no_file(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(Hub(b"", status=404)) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
        result = run("pull", SMALL, "--source", "hub")
    assert result.exit_code == 1
    assert "No source delivered qwen2.5-coder-0.5b" in result.stderr
    assert "it answered 404" in result.stderr
    assert not any(path.suffix == ".gguf" for path in paths.models.iterdir())


def test_pull_without_a_model_takes_the_choice_of_auto(paths: Paths) -> None:
    chosen = next(row["id"] for row in json.loads(run("list", "--json").stdout)["models"] if row["auto"])
    result = run("pull", "--from", "/nowhere/file.gguf")
    assert result.exit_code == 1
    assert f"No source delivered {chosen}. Tried: local file /nowhere/file.gguf: it is not there." in result.stderr


def test_damaged_model_fails_verify_with_json_on_stdout(paths: Paths) -> None:
    paths.models.mkdir(parents=True)
    with (paths.models / SPEC.file).open("wb") as file:
        file.write(b"GGUF, but another one")
    result = run("verify", "--json")
    assert result.exit_code == 1
    (report,) = json.loads(result.stdout)["models"]
    assert report["ok"] is False
    assert str(SPEC.sha256) in report["message"]


@pytest.mark.skipif(sys.platform == "win32", reason="a process gets no SIGINT there")
def test_ctrl_c_keeps_what_has_come_and_the_next_pull_goes_on(paths: Paths) -> None:
    release = threading.Event()
    hub = Hub(bytes(52_000_000), claimed=SPEC.bytes, hold=release, hold_at=52_000_000)
    with serving(hub):
        environ = {**os.environ, "HF_ENDPOINT": hub.endpoint}
        command = [sys.executable, "-c", MAIN, "pull", SMALL, "--source", "hub"]
        process = subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert process.stderr is not None
        lines = [process.stderr.readline(), process.stderr.readline()]
        process.send_signal(signal.SIGINT)
        output, rest = process.communicate(timeout=60)
        release.set()
    assert lines == [f"{SMALL}: 0 of 491 MB\n", f"{SMALL}: 49 of 491 MB\n"]
    assert (process.returncode, output) == (1, "")
    assert "are here and kept. Go on with `halfwatt models pull qwen2.5-coder-0.5b`" in rest
    assert "Traceback" not in rest
    kept = ModelStore(paths.models).partial_bytes(SPEC)
    assert 49_140_000 <= kept <= 52_000_000
    with serving(Hub(b"", status=503)) as hub:
        subprocess.run(command, env={**os.environ, "HF_ENDPOINT": hub.endpoint}, capture_output=True, check=False)
    assert hub.asked[0][1] == f"bytes={kept}-"


def test_real_model_is_pulled_verified_listed_and_removed(paths: Paths, model_path: Path) -> None:
    result = run("pull", SMALL, "--from", str(model_path), "--json")
    assert result.exit_code == 0, result.stderr
    pulled = json.loads(result.stdout)
    assert pulled == {
        "id": SMALL,
        "path": str(paths.models / SPEC.file),
        "bytes": SPEC.bytes,
        "sha256": SPEC.sha256,
    }
    assert "491 of 491 MB" in result.stderr
    assert run("verify").stdout == f"{SMALL} is whole: sha256 {SPEC.sha256}.\n"
    assert "here, verified" in run("list").stdout
    assert json.loads(run("rm", SMALL, "--json").stdout)["freed_bytes"] >= 491_400_064
    assert not (paths.models / SPEC.file).exists()
