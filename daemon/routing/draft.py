"""A local answer while it is judged: its first tokens are held back until then, or all of it where the client takes
only whole answers. Pure: it judges nothing itself."""

from __future__ import annotations

from halfwatt.daemon.inference.answer import Chunk, Ended
from halfwatt.router_model.serving.draft_stats import DraftStats, draft_stats

N_TOKENS = 16


class Draft:
    """Collects what the model says and holds it back: until it has begun (`N_TOKENS` tokens), or, where the answer is
    wanted whole, until it has ended."""

    def __init__(self, whole: bool) -> None:
        self.begun = False
        self._whole = whole
        self._held: list[Chunk | Ended] = []
        self._texts: list[str] = []
        self._logprobs: list[float] = []
        self._entropies: list[float] = []
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
        if self.begun or (len(self._logprobs) < N_TOKENS and isinstance(item, Chunk)):
            return False
        self.begun = True
        return True

    def released(self) -> list[Chunk | Ended]:
        """What may be shown now, once."""
        ended = bool(self._held) and isinstance(self._held[-1], Ended)
        if not self.begun or (self._whole and not ended):
            return []
        held, self._held = self._held, []
        return held

    def _note(self, item: Chunk) -> None:
        if item.logprob is None:
            return
        if not self._logprobs:
            self._margin_first = item.margin or 0.0
        self._logprobs += [item.logprob / max(1, item.n_tokens)] * item.n_tokens
        if item.entropy is not None:
            self._entropies.append(item.entropy)

    def start_stats(self) -> DraftStats:
        """Of the first `N_TOKENS` tokens."""
        return draft_stats(self._logprobs[:N_TOKENS], self._entropies[:N_TOKENS], self._margin_first)

    def stats(self) -> DraftStats:
        """Of all tokens so far."""
        return draft_stats(self._logprobs, self._entropies, self._margin_first)
