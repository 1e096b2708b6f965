"""The outcome tables as arrays in task order: who passed, with how many tokens, at how many joules.

Missing outcomes are NaN. Reads the reference tables from the data folder and the project's own additions; judges and
generates nothing.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from halfwatt.router_model.errors import DataMissing
from halfwatt.router_model.serving.estimates import model_key

Array = npt.NDArray[np.float64]
ADDED_OUTCOMES = Path(__file__).parents[1] / "data" / "qwen25coder_q4_added.csv"
ENERGY_MODELS = ("deepseek-coder-1.3b", "qwen2.5-coder-3b")
LOCAL_MODELS = ("qwen2.5-coder-0.5b", "qwen2.5-coder-1.5b")
LLAMA_MODELS = ("llama-3-1b", "llama-3-8b", "llama-3-70b")
STATISTICS = (
    "completion_tokens", "lp_sum", "lp_mean", "lp_min", "lp_p10", "lp_worst5_mean", "lp_first16_mean",
    "n_lp_below_minus_0_7", "ent_mean", "ent_max", "margin_first",
)  # fmt: skip


@dataclass(frozen=True)
class ModelOutcomes:
    """Arrays of shape `(n_tasks, n_models)`; `energy_j` is NaN where nobody measured."""

    models: tuple[str, ...]
    passed: Array
    tokens: Array
    energy_j: Array


def energy_outcomes(data_dir: Path, task_ids: Sequence[str]) -> ModelOutcomes:
    """The measured pair on the RTX 4090."""
    return _outcomes(
        read_rows(data_dir / "energy_rtx4090_1138x2.csv"), task_ids, ENERGY_MODELS,
        lambda row: (float(row["passed"]), float(row["completion_tokens"]), float(row["energy_joules_mean10"])),
    )  # fmt: skip


def energy_durations(data_dir: Path, task_ids: Sequence[str]) -> Array:
    """Seconds per task and model of the measured pair, shape `(n_tasks, 2)`."""
    place = {name: index for index, name in enumerate(task_ids)}
    out = np.full((len(place), 2), np.nan)
    for row in read_rows(data_dir / "energy_rtx4090_1138x2.csv"):
        out[place[row["task_id"]], ENERGY_MODELS.index(model_key(row["model"]))] = float(row["duration_s"])
    return out


def local_rows(data_dir: Path) -> list[dict[str, str]]:
    """Rows of the local pair: the reference table, with the project's own rows in front of it where both exist."""
    added = list(read_rows(ADDED_OUTCOMES))
    seen = {(row["task_id"], row["model"]) for row in added}
    reference = read_rows(data_dir / "qwen25coder_q4_outcomes.csv")
    return added + [row for row in reference if (row["task_id"], row["model"]) not in seen]


def local_outcomes(data_dir: Path, task_ids: Sequence[str]) -> ModelOutcomes:
    """Qwen2.5-Coder 0.5B and 1.5B, both q4_k_m, on every task."""
    return _outcomes(
        local_rows(data_dir), task_ids, LOCAL_MODELS,
        lambda row: (float(row["passed"]), float(row["completion_tokens"]), np.nan),
    )  # fmt: skip


def local_statistics(data_dir: Path, task_ids: Sequence[str]) -> Array:
    """Draft statistics, shape `(n_tasks, 2, len(STATISTICS))`."""
    place = {name: index for index, name in enumerate(task_ids)}
    out = np.full((len(place), 2, len(STATISTICS)), np.nan)
    for row in local_rows(data_dir):
        column = LOCAL_MODELS.index(model_key(row["model"]))
        out[place[row["task_id"]], column] = [float(row[name]) for name in STATISTICS]
    return out


def llama_outcomes(data_dir: Path, task_ids: Sequence[str]) -> ModelOutcomes:
    """Share of tests passed by Llama-3 1B, 8B and 70B on MBPP's test and validation tasks; NaN elsewhere."""
    rows = ({**row, "task_id": f"mbpp/{row['task_id']}"} for row in read_rows(data_dir / "llama3_mbpp_outcomes.csv"))
    return _outcomes(
        rows, task_ids, LLAMA_MODELS,
        lambda row: (
            int(row["tests_passed"]) / int(row["tests_total"]), float(row["completion_tokens"]), np.nan
        ),
    )  # fmt: skip


def llama_splits(data_dir: Path) -> dict[str, str]:
    """Task id → test or val."""
    return {f"mbpp/{row['task_id']}": row["split"] for row in read_rows(data_dir / "llama3_mbpp_outcomes.csv")}


def llama_soft_labels(data_dir: Path) -> dict[tuple[str, str], dict[str, float]]:
    """(pair, quality) → task id → P(the small model wins), ten samples."""
    out: dict[tuple[str, str], dict[str, float]] = {}
    for row in read_rows(data_dir / "llama3_mbpp_train_soft_labels.csv"):
        labels = out.setdefault((row["pair"], row["quality"]), {})
        labels[f"mbpp/{row['task_id']}"] = float(row["soft_label"])
    return out


def _outcomes(rows: Any, task_ids: Sequence[str], models: tuple[str, ...], values: Any) -> ModelOutcomes:
    place = {name: index for index, name in enumerate(task_ids)}
    table = np.full((3, len(place), len(models)), np.nan)
    for row in rows:
        if row["task_id"] in place:
            table[:, place[row["task_id"]], models.index(model_key(row["model"]))] = values(row)
    return ModelOutcomes(models, *table)


def read_rows(path: Path) -> Iterator[dict[str, str]]:
    """Rows of a table by column name; `DataMissing` names a table that is not there."""
    if not path.is_file():
        raise DataMissing(f"The table {path.name} is not in the data folder; give the folder with --data-dir.")
    with path.open(newline="", encoding="utf-8") as lines:
        yield from csv.DictReader(lines)
