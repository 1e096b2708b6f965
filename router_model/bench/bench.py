"""Stage 4, *evaluate*: the whole table from the data folder and the recorded generations, in one command.

    halfwatt router bench --data-dir DIR [--json] [--quick]

Every router is trained and measured by the same code on the same folds. The encoder of the shipped, quantized artifact
embeds the texts unless another encoder folder is given. The quick mode runs one repetition and a few routers, and
compares its figures with its own expected ranges.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from halfwatt.router_model.baselines import bandits, finetuned
from halfwatt.router_model.errors import DataMissing
from halfwatt.router_model.labelling.labels import energy_durations, energy_outcomes, local_outcomes, local_statistics
from halfwatt.router_model.labelling.tasks import Task, load_tasks
from halfwatt.router_model.measures.evaluation import PairOutcomes
from halfwatt.router_model.measures.family import PairData
from halfwatt.router_model.measures.local_pair import LocalData
from halfwatt.router_model.serving.artifact_io import total_bytes
from halfwatt.router_model.serving.encoder import Encoder
from halfwatt.router_model.serving.router import Router
from halfwatt.router_model.training import teacher
from halfwatt.router_model.training.views import Inputs, inputs_of

from . import draft_table, llama_pairs, local_savings
from .latency import measure_latency
from .registry import families
from .runs import N_PROCESSES, run_all
from .table import CPU_WATTS_PER_CORE, average, hull_of, rows_of

N_SEEDS = 10
N_REGRET_SEEDS = 3
OURS = "halfwatt, stage 1"
_QUICK_LAMBDAS = (0.5,)
_HULL_ACCURACIES = (0.58, 0.60, 0.62, 0.64, 0.66, 0.665, 0.67)
QUICK_RANGES: dict[str, tuple[float, float]] = {
    "energy_rtx4090.best_on_curve.reduction_pct": (17.0, 32.0),
    "energy_rtx4090.at_66_5_on_curve.reduction_pct": (5.0, 22.0),
    "local_pair.auroc_before": (0.68, 0.78),
    "local_pair.auroc_after": (0.75, 0.85),
    "local_pair.both_stages_share_of_perfect_pct": (38.0, 56.0),
    "llama3_mbpp.mean_above_random": (0.3, 2.5),
    "artifact_bytes": (1e6, 25e6),
}


@dataclass(frozen=True)
class _BenchData:
    tasks: list[Task]
    inputs: Inputs
    data: PairData
    seconds: Any


def run(
    data_dir: Path, quick: bool = False, out_dir: Path | None = None, encoder: Path | None = None
) -> dict[str, Any]:
    """All figures of the table, in the shape of `--json`.

    Figures, table and plot are also written to `out_dir`. It holds the checkpoints of a full run, too: a run that was
    stopped goes on from there. Raises `DataMissing` without the data folder, `RouterUnavailable` without the artifact.
    """
    if not data_dir.is_dir():
        raise DataMissing(f"The data folder {data_dir.name!r} does not exist; give it with --data-dir.")
    router = Router.load()
    material = _material(data_dir, router, encoder, quick)
    seeds = range(1 if quick else N_SEEDS)
    checkpoints = None if quick or out_dir is None else out_dir / "checkpoints"
    rows = _energy_rows(material, seeds, quick, checkpoints)
    costs = measure_latency(router, [task.router_text for task in material.tasks])
    _add_decision_cost(rows, costs)
    names = [task.task_id for task in material.tasks]
    local = local_outcomes(data_dir, names)
    statistics = local_statistics(data_dir, names)
    result: dict[str, Any] = {
        "quick": quick,
        "energy_rtx4090": {**headline(rows), "routers": rows},
        "llama3_mbpp": llama_pairs.measure(data_dir, names, material.inputs),
        "local_pair": local_savings.measure(
            LocalData(material.inputs, local.passed, local.tokens, statistics),
            seeds,
        ),
        "local_pair_routers": None if quick else _draft_table(data_dir, material, checkpoints),
        "bandit_regret": None if quick else bandits.regrets(material.data, range(N_REGRET_SEEDS)),
        "edge_cloud_study": finetuned.study_rows(names, material.data.pair, material.seconds),
        **costs,
        "artifact_bytes": total_bytes(router.folder),
    }
    result["outside_ranges"] = outside(result, QUICK_RANGES) if quick else []
    if out_dir is not None:
        _write(result, out_dir)
    return result


def _draft_table(data_dir: Path, material: _BenchData, checkpoints: Path | None) -> dict[str, Any]:
    """The local pair's table of routers, those that draft first among them."""
    names = [task.task_id for task in material.tasks]
    return draft_table.measure(data_dir, names, material.inputs, material.data.n_characters, checkpoints=checkpoints)


def headline(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The figures that matter from our rows: with λ chosen on training rows, and read off the curve."""
    ours = {row["setting"]: row for row in rows if row["router"] == OURS}
    curve = [row for setting, row in ours.items() if setting.startswith("λ")]
    strong = [row for row in curve if row["accuracy_pct"] >= 66.5]
    mixed = [row for row in curve if 5 <= row["weak_share_pct"] <= 95]
    return {
        "best": _figure(ours["best"]),
        "best_on_curve": _figure(max(curve, key=_saved)),
        "at_66_5": _figure(ours["66.5"]),
        "at_66_5_on_curve": _figure(max(strong, key=_saved)) if strong else None,
        "least_lower_bound": min((row["low"] for row in mixed), default=None),
    }


def outside(result: Mapping[str, Any], ranges: Mapping[str, tuple[float, float]]) -> list[str]:
    """Sentences for the figures that are not where they should be."""
    auroc = result["local_pair"]["auroc"]["qwen2.5-coder-0.5b"]
    both = result["local_pair"]["ratios"][0]["both"]
    above = [row["above_random"] for row in result["llama3_mbpp"]]
    energy = result["energy_rtx4090"]
    values = {
        "energy_rtx4090.best_on_curve.reduction_pct": energy["best_on_curve"]["reduction_pct"],
        "energy_rtx4090.at_66_5_on_curve.reduction_pct": (energy["at_66_5_on_curve"] or {}).get("reduction_pct", -100),
        "local_pair.auroc_before": auroc["before"][0],
        "local_pair.auroc_after": auroc["after"][0],
        "local_pair.both_stages_share_of_perfect_pct": both["tuned"]["share_of_perfect_pct"],
        "llama3_mbpp.mean_above_random": float(np.mean(above)),
        "artifact_bytes": result["artifact_bytes"],
    }
    return [
        f"{name} is {values[name]:.4g}, expected {low:g} to {high:g}."
        for name, (low, high) in ranges.items()
        if not low <= values[name] <= high
    ]


def _material(data_dir: Path, router: Router, encoder: Path | None, quick: bool) -> _BenchData:
    tasks = load_tasks(data_dir)
    texts = [task.router_text for task in tasks]
    inputs = inputs_of(texts, _embedded(router, texts, encoder))
    names = [task.task_id for task in tasks]
    outcomes = energy_outcomes(data_dir, names)
    data = PairData(
        pair=PairOutcomes(outcomes.passed, outcomes.energy_j),
        tokens=outcomes.tokens,
        inputs=inputs,
        n_characters=np.array([len(text) for text in texts], dtype=float),
        privileged=teacher.privileged(data_dir, tasks),
        lambdas=_QUICK_LAMBDAS if quick else (),
    )
    return _BenchData(tasks, inputs, data, energy_durations(data_dir, names))


def _energy_rows(material: _BenchData, seeds: range, quick: bool, checkpoints: Path | None) -> list[dict[str, Any]]:
    chosen = [family for family in families() if family.quick or not quick]
    done = run_all(chosen, material.data, seeds, checkpoints, 1 if quick else N_PROCESSES)
    measured = [average(family, repetitions) for family, repetitions in zip(chosen, done, strict=True)]
    place = next(index for index, each in enumerate(measured) if each.family.source == "this project")
    measured.insert(place, hull_of(measured, material.data.pair, _HULL_ACCURACIES))
    return [row for each in measured for row in rows_of(each, material.data.pair, material.seconds)]


def _add_decision_cost(rows: list[dict[str, Any]], costs: Mapping[str, Any]) -> None:
    """Processor milliseconds and joules of one decision at 64 tokens: ours whole; of the others the encoder alone."""
    for row in rows:
        ours = row["router"].startswith("halfwatt")
        ms = None if row["source"] == "control" else costs["cpu_ms"]["p50_64" if ours else "encoder_64"]
        row["router_ms"] = ms
        row["router_j"] = None if ms is None else round(ms / 1000 * CPU_WATTS_PER_CORE, 4)


def _figure(row: Mapping[str, Any]) -> dict[str, Any]:
    names = ("reduction_pct", "low", "high", "accuracy_pct", "energy_j", "weak_share_pct", "setting")
    return {name: row[name] for name in names}


def _saved(row: Mapping[str, Any]) -> float:
    return float(row["reduction_pct"])


def _write(result: dict[str, Any], out_dir: Path) -> None:
    from .report import results_text
    from .report_plot import plot

    out_dir.mkdir(parents=True, exist_ok=True)
    (out_dir / "bench.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    (out_dir / "table.md").write_text(results_text(result), encoding="utf-8")
    plot(result["energy_rtx4090"]["routers"], out_dir / "energy_accuracy.png")


def _embedded(router: Router, texts: list[str], encoder: Path | None) -> Any:
    """Vectors of the texts, by the artifact's encoder or by another folder's."""
    if encoder is None:
        return np.array([router.meaning(text) for text in texts])
    other = Encoder(encoder)
    return np.array([other.embed(text) for text in texts])
