"""Jobs that wait for the worker, in the order in which they will run, and the one that runs.

It knows no process: supervisor.py takes the jobs and tells the worker about them.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from dataclasses import dataclass, field

import msgspec

from halfwatt.daemon.errors import HalfwattError, WorkerBusyError
from halfwatt.daemon.inference.answer import Chunk

from .protocol import JobDone, WorkerJob, without_surrogates


@dataclass(eq=False)
class QueuedJob:
    """One job, from its submission to its end. `items` ends with a JobDone or an error, and then `finished` is set."""

    job: WorkerJob
    submitted_s: float
    started_s: float | None = None
    items: asyncio.Queue[Chunk | JobDone | HalfwattError] = field(default_factory=asyncio.Queue)
    finished: asyncio.Event = field(default_factory=asyncio.Event)

    def end(self, item: JobDone | HalfwattError) -> None:
        """End the job, unless it has ended before."""
        if not self.finished.is_set():
            self.items.put_nowait(item)
            self.finished.set()

    def with_time_left(self) -> WorkerJob:
        """The job with what is left of its time box now."""
        box_ms = self.job.time_box_ms
        left_ms = None if box_ms is None else max(0.0, box_ms - self._waited_ms())
        return msgspec.structs.replace(self.job, time_box_ms=left_ms)

    def since_submission(self, done: JobDone) -> JobDone:
        """The worker's result with its times counted from the submission, the time in the queue included."""
        queue_ms = 1e3 * ((self.started_s or self.submitted_s) - self.submitted_s)
        first_ms = None if done.first_token_ms is None else done.first_token_ms + queue_ms
        total_ms = done.total_ms + queue_ms
        return msgspec.structs.replace(done, queue_ms=queue_ms, first_token_ms=first_ms, total_ms=total_ms)

    def cancelled_in_queue(self) -> JobDone:
        """The result of a job that was cancelled before it started."""
        waited_ms = self._waited_ms()
        return JobDone(
            stop="cancelled",
            prompt_tokens=0,
            completion_tokens=0,
            cached_tokens=0,
            queue_ms=waited_ms,
            total_ms=waited_ms,
            cpu_s=0.0,
            job=self.job.id,
        )

    def _waited_ms(self) -> float:
        return 1e3 * (time.monotonic() - self.submitted_s)


class JobQueue:
    """At most `limit` waiting jobs; the largest priority runs first, then the oldest job."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._waiting: list[QueuedJob] = []
        self._has_work = asyncio.Event()
        self._numbers = itertools.count(1)
        self.running: QueuedJob | None = None

    def __len__(self) -> int:
        """Jobs that wait; the running one is not counted."""
        return len(self._waiting)

    def numbered(self, job: WorkerJob) -> WorkerJob:
        """The job under its own number, with text that UTF-8 can carry."""
        return msgspec.structs.replace(without_surrogates(job), id=next(self._numbers))

    def add(self, job: WorkerJob) -> QueuedJob:
        """Queue a job; WorkerBusyError where the queue is full."""
        if len(self._waiting) >= self._limit:
            raise WorkerBusyError(
                f"The local model is busy and its queue is full ({len(self._waiting)} waiting). Try again in a moment, "
                "or raise `local.queue`."
            )
        queued = QueuedJob(self.numbered(job), time.monotonic())
        self._waiting.append(queued)
        self._waiting.sort(key=lambda waiting: (-waiting.job.priority, waiting.job.id))
        self._has_work.set()
        return queued

    async def start_next(self) -> QueuedJob:
        """Wait for a job and make it the running one."""
        while not self._waiting:
            self._has_work.clear()
            await self._has_work.wait()
        self.running = self._waiting.pop(0)
        self.running.started_s = time.monotonic()
        return self.running

    def cancel_waiting(self, queued: QueuedJob) -> bool:
        """End a job that has not started; False where it does not wait."""
        if queued not in self._waiting:
            return False
        self._waiting.remove(queued)
        queued.end(queued.cancelled_in_queue())
        return True

    def fail_running(self, error: HalfwattError) -> None:
        """End the running job with an error, where there is one."""
        if self.running is not None:
            self.running.end(error)
            self.running = None

    def fail_all(self, error: HalfwattError) -> None:
        """End every job with an error."""
        waiting, self._waiting = self._waiting, []
        for queued in waiting:
            queued.end(error)
        self.fail_running(error)
