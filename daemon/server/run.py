"""The daemon process: `halfwatt daemon run`, and what clients start in the background.

It makes the folder, the log, a lock that allows one instance per user, a socket on loopback, and a token. It answers
no request; assembly.py puts together what does.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import signal
import socket
import sys
from collections.abc import Mapping
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from halfwatt.daemon.client.peer import HAS_UNIX_SOCKETS
from halfwatt.daemon.client.runtime_files import (
    HOST,
    Address,
    instance_lock_file,
    is_published,
    make_private_folder,
    publish,
    read_address,
    withdraw,
)
from halfwatt.daemon.errors import DaemonError, HalfwattError
from halfwatt.daemon.paths import Paths, user_paths
from halfwatt.daemon.private_files import PRIVATE_FILE
from halfwatt.daemon.process_start import close_to_others, make_safe

from . import log

if TYPE_CHECKING:
    from .assembly import Daemon

EXIT_FAILED = 1
EXIT_ALREADY_RUNNING = 3
GRACE_S = 3.0
FILES_LOOK_S = 20.0
_LOG = logging.getLogger("halfwatt.server")


def main() -> None:
    """Entry of `python -m halfwatt.daemon.server`; `--detached` gives up stderr once the daemon listens."""
    make_safe()
    sys.exit(run(user_paths(os.environ), os.environ, detached="--detached" in sys.argv[1:]))


def run(paths: Paths, environ: Mapping[str, str], *, version: str | None = None, detached: bool = False) -> int:
    """Serve until stopped; the exit code. Failures are one sentence on stderr and a line in the log."""
    try:
        return _run_alone(paths, environ, version or installed_version("halfwatt"), detached)
    except HalfwattError as error:
        return _failed(str(error))
    except OSError as error:
        return _failed(f"The daemon could not start: {error.strerror or error}. Check disk space and permissions.")
    except Exception as error:  # noqa: BLE001 - the end of the process: the user gets a sentence, the log the place
        _LOG.error("unexpected", exc_info=error)
        kind = type(error).__name__
        return _failed(f"The daemon ended unexpectedly ({kind}); the place is in {paths.log_file}. Please report it.")


def _failed(sentence: str) -> int:
    _LOG.error("%s", sentence)
    sys.stderr.write(sentence + "\n")
    return EXIT_FAILED


def _run_alone(paths: Paths, environ: Mapping[str, str], version: str, detached: bool) -> int:
    make_private_folder(paths.runtime)
    lock = FileLock(instance_lock_file(paths), mode=0o600)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        address = read_address(paths)
        pid = f" (process {address.pid})" if address else ""
        sys.stderr.write(f"A daemon is already running{pid}; this one was not started.\n")
        return EXIT_ALREADY_RUNNING
    with lock:
        withdraw(paths)  # a daemon that was killed has left its files
        close_to_others(paths)
        _set_up_log(paths)
        asyncio.run(_serve(paths, environ, version, detached))
    return 0


def _set_up_log(paths: Paths) -> None:
    """The log in its folder; where that cannot be written, in the runtime folder: serving does not depend on it."""
    try:
        log.set_up(paths.log_file, "info")
    except OSError as error:
        log.set_up(paths.runtime / paths.log_file.name, "info")
        _LOG.error("The log's folder cannot be written (%s); the log is in the runtime folder.", error.strerror)


async def _serve(paths: Paths, environ: Mapping[str, str], version: str, detached: bool) -> None:
    from .assembly import Daemon  # imports the web framework: only this process needs it
    from .http import HttpServer

    stop = asyncio.Event()
    daemon = Daemon(paths, environ, version, stop)
    log.set_level(daemon.settings.config.daemon.log_level)
    loopback = _bind_loopback(daemon)
    bound = [loopback, bind_unix(paths.socket_file)] if HAS_UNIX_SOCKETS else [loopback]
    token = secrets.token_urlsafe(32)
    address = Address(port=loopback.getsockname()[1], pid=os.getpid(), version=version)
    server = HttpServer(daemon.app(token, address), GRACE_S)
    for each in (signal.SIGTERM, signal.SIGINT):
        _on_signal(each, stop)
    async with daemon:
        await server.start(bound)
        publish(paths, address, token)
        _LOG.info("listening on port %d", address.port)
        _announce(address, detached)
        watch = asyncio.create_task(_watch(paths, address, stop))
        try:
            await stop.wait()
        finally:
            watch.cancel()
            withdraw(paths, address)
            daemon.closing()
            await server.stop()
    _LOG.info("stopped")


def _bind_loopback(daemon: Daemon) -> socket.socket:
    """The port of the settings. Where another program has it, own clients still come by the Unix socket."""
    port = daemon.settings.config.daemon.port
    try:
        return bind(port)
    except DaemonError as error:
        if not HAS_UNIX_SOCKETS or port == 0:
            raise
        loopback = bind(0)
        daemon.port_problem = (
            f"Another program has port {port}, so what is sent there does not reach halfwatt. It listens on port "
            f"{loopback.getsockname()[1]} instead. Free the port, or set daemon.port to another."
        )
        _LOG.error("%s", error)
        return loopback


async def _watch(paths: Paths, address: Address, stop: asyncio.Event) -> None:
    """End when the address file is gone or another daemon's, because no client can find this daemon any more.

    Systems that clean up runtime folders remove it.
    """
    while is_published(paths, address):  # noqa: ASYNC110 - a file sends no event
        await asyncio.sleep(FILES_LOOK_S)
    _LOG.warning("the address file is gone or not this daemon's; ending")
    stop.set()


def bind(port: int) -> socket.socket:
    """A listening socket on loopback; port 0 takes a free one."""
    # With the protocol named, asyncio turns Nagle's delay off; without, the first token waits 40 ms for an ACK.
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    if os.name == "posix":
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((HOST, port))
    except OSError as error:
        bound.close()
        raise DaemonError(
            f"Port {port} cannot be used ({error.strerror}): another program may have it. The daemon was not "
            "started. Choose another port or `halfwatt config set daemon.port 0` for any free one."
        ) from None
    return bound


def bind_unix(file: Path) -> socket.socket:
    """A listening Unix socket that only this user can reach. Call it under the instance lock."""
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        bound.bind(str(file))
    except OSError as error:
        bound.close()
        raise DaemonError(
            f"The socket {file} cannot be made ({error.strerror or error}). The daemon was not started. A path of at "
            "most 100 characters is possible: set HALFWATT_HOME or XDG_RUNTIME_DIR to a shorter folder of your own."
        ) from None
    file.chmod(PRIVATE_FILE)
    return bound


def _on_signal(number: signal.Signals, stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    try:
        loop.add_signal_handler(number, stop.set)
    except NotImplementedError:  # Windows has no such handlers on its loop
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))


def _announce(address: Address, detached: bool) -> None:
    """A person reads where it listens; a client that started us must be free to leave, so let go of its pipe."""
    if not detached:
        sys.stderr.write(f"halfwatt {address.version} listens on {address.url} (process {address.pid}).\n")
        return
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)
    os.close(nothing)
