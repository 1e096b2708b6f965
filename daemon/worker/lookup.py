"""Guessing the next tokens from the text itself: code repeats what it said before.

Where the last few tokens stood earlier in the prompt or the answer, what followed them there is decoded along with the
next token; a wrong guess costs part of a decode, a right one saves a whole one (prompt lookup decoding, Saxena 2023).
Pure; whether a guess was right is for the model to say, so the answer does not change.
"""

from __future__ import annotations

from collections.abc import Iterable

N_MATCHED = 3  # tokens that must agree; with fewer there are too many wrong guesses
N_GUESSED = 3  # with the token before them four rows, which llama.cpp multiplies at little more than the price of one


class PromptLookup:
    """The tokens of one prompt and its answer so far."""

    def __init__(self, tokens: Iterable[int]) -> None:
        self._tokens: list[int] = []
        self._after: dict[tuple[int, ...], int] = {}  # where the text goes on after these tokens, the last time
        for token in tokens:
            self.add(token)

    def add(self, token: int) -> None:
        if len(self._tokens) >= N_MATCHED:
            self._after[tuple(self._tokens[-N_MATCHED:])] = len(self._tokens)
        self._tokens.append(token)

    def guess(self, most: int) -> list[int]:
        """The tokens that may come next, at most `most` of them; empty where the text was not there before."""
        start = self._after.get(tuple(self._tokens[-N_MATCHED:]))
        return [] if start is None else self._tokens[start : start + max(0, min(most, N_GUESSED))]
