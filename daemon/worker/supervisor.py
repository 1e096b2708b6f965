"""The local model as the daemon uses it: a queue of jobs before one worker process that is kept alive.

The worker is started on the rung of the ladder that worked before, restarted with growing delays when it dies or hangs,
and given one job at a time, so that a crash costs one answer. What a prompt means is engine.py's business.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import msgspec

from halfwatt.daemon.errors import (
    HalfwattError,
    ModelError,
    PromptTooLongError,
    UsageError,
    WorkerBusyError,
    WorkerError,
)
from halfwatt.daemon.inference.answer import Cancellation, Chunk
from halfwatt.daemon.models.catalog import ModelSpec
from halfwatt.daemon.settings.schema import LocalConfig

from .fallbacks import FALLBACKS, FallbackMemory, memory_key
from .process import WorkerCrashedError, WorkerProcess, is_native_crash, start_worker
from .protocol import (
    WARM_PRIORITY,
    CancelJob,
    CountTokens,
    FromWorker,
    JobDone,
    JobFailed,
    LoadModel,
    Marks,
    ModelReady,
    TokensCounted,
    WorkerJob,
    clean,
)

LocalState = Literal["stopped", "starting", "ready", "restarting", "failed"]
STATE_BYTES = 256 << 20  # key-value state of all documents together
RATE_WEIGHT = 0.3  # of the newest job in the running mean of tokens per second
MIN_RATE_TOKENS = 8
HEALTHY_S = 60.0
NATIVE_CRASHES_PER_FALLBACK = 2
_ERRORS = {kind.code: kind for kind in (PromptTooLongError, UsageError, WorkerError, ModelError)}


@dataclass(frozen=True)
class WorkerTimeouts:
    """Patience, in seconds. `hang_s`: without any message during a job, after which the worker is replaced."""

    load_s: float = 180.0
    hang_s: float = 60.0
    first_delay_s: float = 0.25
    most_delay_s: float = 30.0


@dataclass(eq=False)
class _QueuedJob:
    """One job on its way. `items` ends with a Done or an error, and then `finished` is set."""

    job: WorkerJob
    submitted_s: float
    started_s: float | None = None
    items: asyncio.Queue[Chunk | JobDone | HalfwattError] = field(default_factory=asyncio.Queue)
    finished: asyncio.Event = field(default_factory=asyncio.Event)

    def end(self, item: JobDone | HalfwattError) -> None:
        if not self.finished.is_set():
            self.items.put_nowait(item)
            self.finished.set()


class LocalModel:
    """Owns the worker of one model. `changed` is called whenever `state` does."""

    def __init__(
        self,
        spec: ModelSpec,
        config: LocalConfig,
        memory_file: Path,
        log: logging.Logger,
        *,
        environ: Mapping[str, str] | None = None,
        limits: WorkerTimeouts | None = None,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._spec = spec
        self._config = config
        self._memory = FallbackMemory(memory_file)
        self._log = log
        self._environ = dict(os.environ if environ is None else environ)
        self._limits = limits or WorkerTimeouts()
        self._changed = changed
        self._waiting: list[_QueuedJob] = []
        self._current: _QueuedJob | None = None
        self._work = asyncio.Event()
        self._numbers = itertools.count(1)
        self._counts: dict[int, asyncio.Future[int]] = {}
        self._worker: WorkerProcess | None = None
        self._supervisor: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self._native_crashes = 0
        self.state: LocalState = "stopped"
        self.problem: HalfwattError | None = None
        self.fallback_index = 0
        self.context_tokens = config.context_tokens
        self.has_fim = spec.fim is not None
        self.tokens_per_s: float | None = None

    @property
    def n_queued(self) -> int:
        """Jobs that wait; the running one is not counted."""
        return len(self._waiting)

    @property
    def pid(self) -> int | None:
        """The worker's process id."""
        return self._worker.pid if self._worker else None

    async def start(self) -> None:
        """Start the worker and wait until it is ready. ModelError or WorkerError where it cannot be."""
        if self._supervisor is None:
            self._enter("starting")
            self._supervisor = asyncio.create_task(self._supervise())
        waiting = asyncio.ensure_future(self._ready.wait())
        await asyncio.wait({waiting, self._supervisor}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if self.problem is not None:
            raise self.problem

    async def stop(self) -> None:
        """End the worker; jobs still on their way fail."""
        if self._supervisor is not None:
            self._supervisor.cancel()
            await asyncio.gather(self._supervisor, return_exceptions=True)
            self._supervisor = None
        self._enter("stopped")
        self._fail_all(WorkerError("The local model was stopped. Start it again with `halfwatt daemon start`."))

    async def run(
        self, job: WorkerJob, cancellation: Cancellation | None = None
    ) -> AsyncGenerator[Chunk | JobDone, None]:
        """The chunks of the answer, then `JobDone`, also after a cancellation (stop "cancelled"). Closing the generator
        cancels the job in the worker within one token, and waits for that.

        WorkerBusyError at once when the queue is full; PromptTooLongError and UsageError before any work; WorkerError
        when the worker dies."""
        ticket = self._admit(job)
        if cancellation is not None:
            cancellation.on_request(lambda: self._cancel(ticket))
        try:
            while True:
                item = await ticket.items.get()
                if isinstance(item, HalfwattError):
                    raise item
                yield item
                if isinstance(item, JobDone):
                    return
        finally:
            if not ticket.finished.is_set():
                self._cancel(ticket)
                await ticket.finished.wait()

    async def count_tokens(self, job: WorkerJob) -> int:
        """How many tokens the job's prompt has in this model's template; answered also while a job runs."""
        if self._worker is None or self.state != "ready":
            raise self._not_ready()
        job = self._numbered(job)
        self._counts[job.id] = asyncio.get_running_loop().create_future()
        self._worker.post(CountTokens(job))
        try:
            return await self._counts[job.id]
        finally:
            self._counts.pop(job.id, None)

    # The queue

    def _admit(self, job: WorkerJob) -> _QueuedJob:
        if self.state in ("stopped", "failed"):
            raise self._not_ready()
        if len(self._waiting) >= self._config.queue:
            raise WorkerBusyError(
                f"The local model is busy and its queue is full ({len(self._waiting)} waiting). Try again in a moment, "
                "or raise `local.queue`."
            )
        ticket = _QueuedJob(self._numbered(job), time.monotonic())
        if job.priority > WARM_PRIORITY and self._current and self._current.job.priority == WARM_PRIORITY:
            self._cancel(self._current)  # what it has read so far is kept
        self._waiting.append(ticket)
        self._waiting.sort(key=lambda waiting: (-waiting.job.priority, waiting.job.id))
        self._work.set()
        return ticket

    def _numbered(self, job: WorkerJob) -> WorkerJob:
        """The job under its one number, with text that UTF-8 can carry."""
        return msgspec.structs.replace(
            job,
            id=next(self._numbers),
            messages=None if job.messages is None else [{k: clean(v) for k, v in m.items()} for m in job.messages],
            prompt=None if job.prompt is None else clean(job.prompt),
            suffix=None if job.suffix is None else clean(job.suffix),
            stop=tuple(map(clean, job.stop)),
        )

    def _cancel(self, ticket: _QueuedJob) -> None:
        """End a job; its `run` goes on to `JobDone`. One that is over is left alone."""
        if ticket in self._waiting:
            self._waiting.remove(ticket)
            ticket.end(_never_started(ticket))
        elif ticket is self._current and self._worker is not None:
            self._worker.post(CancelJob(ticket.job.id))

    async def _next(self) -> _QueuedJob:
        while not self._waiting:
            self._work.clear()
            await self._work.wait()
        return self._waiting.pop(0)

    def _fail_all(self, error: HalfwattError) -> None:
        tickets = [*self._waiting, *([self._current] if self._current else [])]
        self._waiting.clear()
        self._current = None
        for ticket in tickets:
            ticket.end(error)

    def _not_ready(self) -> HalfwattError:
        return self.problem or WorkerError("The local model is not ready yet. Try again in a moment.")

    # The worker's life

    async def _supervise(self) -> None:
        n_failures = 0
        while True:
            try:
                ready = await self._bring_up()
            except HalfwattError as error:
                self.problem = error
                self._enter("failed")
                self._fail_all(error)
                return
            began_s = time.monotonic()
            self.context_tokens, self.has_fim = ready.context_tokens, ready.has_fim
            self._enter("ready")
            self._ready.set()
            await self._serve()
            n_failures = 1 if time.monotonic() - began_s > HEALTHY_S else n_failures + 1
            self._enter("restarting")
            await asyncio.sleep(min(self._limits.most_delay_s, self._limits.first_delay_s * 2 ** (n_failures - 1)))

    async def _bring_up(self) -> ModelReady:
        """Start a worker on the remembered rung, on a crash on the next ones."""
        key = await asyncio.to_thread(memory_key, self._spec)
        first = max(self.fallback_index, self._memory.first_to_try(key))
        for index in range(first, len(FALLBACKS)):
            worker = await start_worker(self._environ, self._log)
            try:
                ready = await worker.load(self._load_message(index), self._limits.load_s)
            except WorkerCrashedError as error:
                self._log.warning("%s Parameters: %s.", error, FALLBACKS[index].name)
                await worker.end(at_once=True)
                continue
            except BaseException:
                await worker.end(at_once=True)
                raise
            self._worker, self.fallback_index = worker, index
            self._memory.remember(key, index)
            self._log.info("worker ready, parameters: %s, %s", FALLBACKS[index].name, ready.library)
            return ready
        raise WorkerError(
            "The local model's process crashed with every set of parameters, from fast to safe. Choose another model "
            "with `halfwatt config set local.model`, and see `halfwatt doctor`."
        )

    def _load_message(self, index: int) -> LoadModel:
        if self._spec.path is None:
            raise ModelError("The local model has no file. Run `halfwatt models pull`.")
        fim = self._spec.fim
        return LoadModel(
            path=str(self._spec.path),
            fallback=FALLBACKS[index],
            fallback_index=index,
            context_tokens=self._config.context_tokens,
            state_bytes=STATE_BYTES,
            n_threads=self._config.threads,
            nice=self._config.nice,
            chat_template=self._spec.chat_template,
            fim=None if fim is None else Marks(fim.prefix, fim.suffix, fim.middle, fim.stops),
        )

    async def _serve(self) -> None:
        """Give jobs to the worker until it dies or hangs; then fail the one that ran."""
        worker = self._worker
        if worker is None:
            return
        reading = asyncio.create_task(self._read(worker))
        giving = asyncio.create_task(self._give(worker))
        try:
            await asyncio.wait({reading, giving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            hangs = giving.done()
            for task in (reading, giving):
                task.cancel()
            await asyncio.gather(reading, giving, return_exceptions=True)
            self._worker = None
            await worker.end(at_once=hangs)
        self._after_death(worker.returncode or 0)

    def _after_death(self, code: int) -> None:
        self._log.warning("the worker ended with code %d", code)
        if is_native_crash(code):
            self._native_crashes += 1
            if self._native_crashes >= NATIVE_CRASHES_PER_FALLBACK and self.fallback_index + 1 < len(FALLBACKS):
                self.fallback_index, self._native_crashes = self.fallback_index + 1, 0
        sentence = "The local model's process ended in the middle of the answer and is being restarted. Ask again."
        for future in self._counts.values():
            if not future.done():
                future.set_exception(WorkerError(sentence))
        if self._current is not None:
            self._current.end(WorkerError(sentence))
            self._current = None

    async def _give(self, worker: WorkerProcess) -> None:
        """One job after the other; returns when the worker hangs."""
        while True:
            ticket = self._current = await self._next()
            ticket.started_s = time.monotonic()
            worker.last_message_s = ticket.started_s
            worker.post(_for_worker(ticket))
            while not ticket.finished.is_set():
                left_s = worker.last_message_s + self._limits.hang_s - time.monotonic()
                if left_s <= 0:
                    self._log.warning("the worker has been silent for %.0f s and is replaced", self._limits.hang_s)
                    return
                # Not wait_for: before Python 3.12 it can swallow the cancellation that `stop` sends.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(left_s):
                        await ticket.finished.wait()
            self._current = None

    async def _read(self, worker: WorkerProcess) -> None:
        async for message in worker.messages():
            self._take(message)

    def _take(self, message: FromWorker) -> None:
        if isinstance(message, TokensCounted | JobFailed) and (future := self._counts.get(message.job)):
            if not future.done():
                _answer(future, message)
            return
        ticket = self._current
        if not isinstance(message, Chunk | JobDone | JobFailed) or ticket is None or message.job != ticket.job.id:
            return
        match message:
            case Chunk():
                ticket.items.put_nowait(message)
            case JobDone():
                self._measure(message)
                ticket.end(_on_our_clock(ticket, message))
            case JobFailed():
                ticket.end(_error(message))

    def _measure(self, done: JobDone) -> None:
        if done.completion_tokens < MIN_RATE_TOKENS or done.first_token_ms is None:
            return
        rate = 1e3 * (done.completion_tokens - 1) / max(1e-3, done.total_ms - done.first_token_ms)
        before = rate if self.tokens_per_s is None else self.tokens_per_s
        self.tokens_per_s = before + RATE_WEIGHT * (rate - before)

    def _enter(self, state: LocalState) -> None:
        if state != self.state:
            self.state = state
            if state != "ready":
                self._ready.clear()
            self._changed()


def _for_worker(ticket: _QueuedJob) -> WorkerJob:
    """The job with what is left of its time box."""
    job, box_ms = ticket.job, ticket.job.time_box_ms
    waited_ms = 1e3 * (time.monotonic() - ticket.submitted_s)
    left_ms = None if box_ms is None else max(0.0, box_ms - waited_ms)
    return msgspec.structs.replace(job, time_box_ms=left_ms)


def _on_our_clock(ticket: _QueuedJob, done: JobDone) -> JobDone:
    queue_ms = 1e3 * ((ticket.started_s or ticket.submitted_s) - ticket.submitted_s)
    first_ms = None if done.first_token_ms is None else done.first_token_ms + queue_ms
    total_ms = done.total_ms + queue_ms
    return msgspec.structs.replace(done, queue_ms=queue_ms, first_token_ms=first_ms, total_ms=total_ms)


def _never_started(ticket: _QueuedJob) -> JobDone:
    waited_ms = 1e3 * (time.monotonic() - ticket.submitted_s)
    return JobDone("cancelled", 0, 0, 0, waited_ms, None, waited_ms, 0.0, job=ticket.job.id)


def _answer(future: asyncio.Future[int], message: TokensCounted | JobFailed) -> None:
    if isinstance(message, TokensCounted):
        future.set_result(message.n_tokens)
    else:
        future.set_exception(_error(message))


def _error(failed: JobFailed) -> HalfwattError:
    return _ERRORS.get(failed.code, WorkerError)(failed.message)
