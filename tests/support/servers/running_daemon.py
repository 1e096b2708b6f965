"""Real daemons for tests: started by the real client in folders of their own, and always ended.

Not a test file; the fixtures that use it are in the test modules.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx2

from halfwatt.daemon.client import discovery
from halfwatt.daemon.client.client import Client
from halfwatt.daemon.client.runtime_files import read_address, read_token
from halfwatt.daemon.paths import Paths, user_paths

Value = TypeVar("Value")
LIMIT_S = 60.0


@dataclass(frozen=True)
class RunningDaemon:
    """One daemon, and how to call it without halfwatt's own client."""

    paths: Paths
    environ: Mapping[str, str]
    url: str
    token: str
    pid: int

    def http(self, **headers: str) -> httpx2.Client:
        """A plain HTTP client with the token; `headers` are added or replace it."""
        given = {"Authorization": f"Bearer {self.token}", **headers}
        return httpx2.Client(base_url=self.url, headers=given, trust_env=False, timeout=LIMIT_S)


def environ_for(home: Path, **settings: str) -> dict[str, str]:
    """An environment in which halfwatt keeps everything below `home`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HALFWATT_", "XDG_"))}
    own = {"HALFWATT_HOME": str(home), "HOME": str(home), "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
    return {**kept, **own, **settings}


async def recent_rows(client: Client, n: int = 20) -> list[dict[str, Any]]:
    """The newest rows of the ledger of the daemon that this client has found."""
    headers = {"Authorization": f"Bearer {client.daemon.token}"}
    async with httpx2.AsyncClient(trust_env=False, timeout=LIMIT_S) as http:
        reply = await http.get(f"{client.daemon.address.url}/halfwatt/v1/recent?n={n}", headers=headers)
    rows: list[dict[str, Any]] = reply.raise_for_status().json()
    return rows


@contextmanager
def running(environ: Mapping[str, str]) -> Iterator[RunningDaemon]:
    """A daemon for the block, whatever happens in it."""
    paths = user_paths(environ)
    try:
        yield start(environ)
    finally:
        asyncio.run(discovery.stop(paths))


def start(environ: Mapping[str, str]) -> RunningDaemon:
    paths = user_paths(environ)
    found = asyncio.run(discovery.connect(paths, environ, start=True))
    return RunningDaemon(paths, environ, found.address.url, found.token, found.address.pid)


def spawn_server(environ: Mapping[str, str], *arguments: str) -> subprocess.Popen[str]:
    """`python -m halfwatt.daemon.server` as a child of the test."""
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "halfwatt.daemon.server", *arguments],
        env=dict(environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def spawned(process: subprocess.Popen[str], environ: Mapping[str, str]) -> RunningDaemon:
    """The daemon in that child, once it listens."""
    paths = user_paths(environ)
    address = until(lambda: (found := read_address(paths)) and found.pid == process.pid and found)
    return RunningDaemon(paths, environ, address.url, read_token(paths) or "", address.pid)


def until(look: Callable[[], Value | bool | None], limit_s: float = LIMIT_S) -> Value:
    """The first truthy value of `look`; AssertionError when none comes."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        value = look()
        if value:
            return value  # type: ignore[return-value]  # a True where Value is bool
        time.sleep(0.02)
    raise AssertionError(f"what the test waits for did not come within {limit_s} s")


def halfwatt(environ: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the real command."""
    command = [str(Path(sys.executable).parent / "halfwatt"), *arguments]
    return subprocess.run(command, env=dict(environ), capture_output=True, text=True, timeout=120, check=False)
