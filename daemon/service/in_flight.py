"""One request while it is answered: its answer, decision and joules so far.

This is the service's own record. Tiers do not know it: they get the request and report what they used.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from halfwatt.daemon.energy.readings import Reading
from halfwatt.daemon.inference.answer import Cancellation, Chunk, Ended
from halfwatt.daemon.inference.request import GenerationRequest
from halfwatt.daemon.wire import AnswerItem, RouteDecision


@dataclass(eq=False)
class InFlight:
    """A request and its answer so far. `local_energy` and `cloud_energy` are the joules used by each attempt."""

    request: GenerationRequest
    cancellation: Cancellation = field(default_factory=Cancellation)
    items: asyncio.Queue[AnswerItem | Exception | None] = field(default_factory=asyncio.Queue)
    started_s: float = field(default_factory=time.monotonic)
    started_at_s: float = field(default_factory=time.time)
    decision: RouteDecision | None = None
    text: list[str] = field(default_factory=list)
    first_text_s: float | None = None
    ended: Ended | None = None
    router_energy: Reading | None = None
    local_energy: list[Reading] = field(default_factory=list)
    cloud_energy: list[Reading] = field(default_factory=list)
    draft_dropped: bool = False
    _decision_sent: bool = False

    def emit(self, *items: Chunk | Ended) -> None:
        """Hand text on to the client, after the decision, and remember the end."""
        for item in items:
            if isinstance(item, Ended):
                self.ended = item
                self._send_decision()
            elif item.text:
                self._send_decision()
                self.first_text_s = self.first_text_s or time.monotonic()
                self.text.append(item.text)
                self.items.put_nowait(item.text)

    def _send_decision(self) -> None:
        """The decision goes out once, when nothing can change it any more."""
        if not self._decision_sent and self.decision is not None:
            self.items.put_nowait(self.decision)
            self._decision_sent = True
