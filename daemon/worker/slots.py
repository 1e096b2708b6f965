"""Which slot of key-value state a prompt continues: the one that holds most of its tokens already.

It keeps lists of tokens only; the state itself is in engine.py. The least recently used slot is replaced first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

MIN_COPY_TOKENS = 16  # below this, reading the tokens again is cheaper than copying another slot's state


@dataclass
class Slot:
    """One sequence of the model's memory: `tokens` are those whose state it holds."""

    index: int
    document: str | None = None
    tokens: list[int] = field(default_factory=list)
    used_at: int = 0


@dataclass(frozen=True)
class SlotAssignment:
    """Use `slot` and keep its first `n_keep` tokens; where `copy_from` is not None, copy that slot into it first."""

    slot: Slot
    n_keep: int
    copy_from: int | None = None


class Slots:
    """A fixed number of slots. Only one job at a time uses them."""

    def __init__(self, n_slots: int) -> None:
        self._slots = [Slot(index) for index in range(n_slots)]
        self._clock = 0

    def take(self, tokens: Sequence[int], document: str | None, reuse: bool = True) -> SlotAssignment:
        """The slot for a prompt, marked as this document's. The last token at least is always left to decode.

        Without `reuse` every token is."""
        most = len(tokens) - 1 if reuse else 0
        shared = {slot.index: min(common_prefix(slot.tokens, tokens), most) for slot in self._slots}
        best = max(self._slots, key=lambda slot: (shared[slot.index], slot.document == document, slot.used_at))
        is_same_prompt = best.tokens[: len(tokens)] == list(tokens)  # then nothing has to be kept apart
        own = best if is_same_prompt else self._own(best, shared[best.index], document)
        assignment = SlotAssignment(own, shared[own.index])
        if shared[best.index] - shared[own.index] >= MIN_COPY_TOKENS:
            assignment = SlotAssignment(own, shared[best.index], copy_from=best.index)
        self._clock += 1
        own.document, own.used_at = document, self._clock
        own.tokens = list(tokens[: assignment.n_keep])
        return assignment

    def forget(self) -> None:
        """Read everything again: the model's state was lost or is in doubt."""
        for slot in self._slots:
            slot.tokens, slot.document = [], None

    def _own(self, best: Slot, n_shared: int, document: str | None) -> Slot:
        """The document's own slot. Without a document: the one that this prompt continues. Else the oldest."""
        if document is not None:
            mine = [slot for slot in self._slots if slot.document == document and slot.tokens]
            if mine:
                return mine[0]
        elif best.document is None and 2 * n_shared >= len(best.tokens) > 0:
            return best
        return min(self._slots, key=lambda slot: slot.used_at)


def common_prefix(left: Sequence[int], right: Sequence[int]) -> int:
    """How many tokens both begin with."""
    limit = min(len(left), len(right))
    return next((index for index in range(limit) if left[index] != right[index]), limit)
