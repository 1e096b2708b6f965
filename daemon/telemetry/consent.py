"""Consent to the telemetry export, and how far the export has come: one small file that only its owner can read.

Without the file telemetry is off. Consent names the version of the schema it was given for; for another version users
are asked again. This module imports no network code and no protobuf code.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from filelock import FileLock, Timeout
from msgspec import Struct

from halfwatt.daemon.errors import HalfwattError, UsageError
from halfwatt.daemon.paths import Paths
from halfwatt.daemon.private_files import write_private

SCHEMA_VERSION = 1  # of what is sent; raise it with every change in otlp.py, and users are asked again
LOCK_WAIT_S = 30.0
HOUR_S = 3600


class TelemetryState(Struct, frozen=True):
    """Consent (`schema`, `consent_hour`, `endpoint`, the random `install_id`) and progress. Hours since 1970."""

    schema: int
    endpoint: str
    install_id: str
    consent_hour: int
    next_hour: int  # the first hour that has not been exported
    n_failures: int = 0
    retry_at_s: float = 0.0
    n_dropped: int = 0
    note: str = ""


def state_file(paths: Paths) -> Path:
    return paths.state / "telemetry.json"


def spool_folder(paths: Paths) -> Path:
    """What waits to be sent: one file of bytes per hour."""
    return paths.state / "telemetry"


def load(paths: Paths) -> TelemetryState | None:
    """The state; None where telemetry is off. A file that cannot be read means off."""
    try:
        return msgspec.json.decode(state_file(paths).read_bytes(), type=TelemetryState)
    except (OSError, msgspec.DecodeError):
        return None


def consents(state: TelemetryState | None) -> bool:
    """Whether the user has consented to what this version sends."""
    return state is not None and state.schema == SCHEMA_VERSION


def save(paths: Paths, state: TelemetryState) -> None:
    file = state_file(paths)
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_private(file, msgspec.json.encode(state))


def enable(paths: Paths, endpoint: str, now_s: float) -> TelemetryState:
    """Record consent to this schema from this hour on. UsageError for an endpoint that is not safe to send to."""
    checked = check_endpoint(endpoint)
    hour = int(now_s // HOUR_S)
    state = TelemetryState(SCHEMA_VERSION, checked, secrets.token_hex(16), consent_hour=hour, next_hour=hour)
    with locked(paths):
        _forget(paths)
        save(paths, state)
    return state


def disable(paths: Paths) -> bool:
    """Delete consent, the install id and the spool; False where telemetry was off already."""
    with locked(paths):
        was_on = state_file(paths).exists()
        _forget(paths)
    return was_on


def check_endpoint(endpoint: str) -> str:
    """The endpoint, if it is https, or http to this machine, and has no user name; else UsageError."""
    try:
        parts = urlsplit(endpoint)
        host, user = parts.hostname, parts.username
    except ValueError:
        host = user = None
        parts = urlsplit("")
    local = parts.scheme == "http" and host in ("127.0.0.1", "localhost", "::1")
    if not host or user or not (parts.scheme == "https" or local):
        raise UsageError(
            "The endpoint must be an https address without a user name, for example "
            "https://collector.example.org/v1/metrics. Nothing was changed."
        )
    return endpoint


@contextmanager
def locked(paths: Paths) -> Iterator[None]:
    """Let one process at a time read, change or send, so that nothing is sent after `disable` has returned."""
    paths.state.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with FileLock(paths.state / "telemetry.lock", timeout=LOCK_WAIT_S):
            yield
    except Timeout:
        raise HalfwattError("Another process is exporting telemetry; nothing was changed. Try again.") from None


def _forget(paths: Paths) -> None:
    state_file(paths).unlink(missing_ok=True)
    folder = spool_folder(paths)
    for file in folder.glob("*") if folder.is_dir() else ():
        file.unlink(missing_ok=True)
