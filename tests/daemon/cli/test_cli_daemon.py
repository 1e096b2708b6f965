"""`halfwatt daemon …` as a user runs it: real command, real daemon, exit codes, JSON, sentences."""

from __future__ import annotations

import asyncio
import json
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from running_daemon import environ_for, halfwatt, running, until

from halfwatt.daemon.cli import common as cli_common
from halfwatt.daemon.client import discovery
from halfwatt.daemon.client.runtime_files import read_address
from halfwatt.daemon.paths import user_paths


@pytest.fixture
def environ(tmp_path: Path) -> Iterator[dict[str, str]]:
    environ = environ_for(tmp_path / "home")
    yield environ
    asyncio.run(discovery.stop(user_paths(environ)))


def test_start_status_stop(environ: dict[str, str]) -> None:
    started = json.loads(halfwatt(environ, "daemon", "start", "--json").stdout)
    again = json.loads(halfwatt(environ, "daemon", "start", "--json").stdout)
    status = json.loads(halfwatt(environ, "daemon", "status", "--json").stdout)
    assert started["running"] is True
    assert started["pid"] == again["pid"] == status["pid"]
    assert status["status"]["state"] == "no_model"
    assert json.loads(halfwatt(environ, "daemon", "stop", "--json").stdout) == {"stopped": True, "how": "stopped"}
    assert json.loads(halfwatt(environ, "daemon", "stop", "--json").stdout) == {"stopped": False, "how": "not_running"}


def test_status_without_a_daemon_is_exit_code_1_and_a_sentence(environ: dict[str, str]) -> None:
    plain = halfwatt(environ, "daemon", "status")
    assert (plain.returncode, plain.stdout) == (1, "")
    assert plain.stderr.strip() == "No daemon is running. Start one with `halfwatt daemon start`."
    as_json = halfwatt(environ, "daemon", "status", "--json")
    assert as_json.returncode == 1
    assert json.loads(as_json.stdout)["running"] is False


def test_status_for_a_person_names_what_another_program_needs(environ: dict[str, str]) -> None:
    with running(environ) as daemon:
        said = halfwatt(environ, "daemon", "status").stdout
    assert f"{daemon.url}/v1" in said
    assert str(daemon.paths.token_file) in said
    assert daemon.token not in said


def test_run_stays_in_the_foreground_until_ctrl_c(environ: dict[str, str]) -> None:
    command = [str(Path(sys.executable).parent / "halfwatt"), "daemon", "run"]
    process = subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True)
    until(lambda: read_address(user_paths(environ)))
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "listens on http://127.0.0.1:" in said
    assert "Traceback" not in said


def test_logs_are_shown_for_people_and_programs(environ: dict[str, str]) -> None:
    assert "not there yet" in halfwatt(environ, "daemon", "logs").stderr
    with running(environ):
        pass
    assert "listening on port" in halfwatt(environ, "daemon", "logs").stdout
    entries = json.loads(halfwatt(environ, "daemon", "logs", "--json", "-n", "1").stdout)["lines"]
    assert [entry["event"] for entry in entries] == ["stopped"]


def test_hung_daemon_is_killed_by_stop(environ: dict[str, str]) -> None:
    """Stopped by a signal, it holds its lock and answers nobody."""
    with running(environ) as daemon:
        subprocess.run(["kill", "-STOP", str(daemon.pid)], check=True)
        told = halfwatt(environ, "daemon", "status")
        assert told.returncode == 1
        assert f"(process {daemon.pid}) is there but does not answer" in told.stderr
        assert "was killed" in halfwatt(environ, "daemon", "stop").stdout


def test_unforeseen_error_is_a_sentence_with_the_place_in_a_log(environ: dict[str, str]) -> None:
    broken = (
        "import typer\nfrom halfwatt.daemon.cli import common as cli_common\n"
        "@cli_common.run\ndef command():\n    raise KeyError('a secret value')\n"
        "app = typer.Typer(pretty_exceptions_enable=False)\napp.command()(command)\napp()\n"
    )
    done = subprocess.run([sys.executable, "-c", broken], env=environ, capture_output=True, text=True, check=False)
    log = user_paths(environ).state / "cli.log"
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert str(log) in done.stderr
    assert "Traceback" not in done.stderr
    assert "a secret value" not in log.read_text() + done.stderr


def test_json_is_one_object_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    cli_common.print_json({"a": Path("x").name, "b": None})
    assert json.loads(capsys.readouterr().out) == {"a": "x", "b": None}


def test_token_file_is_private(environ: dict[str, str]) -> None:
    with running(environ) as daemon:
        assert stat.S_IMODE(daemon.paths.token_file.stat().st_mode) == 0o600
