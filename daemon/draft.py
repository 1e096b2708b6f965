"""The first tokens of a local answer, held back until they have been judged. Pure: it judges nothing itself."""

from __future__ import annotations

from halfwatt.router_model.draft_stats import DraftStats, draft_stats

from .turn import Ended
from .worker_protocol import Piece

N_TOKENS = 16


class Draft:
    """Collects pieces until there are `N_TOKENS` tokens or the answer has ended."""

    def __init__(self) -> None:
        self.items: list[Piece | Ended] = []
        self._logprobs: list[float] = []
        self._entropies: list[float] = []
        self._margin_first = 0.0

    @property
    def complete(self) -> bool:
        return len(self._logprobs) >= N_TOKENS or any(isinstance(item, Ended) for item in self.items)

    def add(self, item: Piece | Ended) -> None:
        self.items.append(item)
        if isinstance(item, Ended) or item.logprob is None:
            return
        if not self._logprobs:
            self._margin_first = item.margin or 0.0
        self._logprobs += [item.logprob / max(1, item.n_tokens)] * item.n_tokens
        if item.entropy is not None:
            self._entropies.append(item.entropy)

    def stats(self) -> DraftStats:
        """Of the first `N_TOKENS` tokens."""
        return draft_stats(self._logprobs[:N_TOKENS], self._entropies[:N_TOKENS], self._margin_first)
