"""The measures of the table, on numbers that can be checked by hand and on the checks the data states."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from router_data import data_dir as data_dir

from halfwatt.router_model.baselines.ours import GainEstimates, best_lambda, choose, lambda_for_accuracy
from halfwatt.router_model.baselines.soft_head import best_shift
from halfwatt.router_model.errors import DataMissing
from halfwatt.router_model.labelling.calibrate import wilson
from halfwatt.router_model.labelling.labels import energy_outcomes, llama_outcomes, local_outcomes
from halfwatt.router_model.labelling.tasks import load_tasks
from halfwatt.router_model.measures.evaluation import (
    PairOutcomes,
    apgr,
    auroc,
    calibration_error,
    cpt,
    folds,
    hull_area,
    interval,
    oracle,
    point,
    reduction,
)
from halfwatt.router_model.training import kernel_ridge

PAIR = PairOutcomes(
    passed=np.array([[1, 1], [0, 1], [0, 0], [1, 0]], dtype=float),
    energy_j=np.array([[10, 30], [10, 30], [20, 15], [10, 30]], dtype=float),
)
UNEVEN = PairOutcomes(np.array([[0, 1], [0, 1], [1, 1], [1, 1]], dtype=float), np.array([[1.0, 3.0]] * 4))


def test_oracle_takes_the_only_correct_model_and_the_cheaper_one_on_ties() -> None:
    assert oracle(PAIR).tolist() == [0, 1, 1, 0]


def test_random_routing_lies_on_the_line_and_ends_save_nothing() -> None:
    for share in (0.0, 0.3, 1.0):
        assert reduction(UNEVEN, np.full(4, share)) == pytest.approx(0)


def test_sending_only_what_the_weak_model_fails_saves_a_third() -> None:
    strong = np.array([1.0, 1.0, 0.0, 0.0])
    assert point(UNEVEN, strong).accuracy == 1
    assert reduction(UNEVEN, strong) == pytest.approx((3 - 2) / 3)


def test_interval_holds_the_reduction() -> None:
    random = np.random.default_rng(1)
    passed = (random.random((300, 2)) < (0.4, 0.7)).astype(float)
    pair = PairOutcomes(passed, np.tile([1.0, 3.0], (300, 1)))
    strong = oracle(pair)
    low, high = interval(pair, strong)
    assert low < reduction(pair, strong) < high


def test_curve_measures_of_the_line_are_those_of_chance() -> None:
    line = [point(UNEVEN, np.full(4, share)) for share in (0.25, 0.5)]
    assert apgr(UNEVEN, line) == pytest.approx(0.5, abs=0.01)
    assert cpt(UNEVEN, line, 0.5) == pytest.approx(0.5, abs=0.01)
    assert hull_area(UNEVEN, line) == pytest.approx(0.75, abs=0.01)


def test_better_points_raise_every_curve_measure() -> None:
    good = [point(UNEVEN, np.array([1.0, 1.0, 0.0, 0.0]))]
    assert apgr(UNEVEN, good) > 0.7
    reached = cpt(UNEVEN, good, 0.8)
    assert reached is not None
    assert reached < 0.5
    assert cpt(UNEVEN, [], 1.5) is None
    assert hull_area(UNEVEN, good) > 0.85


def test_auroc_counts_ties_as_half() -> None:
    assert auroc(np.array([0.1, 0.4, 0.4, 0.9]), np.array([0, 0, 1, 1])) == pytest.approx(0.875)


def test_calibration_error_is_zero_for_right_shares() -> None:
    p, passed = np.full(100, 0.25), np.array([1.0, 0, 0, 0] * 25)
    assert calibration_error(p, passed, n_bins=1) == pytest.approx(0)
    assert calibration_error(np.full(100, 0.75), passed, n_bins=1) == pytest.approx(0.5)


def test_every_task_is_tested_once_and_never_trained_on_in_its_fold() -> None:
    tested = []
    for train, test in folds(103, seed=4):
        assert not set(train) & set(test)
        tested += test.tolist()
    assert sorted(tested) == list(range(103))


def test_lambda_for_accuracy_is_the_largest_that_keeps_it() -> None:
    held = GainEstimates(np.array([0.9, 0.5, 0.05, 0.01]), np.full(4, 100.0), np.zeros((4, 2)))
    pair = PairOutcomes(np.array([[0, 1], [0, 1], [1, 1], [1, 1]], dtype=float), np.array([[1.0, 101.0]] * 4))
    chosen = lambda_for_accuracy(pair, held, 0.99)
    assert choose(held, chosen).tolist() == [1, 1, 0, 0]
    assert choose(held, best_lambda(pair, held)).tolist() == [1, 1, 0, 0]


def test_shift_spreads_the_labels_most() -> None:
    assert best_shift(np.array([-1, 0, 0, 0, 0, 1], dtype=float)) in (0.0, 1.0)
    assert best_shift(np.array([-1, -1, -1, 1, 1, 1], dtype=float)) == 1.0


def test_left_out_predictions_equal_refitting_without_the_row() -> None:
    random = np.random.default_rng(0)
    points = random.normal(size=(30, 3))
    gram = np.exp(-((points[:, None] - points[None]) ** 2).sum(axis=2))
    targets = random.normal(size=(30, 1))
    fitted = kernel_ridge.fit(gram, targets, 0.5)
    strength = 0.5 * (1 - gram.mean())
    rest = np.arange(1, 30)
    inverse = np.linalg.inv(gram[np.ix_(rest, rest)] + strength * np.eye(29))
    by_hand = gram[0, rest] @ inverse @ (targets[rest] - fitted.offset) + fitted.offset
    assert fitted.left_out[0, 0] == pytest.approx(float(by_hand[0]))


def test_target_with_holes_is_learned_from_the_rows_that_have_it() -> None:
    gram = np.eye(6) + 0.1
    targets = np.array([[1, 1], [0, 0], [1, 0], [0, 0], [1, 1], [0, 0]], dtype=float)
    known = np.array([[1, 1], [1, 0], [1, 0], [1, 1], [1, 1], [1, 1]], dtype=bool)
    fitted = kernel_ridge.fit(gram, targets, 1.0, known)
    assert fitted.coefficients[1:3, 1].tolist() == [0, 0]
    assert np.isfinite(fitted.coefficients).all()
    assert fitted.offset[1] == 0.5
    other = kernel_ridge.fit(gram, np.where(known, targets, 9.0), 1.0, known)
    assert (other.coefficients == fitted.coefficients).all()


def test_wilson_interval_narrows_with_labels() -> None:
    low_few, high_few = wilson(5, 10)
    low_many, high_many = wilson(50, 100)
    assert low_few < low_many < 0.5 < high_many < high_few


def test_energy_table_holds_the_checks_that_its_readme_states(data_dir: Path) -> None:
    names = [task.task_id for task in load_tasks(data_dir)]
    found = energy_outcomes(data_dir, names)
    pair = PairOutcomes(found.passed, found.energy_j)
    assert pair.ends() == pytest.approx((0.5325, 82.09, 0.6801, 160.84), abs=0.005)
    best = point(pair, oracle(pair))
    assert best.accuracy == pytest.approx(0.7293, abs=1e-4)
    assert best.energy_j == pytest.approx(94.01, abs=0.01)


def test_local_pair_has_an_outcome_for_every_task(data_dir: Path) -> None:
    found = local_outcomes(data_dir, [task.task_id for task in load_tasks(data_dir)])
    assert found.known.all()
    assert (found.tokens > 0).all()
    assert set(np.unique(found.passed)) == {0.0, 1.0}


def test_table_that_lacks_a_task_is_said_and_not_filled_up(data_dir: Path) -> None:
    with pytest.raises(DataMissing, match="1 of the tasks"):
        local_outcomes(data_dir, ["mbpp/1", "mbpp/of another set"])


def test_outcomes_that_a_table_may_lack_are_masked(data_dir: Path) -> None:
    found = llama_outcomes(data_dir, ["mbpp/11", "HumanEval/1"])
    assert found.known.tolist() == [[True] * 3, [False] * 3]
    assert not found.passed[1].any()
