"""One daemon per user, found by everybody, replaced when old, gone without a trace, and honest about why it fails."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from running_daemon import RunningDaemon, environ_for, halfwatt, running, spawn_server, spawned, start, until

from halfwatt.daemon.client import discovery
from halfwatt.daemon.client.runtime_files import Address, publish, read_address, read_token
from halfwatt.daemon.errors import DaemonError
from halfwatt.daemon.ledger.ledger import Ledger
from halfwatt.daemon.paths import user_paths
from halfwatt.daemon.server import run as server

CONNECT = """
import asyncio, os
from halfwatt.daemon.client.client import Client
from halfwatt.daemon.paths import user_paths
async def main():
    async with await Client.connect(user_paths(os.environ), os.environ) as client:
        await client.status()
        print(client.daemon.address.pid)
asyncio.run(main())
"""
OLD_SERVER = """
import os, sys
from halfwatt.daemon.server import run as server
from halfwatt.daemon.paths import user_paths
sys.exit(server.run(user_paths(os.environ), os.environ, version=sys.argv[1]))
"""

WATCHFUL_SERVER = """
import os, sys
from halfwatt.daemon.server import run as server
from halfwatt.daemon.paths import user_paths
server.FILES_LOOK_S = 0.2
sys.exit(server.run(user_paths(os.environ), os.environ))
"""


@pytest.fixture
def environ(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A home of its own without a model; whatever daemon a test leaves there is ended."""
    environ = environ_for(tmp_path / "home")
    yield environ
    asyncio.run(discovery.stop(user_paths(environ)))


def connect(environ: dict[str, str], version: str | None = None, start: bool = True) -> discovery.RunningDaemon:
    return asyncio.run(discovery.connect(user_paths(environ), environ, start=start, version=version))


def server_of_version(environ: dict[str, str], version: str) -> RunningDaemon:
    process = subprocess.Popen(
        [sys.executable, "-c", OLD_SERVER, version], env=environ, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    return spawned(process, environ)  # type: ignore[arg-type]  # only its number is used


def test_five_clients_at_once_get_one_daemon(environ: dict[str, str]) -> None:
    def one_client(_: int) -> str:
        done = subprocess.run(
            [sys.executable, "-c", CONNECT], env=environ, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    with ThreadPoolExecutor(5) as pool:
        pids = set(pool.map(one_client, range(5)))
    assert len(pids) == 1
    log = user_paths(environ).log_file.read_text()
    assert log.count("listening on port") == 1


def test_socket_names_its_protocol_so_that_small_packets_are_not_held_back() -> None:
    """asyncio sets TCP_NODELAY only then; without it the first token waits for a delayed acknowledgement."""
    with server.bind(0) as bound:
        assert bound.proto == socket.IPPROTO_TCP


def test_second_server_steps_back(environ: dict[str, str]) -> None:
    with running(environ) as daemon:
        second = spawn_server(environ)
        _, said = second.communicate(timeout=60)
        assert second.returncode == 3
        assert f"already running (process {daemon.pid})" in said
        assert connect(environ).address.pid == daemon.pid


def test_files_are_private_and_go_with_the_daemon(environ: dict[str, str]) -> None:
    paths = user_paths(environ)
    with running(environ):
        assert stat.S_IMODE(paths.runtime.stat().st_mode) == 0o700
        for file in (paths.token_file, paths.address_file):
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not paths.token_file.exists()
    assert not paths.address_file.exists()


def test_every_start_has_a_new_token(environ: dict[str, str]) -> None:
    with running(environ) as first:
        pass
    with running(environ) as second:
        assert second.token != first.token


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_it_in_order(environ: dict[str, str], number: signal.Signals) -> None:
    process = spawn_server(environ)
    spawned(process, environ)
    process.send_signal(number)
    assert process.wait(timeout=60) == 0
    assert not user_paths(environ).address_file.exists()


def test_open_event_stream_does_not_hold_up_the_end(environ: dict[str, str]) -> None:
    daemon = start(environ)
    with daemon.http() as http, http.stream("GET", "/halfwatt/v1/events") as events:
        lines = events.iter_lines()
        assert next(lines).startswith("data: ")
        assert asyncio.run(discovery.stop(daemon.paths)) == "stopped"


def test_killed_daemon_is_replaced_and_its_rows_survive(environ: dict[str, str]) -> None:
    daemon = start(environ)
    with daemon.http() as http:
        refused = http.post("/v1/chat/completions", json={"messages": [{"role": "user", "content": "hi"}]})
        assert refused.status_code == 503
        acknowledged = http.get("/halfwatt/v1/recent").json()
    os.kill(daemon.pid, signal.SIGKILL)
    until(lambda: not psutil.pid_exists(daemon.pid) or psutil.Process(daemon.pid).status() == psutil.STATUS_ZOMBIE)
    assert daemon.paths.address_file.exists()  # stale
    ledger = Ledger(daemon.paths.ledger_file)
    assert [row.request_id for row in ledger.recent(10)] == [row["request_id"] for row in acknowledged]
    ledger.close()
    fresh = start(environ)
    assert fresh.pid != daemon.pid
    assert fresh.token != daemon.token


def test_stale_files_do_not_count_without_start(environ: dict[str, str]) -> None:
    paths = user_paths(environ)
    paths.runtime.mkdir(parents=True, mode=0o700)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    publish(paths, Address(port=port, pid=os.getpid(), version="0.1.0"), "old token")
    with pytest.raises(DaemonError, match="No daemon is running"):
        connect(environ, start=False)
    assert asyncio.run(discovery.stop(paths)) == "not_running"


@pytest.mark.parametrize("spoil", ["nonsense", "two\nlines", None])
def test_daemon_whose_token_file_was_spoilt_is_replaced(environ: dict[str, str], spoil: str | None) -> None:
    old = start(environ)
    token_file = user_paths(environ).token_file
    token_file.unlink() if spoil is None else token_file.write_text(spoil)
    told = halfwatt(environ, "daemon", "status")
    assert told.returncode == 1
    assert str(token_file) in told.stderr
    assert "`halfwatt daemon start` replaces it" in told.stderr
    assert start(environ).pid != old.pid


@pytest.mark.parametrize("lost", ["address", "folder"])
def test_daemon_that_nobody_can_find_ends(environ: dict[str, str], lost: str) -> None:
    code = WATCHFUL_SERVER
    process = subprocess.Popen([sys.executable, "-c", code], env=environ, stderr=subprocess.DEVNULL)
    daemon = spawned(process, environ)  # type: ignore[arg-type]  # its output is not read
    if lost == "address":
        daemon.paths.address_file.unlink()
    else:
        shutil.rmtree(daemon.paths.runtime)
    assert start(environ).pid != daemon.pid
    assert process.wait(60) == 0
    assert connect(environ, start=False).address.pid != daemon.pid


def test_another_program_on_the_old_port_is_not_taken_for_the_daemon(environ: dict[str, str], tmp_path: Path) -> None:
    stranger = subprocess.Popen(
        [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "-d", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert stranger.stdout is not None
        port = int(stranger.stdout.readline().split("port ")[1].split()[0])
        paths = user_paths(environ)
        paths.runtime.mkdir(parents=True, mode=0o700)
        publish(paths, Address(port=port, pid=stranger.pid, version="0.1.0"), "old token")
        assert connect(environ).address.port != port
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b'{"port": "x"}', b"[]"])
def test_damaged_address_file_counts_as_none(environ: dict[str, str], content: bytes) -> None:
    paths = user_paths(environ)
    paths.runtime.mkdir(parents=True, mode=0o700)
    paths.address_file.write_bytes(content)
    assert read_address(paths) is None


def test_older_daemon_is_replaced_by_a_newer_client(environ: dict[str, str]) -> None:
    old = server_of_version(environ, "0.0.1")
    found = connect(environ)
    assert found.address.pid != old.pid
    assert found.address.version != "0.0.1"


def test_newer_daemon_is_used_by_an_older_client(environ: dict[str, str]) -> None:
    new = server_of_version(environ, "99.0")
    assert connect(environ).address == Address(port=int(new.url.rsplit(":", 1)[1]), pid=new.pid, version="99.0")


def test_taken_port_is_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(DaemonError, match=f"Port {port} cannot be used .* Choose another port"):
            server.bind(port)


def test_broken_settings_are_a_sentence_from_the_started_daemon(environ: dict[str, str]) -> None:
    paths = user_paths(environ)
    paths.config.mkdir(parents=True)
    paths.config_file.write_text('[routing]\ndial = "turbo"\n')
    with pytest.raises(DaemonError, match=r"routing\.dial.*turbo.*eco"):
        connect(environ)
    done = halfwatt(environ, "daemon", "start")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


def test_runtime_folder_that_is_a_link_is_refused(environ: dict[str, str], tmp_path: Path) -> None:
    paths = user_paths(environ)
    paths.runtime.parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / "elsewhere").mkdir()
    paths.runtime.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DaemonError, match="belongs to another user or is a link"):
        connect(environ)


def test_idle_daemon_ends_if_so_configured(environ: dict[str, str]) -> None:
    process = spawn_server({**environ, "HALFWATT_DAEMON_IDLE_EXIT_MIN": "0.005"})
    assert process.wait(timeout=60) == 0
    assert "without a client" in user_paths(environ).log_file.read_text()


def test_listening_client_keeps_an_idle_daemon_alive(environ: dict[str, str]) -> None:
    process = spawn_server({**environ, "HALFWATT_DAEMON_IDLE_EXIT_MIN": "0.05"})
    daemon = spawned(process, environ)
    with daemon.http() as http:
        with http.stream("GET", "/halfwatt/v1/events") as events:
            lines = events.iter_lines()
            assert next(lines).startswith("data: ")
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(timeout=5)
        assert process.wait(timeout=60) == 0


def test_log_is_one_json_object_a_line_and_names_no_token(environ: dict[str, str]) -> None:
    with running(environ) as daemon:
        text = daemon.paths.log_file.read_text()
    entries = [json.loads(line) for line in text.splitlines()]
    assert {"time", "level", "pid", "from", "event"} <= set(entries[0])
    assert daemon.token not in text


def test_log_level_of_the_settings_counts(environ: dict[str, str]) -> None:
    with running(environ | {"HALFWATT_DAEMON_LOG_LEVEL": "error"}) as daemon:
        pass
    assert daemon.paths.log_file.read_text() == ""


def test_token_is_in_no_process_argument(environ: dict[str, str]) -> None:
    with running(environ) as daemon:
        token = read_token(daemon.paths)
        assert token == daemon.token
        assert all(daemon.token not in part for part in psutil.Process(daemon.pid).cmdline())
