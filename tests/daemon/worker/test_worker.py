"""The worker process by its pipes alone."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from halfwatt.daemon.inference.answer import Chunk
from halfwatt.daemon.worker.fallbacks import FALLBACKS
from halfwatt.daemon.worker.protocol import (
    CancelJob,
    FromWorker,
    JobDone,
    JobFailed,
    LoadModel,
    ModelReady,
    ToWorker,
    WorkerJob,
    decode_from_worker,
    encode,
)

COMMAND = [sys.executable, "-P", "-m", "halfwatt.daemon.worker"]


class Worker:
    def __init__(self, model_path: Path) -> None:
        self.process = subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        # Not the fastest parameters: in some virtual machines the processor names instructions that it does not have.
        self.say(LoadModel(str(model_path), FALLBACKS[1], 1, context_tokens=1024, state_bytes=1 << 26, nice=3))

    def say(self, message: ToWorker) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(encode(message))
        self.process.stdin.flush()

    def hear(self) -> FromWorker:
        assert self.process.stdout is not None
        return decode_from_worker(self.process.stdout.readline())


@pytest.fixture
def worker(model_path: Path) -> Iterator[Worker]:
    worker = Worker(model_path)
    yield worker
    worker.process.kill()
    worker.process.wait()
    for pipe in (worker.process.stdin, worker.process.stdout, worker.process.stderr):
        assert pipe is not None
        pipe.close()


def test_cancel_that_comes_before_its_job_begins_is_not_lost(worker: Worker) -> None:
    assert isinstance(worker.hear(), ModelReady)
    worker.say(WorkerJob(id=1, shape="text", prompt="1 2 3", max_tokens=900))
    worker.say(WorkerJob(id=2, shape="text", prompt="1 2 3", max_tokens=900))
    worker.say(CancelJob(2))
    worker.say(CancelJob(1))
    ends: list[tuple[int, str, bool]] = []
    while len(ends) < 2:
        message = worker.hear()
        if isinstance(message, JobDone):
            ends.append((message.job, message.stop, message.completion_tokens < 900))
    assert ends == [(1, "cancelled", True), (2, "cancelled", True)]


def test_cancel_of_a_finished_job_spares_the_next(worker: Worker) -> None:
    assert isinstance(worker.hear(), ModelReady)
    worker.say(WorkerJob(id=1, shape="text", prompt="1 2 3", max_tokens=1))
    while not isinstance(worker.hear(), JobDone):
        pass
    worker.say(CancelJob(1))
    worker.say(WorkerJob(id=2, shape="text", prompt="1 2 3", max_tokens=3))
    while not isinstance(message := worker.hear(), JobDone):
        pass
    assert (message.stop, message.completion_tokens) == ("length", 3)


def test_refused_job_leaves_the_worker_serving(worker: Worker) -> None:
    assert isinstance(worker.hear(), ModelReady)
    worker.say(WorkerJob(id=1, shape="text", prompt="word " * 2000))
    refused = worker.hear()
    assert isinstance(refused, JobFailed)
    assert refused.code == "prompt_too_long"
    worker.say(WorkerJob(id=2, shape="text", prompt="1 2 3", max_tokens=1))
    assert any(isinstance(worker.hear(), Chunk) for _ in range(3))


def test_worker_ends_with_its_input_in_the_middle_of_a_job(worker: Worker) -> None:
    assert isinstance(worker.hear(), ModelReady)
    worker.say(WorkerJob(id=1, shape="text", prompt="1 2 3", max_tokens=900))
    worker.hear()
    assert worker.process.stdin is not None
    worker.process.stdin.close()
    assert worker.process.wait() == 0


def test_worker_gives_way_to_other_programs(worker: Worker) -> None:
    assert isinstance(worker.hear(), ModelReady)
    assert psutil.Process(worker.process.pid).nice() >= 3
    if sys.platform == "linux":
        assert int(Path(f"/proc/{worker.process.pid}/oom_score_adj").read_text()) == 500


def test_words_that_are_no_message_end_the_worker(worker: Worker) -> None:
    assert isinstance(worker.hear(), ModelReady)
    assert worker.process.stdin is not None
    worker.process.stdin.write(b"nonsense\n")
    worker.process.stdin.flush()
    assert worker.process.wait() == 0


def test_first_message_must_load(model_path: Path) -> None:
    done = subprocess.run(COMMAND, input=encode(CancelJob(1)), capture_output=True, env=dict(os.environ))
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
