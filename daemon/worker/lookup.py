"""Guesses at the next tokens, from the text itself: code often repeats what it said before.

The last few tokens may have occurred earlier in the prompt or the answer. What followed them there is the guess (prompt
lookup decoding, Saxena 2023). A wrong guess costs part of a decode; a right one saves a whole decode. This module does
not decode: the model decides whether a guess was right, so the answer does not change.
"""

from __future__ import annotations

from collections.abc import Iterable

N_MATCHED = 3  # tokens that must agree; with fewer there are too many wrong guesses
N_GUESSED = 3  # with the token before them four rows, which cost llama.cpp little more than one row


class PromptLookup:
    """The tokens of one prompt and its answer so far."""

    def __init__(self, tokens: Iterable[int]) -> None:
        self._tokens: list[int] = []
        self._after: dict[tuple[int, ...], int] = {}  # index of what last followed these tokens
        for token in tokens:
            self.add(token)

    def add(self, token: int) -> None:
        if len(self._tokens) >= N_MATCHED:
            self._after[tuple(self._tokens[-N_MATCHED:])] = len(self._tokens)
        self._tokens.append(token)

    def guess(self, max_guesses: int) -> list[int]:
        """The tokens that may come next, at most `max_guesses`; empty where these tokens occur for the first time."""
        start = self._after.get(tuple(self._tokens[-N_MATCHED:]))
        return [] if start is None else self._tokens[start : start + max(0, min(max_guesses, N_GUESSED))]
