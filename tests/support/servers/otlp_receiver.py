"""A small OTLP receiver as a process of its own: keeps every byte that it gets, answers with the status it was told.

Run: python otlp_receiver.py FOLDER. Prints its port. Each request becomes FOLDER/NNN.head and FOLDER/NNN.body; the
file FOLDER/status, if there, holds the HTTP status to answer with.
"""

from __future__ import annotations

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

FOLDER = Path(sys.argv[1])


class Receiver(BaseHTTPRequestHandler):
    """Takes POST requests."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        number = len(list(FOLDER.glob("*.body")))
        head = f"{self.requestline}\n" + "".join(f"{name}: {value}\n" for name, value in self.headers.items())
        (FOLDER / f"{number:03d}.head").write_text(head)
        (FOLDER / f"{number:03d}.body").write_bytes(body)
        told = FOLDER / "status"
        self.send_response(int(told.read_text()) if told.exists() else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Be quiet."""


server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
print(server.server_address[1], flush=True)
server.serve_forever()
