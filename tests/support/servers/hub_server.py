"""A model hub on loopback for tests: real HTTP with ranges, which cuts connections when told to."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from threaded_server import threaded


@dataclass
class Hub:
    """What the server serves and how badly.

    - `cut_after`: bytes sent before each of the next `n_cuts` connections breaks.
    - `hold`: the connection waits before the body (`hold_at` bytes into it) until this is set.
    - `claimed`: the size that the server says the file has, if not the content's.
    """

    content: bytes
    cut_after: int = 0
    n_cuts: int = 0
    ranges: bool = True
    status: int = 0  # answer every request with this instead
    content_type: str = "application/octet-stream"
    hold: threading.Event | None = None
    hold_at: int = 0
    claimed: int | None = None
    asked: list[tuple[str, str | None]] = field(default_factory=list)  # (path, Range header) of each request
    began: threading.Event = field(default_factory=threading.Event)
    endpoint: str = ""


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    """Serve until the block ends; `hub.endpoint` is the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self, hub)

        def log_message(self, format: str, *args: object) -> None:
            """Keep the test's output clean."""

    with threaded(Handler) as server:
        hub.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
        yield hub


def answer(handler: BaseHTTPRequestHandler, hub: Hub) -> None:
    wanted = handler.headers.get("Range")
    hub.asked.append((handler.path, wanted))
    hub.began.set()
    if hub.status:
        handler.send_error(hub.status)
        return
    start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and hub.ranges else 0
    total = hub.claimed or len(hub.content)
    body = hub.content[start:]
    handler.send_response(206 if wanted and hub.ranges else 200)
    if wanted and hub.ranges:
        handler.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
    handler.send_header("Content-Length", str(total - start))
    handler.send_header("Content-Type", hub.content_type)
    handler.end_headers()
    if hub.n_cuts:
        hub.n_cuts -= 1
        body = body[: hub.cut_after]
    handler.wfile.write(body[: hub.hold_at])
    if hub.hold:
        hub.hold.wait()
    handler.wfile.write(body[hub.hold_at :])
