"""The HTTP client under a remote tier.

It takes proxies and certificate authorities from the usual environment variables. It sends only the headers that a
request needs. An observer sees the comment lines of an event stream.

HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY hold as everywhere, but never for this machine itself. SSL_CERT_FILE
and SSL_CERT_DIR, else REQUESTS_CA_BUNDLE, name the certificate authorities instead of the system's own.

It follows no redirects, because the user agreed to one address.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import httpx2
import msgspec

CONNECT_LIMIT_S = 10.0
COMMENT_LIMIT_BYTES = 4096
LINE_LIMIT_BYTES = 4 * 1024 * 1024  # of a stream; the openai client keeps a line in memory until it ends
MAX_REPORTED_J = 1e6  # for one answer; a server that reports more says nothing that can be used
SENT_HEADERS = {"host", "accept", "connection", "content-type", "content-length", "user-agent"}
OBSERVER = "halfwatt_observer"  # its place in a response's extensions
_LOOPBACK = ("all://127.0.0.1", "all://localhost", "all://[::1]")  # never through a proxy


class SseObserver:
    """Reads a stream of server-sent events along: its energy comment and whether it ended properly."""

    def __init__(self) -> None:
        self.energy_j: float | None = None
        self.saw_done = False
        self._line = b""

    def feed(self, piece: bytes) -> None:
        lines = (self._line + piece).split(b"\n")
        for line in lines[:-1]:
            self._read(line.rstrip(b"\r"))
        self._line = lines[-1][:COMMENT_LIMIT_BYTES]  # only the beginning of a long line can matter

    def _read(self, line: bytes) -> None:
        if line.startswith(b"data:") and line[5:].strip() == b"[DONE]":
            self.saw_done = True
        if line.startswith(b":") and line[1:].lstrip().startswith(b"energy"):
            self.energy_j = energy_of(line[1:].lstrip().removeprefix(b"energy").strip(), self.energy_j)


class _ObservedStream(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream, observer: SseObserver) -> None:
        self._stream = stream
        self._observer = observer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        n_bytes = 0
        async for piece in self._stream:
            n_bytes = len(piece) - piece.rfind(b"\n") - 1 if b"\n" in piece else n_bytes + len(piece)
            if n_bytes > LINE_LIMIT_BYTES:
                raise httpx2.RemoteProtocolError("The stream has a line that does not end.")
            self._observer.feed(piece)
            yield piece

    async def aclose(self) -> None:
        await self._stream.aclose()


def energy_of(json: bytes, before: float | None = None) -> float | None:
    """Joules in a provider's `{"energy_joules": n}`; `before` where it has none that makes sense."""
    try:
        value = msgspec.json.decode(json).get("energy_joules")
    except (msgspec.DecodeError, AttributeError):
        return before
    usable = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= MAX_REPORTED_J
    return float(value) if usable else before


def client(key: str | None, timeout_s: float, environ: Mapping[str, str] = os.environ) -> httpx2.AsyncClient:
    """A client that sends this key and no other. Raises OSError or ssl.SSLError for an unusable certificate file,
    ValueError or ImportError for an unusable proxy."""

    async def only_ours(request: httpx2.Request) -> None:
        # The openai client adds what it finds in OPENAI_* variables and a description of this machine. A server that
        # the user named here needs neither.
        for name in [name for name in request.headers if name.lower() not in SENT_HEADERS]:
            del request.headers[name]
        request.headers["user-agent"] = "halfwatt"
        request.headers["accept-encoding"] = "identity"  # the observer reads the bytes as they arrive
        if key:
            request.headers["authorization"] = f"Bearer {key}"

    async def add_observer(response: httpx2.Response) -> None:
        observer = SseObserver()
        response.extensions[OBSERVER] = observer
        if isinstance(response.stream, httpx2.AsyncByteStream):
            response.stream = _ObservedStream(response.stream, observer)

    return httpx2.AsyncClient(
        verify=_authorities(environ),
        follow_redirects=False,
        timeout=httpx2.Timeout(timeout_s, connect=min(timeout_s, CONNECT_LIMIT_S)),
        mounts=dict.fromkeys(_LOOPBACK),
        event_hooks={"request": [only_ours], "response": [add_observer]},
    )


def _authorities(environ: Mapping[str, str]) -> ssl.SSLContext | bool:
    """httpx2 reads SSL_CERT_FILE and SSL_CERT_DIR itself; REQUESTS_CA_BUNDLE is as usual in companies."""
    bundle = environ.get("REQUESTS_CA_BUNDLE")
    if not bundle or environ.get("SSL_CERT_FILE") or environ.get("SSL_CERT_DIR"):
        return True
    is_folder = Path(bundle).is_dir()
    return ssl.create_default_context(cafile=None if is_folder else bundle, capath=bundle if is_folder else None)
