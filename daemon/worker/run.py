"""The worker process: `python -m halfwatt.daemon.worker`, started by supervisor.py for one local model.

Its main thread owns the model; another reads the daemon's messages. It ends when its stdin does, when the daemon dies,
or when native code crashes, and takes nobody with it. It keeps no queue (the daemon does), opens no file but the
model, and writes nothing about prompts to its log.
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
from typing import BinaryIO

import msgspec
import psutil

from halfwatt.daemon.errors import HalfwattError
from halfwatt.daemon.inference.answer import Chunk

from .engine import LlamaEngine
from .job import JobControl, generate
from .protocol import (
    CancelJob,
    CountTokens,
    FromWorker,
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
    """The pipe to the daemon, for both threads."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = threading.Lock()

    def send(self, message: FromWorker) -> None:
        line = memoryview(encode(message))
        with self._lock:
            while line:
                line = line[os.write(self._descriptor, line) :]


class InjectedFault:
    """A real crash or hang for the tests, from `HALFWATT_TEST_WORKER_FAULT=NAME[:FILE]`; with a file only once, when
    the file is there. Names: segv_on_canary_fallbackN, segv_mid_job, kill_mid_job, hang_mid_job."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._name, _, self._file = environ.get(FAULT_VARIABLE, "").partition(":")

    def strike(self, place: str) -> None:
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


def main() -> None:
    """Load, prove healthy, then serve jobs until stdin ends."""
    output = DaemonPipe(_take_stdout())
    _outlive_nobody()
    fault = InjectedFault(os.environ)
    load = decode_to_worker(sys.stdin.buffer.readline() or b"null")
    if not isinstance(load, LoadModel):
        raise SystemExit("The first message must say which model to load.")
    _give_way(load.nice)
    try:
        engine = LlamaEngine(load)
        fault.strike(f"canary_fallback{load.fallback_index}")
        engine.canary()
    except HalfwattError as error:
        output.send(LoadFailed(str(error)))
        return
    _serve(engine, load, output, fault)


def _serve(engine: LlamaEngine, load: LoadModel, output: DaemonPipe, fault: InjectedFault) -> None:
    control, jobs = JobControl(engine), queue.SimpleQueue[WorkerJob]()
    reading = threading.Thread(target=_read, args=(engine, control, jobs, output), daemon=True)
    slots = Slots(engine.n_slots)
    threads = ThreadChooser(
        available_cores(), load.n_threads, load.fallback.max_threads, system_sample, runnable_threads
    )
    output.send(
        ModelReady(engine.context_tokens, engine.n_slots, engine.has_fim, engine.has_chat_template, engine.library)
    )
    reading.start()
    while True:
        job = jobs.get()
        output.send(_run(engine, slots, threads, control, job, output, fault))


def _run(
    engine: LlamaEngine,
    slots: Slots,
    threads: ThreadChooser,
    control: JobControl,
    job: WorkerJob,
    output: DaemonPipe,
    fault: InjectedFault,
) -> JobDone | JobFailed:
    n_tokens = 0

    def emit(message: FromWorker) -> None:
        nonlocal n_tokens
        output.send(message)
        if isinstance(message, Chunk):
            n_tokens += message.n_tokens
            if n_tokens >= FAULT_AFTER_TOKENS:
                fault.strike("mid_job")

    try:
        return generate(engine, slots, threads, control, job, emit)
    except HalfwattError as error:
        return JobFailed(job.id, error.code, str(error))
    except Exception as error:  # noqa: BLE001 - the job's boundary: the worker goes on, the daemon tells the user
        slots.forget()
        return JobFailed(job.id, "worker", f"The local model stopped with {type(error).__name__}. Ask again.")


def _read(engine: LlamaEngine, control: JobControl, jobs: queue.SimpleQueue[WorkerJob], output: DaemonPipe) -> None:
    """The daemon's messages until it ends; then this process ends at once, whatever it decodes."""
    source: BinaryIO = sys.stdin.buffer
    with contextlib.suppress(OSError, msgspec.MsgspecError):
        while line := source.readline():
            message = decode_to_worker(line)
            match message:
                case WorkerJob():
                    jobs.put(message)
                case CancelJob():
                    control.end(message.id, "cancelled")
                case CountTokens():
                    output.send(_count(engine, message.job))
    os._exit(0)


def _count(engine: LlamaEngine, job: WorkerJob) -> TokensCounted | JobFailed:
    try:
        return TokensCounted(job.id, len(engine.prompt_tokens(job)))
    except HalfwattError as error:
        return JobFailed(job.id, error.code, str(error))


def _take_stdout() -> int:
    """The pipe to the daemon under a number of its own; whatever native code prints goes to stderr."""
    descriptor = os.dup(1)
    os.dup2(2, 1)
    return descriptor


def _outlive_nobody() -> None:
    """Die with the daemon (on Linux even when it is killed), leave no core file, and let it handle Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _give_way(nice: int) -> None:
    """Lower priority for the processor, and the first choice of the kernel when memory runs out."""
    process = psutil.Process()
    with contextlib.suppress(psutil.Error, OSError):
        process.nice(psutil.BELOW_NORMAL_PRIORITY_CLASS if sys.platform == "win32" else nice)
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("500", encoding="ascii")
