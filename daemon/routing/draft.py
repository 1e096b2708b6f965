"""A local answer that is judged before it is shown. It collects and holds back; it judges nothing itself."""

from __future__ import annotations

from halfwatt.daemon.inference.answer import Chunk, Ended
from halfwatt.router_model.serving.draft_stats import DraftStats, draft_stats

N_TOKENS = 16


class Draft:
    """Holds back what the model says until the answer has begun (`N_TOKENS` tokens).

    Where the client takes only whole answers, it holds back all until the end.
    """

    def __init__(self, whole: bool) -> None:
        self._whole = whole
        self._begun = False
        self._held: list[Chunk | Ended] = []
        self._texts: list[str] = []
        self._logprobs: list[float] = []  # of the first tokens
        self._margin_first = 0.0

    @property
    def text(self) -> str:
        return "".join(self._texts)

    def add(self, item: Chunk | Ended) -> bool:
        """True once, when the beginning is complete and can be judged."""
        self._held.append(item)
        if isinstance(item, Chunk):
            self._texts.append(item.text)
            self._note(item)
        if self._begun or (len(self._logprobs) < N_TOKENS and isinstance(item, Chunk)):
            return False
        self._begun = True
        return True

    def released(self) -> list[Chunk | Ended]:
        """What may be shown now, once."""
        ended = bool(self._held) and isinstance(self._held[-1], Ended)
        if not self._begun or (self._whole and not ended):
            return []
        held, self._held = self._held, []
        return held

    def start_stats(self) -> DraftStats:
        """Of the first `N_TOKENS` tokens; a chunk's tokens share its log-probability. Without entropies."""
        return draft_stats(self._logprobs, margin_first=self._margin_first)

    def _note(self, item: Chunk) -> None:
        if item.logprob is None or self._begun:
            return
        if not self._logprobs:
            self._margin_first = item.margin or 0.0
        shared = [item.logprob / max(1, item.n_tokens)] * item.n_tokens
        self._logprobs = [*self._logprobs, *shared][:N_TOKENS]
