"""Speed of the worker alone: `make bench BENCHES=worker`.

Every figure is a ratio measured in one run. The supervisor and worker of halfwatt take turns with plain
llama-cpp-python on the same prompts. `--quick` takes fewer rounds.

- Time to the first token and tokens per second, idle and with two busy programs beside.
- A second identical prompt.
- How soon a cancelled job is over and the next one starts.
"""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bench import figures, plain_llama
from bench.figures import Figure
from psutil import cpu_count

from halfwatt.daemon.inference.answer import Cancellation, Chunk
from halfwatt.daemon.models import catalog
from halfwatt.daemon.settings.schema import LocalConfig
from halfwatt.daemon.worker.protocol import JobDone, WorkerJob
from halfwatt.daemon.worker.supervisor import WorkerSupervisor

MODEL_ID = "qwen2.5-coder-0.5b"
N_TOKENS = 40
N_BUSY = 2
SUFFIX = "\n    return result\n"


@dataclass(frozen=True)
class Timing:
    """Milliseconds to the first token, tokens per second after it, and what the job took as a whole."""

    first_ms: float
    tokens_per_s: float
    cpu_s: float = 0.0


def main() -> int:
    spec = catalog.load()[MODEL_ID]
    path = Path(os.environ["HALFWATT_MODELS_DIR"]) / spec.file
    n_rounds = 3 if "--quick" in sys.argv else 9
    lines = asyncio.run(_measure(replace(spec, path=path), n_rounds))
    for figure in lines:
        print(figure.line(), flush=True)
    return 0 if all(figure.met is not False for figure in lines) else 1


async def _measure(spec: catalog.ModelSpec, n_rounds: int) -> list[Figure]:
    assert spec.path is not None
    with (
        tempfile.TemporaryDirectory() as folder,
        plain_llama.running(spec.path, cpu_count(logical=False) or 1) as plain,
    ):
        model = WorkerSupervisor(spec, LocalConfig(), Path(folder) / "worker.json", logging.getLogger("bench"))
        started_s = time.perf_counter()
        await model.start()
        start = Figure("worker start, canary included", time.perf_counter() - started_s, "s")
        try:
            plain.complete(_prefix(0), SUFFIX, 2)
            await _ours(model, _prefix(0))
            idle = await _turns(model, plain, n_rounds, "idle")
            with _busy():
                busy = await _turns(model, plain, n_rounds, f"with {N_BUSY} busy programs")
            return [start, *idle, *busy, *await _cached(model, n_rounds), *await _cancels(model, n_rounds)]
        finally:
            await model.stop()


async def _turns(model: WorkerSupervisor, plain: plain_llama.Plain, n_rounds: int, load: str) -> list[Figure]:
    ours: list[Timing] = []
    theirs: list[Timing] = []
    for number in range(n_rounds):
        # Fresh prompts, each asked of both; who goes first alternates.
        prefix = _prefix(1000 * len(load) + number)
        if number % 2:
            ours.append(await _ours(model, prefix))
        theirs.append(await asyncio.to_thread(_theirs, plain, prefix))
        if not number % 2:
            ours.append(await _ours(model, prefix))
    pairs = list(zip(ours, theirs, strict=True))
    idle = load == "idle"
    return [
        figures.of(f"first token, {load}", [own.first_ms for own in ours], "ms"),
        figures.of(
            f"first token over plain's × 1.05 + 10 ms, {load}",
            [own.first_ms / (1.05 * other.first_ms + 10) for own, other in pairs],
            most=1.0,
        ),
        figures.of(f"tokens/s, {load}", [own.tokens_per_s for own in ours]),
        figures.of(f"tokens/s of plain, {load}", [other.tokens_per_s for other in theirs]),
        figures.of(
            f"tokens/s over plain's, {load}",
            [own.tokens_per_s / other.tokens_per_s for own, other in pairs],
            least=0.97 if idle else 1.0,
        ),
        figures.of(f"CPU seconds of {N_TOKENS} tokens, {load}", [own.cpu_s for own in ours], "s"),
    ]


async def _cached(model: WorkerSupervisor, n_rounds: int) -> list[Figure]:
    ratios = []
    for number in range(n_rounds):
        prefix = _prefix(500_000 + number)
        first = await _ours(model, prefix, document="cached")
        second = await _ours(model, prefix, document="cached")
        ratios.append(first.first_ms / second.first_ms)
    return [figures.of("second identical prompt's first token, times sooner", ratios, least=5)]


async def _cancels(model: WorkerSupervisor, n_rounds: int) -> list[Figure]:
    decode: list[float] = []
    prefill: list[float] = []
    for number in range(n_rounds):
        decode.append(await _cancel_ms(model, _job(_prefix(700_000 + number), n_tokens=400), after_token=True))
        prefill.append(await _cancel_ms(model, _job(_prefix(800_000 + number) * 8, n_tokens=400), after_token=False))
    step_ms = 1000 / (model.tokens_per_s or 1)
    return [
        figures.of("cancel while decoding to the end of the job", decode, "ms", most=step_ms + 20),
        figures.of("cancel while reading the prompt to the end of the job", prefill, "ms", most=step_ms + 20),
    ]


async def _cancel_ms(model: WorkerSupervisor, job: WorkerJob, after_token: bool) -> float:
    """From the wish to the end of the job, when the next one starts."""
    cancellation = Cancellation()
    items = model.run(job, cancellation)
    if after_token:
        for _ in range(5):
            await anext(items)
        asked_s = time.perf_counter()
        await items.aclose()
        return 1000 * (time.perf_counter() - asked_s)
    reading = asyncio.ensure_future(anext(items))
    await asyncio.sleep(0.3)
    asked_s = time.perf_counter()
    cancellation.request()
    done = await reading
    assert isinstance(done, JobDone), "the prompt was read before it could be cancelled"
    return 1000 * (time.perf_counter() - asked_s)


async def _ours(model: WorkerSupervisor, prefix: str, document: str | None = None) -> Timing:
    started_s, first_s, n_tokens = time.perf_counter(), 0.0, 0
    async for item in model.run(_job(prefix, N_TOKENS, document)):
        if isinstance(item, Chunk):
            first_s = first_s or time.perf_counter()
            n_tokens += item.n_tokens
        else:
            done = item
    rest_s = time.perf_counter() - first_s
    return Timing(1000 * (first_s - started_s), (n_tokens - 1) / rest_s, done.cpu_s)


def _theirs(plain: plain_llama.Plain, prefix: str) -> Timing:
    answer = plain.complete(prefix, SUFFIX, N_TOKENS)
    return Timing(answer.first_ms, 1000 * (answer.n_tokens - 1) / (answer.total_ms - answer.first_ms))


def _job(prefix: str, n_tokens: int, document: str | None = None) -> WorkerJob:
    return WorkerJob(shape="fim", prompt=prefix, suffix=SUFFIX, max_tokens=n_tokens, document=document)


def _prefix(number: int) -> str:
    """A prompt of about 200 tokens whose first ones are its own, so that nothing of it is in a cache, and whose answer
    is long."""
    steps = "".join(f"    result.append({number % 97} * {index})\n" for index in range(14))
    return f"# variant {number}\ndef table_{number}():\n    result = []\n{steps}    "


@contextmanager
def _busy() -> Iterator[None]:
    programs = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(N_BUSY)]
    try:
        yield
    finally:
        for program in programs:
            program.kill()
            program.wait()


if __name__ == "__main__":
    raise SystemExit(main())
