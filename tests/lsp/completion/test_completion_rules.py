"""When ghost text is offered at all, how much of it, and how long the server waits before it asks."""

from __future__ import annotations

import msgspec
import pytest

from halfwatt.daemon.settings.schema import CompletionConfig
from halfwatt.lsp.completion import rules
from halfwatt.lsp.completion.debounce import Rhythm
from halfwatt.lsp.completion.extent import is_block
from halfwatt.lsp.completion.rules import EditorFacts, mode_of, objection
from halfwatt.lsp.completion.values import Query, Trigger

NO_COMMENTS = CompletionConfig(in_comments=False, in_strings=False)


def query(document: str, language: str = "python", trigger: Trigger = "automatic") -> Query:
    prefix, suffix = document.split("‸")
    return Query("file:///a", prefix, suffix, language, trigger)


@pytest.mark.parametrize(
    ("document", "language", "expected"),
    [
        ("x = ‸\n", "python", None),
        ("x = com‸pute(y)\n", "python", rules.MID_WORD),
        ("x = com‸\n", "python", None),
        ("x = ‸ + something_long\n", "python", rules.TEXT_RIGHT),
        ("x = ‸ + some\n", "python", None),
        ("foo(bar(baz(‸)))))))))\n", "python", None),
        ("‸", "python", rules.EMPTY),
        ("  \n‸", "python", rules.EMPTY),
        ("return x;‸\n", "typescript", rules.COMPLETE_LINE),
        ("for (i = 0;‸ i < 3)\n", "typescript", None),
        ("    pass‸\n", "python", rules.COMPLETE_LINE),
        ("def f():‸\n", "python", None),
        ("# a rem‸\n", "python", rules.IN_COMMENT),
        ('x = "a b‸\n', "python", rules.IN_STRING),
        ('x = "a # b" + ‸\n', "python", None),
        ('def f():\n    """Doc‸\n', "python", rules.IN_COMMENT),
        ("// a rem‸\n", "go", rules.IN_COMMENT),
        ("/* a\n rem‸\n", "cpp", rules.IN_COMMENT),
        ("let a: &'a str = ‸\n", "rust", None),
        ("const a = `x ${‸\n", "typescript", rules.IN_STRING),
    ],
)
def test_rule_table(document: str, language: str, expected: str | None) -> None:
    assert objection(query(document, language), NO_COMMENTS, EditorFacts()) == expected


def test_comments_and_strings_are_open_where_the_settings_say_so() -> None:
    config = CompletionConfig(in_comments=True, in_strings=True)
    assert objection(query("# a rem‸\n"), config, EditorFacts()) is None
    assert objection(query('x = "a b‸\n'), config, EditorFacts()) is None


def test_asking_by_hand_passes_all_rules_of_taste_but_not_those_of_safety() -> None:
    by_hand = query("x = ‸ + something_long\n", trigger="invoked")
    assert objection(by_hand, CompletionConfig(mode="manual"), EditorFacts()) is None
    assert objection(by_hand, CompletionConfig(), EditorFacts(excluded="a key file")) == rules.EXCLUDED
    assert objection(query("a‸b", trigger="invoked"), CompletionConfig(), EditorFacts()) == rules.MID_WORD


def test_file_larger_than_the_limit_is_left_alone() -> None:
    config = CompletionConfig(max_file_kb=1)
    assert objection(query("x = 1\n" * 200 + "‸"), config, EditorFacts()) == rules.LARGE


@pytest.mark.parametrize(
    ("mode", "on_battery", "battery", "expected"),
    [
        ("automatic", "quiet", False, "automatic"),
        ("automatic", "quiet", True, "quiet"),
        ("quiet", "automatic", True, "quiet"),
        ("manual", "automatic", True, "manual"),
        ("automatic", "manual", True, "manual"),
    ],
)
def test_battery_can_only_make_it_quieter(mode: str, on_battery: str, battery: bool, expected: str) -> None:
    config = msgspec.convert({"mode": mode, "on_battery": on_battery}, CompletionConfig)
    assert mode_of(config, battery) == expected


def test_manual_on_battery_says_that_the_battery_is_the_reason() -> None:
    config = CompletionConfig(on_battery="manual")
    assert objection(query("x = ‸"), config, EditorFacts(on_battery=True)) == rules.MANUAL_ON_BATTERY
    assert objection(query("x = ‸"), CompletionConfig(mode="manual"), EditorFacts()) == rules.MANUAL


@pytest.mark.parametrize(
    ("document", "language", "expected"),
    [
        ("def f():‸\n", "python", True),
        ("def f():\n    ‸\n", "python", True),
        ("def f():\n    ‸\n    return 1\n", "python", False),
        ("def f():\n    x = ‸\n", "python", False),
        ("x = 1\n‸\n", "python", False),
        ("function f() {‸}\n", "typescript", True),
        ("if (a) {\n  ‸\n}\n", "typescript", True),
        ("f(a, ‸)\n", "typescript", False),
    ],
)
def test_block_is_asked_for_only_where_one_begins(document: str, language: str, expected: bool) -> None:
    assert is_block(query(document, language)) is expected


def test_debounce_follows_the_formula_between_its_bounds() -> None:
    rhythm = Rhythm(interval_ms=200, response_ms=100)
    assert rhythm.delay_ms("foo", "bar)") == 500  # 200 × 3 − 100
    assert Rhythm(interval_ms=400, response_ms=50).delay_ms("foo.", "bar)") == 640  # 400 × 1.6
    assert Rhythm(interval_ms=400, response_ms=50).delay_ms("foo", "") == 640
    assert Rhythm(interval_ms=50, response_ms=900).delay_ms("foo", "bar") == 100
    assert Rhythm(interval_ms=200, response_ms=900).delay_ms("foo", "bar") == 320  # never below the rhythm
    assert Rhythm(interval_ms=900, response_ms=0).delay_ms("foo", "bar") == 1000


def test_rhythm_learns_from_keys_and_not_from_pauses() -> None:
    rhythm = Rhythm()
    for at in (0, 100, 200, 300, 60_000, 60_100):
        rhythm = rhythm.key_pressed(at)
    assert 100 < rhythm.interval_ms < 200
    assert Rhythm().answered(400).answered(500).response_ms == 420
