"""The long part of the bench: every router on every fold of every repetition, on two processes, resumable.

One unit of work is one router in one repetition. A finished unit becomes a checkpoint, named by what it depends on: the
inputs, the outcomes, the source of the router and of what routers share. So a bench that was stopped goes on where it
was, and a changed router is measured anew. This module computes no measures (`table.py`).
"""

import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from halfwatt.router_model.measures import checkpoints, evaluation
from halfwatt.router_model.measures.evaluation import Array, folds
from halfwatt.router_model.measures.family import PairData, RouterFamily
from halfwatt.router_model.progress import tracked
from halfwatt.router_model.training import kernel_ridge, teacher, views

from .registry import families

N_PROCESSES = 2
_SHARED = (evaluation, kernel_ridge, teacher, views)
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_data: PairData | None = None


class Repetition:
    """One router in one repetition.

    `strong`: per operating point, the share of each task sent to the strong model. `p_pass`: `(n_tasks, 2)` or None.
    `cpu_s`: processor seconds of all folds together.
    """

    def __init__(self, strong: dict[str, Array], p_pass: Array | None, cpu_s: float) -> None:
        self.strong = strong
        self.p_pass = p_pass
        self.cpu_s = cpu_s

    def save(self, path: Path) -> None:
        """Write it to a file that appears whole or not at all."""
        p_pass = np.empty(0) if self.p_pass is None else self.p_pass
        checkpoints.save(
            path, names=list(self.strong), strong=list(self.strong.values()), p_pass=p_pass, cpu_s=self.cpu_s
        )

    @classmethod
    def read(cls, path: Path) -> "Repetition":
        """The same repetition again."""
        found = checkpoints.read(path)
        strong = dict(zip(found["names"].tolist(), found["strong"], strict=True))
        return cls(strong, found["p_pass"] if found["p_pass"].size else None, float(found["cpu_s"]))


def repetition(family: RouterFamily, data: PairData, seed: int) -> Repetition:
    """Cross-validate one router once: five folds by task."""
    n_tasks = len(data.pair.passed)
    strong: dict[str, Array] = {}
    p_pass, spent_s = None, 0.0
    for train, test in folds(n_tasks, seed):
        started = time.process_time()
        routed = family.route(data, train, test, seed)
        spent_s += time.process_time() - started
        for name, shares in routed.strong.items():
            strong.setdefault(name, np.zeros(n_tasks))[test] = shares
        if routed.p_pass is not None:
            p_pass = np.zeros((n_tasks, 2)) if p_pass is None else p_pass
            p_pass[test] = routed.p_pass
    return Repetition(strong, p_pass, spent_s)


def run_all(
    chosen: Sequence[RouterFamily],
    data: PairData,
    seeds: Sequence[int],
    folder: Path | None,
    n_processes: int = N_PROCESSES,
) -> list[list[Repetition]]:
    """Repetitions by router, in the order given. `folder` holds the checkpoints; None writes none."""
    found: dict[tuple[int, int], Repetition] = {}
    units = [(seed, place) for seed in seeds for place in range(len(chosen))]
    for seed, place, result in tracked(_results(chosen, data, units, folder, n_processes), "bench", len(units)):
        found[seed, place] = result
    return [[found[seed, place] for seed in seeds] for place in range(len(chosen))]


def _results(
    chosen: Sequence[RouterFamily], data: PairData, units: list[tuple[int, int]], folder: Path | None, n_processes: int
) -> Iterator[tuple[int, int, Repetition]]:
    files = {} if folder is None else _files(chosen, data, units, folder)
    left = [unit for unit in units if unit not in files or not files[unit].exists()]
    for seed, place in units:
        if (seed, place) not in left:
            yield seed, place, Repetition.read(files[seed, place])
    for (seed, place), result in _computed(chosen, data, left, n_processes):
        if (seed, place) in files:
            result.save(files[seed, place])
        yield seed, place, result


def _computed(
    chosen: Sequence[RouterFamily], data: PairData, left: list[tuple[int, int]], n_processes: int
) -> Iterator[tuple[tuple[int, int], Repetition]]:
    if n_processes == 1:
        for seed, place in left:
            yield (seed, place), repetition(chosen[place], data, seed)
        return
    for name in ONE_THREAD:  # read by the children when they import numpy: two processes, one core each
        os.environ.setdefault(name, "1")
    with ProcessPoolExecutor(n_processes, get_context("spawn"), _take, (data,)) as pool:
        waiting: dict[Future[Repetition], tuple[int, int]] = {
            pool.submit(_work, chosen[place].name, seed): (seed, place) for seed, place in left
        }
        for done in as_completed(waiting):
            yield waiting[done], done.result()


def _take(data: PairData) -> None:
    global _data  # once per process instead of once per unit
    _data = data


def _work(name: str, seed: int) -> Repetition:
    assert _data is not None  # noqa: S101  # set by the pool's initializer
    return repetition(next(family for family in families() if family.name == name), _data, seed)


def _files(
    chosen: Sequence[RouterFamily], data: PairData, units: list[tuple[int, int]], folder: Path
) -> dict[tuple[int, int], Path]:
    inputs = data.inputs
    outcomes = (data.pair.passed, data.pair.energy_j, data.tokens, data.n_characters, data.privileged)
    arrays = (*outcomes, inputs.words, inputs.grams, inputs.meaning, inputs.surface)
    stems = [
        checkpoints.key(f"{family.name} {data.lambdas}", arrays, (*_SHARED, checkpoints.module_of(family.route)))
        for family in chosen
    ]
    return {(seed, place): folder / f"{stems[place]}-{seed}.npz" for seed, place in units}
