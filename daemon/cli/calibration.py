"""Measuring a local model in a worker run exactly as the serving one: tokens per second, joules per token, answers.

It needs no running daemon and books nothing. A stop from the keyboard ends the worker with it. It does not say what
verdicts mean (`router_model/labelling/calibrate.py`) and stores nothing (`router.py`).
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import psutil

from halfwatt.daemon.code import languages
from halfwatt.daemon.code.syntax import Source
from halfwatt.daemon.code.targets import Target, find
from halfwatt.daemon.errors import WorkerError
from halfwatt.daemon.inference.generation_prompt import GenerationPrompt, generation_prompt
from halfwatt.daemon.meters.choose import choose_meter
from halfwatt.daemon.worker.protocol import JobDone, WorkerJob
from halfwatt.daemon.worker.supervisor import WorkerSupervisor

if TYPE_CHECKING:
    from halfwatt.daemon.energy.readings import Reading
    from halfwatt.daemon.meters.base import Meter
    from halfwatt.daemon.models.catalog import ModelSpec
    from halfwatt.daemon.paths import Paths
    from halfwatt.daemon.settings.schema import Config
    from halfwatt.router_model.labelling.tasks import Task

TEXTS = (
    "Write a function to count the vowels of a string.",  # the warm-up
    "Write a function to reverse the words of a sentence.",
    "Write a function to merge two sorted lists.",
    "Write a function to find the longest common prefix of a list of strings.",
    "Write a function to group words by their first letter.",
)
MAX_TOKENS = 40
LABEL_TOKENS = 512  # as long as the answers that the router's labels were made from
BUSY_SHARE = 0.1
BUSY_WINDOW_S = 1.0
_LOG = logging.getLogger("halfwatt.calibrate")
Report = Callable[[str], None]


class CalibrationResult(msgspec.Struct, frozen=True):
    """What this machine does with a model.

    Tokens per second count from the first token. Joules are all of an answer's, reading the prompt included, over its
    tokens, as the ledger counts them; None where the meter knows nothing. `busy_share` is the part of all processors
    that other programs used just before.
    """

    tokens_per_s: float
    slowest_tokens_per_s: float
    fastest_tokens_per_s: float
    joules_per_token: float | None
    low_j: float | None
    high_j: float | None
    method: str
    n_tokens: int
    busy_share: float


@dataclass(frozen=True)
class _TimedAnswer:
    tokens_per_s: float
    n_tokens: int
    used: Reading


class CalibrationWorker:
    """A ready worker, and this machine's meter."""

    def __init__(self, model: WorkerSupervisor, meter: Meter) -> None:
        self._model, self._meter = model, meter

    async def measure(self, report: Report, busy_share: float) -> CalibrationResult:
        """A warm-up, then a few short answers one after the other; a line about each."""
        warm_up, *texts = TEXTS
        await self._run(warm_up)
        runs = []
        for number, text in enumerate(texts, 1):
            runs.append(await self._run(text))
            report(f"answer {number} of {len(texts)}: {runs[-1].tokens_per_s:.1f} tokens/s")
        return _speed(runs, busy_share)

    async def label(
        self, tasks: Sequence[Task], known: Mapping[str, bool], store: Callable[[str, bool], None], report: Report
    ) -> list[bool]:
        """A verdict for each task; those that are known are not asked again. `store` takes each new one at once."""
        from halfwatt.router_model.labelling.calibrate import passes
        from halfwatt.router_model.labelling.tasks import task_prompt

        verdicts = []
        for number, task in enumerate(tasks, 1):
            at = f"task {number} of {len(tasks)}, {task.task_id}:"
            if task.task_id in known:
                verdicts.append(known[task.task_id])
                report(f"{at} {_word(verdicts[-1])}, known from before")
                continue
            report(f"{at} writing")
            prompt = task_prompt(task)
            text, done = await self._answer(prompt, LABEL_TOKENS)
            verdicts.append(await asyncio.to_thread(passes, task, prompt.answer(text, done.continued)))
            store(task.task_id, verdicts[-1])
            report(f"{at} {_word(verdicts[-1])}, {done.completion_tokens} tokens in {done.total_ms / 1e3:.0f} s")
        return verdicts

    async def _run(self, text: str) -> _TimedAnswer:
        window = self._meter.begin()
        done: JobDone | None = None
        try:
            _, done = await self._answer(_described(text), MAX_TOKENS)
        finally:
            used = self._meter.end(window, cpu_s=done.cpu_s if done else None)
        writing_ms = done.total_ms - (done.first_token_ms or 0.0)
        rate = 1e3 * max(0, done.completion_tokens - 1) / max(1.0, writing_ms)
        return _TimedAnswer(rate, done.completion_tokens, used)

    async def _answer(self, prompt: GenerationPrompt, max_tokens: int) -> tuple[str, JobDone]:
        chunks: list[str] = []
        async with aclosing(self._model.run(job_of(prompt, max_tokens))) as items:
            async for item in items:
                if isinstance(item, JobDone):
                    return "".join(chunks), item
                chunks.append(item.text)
        raise WorkerError("The local model ended its answer without saying how. Try again.")


@asynccontextmanager
async def serving(spec: ModelSpec, config: Config, paths: Paths) -> AsyncGenerator[CalibrationWorker, None]:
    """A worker with this model, ended with the block, and the meter of the settings.

    Raises ModelError and WorkerError where it cannot be started.
    """
    model = WorkerSupervisor(spec, config.local, paths.worker_memory_file, _LOG, environ=os.environ)
    meter = choose_meter(config.energy, lambda: () if model.pid is None else (model.pid,))
    try:
        await model.start()
        yield CalibrationWorker(model, meter)
    finally:
        await model.stop()
        meter.close()


async def busy_share() -> float:
    """The part of all processors that programs use, measured for a second."""
    return float(await asyncio.to_thread(psutil.cpu_percent, BUSY_WINDOW_S)) / 100


def job_of(prompt: GenerationPrompt, max_tokens: int) -> WorkerJob:
    """The worker's job for a request, as the daemon makes it of a served one."""
    return WorkerJob(
        "chat",
        messages=list(prompt.messages),
        opening=prompt.opening,
        language=prompt.language,
        max_tokens=max_tokens,
        stop_rules=prompt.stop_rules,
    )


def _described(text: str) -> GenerationPrompt:
    """The request for a Python function that a comment describes."""
    python = next(each for each in languages.LANGUAGES if each.id == "python")
    source = Source(f"# {text}\n", python)
    target = find(source, 0)
    if not isinstance(target, Target):
        raise ValueError(f"No function can be generated from this comment: {text}")
    return generation_prompt(source, target)


def _speed(runs: Sequence[_TimedAnswer], busy: float) -> CalibrationResult:
    n_tokens = sum(run.n_tokens for run in runs)
    rates = [run.tokens_per_s for run in runs]
    return CalibrationResult(
        tokens_per_s=sum(rates) / len(rates),
        slowest_tokens_per_s=min(rates),
        fastest_tokens_per_s=max(rates),
        joules_per_token=_per_token([run.used.j for run in runs], n_tokens),
        low_j=_per_token([run.used.low_j for run in runs], n_tokens),
        high_j=_per_token([run.used.high_j for run in runs], n_tokens),
        method=runs[0].used.method or "unknown",
        n_tokens=n_tokens,
        busy_share=busy,
    )


def _per_token(joules: Sequence[float | None], n_tokens: int) -> float | None:
    known = [each for each in joules if each is not None]
    return sum(known) / n_tokens if len(known) == len(joules) and n_tokens else None


def _word(passed: bool) -> str:
    return "passed" if passed else "failed"
