"""How a client reaches the daemon, and knows that it is the user's own daemon before it sends anything.

Where the system has Unix sockets, the daemon listens on one in the private runtime folder, and the client asks the
system who holds the other end. Elsewhere it listens on loopback alone, where any user's program may sit; so the client
asks for a proof first that only a reader of the token file can give. Both happen on each new connection.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

import h11
import httpx2

from halfwatt.daemon.paths import Paths

from .peer import HAS_UNIX_SOCKETS, PROOF_PATH, is_foreign, proof_of
from .runtime_files import HOST, Address

_PROOF_LIMIT_S = 5.0
_PROOF_LIMIT_BYTES = 4096

Trace = Callable[[str, dict[str, Any]], Awaitable[None]]


def http_client(paths: Paths, timeout: httpx2.Timeout | float) -> httpx2.AsyncClient:
    """A client for the user's own daemon. Give each request `extensions=proven(...)`."""
    # The connection is local and plain, so no certificates are loaded.
    uds = str(paths.socket_file) if HAS_UNIX_SOCKETS else None
    transport = httpx2.AsyncHTTPTransport(uds=uds, verify=False)
    return httpx2.AsyncClient(transport=transport, trust_env=False, timeout=timeout)


def proven(address: Address, token: str) -> dict[str, Any]:
    """httpx2's request extensions that check who listens, once a connection is made and before anything is sent.

    httpx2.ConnectError where it is not the user's daemon, as if nobody were there."""

    async def trace(event: str, info: dict[str, Any]) -> None:
        if event == "connection.connect_unix_socket.complete":
            await _require_own_user(info["return_value"])
        elif event == "connection.connect_tcp.complete":
            await _require_proof(info["return_value"], address, token)

    return {"trace": trace}


async def _require_own_user(stream: Any) -> None:
    if is_foreign(stream.get_extra_info("socket")):
        await stream.aclose()
        raise httpx2.ConnectError("Another user's program holds the daemon's socket.")


async def _require_proof(stream: Any, address: Address, token: str) -> None:
    nonce = secrets.token_urlsafe(32)
    try:
        answer = await _ask_for_proof(stream, address, nonce)
    except Exception:  # noqa: BLE001 - whatever a stranger sends or leaves out, it is not our daemon
        answer = ""
    if not hmac.compare_digest(answer.encode(), proof_of(token, address.port, nonce).encode()):
        await stream.aclose()
        raise httpx2.ConnectError("Another program has taken the daemon's port.")


async def _ask_for_proof(stream: Any, address: Address, nonce: str) -> str:
    """The body of one HTTP reply, read on a stream that has carried nothing yet and stays open."""
    http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_PROOF_LIMIT_BYTES)
    headers = [("Host", f"{HOST}:{address.port}")]
    head = http.send(h11.Request(method="GET", target=f"{PROOF_PATH}?nonce={nonce}", headers=headers)) or b""
    await stream.write(head + (http.send(h11.EndOfMessage()) or b""), timeout=_PROOF_LIMIT_S)
    body = bytearray()
    while len(body) < _PROOF_LIMIT_BYTES:
        event = http.next_event()
        if event is h11.NEED_DATA:
            http.receive_data(await stream.read(_PROOF_LIMIT_BYTES, timeout=_PROOF_LIMIT_S))
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            return body.decode("ascii")
        elif isinstance(event, h11.ConnectionClosed):
            break
    return ""
