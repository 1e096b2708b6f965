"""Judging a draft: statistics in, keep or escalate out."""

from __future__ import annotations

import pytest

from halfwatt.router_model.serving.decide import TierCandidate
from halfwatt.router_model.serving.draft_stats import DraftStats, draft_stats
from halfwatt.router_model.serving.router import Router
from halfwatt.router_model.serving.stage2 import DraftTable, check, check_start, table_for

SURE = draft_stats([-0.01] * 60, [0.02] * 60, 0.99)
UNSURE = draft_stats([-0.9, -0.02, -1.4] * 40, [1.2] * 120, 0.3)


@pytest.fixture(scope="module")
def table() -> DraftTable:
    found = table_for(Router.load().tables.drafts, "qwen2.5-coder-0.5b", "q4_k_m", "chatml")
    assert found is not None
    return found


def cloud(p_pass: float, energy_j: float | None = 20.0) -> TierCandidate:
    return TierCandidate("cloud", "cloud", "other", p_pass, p_pass, p_pass, 100, energy_j, False)


def test_sure_draft_is_kept_and_unsure_draft_is_escalated(table: DraftTable) -> None:
    assert check(table, SURE, 0.6, cloud(0.85), 0.0, 0.05).action == "keep"
    assert check(table, UNSURE, 0.6, cloud(0.85), 0.0, 0.05).action == "escalate"


def test_without_another_tier_every_draft_is_kept(table: DraftTable) -> None:
    assert check(table, UNSURE, 0.1, None, 0.0, 0.05).action == "keep"


def test_joules_of_the_other_tier_can_make_a_doubtful_draft_worth_keeping(table: DraftTable) -> None:
    assert check(table, UNSURE, 0.6, cloud(0.85, 2000.0), 0.001, 0.05).action == "keep"


def test_draft_that_does_not_parse_is_unlikely_to_pass(table: DraftTable) -> None:
    assert check(table, SURE, 0.9, None, 0.0, 0.05, parses=False).p_pass <= 0.15


def test_examples_move_the_probability_both_ways(table: DraftTable) -> None:
    plain = check(table, UNSURE, 0.5, None, 0.0, 0.05).p_pass
    assert check(table, UNSURE, 0.5, None, 0.0, 0.05, examples_pass=True).p_pass > plain
    assert check(table, SURE, 0.9, None, 0.0, 0.05, examples_pass=False).p_pass <= 0.05


def test_empty_draft_is_unlikely_to_pass(table: DraftTable) -> None:
    assert check(table, draft_stats([]), 0.9, None, 0.0, 0.05).p_pass <= 0.15


def test_without_a_table_the_first_estimate_stands_and_is_called_uncalibrated() -> None:
    verdict = check(None, UNSURE, 0.7, None, 0.0, 0.05)
    assert (verdict.p_pass, verdict.calibrated) == (0.7, False)
    assert "uncalibrated" in verdict.reason


def test_stream_is_judged_by_its_first_sixteen_tokens_only(table: DraftTable) -> None:
    start = [-0.05] * 16
    judged = check_start(table, start, 0.9, 0.5, None, 0.0, 0.05)
    assert judged == check_start(table, [*start, -9.0, -9.0], 0.9, 0.5, None, 0.0, 0.05)
    assert check_start(table, [-2.0] * 16, 0.2, 0.5, None, 0.0, 0.05).p_pass < judged.p_pass


@pytest.mark.parametrize(
    ("model", "quantization", "template"),
    [
        ("qwen2.5-coder-0.5b", "q8_0", "chatml"),
        ("qwen2.5-coder-0.5b", "q4_k_m", "llama3"),
        ("qwen2.5-coder-7b", "q4_k_m", "chatml"),
    ],
)
def test_table_holds_only_for_its_model_quantization_and_template(model: str, quantization: str, template: str) -> None:
    assert table_for(Router.load().tables.drafts, model, quantization, template) is None


def test_doubt_about_the_draft_is_doubt_about_a_labelled_alternative_too(table: DraftTable) -> None:
    known = TierCandidate("edge", "edge", "qwen2.5-coder-1.5b", 0.8, 0.7, 0.9, 60, 10.0, True)
    kept = check(table, SURE, 0.6, known, 0.0, 0.0).reason
    doubted = check(table, UNSURE, 0.6, known, 0.0, 0.0).reason
    assert kept != doubted
    assert _percent(doubted) < _percent(kept)


def test_statistics_of_a_known_draft() -> None:
    stats = draft_stats([-1.0, 0.0, -3.0, -0.5], [0.5, 1.5], 0.25)
    assert (stats.n_tokens, stats.lp_sum, stats.lp_min) == (4, -4.5, -3.0)
    assert stats.n_lp_below_minus_0_7 == 2
    assert stats.lp_p10 == pytest.approx(-2.4)
    assert (stats.ent_mean, stats.ent_max, stats.margin_first) == (1.0, 1.5, 0.25)
    assert isinstance(stats, DraftStats)


def _percent(reason: str) -> int:
    return int(reason.split("edge ")[1].split(" %")[0])
