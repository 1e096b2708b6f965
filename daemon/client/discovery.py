"""Finding the running daemon, starting one where there is none, and ending one. Each user has at most one.

A client that starts the daemon holds the start lock and looks for a daemon again under it. So any number of clients
that start at once get the same daemon. client.py calls the API.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from importlib.metadata import version as installed_version
from typing import Literal

import httpx2
import msgspec
import psutil
from filelock import FileLock, Timeout
from msgspec import Struct

from halfwatt.daemon.child_process import child_environ, python_command, working_folder
from halfwatt.daemon.errors import DaemonError
from halfwatt.daemon.paths import Paths

from . import transport
from .runtime_files import (
    Address,
    Health,
    instance_lock_file,
    make_private_folder,
    read_address,
    read_token,
    require_own_folder,
)

START_LIMIT_S = 60.0
STOP_LIMIT_S = 15.0
NO_REPLY_LIMIT_S = 1.0  # for a daemon that did not answer: it may be ending by itself
_ANSWER_LIMIT_S = 5.0
_POLL_S = 0.03
_EXIT_ALREADY_RUNNING = 3


class RunningDaemon(Struct, frozen=True):
    """A daemon that answered, and the token it accepts."""

    address: Address
    token: str


async def connect(
    paths: Paths, environ: Mapping[str, str], *, start: bool, version: str | None = None
) -> RunningDaemon:
    """The running daemon. With `start` it is started where there is none, and replaced where it is older than us.

    A newer daemon is used as it is, because its API only grows. DaemonError says what is wrong."""
    wanted = version or installed_version("halfwatt")
    found = await running(paths)
    if found is not None and (not start or not _older(found.address.version, wanted)):
        return found
    if not start:
        if _is_out_of_reach(paths):
            raise DaemonError(
                f"A daemon is running, but it cannot be reached: the token in {paths.token_file} is not its, its "
                "socket is gone, or it is of an older version. `halfwatt daemon start` replaces it."
            )
        raise DaemonError("No daemon is running. Start one with `halfwatt daemon start`.")
    async with _start_lock(paths):
        found = await running(paths)
        if found is not None and not _older(found.address.version, wanted):
            return found
        if found is not None or _is_out_of_reach(paths):
            await stop(paths)
        return await _start(paths, environ)


async def running(paths: Paths) -> RunningDaemon | None:
    """The user's own daemon, if it is alive and accepts the token. Files of an ended daemon do not count."""
    require_own_folder(paths.runtime)
    address, token = read_address(paths), read_token(paths)
    if address is None or token is None:
        return None
    health = await _health(paths, address, token)
    return RunningDaemon(address, token) if health is not None and health.pid == address.pid else None


def _is_out_of_reach(paths: Paths) -> bool:
    """Whether a daemon has published its address and lives. Where `running` finds none, no client can use it.

    Its token file was changed, its socket was removed, or it is of a version that had no socket."""
    return read_address(paths) is not None and _is_alive(paths)


async def stop(paths: Paths) -> Literal["stopped", "killed", "not_running"]:
    """End the running daemon: ask it first, kill it if it does not answer. It returns once the daemon has ended."""
    address, token = read_address(paths), read_token(paths)
    if address is None or not _is_alive(paths):
        return "not_running"
    was_asked = await _ask_to_stop(paths, address, token or "none") or _signal(address.pid, psutil.Process.terminate)
    if await _wait_for_end(paths, STOP_LIMIT_S if was_asked else NO_REPLY_LIMIT_S):
        return "stopped"
    _signal(address.pid, psutil.Process.kill)
    if await _wait_for_end(paths, STOP_LIMIT_S):
        return "killed"
    raise DaemonError(f"The daemon (process {address.pid}) could not be ended. End that process yourself.")


async def _health(paths: Paths, address: Address, token: str) -> Health | None:
    try:
        reply = await _ask(paths, address, token, "GET", "healthz")
    except httpx2.TimeoutException:
        raise DaemonError(
            f"The daemon (process {address.pid}) is there but does not answer. "
            "End it with `halfwatt daemon stop` and try again."
        ) from None
    except httpx2.HTTPError:
        return None
    try:
        return msgspec.json.decode(reply.content, type=Health) if reply.status_code == 200 else None
    except msgspec.MsgspecError:
        return None


async def _ask(paths: Paths, address: Address, token: str, method: str, name: str) -> httpx2.Response:
    """One short request. httpx2.HTTPError where no daemon of this user is there."""
    async with transport.http_client(paths, _ANSWER_LIMIT_S) as http:
        return await http.request(
            method,
            f"{address.url}/halfwatt/v1/{name}",
            headers={"Authorization": f"Bearer {token}"},
            extensions=transport.proven(address, token),
        )


async def _start(paths: Paths, environ: Mapping[str, str]) -> RunningDaemon:
    process = _spawn(environ)
    until = time.monotonic() + START_LIMIT_S
    while time.monotonic() < until:
        code = process.poll()
        if code not in (None, _EXIT_ALREADY_RUNNING):
            raise DaemonError(_failure_sentence(process, paths))
        if code == _EXIT_ALREADY_RUNNING and not _is_alive(paths):
            process = _spawn(environ)  # the other daemon was ending
            continue
        address = read_address(paths)
        if address is not None and (code is not None or address.pid == process.pid):
            found = await running(paths)
            if found is not None:
                _detach(process)
                return found
        await asyncio.sleep(_POLL_S)
    process.kill()
    raise DaemonError(
        f"The daemon did not become ready within {START_LIMIT_S:.0f} seconds and was ended. "
        f"The log {paths.log_file} may say why; try `halfwatt daemon run` to watch it."
    )


def _spawn(environ: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start the daemon in a session of its own. Its stderr is read only while it starts, to explain a failure."""
    flags = 0
    if sys.platform == "win32":
        flags = subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP
    return subprocess.Popen(
        python_command("halfwatt.daemon.server", "--detached"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        cwd=working_folder(),
        env=child_environ(environ),
        start_new_session=True,
        creationflags=flags,
    )


def _failure_sentence(process: subprocess.Popen[bytes], paths: Paths) -> str:
    """The sentence that a daemon which failed to start left on its stderr."""
    lines = process.communicate()[1].decode(errors="replace").strip().splitlines()
    if lines and not lines[-1].startswith((" ", "Traceback")):
        return lines[-1]
    return f"The daemon ended while starting (code {process.returncode}). The log {paths.log_file} may say why."


def _detach(process: subprocess.Popen[bytes]) -> None:
    """Close our end of the pipe, so that the daemon runs on without us."""
    if process.stderr is not None:
        process.stderr.close()
    if process.returncode is None:
        process.returncode = 0  # it outlives us on purpose, so Python must not warn when it collects this object


@asynccontextmanager
async def _start_lock(paths: Paths) -> AsyncGenerator[None, None]:
    make_private_folder(paths.runtime)
    lock = FileLock(paths.start_lock_file, mode=0o600, thread_local=False)
    try:
        await asyncio.to_thread(lock.acquire, timeout=START_LIMIT_S)
    except Timeout:
        raise DaemonError("Another program has been starting the daemon for too long. Try again.") from None
    except OSError as error:
        raise DaemonError(
            f"The lock {paths.start_lock_file} cannot be used ({error.strerror}); a link is not followed. Remove it."
        ) from None
    try:
        yield
    finally:
        lock.release()


async def _ask_to_stop(paths: Paths, address: Address, token: str) -> bool:
    """Ask the daemon to end; whether it accepted."""
    try:
        return (await _ask(paths, address, token, "POST", "shutdown")).is_success
    except httpx2.HTTPError:
        return False


async def _wait_for_end(paths: Paths, limit_s: float) -> bool:
    until = time.monotonic() + limit_s
    while time.monotonic() < until:
        if not _is_alive(paths):
            return True
        await asyncio.sleep(_POLL_S)
    return False


def _is_alive(paths: Paths) -> bool:
    """Whether a daemon holds the instance lock. Unlike the files, the lock cannot outlive the daemon."""
    if not instance_lock_file(paths).exists():
        return False
    lock = FileLock(instance_lock_file(paths), mode=0o600)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    lock.release()
    return False


def _signal(pid: int, act: Callable[[psutil.Process], None]) -> bool:
    """End a daemon that cannot be asked, but never another process that got its old number. Whether it was done."""
    try:
        process = psutil.Process(pid)
        is_daemon = any("halfwatt" in part for part in process.cmdline())
        if is_daemon:
            act(process)
    except psutil.Error:
        return False
    return is_daemon


def _older(version: str, than: str) -> bool:
    return _numbers(version) < _numbers(than)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("+")[0].split(".") if part.isdigit())
