"""What becomes of ghost text: accepted, partly accepted, rejected, or replaced before it could be read.

A suggestion that is shown again while the user types along is counted once. This module reads no clock and sends
nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from halfwatt.daemon.wire import Feedback

from .filter import AcceptanceEstimate

READ_MS = 500.0  # replaced sooner than this, nobody can have read it
MAX_SHOWN = 64


@dataclass(frozen=True)
class ShownSuggestion:
    """A suggestion that was handed to the editor. `estimate` is what the filter predicted for it."""

    id: str
    at_ms: float
    estimate: AcceptanceEstimate | None
    n_accepted: int = 0


@dataclass(frozen=True)
class OutcomeRecord:
    """A verdict for the ledger, and what the filter may learn from it."""

    feedback: Feedback
    estimate: AcceptanceEstimate | None
    accepted: bool | None


class OutcomeTracker:
    """The suggestion on screen per document, and what is known of the ones before."""

    def __init__(self) -> None:
        self._shown: dict[str, ShownSuggestion] = {}

    def offered(self, uri: str, id_: str, estimate: AcceptanceEstimate | None, now_ms: float) -> list[OutcomeRecord]:
        """A suggestion is handed over. Returned with it: the verdict on the one before, if this decides it."""
        before = self._shown.get(uri)
        if before is not None and before.id == id_:
            return []
        verdicts = self.gone(uri, now_ms)
        self._shown[uri] = ShownSuggestion(id_, now_ms, estimate)
        while len(self._shown) > MAX_SHOWN:
            del self._shown[next(iter(self._shown))]
        return [*verdicts, OutcomeRecord(Feedback(id_, "offered"), estimate, None)]

    def drawn(self, id_: str, now_ms: float) -> None:
        """The editor shows the suggestion from now on."""
        uri, shown = self._find(id_)
        if shown is not None:
            self._shown[uri] = replace(shown, at_ms=now_ms)

    def gone(self, uri: str, now_ms: float) -> list[OutcomeRecord]:
        """The document moved on without it."""
        shown = self._shown.pop(uri, None)
        if shown is None or shown.n_accepted:
            return []
        if now_ms - shown.at_ms < READ_MS:
            return [OutcomeRecord(Feedback(shown.id, "ignored"), shown.estimate, None)]
        return [OutcomeRecord(Feedback(shown.id, "rejected"), shown.estimate, False)]

    def accepted(self, id_: str, n_chars: int) -> list[OutcomeRecord]:
        uri, shown = self._find(id_)
        if shown is not None:
            del self._shown[uri]
        return [OutcomeRecord(Feedback(id_, "accepted", n_chars), shown.estimate if shown else None, True)]

    def partially_accepted(self, id_: str, n_chars: int) -> list[OutcomeRecord]:
        """`n_chars` of it are in the document now; more may follow."""
        uri, shown = self._find(id_)
        first = shown is not None and not shown.n_accepted
        if shown is not None:
            self._shown[uri] = replace(shown, n_accepted=n_chars)
        estimate = shown.estimate if shown else None
        return [OutcomeRecord(Feedback(id_, "partially_accepted", n_chars), estimate, True if first else None)]

    def _find(self, id_: str) -> tuple[str, ShownSuggestion | None]:
        return next(((uri, shown) for uri, shown in self._shown.items() if shown.id == id_), ("", None))
