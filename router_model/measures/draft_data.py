"""The local pair, 0.5B → 1.5B, for routers that look at a draft: outcomes, modelled joules, recordings.

Joules are modelled, not measured: a new token costs what it does on two cores, a prompt token an eighth of that.
`strong_factor` makes the strong model dearer, as a far one would be. This module measures no router.
"""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from halfwatt.router_model.labelling.labels import local_outcomes, local_prompt_tokens, local_statistics, read_rows
from halfwatt.router_model.training.views import Inputs

from . import local_pair
from .evaluation import Array, Mask, PairOutcomes, Rows
from .family import PairData

JOULES_PER_TOKEN = (16 / 22, 16 / 12)  # two cores at 8 W, 22 and 12 tokens/s
PROMPT_SHARE = 1 / 8  # joules of a prompt token, in new tokens
RUN_J = 0.5  # one program in the sandbox: some 60 ms of one core
WATTS = 16.0
N_SAMPLES = 5
TEST_COUNTS = (1, 3, 5, 7)
_DATA = Path(__file__).parents[1] / "data"
SAMPLES_TABLE = _DATA / "published_samples.csv"
TESTS_TABLE = _DATA / "published_tests.csv"


@dataclass(frozen=True)
class RecordedOutcomes:
    """Text-free outcomes of recorded generations by the weak model; rows without recordings hold 0.

    `sample_passed`, `sample_tokens`, `sample_cluster`: `(n, 5)`, for the tasks of `has_samples`; equal numbers within a
    row are one cluster. `tests_passed`, `tests_tokens`: `(n, 4)`, for the tasks of `has_tests`: the draft passes the
    first k of its tests; tokens up to the k-th.
    """

    has_samples: Mask
    sample_passed: Array
    sample_tokens: Array
    sample_cluster: Array
    has_tests: Mask
    draft_passed: Array
    tests_passed: Array
    tests_tokens: Array
    tests_prompt_tokens: Array

    def tasks(self, needs: str) -> Rows:
        """Tasks that have what a router needs: `samples` or `tests`."""
        return self.with_samples if needs == "samples" else self.with_tests

    @property
    def with_samples(self) -> Rows:
        """Tasks that have samples."""
        return np.flatnonzero(self.has_samples)

    @property
    def with_tests(self) -> Rows:
        """Tasks that have tests."""
        return np.flatnonzero(self.has_tests)


@dataclass(frozen=True)
class DraftData(PairData):
    """`PairData` of the local pair with what is known after a draft."""

    statistics: Array = field(default_factory=lambda: np.empty(0), repr=False)
    prompt_tokens: Array = field(default_factory=lambda: np.empty(0), repr=False)
    recorded: RecordedOutcomes | None = None


class Fold:
    """One fold. The estimates of our own two stages are made once, for all routers that use them."""

    def __init__(self, data: DraftData, train: Rows, test: Rows, seed: int) -> None:
        self.data, self.train, self.test, self.seed = data, train, test, seed

    @cached_property
    def estimates(self) -> tuple[local_pair.LocalPairEstimates, local_pair.LocalPairEstimates]:
        """Held-out estimates of the training rows, and estimates of the test rows."""
        data = self.data
        local = local_pair.LocalData(data.inputs, data.pair.passed, data.tokens, data.statistics)
        return local_pair.estimate(local, self.train, self.test)

    def pair(self, rows: Rows) -> PairOutcomes:
        """Outcomes of some rows."""
        return PairOutcomes(self.data.pair.passed[rows], self.data.pair.energy_j[rows])


def new_token_j() -> float:
    """Joules of one new token of the weak model."""
    return JOULES_PER_TOKEN[0]


def draft_data(
    data_dir: Path, names: list[str], inputs: Inputs, n_characters: Array, strong_factor: float
) -> DraftData:
    """Everything about the local pair, in task order."""
    outcomes = local_outcomes(data_dir, names)
    prompt = local_prompt_tokens(data_dir, names)
    joules = (outcomes.tokens + PROMPT_SHARE * prompt[:, None]) * np.array(JOULES_PER_TOKEN)
    return DraftData(
        pair=PairOutcomes(outcomes.passed, joules * np.array([1.0, strong_factor])),
        tokens=outcomes.tokens,
        inputs=inputs,
        n_characters=n_characters,
        privileged=np.empty(0),
        lambdas=(0.0, 0.5, 1.0),
        statistics=local_statistics(data_dir, names),
        prompt_tokens=prompt,
        recorded=recorded_outcomes(names),
    )


def recorded_outcomes(names: list[str]) -> RecordedOutcomes:
    """The committed tables of the recordings, in task order. Tasks with fewer than five samples count as without."""
    place = {name: index for index, name in enumerate(names)}
    samples, sampled = np.zeros((3, len(names), N_SAMPLES)), np.zeros((len(names), N_SAMPLES), dtype=bool)
    for row in read_rows(SAMPLES_TABLE) if SAMPLES_TABLE.exists() else ():
        at, sample = place[row["task_id"]], int(row["sample"])
        samples[:, at, sample] = float(row["passed"]), float(row["n_tokens"]), float(row["cluster"])
        sampled[at, sample] = True
    has_samples = np.asarray(sampled.all(axis=1))
    samples[:, ~has_samples] = 0.0
    tests, tokens = (np.zeros((len(names), len(TEST_COUNTS))) for _ in range(2))
    draft, prompt = (np.zeros(len(names)) for _ in range(2))
    has_tests = np.zeros(len(names), dtype=bool)
    for row in read_rows(TESTS_TABLE) if TESTS_TABLE.exists() else ():
        at = place[row["task_id"]]
        has_tests[at] = True
        draft[at], prompt[at] = float(row["draft_passed"]), float(row["prompt_tokens"])
        tests[at] = [float(row[f"passes_{k}"]) for k in TEST_COUNTS]
        tokens[at] = [float(row[f"tokens_{k}"]) for k in TEST_COUNTS]
    return RecordedOutcomes(has_samples, samples[0], samples[1], samples[2], has_tests, draft, tests, tokens, prompt)
