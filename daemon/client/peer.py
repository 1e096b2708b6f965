"""Who holds the other end of a local connection: asked of the system, or proven by the token."""

from __future__ import annotations

import hmac
import os
import socket
import struct
import sys

HAS_UNIX_SOCKETS = os.name == "posix"
PROOF_PATH = "/halfwatt/v1/proof"
_MACOS_LOCAL_PEERCRED = (0, 1)  # level SOL_LOCAL and option, from <sys/un.h>
_MACOS_XUCRED_BYTES = 76


def peer_uid(connection: socket.socket) -> int | None:
    """The user at the other end of a Unix socket; None where this system does not tell.

    Linux: SO_PEERCRED, unix(7). macOS: LOCAL_PEERCRED, unix(4)."""
    if hasattr(socket, "SO_PEERCRED"):
        shape = struct.Struct("3i")
        return int(shape.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, shape.size))[1])
    if sys.platform == "darwin":
        found = connection.getsockopt(*_MACOS_LOCAL_PEERCRED, _MACOS_XUCRED_BYTES)
        return int(struct.unpack_from("2I", found)[1])
    return None


def is_foreign(connection: socket.socket) -> bool:
    """Whether another user holds the other end of this Unix socket."""
    return peer_uid(connection) not in (None, os.getuid())


def proof_of(token: str, port: int, nonce: str) -> str:
    """What the daemon on `port` answers to a nonce. It needs the token and does not show it."""
    return hmac.digest(token.encode(), f"halfwatt daemon on {port}: {nonce}".encode(), "sha256").hex()
