"""Sentences about results."""

from __future__ import annotations

from halfwatt.daemon.wire import RouteDecision
from halfwatt.lsp.generate import wording


def test_tier_is_named_once_though_the_reason_begins_with_it() -> None:
    decided = RouteDecision("local", "local", "small", "local: 94 % likely to pass")
    assert wording.decision(decided) == "**local** (small): 94 % likely to pass"


def test_tier_without_a_model_has_no_empty_brackets() -> None:
    decided = RouteDecision("local", "local", "", "explicit rule: no model is here")
    assert wording.decision(decided) == "**local**: explicit rule: no model is here"
