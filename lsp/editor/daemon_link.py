"""The language server's one connection to the daemon, made on first use.

The HTTP client is imported then, too, so that `initialize` does not wait for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from halfwatt.daemon.paths import Paths

if TYPE_CHECKING:
    from halfwatt.daemon.client.client import Client


class DaemonLink:
    """`on_connect` is called each time the daemon was found or started."""

    def __init__(self, paths: Paths, environ: Mapping[str, str]) -> None:
        self.paths = paths
        self.environ = dict(environ)
        self.on_connect: Callable[[], None] = lambda: None
        self._client: Client | None = None
        self._lock = asyncio.Lock()

    async def client(self) -> Client:
        """The connected client; starts the daemon where none runs. DaemonError says why not."""
        async with self._lock:
            if self._client is None:
                from halfwatt.daemon.client.client import Client

                self._client = await Client.connect(self.paths, self.environ)
                self.on_connect()
            return self._client

    async def aclose(self) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None
