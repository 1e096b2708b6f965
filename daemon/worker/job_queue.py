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

from .protocol import JobDone, StopReason, WorkerJob, without_surrogates


@dataclass(eq=False)
class QueuedJob:
    """One job, from its submission to its end. `items` ends with a JobDone or an error, and then `finished` is set.

    `was_given_back`: a worker died before it had answered anything, so another one gets the job, once."""

    job: WorkerJob
    submitted_s: float
    started_s: float | None = None
    items: asyncio.Queue[Chunk | JobDone | HalfwattError] = field(default_factory=asyncio.Queue)
    finished: asyncio.Event = field(default_factory=asyncio.Event)
    has_text: bool = False
    was_given_back: bool = False

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

    def put(self, chunk: Chunk) -> None:
        """Pass a part of the answer on."""
        self.has_text = True
        self.items.put_nowait(chunk)

    def ended_without_worker(self, stop: StopReason) -> JobDone:
        """The result of a job that was cancelled, or whose time was up, before a worker said anything."""
        waited_ms = self._waited_ms()
        return JobDone(
            stop=stop,
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
        """Queue a job. Where the queue is full, it takes the place of the newest job of a lower priority, if any.

        WorkerBusyError otherwise; the displaced job ends with one, too."""
        if len(self._waiting) >= self._limit:
            busy = WorkerBusyError(
                f"The local model is busy and its queue is full ({len(self._waiting)} waiting). Try again in a moment, "
                "or raise `local.queue`."
            )
            if not self._waiting or self._waiting[-1].job.priority >= job.priority:
                raise busy
            self._waiting.pop().end(busy)
        queued = QueuedJob(self.numbered(job), time.monotonic())
        self._wait(queued)
        return queued

    def _wait(self, queued: QueuedJob) -> None:
        self._waiting.append(queued)
        self._waiting.sort(key=lambda waiting: (-waiting.job.priority, waiting.job.id))
        self._has_work.set()

    async def start_next(self) -> QueuedJob:
        """Wait for a job and make it the running one."""
        while not self._waiting:
            self._has_work.clear()
            await self._has_work.wait()
        self.running = self._waiting.pop(0)
        self.running.started_s = time.monotonic()
        return self.running

    def end_waiting(self, queued: QueuedJob, stop: StopReason) -> bool:
        """End a job that has not started; False where it does not wait."""
        if queued not in self._waiting:
            return False
        self._waiting.remove(queued)
        queued.end(queued.ended_without_worker(stop))
        return True

    def give_back_running(self) -> bool:
        """Let the running job wait again, of whose answer nothing has come; False where it cannot, or did before."""
        running = self.running
        if running is None or running.has_text or running.was_given_back or running.finished.is_set():
            return False
        running.was_given_back, self.running = True, None
        self._wait(running)
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
