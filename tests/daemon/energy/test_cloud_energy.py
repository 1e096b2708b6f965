"""Cloud estimates: known and unknown models, the user's and the provider's own figures, ranges."""

from __future__ import annotations

import logging
from importlib import metadata

import pytest

from halfwatt.daemon.energy import remote_estimates
from halfwatt.daemon.settings.schema import Config, EnergyConfig, TierConfig


def tier(**fields: object) -> TierConfig:
    given = {"name": "t", "kind": "cloud", "base_url": "http://localhost:1/v1", "model": "m", **fields}
    return TierConfig(**given)  # type: ignore[arg-type]  # tests vary the fields


def test_known_model_has_an_ordered_range_method_and_version() -> None:
    reading = remote_estimates.estimate("gpt-4o-mini", 200, 400)
    assert reading.j is not None
    assert reading.low_j is not None
    assert reading.high_j is not None
    assert 0 < reading.low_j < reading.j < reading.high_j
    assert (reading.method, reading.meter) == ("estimated", "ecologits")
    assert reading.meter_version == metadata.version("ecologits")


def test_without_a_prompt_the_range_contains_what_ecologits_says() -> None:
    from ecologits.tracers.utils import llm_impacts
    from ecologits.utils.range_value import RangeValue

    for n_tokens in (50, 400, 1500):
        theirs = llm_impacts("openai", "gpt-4o-mini", n_tokens, 1e9).energy
        assert theirs is not None
        assert isinstance(theirs.value, RangeValue)
        reading = remote_estimates.estimate("gpt-4o-mini", 0, n_tokens)
        assert reading.j is not None
        assert reading.low_j is not None
        assert reading.high_j is not None
        assert reading.low_j < theirs.value.min * 3.6e6 <= reading.j <= theirs.value.max * 3.6e6 < reading.high_j


def test_longer_prompts_and_longer_answers_cost_more() -> None:
    short, prompt, answer = (
        remote_estimates.estimate("gpt-4o-mini", *n).j for n in ((100, 50), (1000, 50), (100, 500))
    )
    assert short is not None
    assert prompt is not None
    assert answer is not None
    assert prompt > short
    assert answer > short


def test_estimate_is_linear_in_the_answer() -> None:
    one, two, three = (remote_estimates.estimate("claude-haiku-4-5", 0, n).j or 0.0 for n in (100, 200, 300))
    assert three - two == pytest.approx(two - one)


@pytest.mark.parametrize("name", ["openai/gpt-4o-mini", "gpt-4o-mini-2024-07-18", "openai/gpt-4o-mini:free"])
def test_names_with_provider_date_or_tag_are_found(name: str) -> None:
    assert remote_estimates.estimate(name, 10, 10).j is not None


def test_unknown_model_is_null_with_a_reason_and_never_zero() -> None:
    reading = remote_estimates.estimate("mystery-1", 10, 10)
    assert (reading.j, reading.low_j, reading.method) == (None, None, None)
    assert "joules_per_token or active_parameters_b" in reading.reason


def test_missing_token_counts_are_null_with_a_reason() -> None:
    assert remote_estimates.estimate("gpt-4o-mini", None, 10).j is None
    assert "how many tokens" in remote_estimates.estimate("gpt-4o-mini", 10, None).reason


def test_parameters_from_the_user_serve_a_model_that_is_not_known() -> None:
    small = remote_estimates.estimate("mystery-1", 10, 100, tier(active_parameters_b=3.0))
    large = remote_estimates.estimate("mystery-1", 10, 100, tier(active_parameters_b=3.0, total_parameters_b=400.0))
    assert small.j is not None
    assert large.j is not None
    assert small.j < large.j  # the same work on more accelerators


def test_users_own_joules_per_token_go_first() -> None:
    reading = remote_estimates.estimate("gpt-4o-mini", 999, 100, tier(joules_per_token=0.5))
    assert (reading.j, reading.meter) == (50.0, "user")
    assert reading.low_j is not None
    assert reading.high_j is not None
    assert reading.low_j < 50.0 < reading.high_j


def test_server_on_the_lan_is_not_taken_for_a_full_data_centre() -> None:
    edge = remote_estimates.estimate("mystery-1", 10, 100, tier(kind="edge", active_parameters_b=3.0)).j
    cloud = remote_estimates.estimate("mystery-1", 10, 100, tier(active_parameters_b=3.0)).j
    assert edge is not None
    assert cloud is not None
    assert edge > cloud


def test_providers_figure_is_a_lower_bound() -> None:
    reading = remote_estimates.reported(12.0)
    assert (reading.j, reading.low_j, reading.meter) == (12.0, 12.0, "provider")
    assert reading.high_j == pytest.approx(18.0)


def test_reference_is_the_setting_else_the_cloud_model_else_the_stated_default() -> None:
    cloud = tier(name="big", model="gpt-4o")
    lan = tier(name="lan", kind="edge")
    assert remote_estimates.reference(Config()) == ("gpt-4o-mini", None)
    assert remote_estimates.reference(Config(tiers=(lan, cloud))) == ("gpt-4o", cloud)
    assert remote_estimates.reference(Config(tiers=(cloud,), energy=EnergyConfig(reference="x"))) == ("x", None)


def test_estimating_leaves_the_processs_logging_alone() -> None:
    before = logging.getLoggerClass()
    remote_estimates.estimate("another-unknown-model", 1, 1)
    assert logging.getLoggerClass() is before
