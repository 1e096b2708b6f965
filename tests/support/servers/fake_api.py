"""A real HTTP(S) server and a real proxy on loopback whose answers the test writes byte by byte.

For what no well-behaved server does: errors, broken streams, odd types, a private certificate, energy comments.
"""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from threaded_server import threaded

DONE = "data: [DONE]\n\n"


def chunk(text: str | None = None, finish: str | None = None, **more: Any) -> str:
    """One chat chunk as a server-sent event."""
    delta = {} if text is None else {"content": text}
    body = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return f"data: {json.dumps(body | {'choices': [{'index': 0, 'delta': delta, 'finish_reason': finish}]} | more)}\n\n"


@dataclass
class Answer:
    """What to send. `hold`: wait for the test's event before the bytes end. `cut`: break the connection instead of
    ending it properly."""

    text: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    hold: bool = False
    cut: bool = False


@dataclass
class Seen:
    path: str
    headers: dict[str, str]
    body: Any


class FakeApi:
    """The answers still to give (the last is given again and again) and the requests that came."""

    def __init__(self) -> None:
        self.answers: list[Answer] = [Answer(chunk("hi") + chunk(finish="stop") + DONE)]
        self.seen: list[Seen] = []
        self.asked = threading.Event()
        self.release = threading.Event()
        self.client_left = threading.Event()
        self.port = 0

    def respond(self, handler: BaseHTTPRequestHandler) -> None:
        length = int(handler.headers.get("content-length", 0))
        body = json.loads(handler.rfile.read(length) or b"null")
        self.seen.append(Seen(handler.path, {k.lower(): v for k, v in handler.headers.items()}, body))
        self.asked.set()
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer.status == 0:
            handler.connection.shutdown(socket.SHUT_RDWR)
            return
        handler.send_response(answer.status)
        kind = "text/event-stream" if answer.status == 200 else "application/json"
        for name, value in ({"Content-Type": kind, "Transfer-Encoding": "chunked"} | answer.headers).items():
            handler.send_header(name, value)
        handler.end_headers()
        self._send_body(handler, answer)

    def _send_body(self, handler: BaseHTTPRequestHandler, answer: Answer) -> None:
        data = answer.text.encode()
        if data:
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
            handler.wfile.flush()
        if answer.hold and self._client_leaves(handler):
            return
        if answer.cut:
            handler.connection.shutdown(socket.SHUT_RDWR)
        else:
            handler.wfile.write(b"0\r\n\r\n")

    def _client_leaves(self, handler: BaseHTTPRequestHandler) -> bool:
        """Wait until the client hangs up or the test lets go on."""
        handler.connection.settimeout(0.05)
        while not self.release.is_set():
            with suppress(TimeoutError):
                try:
                    left = handler.connection.recv(1) == b""
                except ConnectionError:
                    left = True
                if left:
                    self.client_left.set()
                    return True
        return False


@contextmanager
def serving(context: ssl.SSLContext | None = None) -> Iterator[FakeApi]:
    """The server on a free port, over TLS with a context."""
    api = FakeApi()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            with suppress(OSError):
                api.respond(self)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with threaded(Handler, _QuietServer) as server:
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        api.port = server.server_port
        try:
            yield api
        finally:
            api.release.set()


@dataclass
class Proxy:
    port: int
    lines: list[str]


@contextmanager
def proxying() -> Iterator[Proxy]:
    """A forward proxy that tunnels CONNECT and passes plain POST on; every name leads to this machine."""
    lines: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            lines.append(self.requestline)
            with socket.create_connection(("127.0.0.1", int(self.path.rpartition(":")[2]))) as onward:
                self.send_response(200)
                self.end_headers()
                back = threading.Thread(target=_pump, args=(onward, self.connection), daemon=True)
                back.start()
                _pump(self.connection, onward)
                back.join()

        def do_POST(self) -> None:
            lines.append(self.requestline)
            host, _, path = self.path.removeprefix("http://").partition("/")
            body = self.rfile.read(int(self.headers["content-length"]))
            head = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items() if name != "Connection")
            with socket.create_connection(("127.0.0.1", int(host.rpartition(":")[2]))) as onward:
                onward.sendall(f"POST /{path} HTTP/1.1\r\n{head}Connection: close\r\n\r\n".encode() + body)
                _pump(onward, self.connection)
            self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            pass

    with threaded(Handler, _QuietServer) as server:
        yield Proxy(server.server_port, lines)


def private_authority(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate authority of one's own: its file, and a server's context with a certificate that it signed for
    127.0.0.1 and api.test."""
    names = folder / "names"
    names.write_text("subjectAltName=IP:127.0.0.1,DNS:api.test\nkeyUsage=digitalSignature\n")
    openssl = ["openssl", "req", "-newkey", "rsa:2048", "-nodes", "-batch"]
    ca = ["-x509", "-days", "2", "-subj", "/CN=halfwatt test authority", "-keyout", "ca.key", "-out", "ca.crt"]
    usage = ["-addext", "keyUsage=critical,keyCertSign,cRLSign"]
    sign = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names"]
    for command in (
        [*openssl, *ca, *usage],
        [*openssl, "-subj", "/CN=api.test", "-keyout", "server.key", "-out", "server.csr"],
        ["openssl", "x509", "-req", "-in", "server.csr", *sign, "-out", "server.crt"],
    ):
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.crt", folder / "server.key")
    return folder / "ca.crt", context


class _QuietServer(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """A refused handshake is what some tests want."""


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
