"""The local model as the daemon uses it: a queue of jobs, and one worker process that is kept alive.

The worker starts with the fallback that worked before. It is restarted, with growing delays, when it dies or hangs. It
gets one job at a time, so that a crash costs one answer. This module does not know what a prompt means (engine.py).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from halfwatt.daemon.errors import HalfwattError, ModelError, PromptTooLongError, UsageError, WorkerError
from halfwatt.daemon.inference.answer import Cancellation, Chunk
from halfwatt.daemon.models.catalog import ModelSpec
from halfwatt.daemon.settings.schema import LocalConfig

from .fallbacks import FALLBACKS, FallbackMemory, memory_key
from .job_queue import JobQueue, QueuedJob
from .process import WorkerCrashedError, WorkerProcess, is_native_crash, start_worker
from .protocol import (
    WARM_PRIORITY,
    CancelJob,
    CountTokens,
    FromWorker,
    JobDone,
    JobFailed,
    LoadModel,
    ModelReady,
    TokensCounted,
    WorkerJob,
)

LocalState = Literal["stopped", "starting", "ready", "restarting", "failed"]
STATE_BYTES = 256 << 20  # key-value state of all documents together
RATE_WEIGHT = 0.3  # of the newest job in the running mean of tokens per second
MIN_RATE_TOKENS = 8
HEALTHY_S = 60.0
NATIVE_CRASHES_PER_FALLBACK = 3
KILLS_WHILE_LOADING = 3
TIME_BOX_GRACE_S = 0.5  # for a worker that ends the job itself, with what it cost
_ERRORS = {kind.code: kind for kind in (PromptTooLongError, UsageError, WorkerError, ModelError)}


@dataclass(frozen=True)
class WorkerTimeouts:
    """Limits and delays in seconds. A worker that sends nothing for `hang_s` during a job is replaced."""

    load_s: float = 180.0
    hang_s: float = 60.0
    first_delay_s: float = 0.25
    most_delay_s: float = 30.0


class WorkerSupervisor:
    """Owns the worker of one model. It calls `changed` whenever `state` changes."""

    def __init__(
        self,
        spec: ModelSpec,
        config: LocalConfig,
        memory_file: Path,
        log: logging.Logger,
        *,
        environ: Mapping[str, str] | None = None,
        timeouts: WorkerTimeouts | None = None,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._spec = spec
        self._config = config
        self._memory = FallbackMemory(memory_file)
        self._log = log
        self._environ = dict(os.environ if environ is None else environ)
        self._timeouts = timeouts or WorkerTimeouts()
        self._changed = changed
        self._queue = JobQueue(config.queue)
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
    def queue_length(self) -> int:
        """Jobs that wait; the running one is not counted."""
        return len(self._queue)

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
        """End the worker. Jobs that have not ended fail."""
        if self._supervisor is not None:
            self._supervisor.cancel()
            await asyncio.gather(self._supervisor, return_exceptions=True)
            self._supervisor = None
        self._enter("stopped")
        self._queue.fail_all(WorkerError("The local model was stopped. Start it again with `halfwatt daemon start`."))

    async def run(
        self, job: WorkerJob, cancellation: Cancellation | None = None
    ) -> AsyncGenerator[Chunk | JobDone, None]:
        """The chunks of the answer, then `JobDone`, also after a cancellation (stop "cancelled").

        Closing the generator cancels the job in the worker within one token, and waits for that. WorkerBusyError at
        once when the queue is full; PromptTooLongError and UsageError before any work; WorkerError when the worker
        dies."""
        queued = self._admit(job)
        if cancellation is not None:
            cancellation.on_request(lambda: self._cancel(queued))
        time_box = self._start_time_box(queued)
        try:
            while True:
                item = await queued.items.get()
                if isinstance(item, HalfwattError):
                    raise item
                yield item
                if isinstance(item, JobDone):
                    return
        finally:
            for timer in time_box:
                timer.cancel()
            if not queued.finished.is_set():
                self._cancel(queued)
                await queued.finished.wait()

    async def count_tokens(self, job: WorkerJob) -> int:
        """How many tokens the job's prompt has in this model's template. The answer comes while another job runs."""
        if self._worker is None or self.state != "ready":
            raise self._not_ready()
        job = self._queue.numbered(job)
        self._counts[job.id] = asyncio.get_running_loop().create_future()
        self._worker.post(CountTokens(job))
        try:
            return await self._counts[job.id]
        finally:
            self._counts.pop(job.id, None)

    # Jobs

    def _admit(self, job: WorkerJob) -> QueuedJob:
        if self.state in ("stopped", "failed"):
            raise self._not_ready()
        queued = self._queue.add(job)
        running = self._queue.running
        if job.priority > WARM_PRIORITY and running is not None and running.job.priority == WARM_PRIORITY:
            self._cancel(running)  # the slot keeps what it has read so far
        return queued

    def _start_time_box(self, queued: QueuedJob) -> tuple[asyncio.TimerHandle, ...]:
        """End the job in time, in the queue and with a worker that does not listen, too."""
        if queued.job.time_box_ms is None:
            return ()
        loop, limit_s = asyncio.get_running_loop(), queued.job.time_box_ms / 1e3
        return (
            loop.call_later(limit_s, self._queue.end_waiting, queued, "time_box"),
            loop.call_later(limit_s + TIME_BOX_GRACE_S, self._give_up, queued),
        )

    def _give_up(self, queued: QueuedJob) -> None:
        """End a job whose worker has let its time pass; what the worker still says of it is not read."""
        self._cancel(queued)
        queued.end(queued.ended_without_worker("time_box"))

    def _cancel(self, queued: QueuedJob) -> None:
        """End a job; its `run` goes on to `JobDone`. A job that has ended is left alone."""
        if self._queue.end_waiting(queued, "cancelled"):
            return
        if queued is self._queue.running and self._worker is not None:
            self._worker.post(CancelJob(queued.job.id))

    def _not_ready(self) -> HalfwattError:
        return self.problem or WorkerError("The local model is not ready yet. Try again in a moment.")

    # The worker's life

    async def _supervise(self) -> None:
        """Keep a worker running until no fallback works."""
        n_failures = 0
        while True:
            try:
                ready = await self._start_worker()
            except HalfwattError as error:
                self.problem = error
                self._enter("failed")
                self._queue.fail_all(error)
                return
            began_s = time.monotonic()
            self.context_tokens, self.has_fim = ready.context_tokens, ready.has_fim
            self._enter("ready")
            self._ready.set()
            await self._serve()
            n_failures = 1 if time.monotonic() - began_s > HEALTHY_S else n_failures + 1
            self._enter("restarting")
            delay_s = self._timeouts.first_delay_s * 2 ** (n_failures - 1)
            await asyncio.sleep(min(self._timeouts.most_delay_s, delay_s))

    async def _start_worker(self) -> ModelReady:
        """Start a worker with the remembered fallback; after a crash of its own try the next one, and so on.

        A worker that was killed is started again with the same one: safer parameters would not have helped."""
        key = await asyncio.to_thread(memory_key, self._spec)
        index = max(self.fallback_index, self._memory.first_to_try(key))
        n_killed = 0
        while index < len(FALLBACKS):
            worker = await start_worker(self._environ, self._log)
            try:
                ready = await worker.load(self._load_message(index), self._timeouts.load_s)
            except WorkerCrashedError as error:
                self._log.warning("%s Parameters: %s.", error, FALLBACKS[index].name)
                await worker.end(at_once=True)
                n_killed, index = (n_killed + 1, index) if error.killed else (0, index + 1)
                if n_killed == KILLS_WHILE_LOADING:
                    raise WorkerError(
                        "The local model's process was killed each time while it loaded the model; the system may be "
                        "out of memory. Close other programs, or choose a smaller model with `halfwatt models list`."
                    ) from None
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
        return LoadModel(
            path=str(self._spec.path),
            fallback=FALLBACKS[index],
            fallback_index=index,
            context_tokens=self._config.context_tokens,
            state_bytes=STATE_BYTES,
            n_threads=self._config.threads,
            nice=self._config.nice,
            chat_template=self._spec.chat_template,
            fim=self._spec.fim,
        )

    async def _serve(self) -> None:
        """Give jobs to the worker until it dies or hangs; then fail the running one."""
        worker = self._worker
        if worker is None:
            return
        reading = asyncio.create_task(self._read_messages(worker))
        giving = asyncio.create_task(self._give_jobs(worker))
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
        """Give the job to the next worker or fail it, and choose a safer fallback after repeated native crashes."""
        self._log.warning("the worker ended with code %d", code)
        if is_native_crash(code):
            self._native_crashes += 1
            is_last = self.fallback_index + 1 == len(FALLBACKS)
            if self._native_crashes >= NATIVE_CRASHES_PER_FALLBACK and not is_last:
                self.fallback_index, self._native_crashes = self.fallback_index + 1, 0
        sentence = "The local model's process ended in the middle of the answer and is being restarted. Ask again."
        for future in self._counts.values():
            if not future.done():
                future.set_exception(WorkerError(sentence))
        if not self._queue.give_back_running():
            self._queue.fail_running(WorkerError(sentence))

    async def _give_jobs(self, worker: WorkerProcess) -> None:
        """Give the worker one job after the other; return when it hangs."""
        silent_since_s = 0.0
        while True:
            queued = await self._queue.start_next()
            if worker.last_message_s >= silent_since_s:  # else it still owes a word about a job that was given up
                silent_since_s = time.monotonic()
            worker.post(queued.with_time_left())
            while not queued.finished.is_set():
                silent_since_s = max(silent_since_s, worker.last_message_s)
                left_s = silent_since_s + self._timeouts.hang_s - time.monotonic()
                if left_s <= 0:
                    self._log.warning("the worker has been silent for %.0f s and is replaced", self._timeouts.hang_s)
                    return
                # Not wait_for: before Python 3.12 it can swallow the cancellation that `stop` sends.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(left_s):
                        await queued.finished.wait()
            self._queue.running = None

    async def _read_messages(self, worker: WorkerProcess) -> None:
        async for message in worker.messages():
            self._handle(message)

    def _handle(self, message: FromWorker) -> None:
        """Pass a message to the count of tokens or the running job that waits for it."""
        if isinstance(message, TokensCounted | JobFailed) and (future := self._counts.get(message.job)):
            if not future.done():
                _settle(future, message)
            return
        running = self._queue.running
        if not isinstance(message, Chunk | JobDone | JobFailed) or running is None or message.job != running.job.id:
            return
        match message:
            case Chunk():
                running.put(message)
            case JobDone():
                self._update_rate(message)
                running.end(running.since_submission(message))
            case JobFailed():
                running.end(_error(message))

    def _update_rate(self, done: JobDone) -> None:
        """Take a job into the running mean of tokens per second, if it was long enough to tell."""
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


def _settle(future: asyncio.Future[int], message: TokensCounted | JobFailed) -> None:
    if isinstance(message, TokensCounted):
        future.set_result(message.n_tokens)
    else:
        future.set_exception(_error(message))


def _error(failed: JobFailed) -> HalfwattError:
    return _ERRORS.get(failed.code, WorkerError)(failed.message)
