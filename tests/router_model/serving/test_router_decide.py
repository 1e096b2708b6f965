"""The decision before generation and the user's bias: tables of numbers in, a tier out."""

from __future__ import annotations

import pytest

from halfwatt.router_model.serving.decide import TierCandidate, candidate, decide, doubtful, lambda_of
from halfwatt.router_model.serving.estimates import Estimates, ModelEstimate, model_key
from halfwatt.router_model.serving.feedback import MAX_BIAS_LOGIT, bias_logit


def tier(name: str, p_pass: float, energy_j: float | None, kind: str = "local") -> TierCandidate:
    return TierCandidate(name, kind, name, p_pass, p_pass - 0.1, p_pass + 0.1, 100, energy_j, True)


def test_quality_prefers_the_likelier_model_and_eco_the_cheaper_one() -> None:
    small, large = tier("small", 0.5, 20), tier("large", 0.7, 150)
    assert decide([small, large], "quality").tier == "large"
    assert decide([small, large], "eco").tier == "small"


def test_number_on_the_dial_is_points_of_passing_that_100_joules_are_worth() -> None:
    assert lambda_of(10) == pytest.approx(lambda_of("balanced"))
    assert lambda_of(0) == 0


@pytest.mark.parametrize("dial", ["turbo", -1.0, float("nan")])
def test_dial_outside_its_values_is_refused_with_a_sentence(dial: str | float) -> None:
    with pytest.raises(ValueError, match="dial"):
        lambda_of(dial)


def test_fewer_joules_alone_never_justify_leaving_the_machine() -> None:
    local, cloud = tier("local", 0.80, 100), tier("cloud", 0.82, 1, "cloud")
    assert decide([local, cloud], "eco").tier == "local"


def test_a_gain_above_the_price_of_leaving_leaves() -> None:
    local, cloud = tier("local", 0.40, 60), tier("cloud", 0.80, 20, "cloud")
    assert decide([local, cloud], "balanced", leaving_price=0.05).tier == "cloud"
    assert decide([local, cloud], "balanced", leaving_price=0.5).tier == "local"


def test_unknown_energy_counts_as_the_largest_known_one() -> None:
    known, unknown = tier("known", 0.6, 100), tier("unknown", 0.61, None)
    scores = {score.candidate.tier: score.utility for score in decide([known, unknown], "eco").ranked}
    assert scores["unknown"] - scores["known"] == pytest.approx(0.01)


def test_equal_utilities_go_to_fewer_joules() -> None:
    assert decide([tier("dear", 0.5, 90), tier("cheap", 0.5, 30)], 0.0).tier == "cheap"


def test_reason_names_the_tier_its_chance_and_its_joules() -> None:
    reason = decide([tier("local", 0.9, 60)]).reason
    assert "local" in reason and "90 %" in reason and "60 J" in reason


def test_model_without_labels_gets_a_wide_prior_and_is_called_uncalibrated() -> None:
    prior = candidate("mine", "cloud", "my-own-model", None, 0.1)
    assert not prior.calibrated
    assert prior.p_high - prior.p_low > 0.4
    assert "uncalibrated" in decide([prior]).reason


def test_labelled_model_is_found_under_its_usual_names() -> None:
    known = Estimates({"qwen2.5-coder-3b": ModelEstimate(0.7, 0.6, 0.8, 50, 20, 90)}, 30, False)
    for name in ("Qwen/Qwen2.5-Coder-3B-Instruct", "qwen2.5-coder-3b-instruct-q4_k_m.gguf", "qwen2.5-coder:3b"):
        assert candidate("t", "edge", name, known, 0.5).calibrated, name
    assert candidate("t", "edge", "qwen2.5-coder-3b", known, 0.5, fixed_j=2).energy_j == pytest.approx(27)


def test_other_sizes_of_a_family_are_not_taken_for_the_labelled_one() -> None:
    assert model_key("qwen2.5-coder-32b") != model_key("qwen2.5-coder-3b")


def test_no_candidate_is_an_error() -> None:
    with pytest.raises(ValueError, match="no tier"):
        decide([])


def test_answer_is_doubtful_only_when_another_is_better_by_more_than_the_price() -> None:
    local = tier("local", 0.70, 60)
    assert doubtful(local, [tier("cloud", 0.80, 20, "cloud")], 0.05)
    assert not doubtful(local, [tier("cloud", 0.74, 20, "cloud")], 0.05)


def test_feedback_moves_the_bias_within_its_bounds_and_reset_is_zero() -> None:
    assert bias_logit(0, 0) == 0
    assert 0 < bias_logit(30, 0) <= MAX_BIAS_LOGIT
    assert bias_logit(0, 10_000) == -MAX_BIAS_LOGIT
    assert bias_logit(10_000, 0) == MAX_BIAS_LOGIT


def test_undone_answer_counts_as_rejected() -> None:
    assert bias_logit(10, 0, n_undone=10) == pytest.approx(bias_logit(0, 10))


def test_few_answers_move_less_than_many() -> None:
    assert abs(bias_logit(0, 1)) < abs(bias_logit(0, 10))
