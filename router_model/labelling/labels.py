"""The outcome tables as arrays in task order: who passed, with how many tokens, at how many joules.

It reads the reference tables from the data folder and the project's own additions. Outcomes that a table may lack come
with a mask of the known ones; a table that must be whole and is not is an error. It judges and generates nothing.
"""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from halfwatt.router_model.errors import DataMissing
from halfwatt.router_model.serving.estimates import model_key

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Row = Mapping[str, str]
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
    """How models did on tasks, `(n_tasks, n_models)`. The others hold 0 where `known` is False."""

    passed: Array
    tokens: Array
    known: Mask


@dataclass(frozen=True)
class MeasuredOutcomes(ModelOutcomes):
    """Outcomes of answers whose joules were measured."""

    energy_j: Array


def energy_outcomes(data_dir: Path, task_ids: Sequence[str]) -> MeasuredOutcomes:
    """The measured pair on the RTX 4090, on every task."""
    columns = ("passed", "completion_tokens", "energy_joules_mean10")
    values, known = _whole(_energy_rows(data_dir), task_ids, ENERGY_MODELS, columns)
    return MeasuredOutcomes(values[0], values[1], known, values[2])


def energy_durations(data_dir: Path, task_ids: Sequence[str]) -> Array:
    """Seconds per task and model of the measured pair, shape `(n_tasks, 2)`."""
    return _whole(_energy_rows(data_dir), task_ids, ENERGY_MODELS, ("duration_s",))[0][0]


def local_rows(data_dir: Path) -> list[dict[str, str]]:
    """Rows of the local pair: the reference table, with the project's own rows in front of it where both exist."""
    added = list(read_rows(ADDED_OUTCOMES))
    seen = {(row["task_id"], row["model"]) for row in added}
    reference = read_rows(data_dir / "qwen25coder_q4_outcomes.csv")
    return added + [row for row in reference if (row["task_id"], row["model"]) not in seen]


def local_outcomes(data_dir: Path, task_ids: Sequence[str]) -> ModelOutcomes:
    """Qwen2.5-Coder 0.5B and 1.5B, both q4_k_m, on every task."""
    values, known = _whole(local_rows(data_dir), task_ids, LOCAL_MODELS, ("passed", "completion_tokens"))
    return ModelOutcomes(values[0], values[1], known)


def local_prompt_tokens(data_dir: Path, task_ids: Sequence[str]) -> Array:
    """Tokens of each task's prompt as the local pair reads it, shape `(n_tasks,)`."""
    weak = [row for row in local_rows(data_dir) if model_key(row["model"]) == LOCAL_MODELS[0]]
    return _whole(weak, task_ids, LOCAL_MODELS[:1], ("prompt_tokens",))[0][0, :, 0]


def local_statistics(data_dir: Path, task_ids: Sequence[str]) -> Array:
    """Draft statistics, shape `(n_tasks, 2, len(STATISTICS))`."""
    values, _ = _whole(local_rows(data_dir), task_ids, LOCAL_MODELS, STATISTICS)
    return np.ascontiguousarray(np.moveaxis(values, 0, 2))


def llama_outcomes(data_dir: Path, task_ids: Sequence[str]) -> ModelOutcomes:
    """Share of tests passed by Llama-3 1B, 8B and 70B; known for MBPP's test and validation tasks alone."""
    rows = ({**row, "task_id": f"mbpp/{row['task_id']}"} for row in read_rows(data_dir / "llama3_mbpp_outcomes.csv"))
    values, known = _by_task(
        rows, task_ids, LLAMA_MODELS, 2,
        lambda row: (int(row["tests_passed"]) / int(row["tests_total"]), float(row["completion_tokens"])),
    )  # fmt: skip
    return ModelOutcomes(values[0], values[1], known)


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


def read_rows(path: Path) -> Iterator[dict[str, str]]:
    """Rows of a table by column name; `DataMissing` names a table that is not there."""
    if not path.is_file():
        raise DataMissing(f"The table {path.name} is not in the data folder; give the folder with --data-dir.")
    with path.open(newline="", encoding="utf-8") as lines:
        yield from csv.DictReader(lines)


def _energy_rows(data_dir: Path) -> Iterator[dict[str, str]]:
    return read_rows(data_dir / "energy_rtx4090_1138x2.csv")


def _whole(
    rows: Iterable[Row], task_ids: Sequence[str], models: Sequence[str], columns: Sequence[str]
) -> tuple[Array, Mask]:
    """`_by_task` of some columns, where every task must have a row of every model. Raises `DataMissing`."""
    values, known = _by_task(rows, task_ids, models, len(columns), lambda row: [float(row[name]) for name in columns])
    if not known.all():
        n_missing = int((~known).any(axis=1).sum())
        raise DataMissing(f"The tables have no outcome of {' or '.join(models)} for {n_missing} of the tasks.")
    return values, known


def _by_task(
    rows: Iterable[Row],
    task_ids: Sequence[str],
    models: Sequence[str],
    n_values: int,
    values_of: Callable[[Row], Sequence[float]],
) -> tuple[Array, Mask]:
    """The values of each row, shape `(n_values, n_tasks, n_models)`, and where there was a row.

    Rows of other tasks are left out.
    """
    place = {name: index for index, name in enumerate(task_ids)}
    values = np.zeros((n_values, len(place), len(models)))
    known = np.zeros((len(place), len(models)), dtype=bool)
    for row in rows:
        if row["task_id"] in place:
            task, model = place[row["task_id"]], models.index(model_key(row["model"]))
            values[:, task, model], known[task, model] = values_of(row), True
    return values, known
