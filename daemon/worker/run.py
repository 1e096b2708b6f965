"""The worker process: `python -m halfwatt.daemon.worker`, started by supervisor.py for one local model.

Its main thread owns the model; a second thread reads the daemon's messages. The process ends when its stdin ends, when
the daemon dies, or when native code crashes; the daemon survives all three. It keeps no queue of its own (the daemon
does), opens no file but the model, and logs nothing about prompts.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import queue
import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

import msgspec
import psutil

from halfwatt.daemon.errors import HalfwattError
from halfwatt.daemon.inference.answer import Chunk

from .control import JobControl
from .engine import LlamaEngine
from .job import JobRun
from .protocol import (
    CancelJob,
    CountTokens,
    FromWorker,
    Heartbeat,
    JobDone,
    JobFailed,
    LoadFailed,
    LoadModel,
    ModelReady,
    TokensCounted,
    WorkerJob,
    decode_to_worker,
    encode,
)
from .slots import Slots
from .threads import ThreadChooser, available_cores, runnable_threads, system_sample

PR_SET_PDEATHSIG = 1
FAULT_VARIABLE = "HALFWATT_TEST_WORKER_FAULT"
FAULT_AFTER_TOKENS = 3


class DaemonPipe:
    """The pipe to the daemon. Both threads may write to it."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = threading.Lock()

    def send(self, message: FromWorker) -> None:
        line = memoryview(encode(message))
        with self._lock:
            while line:
                line = line[os.write(self._descriptor, line) :]


class InjectedFault:
    """A real crash or hang for the tests, from `HALFWATT_TEST_WORKER_FAULT=NAME[:FILE]`.

    With a file it happens only once: the file is deleted first. A name is segv, kill or hang, and a place:
    on_self_test_fallbackN, before_job, mid_job."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._name, _, self._file = environ.get(FAULT_VARIABLE, "").partition(":")

    def strike(self, place: str) -> None:
        """Crash or hang if the fault is meant for this place."""
        kind, _, where = self._name.partition("_")
        if where.removeprefix("on_") != place:
            return
        if self._file:
            try:
                Path(self._file).unlink()
            except FileNotFoundError:
                return
        if kind == "hang":
            threading.Event().wait()
        os.kill(os.getpid(), signal.SIGKILL if kind == "kill" else signal.SIGSEGV)


class JobServer:
    """Runs the daemon's jobs one after the other, and reads its messages meanwhile."""

    def __init__(self, engine: LlamaEngine, load: LoadModel, pipe: DaemonPipe, fault: InjectedFault) -> None:
        self._engine = engine
        self._pipe = pipe
        self._fault = fault
        self._control = JobControl(engine)
        self._jobs: queue.SimpleQueue[WorkerJob] = queue.SimpleQueue()
        self._slots = Slots(engine.n_slots)
        self._threads = ThreadChooser(
            available_cores(), load.n_threads, load.fallback.max_threads, system_sample, runnable_threads
        )

    def serve(self) -> NoReturn:
        """Announce that the model is ready, then run jobs until `_read` ends the process."""
        self._pipe.send(ModelReady(self._engine.context_tokens, self._engine.has_fim, self._engine.library))
        threading.Thread(target=self._read, daemon=True).start()
        while True:
            job = self._jobs.get()
            self._pipe.send(self._run(job))

    def _run(self, job: WorkerJob) -> JobDone | JobFailed:
        n_tokens = 0
        self._fault.strike("before_job")

        def emit(message: Chunk | Heartbeat) -> None:
            nonlocal n_tokens
            self._pipe.send(message)
            if isinstance(message, Chunk):
                n_tokens += message.n_tokens
                if n_tokens >= FAULT_AFTER_TOKENS:
                    self._fault.strike("mid_job")

        try:
            return JobRun(self._engine, self._slots, self._threads, self._control, job, emit).run()
        except HalfwattError as error:
            return JobFailed(job.id, error.code, str(error))
        except Exception as error:  # noqa: BLE001 - the job's boundary: the worker goes on, the daemon tells the user
            self._slots.forget()
            return JobFailed(job.id, "worker", f"The local model stopped with {type(error).__name__}. Ask again.")

    def _read(self) -> None:
        """Read the daemon's messages until they end; then end this process at once, whatever it decodes."""
        with contextlib.suppress(OSError, msgspec.MsgspecError):
            while line := sys.stdin.buffer.readline():
                message = decode_to_worker(line)
                match message:
                    case WorkerJob():
                        self._jobs.put(message)
                    case CancelJob():
                        self._control.request_end(message.id, "cancelled")
                    case CountTokens():
                        self._pipe.send(self._count(message.job))
        os._exit(0)

    def _count(self, job: WorkerJob) -> TokensCounted | JobFailed:
        try:
            return TokensCounted(job.id, len(self._engine.prompt_tokens(job)))
        except HalfwattError as error:
            return JobFailed(job.id, error.code, str(error))


def main() -> None:
    """Load the model, test it, then serve jobs until stdin ends."""
    pipe = DaemonPipe(_take_stdout())
    _end_with_the_daemon()
    fault = InjectedFault(os.environ)
    load = decode_to_worker(sys.stdin.buffer.readline() or b"null")
    if not isinstance(load, LoadModel):
        raise SystemExit("The first message must say which model to load.")
    _lower_priority(load.nice)
    try:
        engine = LlamaEngine(load)
        fault.strike(f"self_test_fallback{load.fallback_index}")
        engine.self_test()
    except HalfwattError as error:
        pipe.send(LoadFailed(str(error)))
        return
    JobServer(engine, load, pipe, fault).serve()


def _take_stdout() -> int:
    """Give the pipe to the daemon a descriptor of its own; whatever native code prints then goes to stderr."""
    descriptor = os.dup(1)
    os.dup2(2, 1)
    return descriptor


def _end_with_the_daemon() -> None:
    """Die when the daemon dies (on Linux even when it is killed), leave no core file, and ignore Ctrl+C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _lower_priority(nice: int) -> None:
    """Yield the processor to other programs, and be the first that the kernel ends when memory runs out."""
    process = psutil.Process()
    with contextlib.suppress(psutil.Error, OSError):
        process.nice(psutil.BELOW_NORMAL_PRIORITY_CLASS if sys.platform == "win32" else nice)
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("500", encoding="ascii")
