"""Booking the calls for ghost text that an editor did not make: rows with what a local call would have used.

What one call uses is the mean of the newest local ghost-text answers; without any it stays unknown. It calls no model.
"""

from __future__ import annotations

import uuid

from halfwatt.daemon.energy.readings import Reading
from halfwatt.daemon.ledger.ledger import Ledger
from halfwatt.daemon.ledger.rows import LedgerRow
from halfwatt.daemon.wire import Skipped

N_RECENT = 200


def book_skipped(skipped: Skipped, ledger: Ledger, now_s: float) -> None:
    """Insert one row per call that was not made; raises LedgerError."""
    typical = typical_call(ledger.recent(N_RECENT))
    for _ in range(skipped.count):
        ledger.insert(row(skipped, typical, now_s))


def typical_call(rows: list[LedgerRow]) -> Reading | None:
    """The mean joules of the finished local ghost-text requests among the rows."""
    used = [
        each
        for each in rows
        if each.kind == "complete" and each.tier_kind == "local" and each.stop != "cancelled"
        if each.device_j is not None and each.device_low_j is not None and each.device_high_j is not None
    ]
    if not used:
        return None
    columns = zip(*((each.device_j, each.device_low_j, each.device_high_j) for each in used), strict=True)
    j, low_j, high_j = (sum(value or 0.0 for value in column) / len(used) for column in columns)
    return Reading(j, low_j, high_j, "estimated")


def row(skipped: Skipped, typical: Reading | None, now_s: float) -> LedgerRow:
    """A row that used nothing. `saved_local_*` is what a local call would have used."""
    return LedgerRow(
        request_id=uuid.uuid4().hex,
        time=now_s,
        editor=skipped.editor,
        language=skipped.language,
        kind="complete",
        route="auto",
        tier="none",
        tier_kind="none",
        model="",
        reason=skipped.reason,
        stop="not_called",
        prompt_tokens=0,
        completion_tokens=0,
        saved_local_j=typical.j if typical else None,
        saved_local_low_j=typical.low_j if typical else None,
        saved_local_high_j=typical.high_j if typical else None,
    )
