"""Another user's program in the daemon's place: nothing is sent to it, and the next request is served by our own."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import httpx2
import pytest
from impostor import NOBODY, standing
from running_daemon import RunningDaemon, environ_for, halfwatt, running, start, until

from halfwatt.daemon.client import transport
from halfwatt.daemon.client.client import Client
from halfwatt.daemon.client.runtime_files import read_address
from halfwatt.daemon.errors import DaemonError, ModelError
from halfwatt.daemon.paths import user_paths
from halfwatt.daemon.wire import RequestOptions

PROMPT = "the prompt that nobody else may read"


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return environ_for(tmp_path / "home", HALFWATT_MODELS_DIR=str(tmp_path / "none"))


@pytest.fixture(params=["socket", "loopback"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways of this process to the daemon; loopback is that of systems without Unix sockets."""
    monkeypatch.setattr(transport, "HAS_UNIX_SOCKETS", request.param == "socket")
    return str(request.param)


def crash(daemon: RunningDaemon) -> None:
    os.kill(daemon.pid, signal.SIGKILL)
    until(lambda: not Path(f"/proc/{daemon.pid}").exists() or _is_zombie(daemon.pid))


def _is_zombie(pid: int) -> bool:
    return ") Z " in Path(f"/proc/{pid}/stat").read_text()


async def connect_and_ask(daemon: RunningDaemon) -> None:
    async with await Client.connect(daemon.paths, daemon.environ) as client:
        await ask(client)


async def ask(client: Client) -> None:
    """A request with a prompt. No model is there, so the user's own daemon answers with a ModelError."""
    with pytest.raises(ModelError):
        async for _ in client.complete(PROMPT, None, RequestOptions(kind="complete")):
            pass


def test_client_that_comes_after_a_crash_sends_an_impostor_nothing(
    environ: dict[str, str], tmp_path: Path, way: str
) -> None:
    old = start(environ)
    crash(old)
    with standing(read_address(old.paths).port, tmp_path) as heard:  # type: ignore[union-attr]  # it was published
        with pytest.raises(DaemonError, match="No daemon is running"):
            asyncio.run(Client.connect(old.paths, environ, start=False))
        with running(environ) as new:
            assert new.pid != old.pid
            asyncio.run(connect_and_ask(new))
        nothing_secret(heard, old, way)


def test_connected_client_proves_the_daemon_again_after_a_crash(
    environ: dict[str, str], tmp_path: Path, way: str
) -> None:
    with running(environ) as old:
        asyncio.run(ask_before_and_after_a_crash(old, tmp_path, way))


async def ask_before_and_after_a_crash(old: RunningDaemon, folder: Path, way: str) -> None:
    async with await Client.connect(old.paths, old.environ) as client:
        await ask(client)
        crash(old)
        with standing(client.daemon.address.port, folder) as heard:
            await ask(client)
            assert client.daemon.address.pid != old.pid
            nothing_secret(heard, old, way)


def nothing_secret(heard: Path, daemon: RunningDaemon, way: str) -> None:
    content = heard.read_text()
    assert PROMPT not in content
    assert daemon.token not in content
    assert "Bearer" not in content
    assert way == "loopback" or content == ""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")
def test_another_user_cannot_use_the_socket_even_where_the_folder_lets_it_in(
    environ: dict[str, str], tmp_path: Path
) -> None:
    with running(environ) as daemon:
        for folder in (daemon.paths.runtime, *daemon.paths.runtime.parents):
            if Path(tempfile.gettempdir()) in folder.parents:
                folder.chmod(0o777)
        daemon.paths.socket_file.chmod(0o777)
        code = (
            "import os, socket, sys; os.setuid(int(sys.argv[2])); "
            "s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); print('connected', flush=True); "
            "s.sendall(b'GET /halfwatt/v1/proof?nonce= HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n'); print(s.recv(1000))"
        )
        command = [sys.executable, "-P", "-c", code, str(daemon.paths.socket_file)]
        mine = subprocess.run([*command, "0"], capture_output=True, text=True, check=True)
        assert "200 OK" in mine.stdout
        theirs = subprocess.run([*command, str(NOBODY)], capture_output=True, text=True, check=False)
        assert "connected" in theirs.stdout
        assert "200 OK" not in theirs.stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user")
@pytest.mark.parametrize("whose", ["folder", "parent", "link"])
def test_runtime_folder_of_another_user_is_refused_with_a_sentence(
    environ: dict[str, str], tmp_path: Path, whose: str
) -> None:
    home = tmp_path / "home"
    (home / "run").mkdir(parents=True)
    if whose == "link":
        (home / "run").rmdir()
        (tmp_path / "elsewhere").mkdir()
        (home / "run").symlink_to(tmp_path / "elsewhere")
    else:
        os.chown(home / "run" if whose == "folder" else home, NOBODY, NOBODY)
    for command in (["daemon", "start"], ["daemon", "status"], ["doctor"]):
        done = halfwatt(environ, *command)
        assert done.returncode != 0
        assert "belongs to another user or is a link" in done.stdout + done.stderr
        assert "Traceback" not in done.stdout + done.stderr


def test_language_server_in_a_foreign_runtime_folder_answers_with_a_sentence(
    environ: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "run").symlink_to(tmp_path / "elsewhere")
    done = subprocess.run(
        [str(Path(sys.executable).parent / "halfwatt"), "lsp"],
        env=environ,
        input="",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr


FLOOD = """
import resource, socket, sys
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
for _ in range(3):
    held = [socket.create_connection(("127.0.0.1", int(sys.argv[1]))) for _ in range(1500)]
for each in held[::2]:
    try:
        each.sendall(b"GET /halfwatt/v1/proof HTTP/1.1\\r\\nUpgrade: websocket\\r\\n")
    except OSError:
        pass
print("open", flush=True)
sys.stdin.read()  # until the test closes it, or ends
"""


def test_connections_of_strangers_neither_end_nor_block_the_daemon_nor_fill_its_log(environ: dict[str, str]) -> None:
    halfwatt_run = f"ulimit -n 512; exec {sys.executable} -P -m halfwatt.daemon.server"
    server = subprocess.Popen(["bash", "-c", halfwatt_run], env=environ, stderr=subprocess.DEVNULL)
    address = until(lambda: (found := read_address(user_paths(environ))) and found.pid == server.pid and found)
    strangers = subprocess.Popen(
        [sys.executable, "-P", "-c", FLOOD, str(address.port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert strangers.stdout is not None
        assert strangers.stdout.readline() == b"open\n"
        assert halfwatt(environ, "daemon", "status").returncode == 0
        with start(environ).http() as http:
            assert http.get("/halfwatt/v1/status").status_code == 200
        assert len(list(Path(f"/proc/{server.pid}/fd").iterdir())) < 200
        assert user_paths(environ).log_file.stat().st_size < 10_000
        assert server.poll() is None
    finally:
        strangers.kill()
        strangers.wait()
        server.terminate()
        server.wait()


def test_taken_port_costs_only_the_programs_that_use_it(environ: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with running({**environ, "HALFWATT_DAEMON_PORT": str(port)}) as daemon:
            with daemon.http() as http:
                warnings = http.get("/halfwatt/v1/status").json()["warnings"]
            assert any(f"Another program has port {port}" in warning for warning in warnings)
            assert daemon.url.rsplit(":", 1)[1] != str(port)


def test_health_tells_strangers_nothing(environ: dict[str, str]) -> None:
    with running(environ) as daemon, httpx2.Client(base_url=daemon.url, trust_env=False) as http:
        told = http.get("/halfwatt/v1/healthz")
        assert told.status_code == 401
        assert str(daemon.pid) not in told.text
        proof = http.get("/halfwatt/v1/proof?nonce=1").text
        assert daemon.token not in proof
        with daemon.http() as own:
            assert own.get("/halfwatt/v1/healthz").json()["pid"] == daemon.pid


def test_socket_and_its_folder_are_for_their_owner_alone(environ: dict[str, str]) -> None:
    with running(environ) as daemon:
        assert stat.S_IMODE(daemon.paths.runtime.stat().st_mode) == 0o700
        assert stat.S_IMODE(daemon.paths.socket_file.stat().st_mode) == 0o600
    assert not daemon.paths.socket_file.exists()


def test_path_too_long_for_a_socket_is_a_sentence(tmp_path: Path) -> None:
    environ = environ_for(tmp_path / ("deep" * 20) / ("deep" * 20))
    done = halfwatt(environ, "daemon", "start")
    assert done.returncode == 1
    assert "set HALFWATT_HOME or XDG_RUNTIME_DIR to a shorter folder" in done.stderr


def test_daemon_without_a_socket_is_replaced(environ: dict[str, str]) -> None:
    """As one of a version before the socket, after an update."""
    old = start(environ)
    old.paths.socket_file.unlink()
    told = halfwatt(environ, "daemon", "status")
    assert told.returncode == 1
    assert "`halfwatt daemon start` replaces it" in told.stderr
    with running(environ) as new:
        assert new.pid != old.pid
        until(lambda: not Path(f"/proc/{old.pid}").exists() or _is_zombie(old.pid))
