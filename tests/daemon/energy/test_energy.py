"""Joule arithmetic: sums, differences, integrals, counters."""

from __future__ import annotations

import math

import pytest
from energy_rows import reading

from halfwatt.daemon.energy.readings import (
    Reading,
    add,
    always_local,
    book,
    combine,
    counter_delta,
    saved,
    scaled,
    trapezoid,
    unknown,
)


def test_errors_of_one_meter_add_up() -> None:
    total = combine([(1.0, reading(10.0)), (1.0, reading(30.0))])
    assert total is not None
    assert (total.j, total.low_j, total.high_j) == pytest.approx((40.0, 20.0, 60.0))


def test_errors_of_different_meters_add_in_quadrature() -> None:
    total = combine([(1.0, reading(6.0, "a", 1.0)), (1.0, reading(8.0, "b", 1.0))])
    assert total is not None
    assert (total.j, total.low_j, total.high_j) == pytest.approx((14.0, 4.0, 24.0))


def test_sum_with_an_unknown_part_is_unknown() -> None:
    assert combine([(1.0, reading(10.0)), (1.0, unknown("no meter"))]) is None


def test_tier_that_was_not_used_costs_nothing_and_unknown_stays_null() -> None:
    energy = book(router=reading(1.0), local=reading(10.0)).energy
    assert (energy.cloud_j, energy.total_j, energy.wasted_j) == (0.0, 11.0, 0.0)
    energy = book(router=reading(1.0), local=reading(10.0), cloud=unknown("unknown model")).energy
    assert (energy.cloud_j, energy.total_j, energy.low_j, energy.local_j) == (None, None, None, 10.0)
    assert energy.method is None


def test_method_of_a_sum_is_that_of_its_weakest_part() -> None:
    measured = Reading(5.0, 4.0, 6.0, "measured", "rapl", "1")
    assert book(router=reading(1.0), local=measured).energy.method == "modelled"
    assert book(local=measured, cloud=reading(1.0, "ecologits")).energy.method == "estimated"
    assert book(local=measured).energy.method == "measured"


def test_waste_is_a_part_of_the_total() -> None:
    parts = {"router": reading(1.0), "local": reading(10.0), "cloud": reading(20.0, "ecologits")}
    assert book(**parts, wasted="draft").energy.wasted_j == 10.0
    assert book(**parts, wasted="all").energy.wasted_j == 31.0
    assert book(**parts, wasted="draft").energy.total_j == 31.0


def test_saving_is_negative_when_the_reference_would_have_used_less() -> None:
    ours = book(local=Reading(60.0, 33.0, 89.0, "modelled", "cpu-model", "1"))
    saving = saved(ours, Reading(23.0, 14.0, 60.0, "estimated", "ecologits", "1"), "gpt-4o-mini")
    assert saving.j == pytest.approx(-37.0)
    assert saving.low_j == pytest.approx(-37.0 - math.hypot(29.0, 9.0))
    assert saving.high_j == pytest.approx(-37.0 + math.hypot(27.0, 37.0))
    assert saving.reference == "gpt-4o-mini"


def test_answer_by_the_reference_itself_saves_minus_the_router() -> None:
    cloud = reading(23.0, "ecologits")
    saving = saved(book(router=reading(0.4), cloud=cloud), cloud, "gpt-4o-mini")
    assert (saving.j, saving.low_j, saving.high_j) == pytest.approx((-0.4, -0.6, -0.2))


def test_saving_against_an_unknown_reference_is_null_and_named() -> None:
    saving = saved(book(local=reading(5.0)), unknown("unknown model"), "mystery-1")
    assert (saving.j, saving.low_j, saving.reference) == (None, None, "mystery-1")


def test_local_answer_costs_the_router_more_than_always_local() -> None:
    assert always_local(book(router=reading(0.4), local=reading(9.0)), None, 10).j == pytest.approx(-0.4)
    away = book(router=reading(0.4), cloud=reading(5.0, "ecologits"))
    assert always_local(away, reading(0.5), 40).j == pytest.approx(40 * 0.5 - 5.4)
    assert always_local(away, None, 40).j is None


def test_two_attempts_are_one_reading_with_both_meters_named() -> None:
    total = add([reading(2.0, "a"), reading(3.0, "b")])
    assert total is not None
    assert (total.j, total.meter, total.method) == (5.0, "a + b", "modelled")
    assert add([]) is None
    lost = add([reading(2.0), unknown("the worker is gone")])
    assert lost is not None
    assert (lost.j, lost.reason) == (None, "the worker is gone")


def test_scaling_keeps_unknown_unknown() -> None:
    assert scaled(unknown("why"), 3.0).j is None
    assert scaled(reading(2.0), 3.0).high_j == pytest.approx(9.0)


@pytest.mark.parametrize(
    ("start_s", "end_s", "joules"),
    [
        (0.0, 4.0, 1.0 * (10 + 20 + 30 + 20 + 10 - 5 - 5)),  # Δt·(ΣP − P₀/2 − Pₙ/2)
        (0.5, 1.5, 0.5 * (15 + 20) / 2 + 0.5 * (20 + 25) / 2),  # both edges between samples
        (1.25, 1.25, 0.0),
        (1.2, 1.4, 0.2 * (22 + 24) / 2),  # inside one interval
    ],
)
def test_power_samples_integrate_by_the_trapezoidal_rule_with_interpolated_edges(
    start_s: float, end_s: float, joules: float
) -> None:
    assert trapezoid([0, 1, 2, 3, 4], [10, 20, 30, 20, 10], start_s, end_s) == pytest.approx(joules)


def test_window_outside_the_samples_has_no_integral() -> None:
    assert trapezoid([1, 2], [5, 5], 0.5, 1.5) is None
    assert trapezoid([1, 2], [5, 5], 1.5, 2.5) is None
    assert trapezoid([1], [5], 1, 1) is None


def test_integral_of_a_ramp_is_exact() -> None:
    times = [i * 0.37 for i in range(20)]
    assert trapezoid(times, [3 * t + 2 for t in times], 0.5, 6.3) == pytest.approx(
        1.5 * (6.3**2 - 0.5**2) + 2 * (6.3 - 0.5)
    )


@pytest.mark.parametrize(
    ("before", "after", "range_j", "seconds", "delta"),
    [
        (100.0, 130.0, 262.0, 1.0, 30.0),
        (250.0, 18.0, 262.0, 1.0, 30.0),  # wrapped
        (250.0, 0.0, 262.0, 0.1, None),  # 12 J in 0.1 s at 100 W at most: a reset
        (250.0, 0.0, None, 1.0, None),  # a counter that never wraps fell: a reset
        (100.0, 900.0, 262.0, 1.0, None),  # more than the device can draw
        (100.0, 100.0, None, 1.0, 0.0),
    ],
)
def test_counter_fall_is_a_wrap_only_if_the_joules_are_possible(
    before: float, after: float, range_j: float | None, seconds: float, delta: float | None
) -> None:
    assert counter_delta(before, after, range_j, seconds, max_watts=100.0) == delta
