"""A device's history: windows of it, wrap-around, resets, missing looks, clock jumps."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from halfwatt.daemon.meters.timeline import CounterTimeline, CounterValue, PowerTimeline


def look_all(
    values: Sequence[tuple[float, float | None]], range_j: float | None = None, **kind: float
) -> CounterTimeline:
    """A timeline that looked at these (moment, joules); None is a look that failed. One CPU second per second."""
    timeline = CounterTimeline(max_watts=kind.get("max_watts", 1000.0), update_s=kind.get("update_s", 0.0))
    for moment, joules in values:
        timeline.look(moment, {} if joules is None else {"a": CounterValue(joules, range_j)}, moment)
    return timeline


def test_constant_power_gives_power_times_time_for_any_window() -> None:
    timeline = look_all([(t, 20.0 * t) for t in range(11)])
    for start, end in ((0.0, 10.0), (2.0, 5.0), (2.3, 2.9), (1.7, 8.2)):
        span = timeline.span(start, end)
        assert span is not None
        assert span.j == pytest.approx(20 * (end - start))
        assert span.busy_s == pytest.approx(end - start)
        assert span.doubtful_j == 0


def test_wrap_around_is_bridged() -> None:
    timeline = look_all([(t, (240.0 + 10.0 * t) % 262.0) for t in range(8)], range_j=262.0)
    span = timeline.span(0, 7)
    assert span is not None
    assert (span.j, span.doubtful_j) == pytest.approx((70.0, 0.0))


def test_reset_is_filled_with_the_power_around_it_and_called_doubtful() -> None:
    timeline = look_all([(0, 100.0), (1, 110.0), (2, 3.0), (3, 13.0), (4, 23.0)])
    span = timeline.span(0, 4)
    assert span is not None
    assert (span.j, span.doubtful_j) == pytest.approx((40.0, 10.0))


def test_missed_look_is_bridged_by_the_next_one() -> None:
    timeline = look_all([(0, 0.0), (1, 10.0), (2, None), (3, 30.0)])
    span = timeline.span(0, 3)
    assert span is not None
    assert (span.j, span.doubtful_j) == (30.0, 0.0)


def test_clock_that_jumps_back_loses_no_later_joules() -> None:
    timeline = look_all([(10, 0.0), (11, 10.0), (5, 20.0), (6, 30.0), (7, 40.0)])
    span = timeline.span(5, 7)
    assert span is not None
    assert span.j == pytest.approx(20.0)


def test_clock_that_jumps_ahead_gives_a_possible_power() -> None:
    timeline = look_all([(0, 0.0), (1, 10.0), (3601, 20.0), (3602, 30.0)])
    span = timeline.span(3601, 3602)
    assert span is not None
    assert span.j == pytest.approx(10.0)


def test_several_counters_are_added() -> None:
    timeline = CounterTimeline(max_watts=1000)
    for t in range(4):
        timeline.look(t, {"package-0": CounterValue(5.0 * t), "dram-0": CounterValue(2.0 * t)}, 0.0)
    span = timeline.span(0, 3)
    assert span is not None
    assert span.j == pytest.approx(21.0)


def test_counter_that_appears_later_does_not_count_as_joules() -> None:
    timeline = CounterTimeline(max_watts=1e9)
    timeline.look(0, {"a": CounterValue(0.0)}, 0.0)
    timeline.look(1, {"a": CounterValue(10.0), "b": CounterValue(5000.0)}, 0.0)
    timeline.look(2, {"a": CounterValue(20.0), "b": CounterValue(5010.0)}, 0.0)
    span = timeline.span(0, 2)
    assert span is not None
    assert (span.j, span.doubtful_j) == pytest.approx((40.0, 20.0))


def test_edge_inside_an_update_interval_takes_the_power_of_its_own_side() -> None:
    # 10 W until 1.05 s, then 110 W; the counter is renewed every 0.1 s
    values = [(t / 10, 10 * min(t / 10, 1.05) + 110 * max(0.0, t / 10 - 1.05)) for t in range(31)]
    span = look_all(values, update_s=0.1).span(1.05, 3.0)
    assert span is not None
    assert span.j == pytest.approx(110 * 1.95, rel=0.001)


def test_look_missed_when_the_renewal_was_due_moves_no_joules_out_of_the_window() -> None:
    # 20 W; renewed at 0.1, 0.2, …, looked at every 0.05 s; the look at 0.30 is missed
    values = [(i / 20, 20.0 * (i // 2) / 10) for i in range(8)]
    timeline = look_all(
        [(moment, None if i == 6 else joules) for i, (moment, joules) in enumerate(values)], update_s=0.1
    )
    span = timeline.span(0.1, 0.35)
    assert span is not None
    assert (span.j, span.doubtful_j) == pytest.approx((5.0, 0.0))


def test_counter_that_is_not_renewed_yet_goes_on_with_its_last_power() -> None:
    timeline = look_all([(0.0, 0.0), (0.1, 5.0), (0.2, 10.0), (0.25, 10.0)], update_s=0.1)
    span = timeline.span(0.0, 0.25)
    assert span is not None
    assert (span.j, span.doubtful_j) == pytest.approx((12.5, 0.0))


def test_nothing_seen_is_not_zero() -> None:
    assert look_all([]).span(0, 1) is None
    assert look_all([(0, 5.0)]).span(0, 1) is None
    assert look_all([(0, 100.0), (1, 5.0)]).span(0, 1) is None  # nothing but a reset


def test_power_samples_are_integrated_and_a_hole_is_doubtful() -> None:
    timeline = PowerTimeline()
    for moment, watts in ((0.0, 10.0), (0.1, 20.0), (0.2, 20.0), (0.3, None), (1.2, 20.0), (1.3, 20.0), (1.4, 20.0)):
        timeline.look(moment, watts, 0.0)
    span = timeline.span(0.05, 1.35)
    assert span is not None
    assert span.j == pytest.approx(0.05 * 17.5 + 20 * 1.25)
    assert span.doubtful_j == pytest.approx(span.j * 1.0 / 1.3)
    assert timeline.span(0.0, 2.0) is None


def test_missed_power_sample_at_the_start_costs_no_share_of_the_busy_time() -> None:
    timeline = PowerTimeline()
    for moment, watts, busy_s in ((0.0, 10.0, 0.0), (20.0, None, 8.0), (20.1, 30.0, 8.1), (20.2, 30.0, 8.2)):
        timeline.look(moment, watts, busy_s)
    span = timeline.span(20.0, 20.2)
    assert span is not None
    assert span.busy_s == pytest.approx(0.2)


def test_missed_last_power_sample_goes_on_with_the_one_before_and_is_doubtful() -> None:
    timeline = PowerTimeline()
    for i in range(11):
        timeline.look(i / 10, 20.0 if i < 10 else None, i / 10)
    span = timeline.span(0.0, 1.0)
    assert span is not None
    assert (span.j, span.doubtful_j, span.busy_s) == pytest.approx((20.0, 2.0, 1.0))


def test_reset_is_filled_with_the_power_next_to_it_not_with_the_mean_of_the_window() -> None:
    joules = [0.0, 10.0, 20.0, 30.0, 30.5, 80.5, 130.5]  # 10 W for three seconds, then 50 W; the reset is at 3 s
    timeline = look_all([(t, j if t < 4 else j - 30) for t, j in enumerate(joules)])
    span = timeline.span(0, 6)
    assert span is not None
    assert span.j == pytest.approx(10 * 3 + (10 + 50) / 2 + 50 * 2)


def test_power_history_starts_anew_after_the_clock_jumped_back() -> None:
    timeline = PowerTimeline()
    for moment, watts in ((10.0, 900.0), (11.0, 900.0), (0.5, 10.0), (1.5, 10.0)):
        timeline.look(moment, watts, 0.0)
    span = timeline.span(0.5, 1.5)
    assert span is not None
    assert span.j == pytest.approx(10.0)
