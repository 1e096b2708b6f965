"""The bench's long part: what is finished is kept, what changed is done again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from halfwatt.router_model.bench import runs as bench_runs
from halfwatt.router_model.bench.registry import families
from halfwatt.router_model.bench.runs import Repetition, run_all
from halfwatt.router_model.bench.table import average, hull_of
from halfwatt.router_model.measures.evaluation import PairOutcomes, Rows, point, upper_hull
from halfwatt.router_model.measures.family import PairData, RouterFamily, RoutingShares
from halfwatt.router_model.training.views import Inputs

N_TASKS = 20


class Counted:
    """A router that sends every second task to the strong model and counts how often it was trained."""

    def __init__(self) -> None:
        self.n_trained = 0

    def route(self, data: PairData, train: Rows, test: Rows, seed: int) -> RoutingShares:
        self.n_trained += 1
        return RoutingShares({"half": (test % 2).astype(float)}, np.full((len(test), 2), 0.5))


@pytest.fixture
def data() -> PairData:
    random = np.random.default_rng(0)
    pair = PairOutcomes((random.random((N_TASKS, 2)) < (0.4, 0.8)).astype(float), np.tile([1.0, 3.0], (N_TASKS, 1)))
    inputs = Inputs(*(random.normal(size=(N_TASKS, 3)).astype(np.float32) for _ in range(4)))
    return PairData(pair, np.ones((N_TASKS, 2)), inputs, np.ones(N_TASKS), np.zeros((N_TASKS, 1)))


def test_every_task_is_tested_once_by_a_router_that_did_not_see_it(data: PairData) -> None:
    counted = Counted()
    ((result,),) = run_all([RouterFamily("counted", counted.route, "test")], data, [0], None, 1)
    assert counted.n_trained == 5
    assert result.strong["half"].tolist() == [place % 2 for place in range(N_TASKS)]


def test_a_stopped_bench_goes_on_where_it_was(data: PairData, tmp_path: Path) -> None:
    first, second = Counted(), Counted()
    run_all([RouterFamily("counted", first.route, "test")], data, [0, 1], tmp_path, 1)
    ((_, _, new),) = run_all([RouterFamily("counted", second.route, "test")], data, [0, 1, 2], tmp_path, 1)
    assert second.n_trained == 5
    assert new.p_pass is not None


def test_other_outcomes_are_measured_anew(data: PairData, tmp_path: Path) -> None:
    first, second = Counted(), Counted()
    run_all([RouterFamily("counted", first.route, "test")], data, [0], tmp_path, 1)
    other = replace(data, pair=PairOutcomes(1 - data.pair.passed, data.pair.energy_j))
    run_all([RouterFamily("counted", second.route, "test")], other, [0], tmp_path, 1)
    assert second.n_trained == 5


def test_processes_give_what_one_process_gives(data: PairData, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in bench_runs.ONE_THREAD:
        monkeypatch.setenv(name, "1")
    weak = next(family for family in families() if family.name == "length only")
    (alone,), (together,) = (run_all([weak], data, [3], None, n) for n in (1, 2))
    assert all((alone[0].strong[name] == together[0].strong[name]).all() for name in alone[0].strong)


def test_hull_keeps_what_no_mixture_beats(data: PairData) -> None:
    ends = [np.zeros(N_TASKS), np.ones(N_TASKS)]
    better = (data.pair.passed[:, 1] > data.pair.passed[:, 0]).astype(float)
    hull = upper_hull(data.pair, [*ends, better, 1 - better])
    assert any((each == better).all() for each in hull)
    assert not any((each == 1 - better).all() for each in hull)


def test_mixture_on_the_hull_lands_at_its_accuracy(data: PairData) -> None:
    routed = Repetition({"": np.ones(N_TASKS) * (np.arange(N_TASKS) % 2)}, None, 0.0)
    mixed = hull_of([average(RouterFamily("other", Counted().route, "a study"), [routed])], data.pair, [0.6])
    assert point(data.pair, mixed.strong["60 %"]).accuracy == pytest.approx(0.6)
