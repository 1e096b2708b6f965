"""The user's own share of kept answers, as a small bounded shift of what the router expects of a model.

Counts outcomes in the ledger, at most once a minute; the formula is router_model's.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from halfwatt.daemon.errors import LedgerError
from halfwatt.daemon.ledger.ledger import Ledger

AGE_S = 60.0
N_NEWEST = 500
_COUNT = (
    "SELECT outcome, COUNT(*) FROM (SELECT outcome, model, time FROM requests WHERE outcome IS NOT NULL "
    "ORDER BY id DESC LIMIT ?) WHERE model = ? AND time >= ? GROUP BY outcome"
)


class FeedbackBias:
    """Shifts by model name, on the logit scale; 0 without feedback. Requests from before `since` (epoch seconds) do
    not count: the user has reset them."""

    def __init__(
        self, ledger: Ledger, clock: Callable[[], float] = time.monotonic, since: Callable[[], float] = lambda: 0.0
    ) -> None:
        self._ledger = ledger
        self._since = since
        self._clock = clock
        self._known: dict[str, tuple[float, float]] = {}

    def bias_logit(self, model: str) -> float:
        found = self._known.get(model)
        if found is None or self._clock() - found[0] > AGE_S:
            found = self._known[model] = (self._clock(), self._count(model))
        return found[1]

    def _count(self, model: str) -> float:
        from halfwatt.router_model.serving.feedback import bias_logit

        try:
            counts = self.outcomes(model)
        except LedgerError:
            return 0.0
        undone = counts.get("undone", 0)
        kept = counts.get("accepted", 0) + counts.get("partially_accepted", 0) + undone
        return bias_logit(kept, counts.get("rejected", 0), undone)

    def outcomes(self, model: str) -> dict[str, int]:
        """How often each outcome was noted lately."""
        with self._ledger.reading() as connection:
            found = connection.execute(_COUNT, (N_NEWEST, model, self._since())).fetchall()
        counts: dict[str, int] = dict(found)
        return counts
