"""The long part of the local pair's table: every router on every fold, resumable.

One unit of work is one router on one fold. A finished unit becomes a checkpoint, named by what it depends on: outcomes,
inputs, recordings, the source of the router. So a stopped run goes on where it was, and a changed router is measured
anew. This module computes no measures (`draft_table.py`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from halfwatt.router_model.measures import checkpoints, draft_data, local_pair, spending
from halfwatt.router_model.measures.draft_data import DraftData, Fold
from halfwatt.router_model.measures.evaluation import folds
from halfwatt.router_model.measures.family import RouterFamily
from halfwatt.router_model.measures.spending import Spending, routed
from halfwatt.router_model.progress import tracked

Spend = Callable[[Fold], dict[str, Spending]]
Results = dict[str, dict[str, Spending]]
_SHARED = (draft_data, local_pair, spending)
_PARTS = ("passed", "energy_j", "weak", "known")  # of `Spending`, in its order


@dataclass(frozen=True)
class DraftFamily:
    """One row group: what it spends on a fold, where it comes from, and which recordings it needs."""

    name: str
    spend: Spend
    source: str
    needs: str = ""
    written_in: ModuleType | None = None  # the module whose source a finished unit depends on


def before_a_draft(family: RouterFamily) -> DraftFamily:
    """A router that chooses before generation, as a row group of the local pair's table."""

    def spend(fold: Fold) -> dict[str, Spending]:
        strong = family.route(fold.data, fold.train, fold.test, fold.seed).strong
        return {name: routed(fold.pair(fold.test), shares) for name, shares in strong.items()}

    return DraftFamily(family.name, spend, family.source, "", checkpoints.module_of(family.route))


def run(data: DraftData, chosen: Sequence[DraftFamily], seeds: range, folder: Path | None, name: str) -> Results:
    """Cross-validate all routers; by router and operating point, means over the repetitions per task."""
    n_tasks = len(data.pair.passed)
    totals: dict[str, dict[str, Spending]] = {family.name: {} for family in chosen}
    runs = [(seed, train, test) for seed in seeds for train, test in folds(n_tasks, seed)]
    stems = {} if folder is None else {family.name: _stem(data, family) for family in chosen}
    for place, (seed, train, test) in enumerate(tracked(runs, name, len(runs))):
        fold = Fold(data, train, test, seed)
        for family in chosen:
            path = None if folder is None else folder / f"{stems[family.name]}-{place}.npz"
            for setting, spent in _unit(family, fold, path).items():
                total = totals[family.name].setdefault(setting, _nothing(n_tasks))
                total.passed[test] += spent.passed / len(seeds)
                total.energy_j[test] += spent.energy_j / len(seeds)
                total.weak[test] += spent.weak / len(seeds)
                total.known[test] &= spent.known
    return totals


def _nothing(n_tasks: int) -> Spending:
    return Spending(np.zeros(n_tasks), np.zeros(n_tasks), np.zeros(n_tasks), np.ones(n_tasks, dtype=bool))


def _unit(family: DraftFamily, fold: Fold, path: Path | None) -> dict[str, Spending]:
    """What a router spends on a fold, by operating point; read where it was measured before."""
    if path is not None and path.exists():
        stored = checkpoints.read(path)
        parts = zip(*(stored[name] for name in _PARTS), strict=True)
        return {name: Spending(*each) for name, each in zip(stored["names"].tolist(), parts, strict=True)}
    spent = family.spend(fold)
    if path is not None:
        checkpoints.save(
            path, names=list(spent), **{part: [getattr(one, part) for one in spent.values()] for part in _PARTS}
        )
    return spent


def _stem(data: DraftData, family: DraftFamily) -> str:
    arrays: list[Any] = [data.pair.passed, data.pair.energy_j, data.tokens, data.statistics]
    arrays += [data.inputs.words, data.inputs.grams, data.inputs.meaning, data.inputs.surface]
    if family.needs and data.recorded is not None:
        arrays += [*vars(data.recorded).values()]
    module = family.written_in or checkpoints.module_of(family.spend)
    return checkpoints.key(f"{family.name} {data.lambdas}", arrays, (*_SHARED, module))
