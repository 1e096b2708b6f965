"""A few labels of this machine's own: which benchmark tasks to answer, whether an answer passes, what N verdicts mean.

Answers are judged by execution in the sandbox only. This module asks no model and measures nothing: the daemon's
`halfwatt router calibrate` does, because only its worker runs as serving does.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from halfwatt.router_model.errors import DataMissing, SandboxUnavailable
from halfwatt.router_model.sandbox.sandbox import runs_to_its_end, sandbox_available
from halfwatt.router_model.serving.router import Router

from .judge import judged_program
from .tasks import Task, load_tasks


@dataclass(frozen=True)
class LocalLabels:
    """N tasks answered and judged here: how many passed, the 95 % interval of their share, and the router's estimate.

    `expected` is None for a model without labels.
    """

    n_tasks: int
    n_passed: int
    low: float
    high: float
    expected: float | None


def tasks_to_label(data_dir: Path, n_tasks: int) -> list[Task]:
    """N benchmark tasks at even distances.

    Raises `SandboxUnavailable` where answers cannot be judged and `DataMissing` without the data sets, so that no model
    is asked in vain.
    """
    if not sandbox_available():
        raise SandboxUnavailable("bubblewrap cannot run here, so answers cannot be judged; install it and try again.")
    try:
        return spread(load_tasks(data_dir), n_tasks)
    except OSError as error:
        raise DataMissing(f"The data folder has no readable {Path(error.filename or '').name}.") from error


def passes(task: Task, answer: str) -> bool:
    """Whether a model's answer passes the task's tests, in the sandbox; blocks for up to ten seconds."""
    return runs_to_its_end(judged_program(task, answer))


def summary(model: str, tasks: list[Task], verdicts: Sequence[bool]) -> LocalLabels:
    """The verdicts on these tasks, summed up."""
    n_passed = sum(verdicts)
    low, high = wilson(n_passed, len(verdicts))
    return LocalLabels(len(verdicts), n_passed, low, high, _expected(model, tasks))


def _expected(model: str, tasks: list[Task]) -> float | None:
    """The router's mean estimate for these tasks; None for a model without labels."""
    router = Router.load()
    estimates = [router.estimate(task.router_text).of(model) for task in tasks]
    known = [estimate.p_pass for estimate in estimates if estimate is not None]
    return sum(known) / len(known) if known else None


def spread(tasks: list[Task], n_tasks: int) -> list[Task]:
    """N tasks at even distances."""
    count = max(1, min(n_tasks, len(tasks)))
    return [tasks[index * len(tasks) // count] for index in range(count)]


def wilson(n_passed: int, n_tasks: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson)."""
    z = 1.96
    share = n_passed / n_tasks
    centre = share + z * z / (2 * n_tasks)
    half = z * math.sqrt(share * (1 - share) / n_tasks + z * z / (4 * n_tasks * n_tasks))
    scale = 1 + z * z / n_tasks
    return max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale)
