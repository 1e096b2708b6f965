"""Measuring this machine with a local model: tokens and processor seconds, and, if asked, a few labels.

Decodes one request at a time, as serving does. Labels are judged by execution in the sandbox; the interval says what N
labels can tell. Joules are the caller's business (`halfwatt router calibrate` uses the daemon's meter).
"""

import math
import time
from dataclasses import dataclass
from pathlib import Path

from .batched_decode import BatchedDecoder, Prompt
from .errors import DataMissing, SandboxUnavailable
from .judge import judged_program
from .router import Router
from .sandbox import runs_to_its_end, sandbox_available
from .tasks import Task, chat_prompt, load_tasks

_SPEED_TEXTS = (
    "Write a function to reverse the words of a sentence.",
    "Write a function to merge two sorted lists.",
    "Write a function to count the vowels of a string.",
)


@dataclass(frozen=True)
class Speed:
    """What this machine does with this model, loading left out."""

    tokens_per_s: float
    cpu_s: float
    n_tokens: int


@dataclass(frozen=True)
class LocalLabels:
    """N tasks answered and judged here: how many passed, the 95 % interval, and what the router expected."""

    n_tasks: int
    n_passed: int
    low: float
    high: float
    expected: float | None


def measure_speed(model: Path, n_threads: int = 2) -> Speed:
    """Generate a few short answers one after the other."""
    tasks = [Task(f"speed/{index}", text, text, "", "", "") for index, text in enumerate(_SPEED_TEXTS)]
    with BatchedDecoder(model, n_sequences=1, n_threads=n_threads) as decoder:
        started, cpu_before = time.perf_counter(), time.process_time()
        generations = list(decoder.decode(_prompts(tasks)))
        seconds, cpu_s = time.perf_counter() - started, time.process_time() - cpu_before
    n_tokens = max(1, sum(len(generation.logprobs) for generation in generations))
    return Speed(n_tokens / seconds, cpu_s, n_tokens)


def label_tasks(model: Path, name: str, data_dir: Path, n_tasks: int, n_threads: int = 2) -> LocalLabels:
    """Answer every k-th task of the benchmarks so that N are done, and judge them.

    Raises `SandboxUnavailable` before anything is generated where nothing can be judged.
    """
    if not sandbox_available():
        raise SandboxUnavailable("bubblewrap cannot run here, so answers cannot be judged; install it and try again.")
    tasks = spread(_tasks(data_dir), n_tasks)
    with BatchedDecoder(model, n_sequences=1, n_threads=n_threads) as decoder:
        answers = {generation.key: generation for generation in decoder.decode(_prompts(tasks))}
    n_passed = sum(
        runs_to_its_end(judged_program(task, answers[task.task_id].text.decode("utf-8", "replace"))) for task in tasks
    )
    low, high = wilson(n_passed, len(tasks))
    return LocalLabels(len(tasks), n_passed, low, high, _expected(name, tasks))


def _tasks(data_dir: Path) -> list[Task]:
    try:
        return load_tasks(data_dir)
    except OSError as error:
        raise DataMissing(f"The data folder has no readable {Path(error.filename or '').name}.") from error


def _expected(model: str, tasks: list[Task]) -> float | None:
    """The router's mean estimate for these tasks; None for a model without labels."""
    router = Router.load()
    said = [router.estimate(task.router_text).of(model) for task in tasks]
    known = [estimate.p_pass for estimate in said if estimate is not None]
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


def _prompts(tasks: list[Task]) -> list[Prompt]:
    return [Prompt(task.task_id, chat_prompt(task)) for task in tasks]
