"""The order of waiting jobs, and how they end, without a worker."""

from __future__ import annotations

import asyncio

import pytest

from halfwatt.daemon.errors import WorkerBusyError, WorkerError
from halfwatt.daemon.inference.answer import Chunk
from halfwatt.daemon.worker.job_queue import JobQueue
from halfwatt.daemon.worker.protocol import JobDone, WorkerJob


def job(priority: int = 0, prompt: str = "x", time_box_ms: float | None = None) -> WorkerJob:
    return WorkerJob(shape="text", prompt=prompt, priority=priority, time_box_ms=time_box_ms)


async def test_larger_priority_runs_first_then_the_older_job() -> None:
    queue = JobQueue(limit=4)
    old, urgent, young = queue.add(job()), queue.add(job(priority=1)), queue.add(job())
    assert [await queue.start_next() for _ in range(3)] == [urgent, old, young]
    assert queue.running is young
    assert len(queue) == 0


async def test_next_job_is_waited_for() -> None:
    queue = JobQueue(limit=1)
    starting = asyncio.create_task(queue.start_next())
    await asyncio.sleep(0)
    queued = queue.add(job())
    assert await starting is queued
    assert queued.started_s is not None


def test_full_queue_refuses() -> None:
    queue = JobQueue(limit=1)
    queue.add(job())
    with pytest.raises(WorkerBusyError, match="1 waiting"):
        queue.add(job())


def test_urgent_job_takes_the_place_of_the_newest_of_lower_priority() -> None:
    queue = JobQueue(limit=3)
    first, second, ghost = queue.add(job()), queue.add(job()), queue.add(job(priority=2))
    queue.add(job(priority=1))
    assert isinstance(second.items.get_nowait(), WorkerBusyError)
    assert second.finished.is_set()
    assert not first.finished.is_set()
    assert not ghost.finished.is_set()
    queue.add(job(priority=1))
    assert first.finished.is_set()
    with pytest.raises(WorkerBusyError):
        queue.add(job(priority=1))


async def test_job_is_given_back_once_and_only_before_its_first_text() -> None:
    queue = JobQueue(limit=2)
    queued = queue.add(job())
    await queue.start_next()
    assert queue.give_back_running()
    assert await queue.start_next() is queued
    assert not queue.give_back_running()
    other = queue.add(job())
    queue.running = None
    await queue.start_next()
    other.put(Chunk("x"))
    assert not queue.give_back_running()


def test_job_gets_a_number_of_its_own_and_text_that_utf8_can_carry() -> None:
    queue = JobQueue(limit=2)
    first, second = queue.add(job(prompt="a\ud83d")), queue.add(job())
    assert first.job.id != second.job.id
    assert first.job.prompt == "a?"


def test_cancelled_waiting_job_ends_as_cancelled_and_costs_nothing() -> None:
    queue = JobQueue(limit=1)
    queued = queue.add(job())
    assert queue.end_waiting(queued, "cancelled")
    done = queued.items.get_nowait()
    assert isinstance(done, JobDone)
    assert (done.stop, done.cpu_s, done.job) == ("cancelled", 0.0, queued.job.id)
    assert not queue.end_waiting(queued, "cancelled")


async def test_running_job_is_not_cancelled_in_the_queue() -> None:
    queue = JobQueue(limit=1)
    queue.add(job())
    assert not queue.end_waiting(await queue.start_next(), "cancelled")


async def test_failure_ends_every_job_once() -> None:
    queue = JobQueue(limit=2)
    queue.add(job())
    running, waiting = await queue.start_next(), queue.add(job())
    queue.fail_all(WorkerError("gone"))
    queue.fail_all(WorkerError("again"))
    for queued in (running, waiting):
        assert str(queued.items.get_nowait()) == "gone"
        assert queued.items.empty()
    assert queue.running is None


def test_time_in_the_queue_counts_against_the_time_box_and_into_the_times() -> None:
    queued = JobQueue(limit=1).add(job(time_box_ms=0.0))
    assert queued.with_time_left().time_box_ms == 0.0
    queued.started_s = queued.submitted_s + 0.5
    worked = JobDone(
        stop="stop", prompt_tokens=1, completion_tokens=1, cached_tokens=0,
        queue_ms=0.0, first_token_ms=10.0, total_ms=20.0, cpu_s=0.1,
    )  # fmt: skip
    done = queued.since_submission(worked)
    assert (done.queue_ms, done.first_token_ms, done.total_ms) == pytest.approx((500, 510, 520))
