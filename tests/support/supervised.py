"""A supervisor with the real worker process, and how tests ask it."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import psutil

from halfwatt.daemon.inference.answer import Cancellation, Chunk
from halfwatt.daemon.models.catalog import ModelSpec
from halfwatt.daemon.settings.schema import LocalConfig
from halfwatt.daemon.worker.protocol import JobDone, WorkerJob
from halfwatt.daemon.worker.supervisor import WorkerSupervisor, WorkerTimeouts

LOG = logging.getLogger("test")
ENDLESS = "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15"
FAULT = "HALFWATT_TEST_WORKER_FAULT"


@asynccontextmanager
async def started(
    spec: ModelSpec,
    memory: Path,
    config: LocalConfig | None = None,
    fault: str = "",
    states: list[str] | None = None,
    **limits: float,
) -> AsyncIterator[WorkerSupervisor]:
    environ = {**os.environ, FAULT: fault}
    seen: list[str] = [] if states is None else states
    local = WorkerSupervisor(
        spec,
        config or LocalConfig(),
        memory,
        LOG,
        environ=environ,
        timeouts=WorkerTimeouts(**limits),
        changed=lambda: seen.append(local.state),
    )
    await local.start()
    try:
        yield local
    finally:
        await local.stop()


async def answer(
    model: WorkerSupervisor, job: WorkerJob, cancellation: Cancellation | None = None
) -> tuple[str, JobDone]:
    items = [item async for item in model.run(job, cancellation)]
    *chunks, done = items
    assert isinstance(done, JobDone)
    return "".join(chunk.text for chunk in chunks if isinstance(chunk, Chunk)), done


async def until(holds: Callable[[], bool]) -> None:
    """Wait for something that no event tells; the test's own time limit ends the waiting."""
    while not holds():  # noqa: ASYNC110 - the state of another process
        await asyncio.sleep(0.005)


def is_gone(pid: int) -> bool:
    """Whether a process has ended, also where nobody reaps it."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def cpu_s(process: psutil.Process) -> float:
    return float(sum(process.cpu_times()[:2]))


def text_job(prompt: str = ENDLESS, **fields: object) -> WorkerJob:
    return WorkerJob(shape="text", prompt=prompt, **fields)  # type: ignore[arg-type]  # a shorthand
