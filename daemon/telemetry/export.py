"""From the ledger to the spool, and from the spool to the endpoint. `preview` shows the bytes that are sent.

Without consent it does nothing, and does not even load the modules that build and send requests. While the endpoint
cannot be reached, attempts grow rarer, and the spool drops what is too much or too old, with a note.
"""

from __future__ import annotations

import asyncio
import logging
import time
from pathlib import Path

import msgspec

from halfwatt.daemon.errors import HalfwattError
from halfwatt.daemon.ledger.ledger import Ledger
from halfwatt.daemon.ledger.rows import LedgerRow
from halfwatt.daemon.paths import Paths

from .consent import HOUR_S, TelemetryState, consents, load, locked, save, spool_folder

_LOG = logging.getLogger("halfwatt.telemetry")
LOOK_EVERY_S = 600.0
MOST_FILES = 24 * 7
FIRST_RETRY_S, LAST_RETRY_S = 60.0, 6 * 3600.0


async def export_for_ever(paths: Paths, ledger: Ledger, version: str) -> None:
    """The daemon's background task. While telemetry is off it only reads one small file every ten minutes."""
    while True:
        if consents(load(paths)):
            try:
                await asyncio.to_thread(export_once, paths, ledger, version, time.time())
            except HalfwattError as error:
                _LOG.warning("%s", error)
        await asyncio.sleep(LOOK_EVERY_S)


def export_once(paths: Paths, ledger: Ledger, version: str, now_s: float, hurry: bool = False) -> TelemetryState | None:
    """Spool the full hours since last time and send the spool; None where telemetry is off.

    `hurry` sends at once, even after failed attempts."""
    with locked(paths):
        state = load(paths)
        if state is None or not consents(state):
            return None
        state = _fill(paths, ledger, state, version, now_s)
        if waiting(paths) and (hurry or now_s >= state.retry_at_s):
            state = _send_all(paths, state, now_s)
        save(paths, state)
        return state


def spool(paths: Paths, ledger: Ledger, version: str, now_s: float) -> list[Path]:
    """Spool the full hours since last time without sending; the spool, oldest first, empty without consent."""
    with locked(paths):
        state = load(paths)
        if state is None or not consents(state):
            return []
        save(paths, _fill(paths, ledger, state, version, now_s))
        return waiting(paths)


def waiting(paths: Paths) -> list[Path]:
    """The spooled requests, oldest first."""
    return sorted(spool_folder(paths).glob("*.otlp"))


def example(ledger: Ledger, version: str, now_s: float) -> bytes | None:
    """What the last full hours would have looked like, with zeros as install id. Nothing is stored."""
    from .otlp import request_bytes

    this_hour = int(now_s // HOUR_S)
    for hour in range(this_hour - 1, this_hour - MOST_FILES - 1, -1):
        body = request_bytes(_rows(ledger, hour), hour, "0" * 32, version)
        if body is not None:
            return body
    return None


def _fill(paths: Paths, ledger: Ledger, state: TelemetryState, version: str, now_s: float) -> TelemetryState:
    from .otlp import request_bytes

    folder = spool_folder(paths)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    this_hour = int(now_s // HOUR_S)
    for hour in range(max(state.next_hour, this_hour - MOST_FILES), this_hour):
        body = request_bytes(_rows(ledger, hour), hour, state.install_id, version)
        if body is not None:
            (folder / f"{hour:012d}.otlp").write_bytes(body)
    state = msgspec.structs.replace(state, next_hour=max(state.next_hour, this_hour))
    return _bounded(paths, state)


def _bounded(paths: Paths, state: TelemetryState) -> TelemetryState:
    excess = waiting(paths)[:-MOST_FILES]
    for file in excess:
        file.unlink(missing_ok=True)
    if not excess:
        return state
    note = f"{len(excess)} hours could not be sent in a week and were dropped."
    return msgspec.structs.replace(state, n_dropped=state.n_dropped + len(excess), note=note)


def _send_all(paths: Paths, state: TelemetryState, now_s: float) -> TelemetryState:
    from .send import send

    for file in waiting(paths):
        result = send(state.endpoint, file.read_bytes())
        if result.again_later:
            wait_s = min(LAST_RETRY_S, FIRST_RETRY_S * 2 ** min(state.n_failures, 20))
            return msgspec.structs.replace(
                state, n_failures=state.n_failures + 1, retry_at_s=now_s + wait_s, note=result.sentence
            )
        file.unlink(missing_ok=True)
        refused = not result.accepted
        state = msgspec.structs.replace(
            state,
            n_failures=0,
            retry_at_s=0.0,
            n_dropped=state.n_dropped + refused,
            note=result.sentence if refused else "",
        )
    return state


def _rows(ledger: Ledger, hour: int) -> list[LedgerRow]:
    return ledger.between(hour * HOUR_S, (hour + 1) * HOUR_S)
