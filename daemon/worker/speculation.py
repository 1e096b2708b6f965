"""Decoding several tokens at once: the chosen token, and guesses at those that follow it.

A guess that turns out right saves a decode; a wrong one leaves the slot again. The answer is the same either way.
lookup.py makes the guesses, engine.py decodes them.
"""

from __future__ import annotations

from .engine import LlamaEngine
from .lookup import PromptLookup
from .slots import Slot


class SpeculativeDecoder:
    """Decodes one answer into a slot. `row` is the row of the last decode that predicts the next token."""

    def __init__(self, engine: LlamaEngine, slot: Slot, guesses: bool) -> None:
        self._engine = engine
        self._slot = slot
        self._lookup = PromptLookup(slot.tokens) if guesses else None
        self._guessed: list[int] = []
        self._n_right = 0
        self.row = -1

    def append(self, token: int, max_guesses: int) -> None:
        """Put the chosen token into the slot. It may be decoded already, as a guess that was right."""
        if self._lookup is not None:
            self._lookup.add(token)
        if self._n_right < len(self._guessed) and self._guessed[self._n_right] == token:
            self._n_right += 1
        else:
            self.drop_wrong_guesses()
            self._guessed = self._lookup.guess(max_guesses) if self._lookup is not None else []
            self._engine.decode(self._slot.index, [token, *self._guessed], len(self._slot.tokens), bool(self._guessed))
        self._slot.tokens.append(token)
        self.row = self._n_right if self._guessed else -1

    def drop_wrong_guesses(self) -> None:
        """Take out of the slot what was guessed and not chosen."""
        if self._n_right < len(self._guessed):
            self._engine.keep_prefix(self._slot.index, len(self._slot.tokens))
        self._guessed, self._n_right = [], 0
