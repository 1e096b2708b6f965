"""The table of the local pair: routers before a draft, routers after it, and ours, on the same folds.

    python -m halfwatt.router_model.bench.draft_table --data-dir DIR [--json]

Each row names the number of its tasks. A row that needs recorded samples or tests covers the tasks that have them, and
always-strong, the straight line and our own curve are taken on the same tasks. So `ours_pct` is a paired comparison:
how many per cent more (+) or fewer (−) joules our curve of both stages needs at that row's accuracy.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from halfwatt.router_model.measures.draft_data import WATTS, DraftData, draft_data
from halfwatt.router_model.measures.evaluation import Array, PairOutcomes, Rows
from halfwatt.router_model.measures.spending import Spending, against, interval, reduction, routed
from halfwatt.router_model.training.views import Inputs

from . import joined_signals, judged_pairs
from .draft_runs import DraftFamily, Results, run
from .joined_signals import FEWEST_TASKS
from .registry import OURS, draft_families

STRONG_FACTORS = (1.0, 10.0)
N_SEEDS = 3
_ALSO_ON_THE_PART = ("always weak", "always strong", "mean log-probability", "halfwatt, stage 1", OURS)
_JUDGED = (
    ("always strong", ""), ("ensemble of heads", "variance"), ("Monte Carlo dropout, variance", ""),
    ("mean log-probability", ""), ("semantic entropy, 5 samples", ""), ("halfwatt, stage 1", ""), (OURS, ""),
)  # fmt: skip


def measure(
    data_dir: Path,
    names: list[str],
    inputs: Inputs,
    n_characters: Array,
    quick: bool = False,
    checkpoints: Path | None = None,
) -> dict[str, Any]:
    """Rows for a strong model on the same machine and for one ten times dearer."""
    seeds = range(1 if quick else N_SEEDS)
    near = draft_data(data_dir, names, inputs, n_characters, 1.0)
    tables: list[dict[str, Any]] = []
    found = None if quick else judged_pairs.read_judged_pairs(names)
    preferred = None
    for factor in STRONG_FACTORS[1:] if quick else STRONG_FACTORS:
        pair = PairOutcomes(near.pair.passed, near.pair.energy_j * np.array([1.0, factor]))
        data = replace(near, pair=pair)
        chosen = [family for family in draft_families(quick) if _enough(data, family.needs)]
        results = run(data, chosen, seeds, checkpoints, f"local pair, strong ×{factor:g}")
        rows = rows_of(data, chosen, results)
        if found is not None and preferred is None:
            preferred = judged_pairs.measure(found, results, _JUDGED)
        weak_j, strong_j = (round(float(value), 1) for value in pair.energy_j.mean(axis=0))
        tables.append({"strong_factor": factor, "weak_j": weak_j, "strong_j": strong_j, "routers": rows})
    joined = [] if quick else joined_signals.measure(near, found)
    return {"n_seeds": len(seeds), "tables": tables, "joined": joined, "preference": preferred}


def rows_of(data: DraftData, chosen: Sequence[DraftFamily], results: Results) -> list[dict[str, Any]]:
    """One row per router and operating point; our own routers also on the tasks of the recordings."""
    everything = np.arange(len(data.pair.passed))
    rows: list[dict[str, Any]] = []
    for family in chosen:
        rows += _rows(data.pair, _tasks(data, family.needs, everything), family, results[family.name], results[OURS])
    for needs in ("samples", "tests"):
        if _enough(data, needs):
            at = _tasks(data, needs, everything)
            for family in (family for family in chosen if family.name in _ALSO_ON_THE_PART):
                on = replace(family, name=f"{family.name}, on the tasks with {needs}")
                rows += _rows(data.pair, at, on, results[family.name], results[OURS])
    return rows


def _rows(
    pair: PairOutcomes, at: Rows, family: DraftFamily, spent: dict[str, Spending], ours: dict[str, Spending]
) -> list[dict[str, Any]]:
    part = PairOutcomes(pair.passed[at], pair.energy_j[at])
    curve = {name: one.take(at) for name, one in ours.items()}
    curve["always weak"] = routed(part, np.zeros(len(at)))  # both are points of our dial
    curve["always strong"] = routed(part, np.ones(len(at)))
    return [_row(part, family, name, one.take(at), curve) for name, one in spent.items()]


def _row(
    pair: PairOutcomes, family: DraftFamily, setting: str, spent: Spending, curve: dict[str, Spending]
) -> dict[str, Any]:
    low, high = interval(pair, spent)
    ours = [round(100 * value, 1) for value in against(curve, spent)]
    accuracy, energy = float(spent.passed.mean()), float(spent.energy_j.mean())
    return {
        "router": family.name,
        "setting": setting,
        "source": family.source,
        "n_tasks": len(spent.passed),
        "accuracy_pct": round(100 * accuracy, 2),
        "energy_j": round(energy, 2),
        "weak_share_pct": round(100 * float(spent.weak.mean()), 1),
        "reduction_pct": round(100 * reduction(pair, spent), 2),
        "low": round(100 * low, 2),
        "high": round(100 * high, 2),
        "accuracy_per_s": round(accuracy / (energy / WATTS), 4),
        "ours_pct": ours[0],
        "ours_low": ours[1],
        "ours_high": ours[2],
    }


def _tasks(data: DraftData, needs: str, everything: Rows) -> Rows:
    if not needs or data.recorded is None:
        return everything
    return data.recorded.tasks(needs)


def _enough(data: DraftData, needs: str) -> bool:
    """Whether a router's recordings exist for enough tasks to say anything."""
    return not needs or (data.recorded is not None and len(data.recorded.tasks(needs)) >= FEWEST_TASKS)


def main(argv: list[str] | None = None) -> int:
    """Print the table alone."""
    from halfwatt.router_model.labelling.tasks import load_tasks
    from halfwatt.router_model.serving.router import Router
    from halfwatt.router_model.training.views import inputs_of

    from .report_published import draft_tables_text

    parser = argparse.ArgumentParser(description="Every router of the local pair on one table.")
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    parser.add_argument("--checkpoints", type=Path, help="folder of checkpoints: a stopped run goes on where it was")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args(argv)
    tasks = load_tasks(options.data_dir)
    texts = [task.router_text for task in tasks]
    router = Router.load()
    inputs = inputs_of(texts, np.array([router.meaning(text) for text in texts]))
    lengths = np.array([len(text) for text in texts], dtype=float)
    result = measure(
        options.data_dir, [task.task_id for task in tasks], inputs, lengths, options.quick, options.checkpoints
    )
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(draft_tables_text(result))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
