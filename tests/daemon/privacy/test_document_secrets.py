"""Secrets of a whole document: told by kind and line, and after each change the same as if all had been read again."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planted_kinds import KINDS
from planted_secrets import plant, planted

from halfwatt.daemon.privacy import secrets
from halfwatt.daemon.privacy.document_secrets import MAX_TOLD, DocumentSecrets, secrets_of
from halfwatt.daemon.wire import SecretFound

KEY = next(kind for kind in KINDS if kind.name == "private-key-pem")
ORDINARY = "".join(f"value_{n} = compute(value_{n - 1}, {n})\n" for n in range(3000))
SECRETS = [each.text for each in planted(40, seed=11)]
CHANCE = random.Random(3)  # noqa: S311 - places and made-up values
CERTIFICATE = "-----BEGIN CERTIFICATE-----\n" + plant(KINDS[-1], "json", CHANCE).text


def test_find_is_told_by_kind_and_line_and_never_by_value() -> None:
    text = "a = 1\nb = 2\npassword = 'hunter2'\n"
    assert secrets_of(text) == (SecretFound("named password or key", 3),)
    assert secrets_of("a = 1\n") == ()


def test_many_finds_are_told_in_part() -> None:
    assert len(secrets_of("password = 'hunter2'\n" * 100)) == MAX_TOLD


def test_window_inside_a_private_key_is_known_by_the_document() -> None:
    """Wherever a window of a document with a key is cut, the document tells."""
    key = plant(KEY, "python", CHANCE).text
    text = ORDINARY[:4000] + key + ORDINARY[:4000]
    assert any(each.kind == "private key" for each in secrets_of(text))


edit = st.tuples(
    st.floats(0, 1), st.integers(0, 400), st.sampled_from([*SECRETS, "", "\n", '"', "x = 1\n" * 50, CERTIFICATE])
)


@given(st.lists(edit, min_size=1, max_size=5))
@settings(max_examples=15, deadline=None)
def test_after_each_change_the_finds_are_those_of_the_whole_document(edits: list[tuple[float, int, str]]) -> None:
    documents, text = DocumentSecrets(), ORDINARY[:9_000] + SECRETS[0] + ORDINARY[:9_000]
    for place, n_deleted, added in edits:
        at = int(place * len(text))
        text = text[:at] + added + text[at + n_deleted :]
        assert documents.places("file:///a", text) == secrets.places(text)
        assert documents.of("file:///a", text) == secrets_of(text)


def test_a_key_press_has_only_the_text_around_it_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    documents, text, searched = DocumentSecrets(), ORDINARY * 8, list[int]()
    documents.of("file:///a", text)
    whole = secrets.places

    def counting(piece: str) -> tuple[secrets.Secret, ...]:
        searched.append(len(piece))
        return whole(piece)

    monkeypatch.setattr(secrets, "places", counting)
    documents.of("file:///a", text[:500_000] + "x" + text[500_000:])
    documents.of("file:///a", text[:500_000] + "x" + text[500_000:])
    assert len(text) > 900_000
    assert len(searched) == 1
    assert searched[0] < 20_000


def test_document_that_grows_over_the_limit_is_unchecked_and_checked_again_when_it_shrinks() -> None:
    documents = DocumentSecrets()
    long = "x = 1\n" * (secrets.LIMIT_CHARS // 6 + 1)
    assert documents.of("file:///a", long) == (SecretFound(secrets.UNCHECKED, 1),)
    assert documents.of("file:///a", "password = 'hunter2'\n") == (SecretFound("named password or key", 1),)
