"""Guesses at the next tokens: only what followed the same tokens before."""

from __future__ import annotations

from halfwatt.daemon.worker.lookup import N_GUESSED, N_MATCHED, PromptLookup


def test_what_followed_the_same_tokens_before_is_guessed() -> None:
    assert PromptLookup([9, 1, 2, 3, 4, 5, 6, 7, 1, 2, 3]).guess(8) == [4, 5, 6][:N_GUESSED]


def test_last_place_counts_where_there_are_several() -> None:
    assert PromptLookup([1, 2, 3, 4, 1, 2, 3, 5, 8, 1, 2, 3]).guess(1) == [5]


def test_tokens_that_were_not_there_before_bring_no_guess() -> None:
    assert PromptLookup([1, 2, 3, 4]).guess(8) == []
    assert PromptLookup([1] * (N_MATCHED - 1)).guess(8) == []
    assert PromptLookup([]).guess(8) == []


def test_answer_counts_like_the_prompt() -> None:
    lookup = PromptLookup([1, 2])
    for token in (3, 4, 1, 2, 3):
        lookup.add(token)
    assert lookup.guess(8) == [4, 1, 2][:N_GUESSED]


def test_no_more_is_guessed_than_is_wanted() -> None:
    assert PromptLookup([1, 2, 3, 4, 5, 1, 2, 3]).guess(0) == []
    assert PromptLookup([1, 2, 3, 4, 5, 1, 2, 3]).guess(-1) == []
