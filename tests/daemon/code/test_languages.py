"""The table of languages: complete, and in the words of the grammars."""

from __future__ import annotations

from dataclasses import fields

import pytest

from halfwatt.daemon.code.languages import LANGUAGES, Language
from halfwatt.daemon.code.syntax import grammar


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda it: it.id)
def test_every_kind_of_node_exists_in_the_grammar(language: Language) -> None:
    known = grammar(*language.grammar)
    kinds = {kind for it in fields(language) for kind in kinds_of(getattr(language, it.name))}
    assert {kind for kind in kinds if known.id_for_node_kind(kind, True) is None} == set()


def kinds_of(value: object) -> frozenset[str]:
    if isinstance(value, dict):
        return frozenset(value) | frozenset(value.values())
    return value if isinstance(value, frozenset) else frozenset()


def test_no_two_languages_share_an_id_or_a_file_ending() -> None:
    ids = [id_ for it in LANGUAGES for id_ in (it.id, *it.aliases)]
    endings = [ending for it in LANGUAGES for ending in it.extensions]
    assert len(ids) == len(set(ids))
    assert len(endings) == len(set(endings))
