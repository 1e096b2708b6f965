"""A program of another user that takes the daemon's port, notes what it is sent, and answers like a daemon that hopes.

`standing` runs it as a child, which becomes the user nobody where the tests run as root.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

NOBODY = 65534
ANSWER = b'{"pid": 1, "version": "99.0", "proof": "yes"}'
REPLY = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(ANSWER), ANSWER)


@contextlib.contextmanager
def standing(port: int, folder: Path) -> Iterator[Path]:
    """The file of what it was sent so far. It listens once the block begins."""
    file = folder / "heard"
    file.touch()
    file.chmod(0o666)
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", Path(__file__).read_text("utf-8"), str(port)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=file.open("ab"),
        cwd="/",
        env={},
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"listening\n"
        yield file
    finally:
        process.kill()
        process.wait()


def become_nobody() -> None:
    """Only root can. It comes after the imports, because nobody may not read this Python's folder."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)


def _serve(port: int) -> None:
    become_nobody()
    listening = socket.create_server(("127.0.0.1", port))
    print("listening", flush=True)
    while True:
        threading.Thread(target=_answer, args=(listening.accept()[0],), daemon=True).start()


def _answer(connection: socket.socket) -> None:
    with connection:
        while heard := connection.recv(65536):
            sys.stderr.buffer.write(heard)
            sys.stderr.flush()
            connection.sendall(REPLY)


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
