"""Measuring this machine with a local model: tokens per second, joules per token, and, if asked, a few labels.

    halfwatt router calibrate --model FILE.gguf [--label N --data-dir DIR]

Decodes one request at a time, as serving does. Joules come from the processor's counter where it can be read, else
they are modelled from processor seconds. Labels are judged by execution in the sandbox; the interval says what N
labels can tell. It changes no setting: the daemon keeps its own running measure.
"""

import math
import time
from dataclasses import dataclass
from pathlib import Path

from .batched_decode import BatchedDecoder, Generation, Prompt
from .judge import judged_program
from .label import rapl_counter
from .sandbox import runs_to_its_end
from .table import CPU_WATTS_PER_CORE
from .tasks import Task, chat_prompt, load_tasks

_SPEED_TEXTS = (
    "Write a function to reverse the words of a sentence.",
    "Write a function to merge two sorted lists.",
    "Write a function to count the vowels of a string.",
)


@dataclass(frozen=True)
class Speed:
    """What this machine does with this model. `method` is measured (counter) or modelled (processor seconds)."""

    tokens_per_s: float
    joules_per_token: float
    method: str
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
    counter = rapl_counter()
    joules_before, started, cpu_before = counter(), time.perf_counter(), time.process_time()
    generations = _generate(model, tasks, n_threads)
    seconds, cpu_s, joules_after = time.perf_counter() - started, time.process_time() - cpu_before, counter()
    n_tokens = sum(len(generation.logprobs) for generation in generations)
    if joules_before is not None and joules_after is not None:
        return Speed(n_tokens / seconds, (joules_after - joules_before) / n_tokens, "measured", n_tokens)
    return Speed(n_tokens / seconds, cpu_s * CPU_WATTS_PER_CORE / n_tokens, "modelled", n_tokens)


def label_tasks(model: Path, data_dir: Path, n_tasks: int, expected: list[float] | None = None) -> LocalLabels:
    """Answer every k-th task of the benchmarks so that N are done, and judge them."""
    tasks = spread(load_tasks(data_dir), n_tasks)
    answers = {generation.key: generation for generation in _generate(model, tasks, 2)}
    n_passed = sum(
        runs_to_its_end(judged_program(task, answers[task.task_id].text.decode("utf-8", "replace"))) for task in tasks
    )
    low, high = wilson(n_passed, len(tasks))
    mean = sum(expected) / len(expected) if expected else None
    return LocalLabels(len(tasks), n_passed, low, high, mean)


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


def _generate(model: Path, tasks: list[Task], n_threads: int) -> list[Generation]:
    prompts = [Prompt(task.task_id, chat_prompt(task)) for task in tasks]
    with BatchedDecoder(model, n_sequences=1, n_threads=n_threads) as decoder:
        return list(decoder.decode(prompts))
