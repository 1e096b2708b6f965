"""One worker process on the daemon's side: starting it, loading its model, sending messages, ending it.

It knows nothing of queues, restarts and fallbacks (supervisor.py). The process's stderr is logged until the model is
ready. From then on it is discarded, because it could contain parts of prompts.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import AsyncIterator, Mapping

import msgspec

from halfwatt.daemon.child_process import python_command, working_folder
from halfwatt.daemon.errors import ModelError, WorkerError

from .protocol import FromWorker, LoadFailed, LoadModel, ModelReady, ToWorker, decode_from_worker, encode

LINE_LIMIT = 1 << 20
END_S = 2.0
# GNU OpenMP's threads spin between the steps of a graph, by default 300,000 rounds. Tokens/s on two cores, idle and
# with two threads beside two busy programs: default 28 and 1 to 8, never (OMP_WAIT_POLICY=PASSIVE) 19 and 8; with
# 3,000 rounds 28 and 13; idle, 10,000 are a little better. numpy's own threads would fight for the same cores.
QUIET_THREADS = {"GOMP_SPINCOUNT": "10000", "OPENBLAS_NUM_THREADS": "1"}


class WorkerCrashedError(WorkerError):
    """The process ended, or hung, before it was ready. `killed`: from outside, which its parameters cannot help."""

    def __init__(self, message: str, killed: bool = False) -> None:
        super().__init__(message)
        self.killed = killed


class WorkerProcess:
    """A running worker, made by `start_worker`. `last_message_s` is on the monotonic clock."""

    def __init__(self, process: Process, log: logging.Logger) -> None:
        self._process = process
        self._log = log
        self._errors: deque[str] | None = deque(maxlen=20)
        self._stderr = asyncio.create_task(self._read_stderr())
        self.last_message_s = time.monotonic()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.returncode

    def post(self, message: ToWorker) -> None:
        """Send without waiting. A message to a process that has ended is lost; `messages` then ends, too."""
        if self._process.stdin is not None and not self._process.stdin.is_closing():
            self._process.stdin.write(encode(message))

    async def messages(self) -> AsyncIterator[FromWorker]:
        """Its messages until its end. A line that is no message ends them: the pipe cannot be trusted any more."""
        assert self._process.stdout is not None  # noqa: S101 - for the type checker
        with contextlib.suppress(msgspec.MsgspecError, ValueError, ConnectionError):
            while line := await self._process.stdout.readline():
                self.last_message_s = time.monotonic()
                yield decode_from_worker(line)

    async def load(self, load: LoadModel, limit_s: float) -> ModelReady:
        """Wait until the model is loaded and tested. WorkerCrashedError, or ModelError where no fallback can help."""
        self.post(load)
        try:
            async with asyncio.timeout(limit_s):
                async for message in self.messages():
                    match message:
                        case ModelReady():
                            self._errors = None
                            return message
                        case LoadFailed():
                            raise ModelError(message.message)
                await self._process.wait()
        except TimeoutError:
            raise self._crashed(f"did not become ready within {limit_s:.0f} s") from None
        code = self.returncode or 0
        raise self._crashed(f"ended with code {code} while it loaded the model", killed=was_killed(code))

    async def end(self, at_once: bool = False) -> None:
        """Close its stdin, which ends it, and kill it if it does not end."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(0 if at_once else END_S):
                await self._process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
        finally:
            self._stderr.cancel()

    def _crashed(self, what: str, killed: bool = False) -> WorkerCrashedError:
        for line in self._errors or ():
            self._log.warning("worker: %s", line)
        return WorkerCrashedError(f"The worker process {what}.", killed)

    async def _read_stderr(self) -> None:
        assert self._process.stderr is not None  # noqa: S101 - for the type checker
        with contextlib.suppress(ValueError, ConnectionError):
            while line := await self._process.stderr.readline():
                if self._errors is not None:
                    self._errors.append(line.decode("utf-8", "replace").rstrip())


async def start_worker(environ: Mapping[str, str], log: logging.Logger) -> WorkerProcess:
    """A new worker without a model. WorkerError where no process can be started."""
    try:
        process = await asyncio.create_subprocess_exec(
            *python_command("halfwatt.daemon.worker"),
            cwd=working_folder(),
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            limit=LINE_LIMIT,
            env={**QUIET_THREADS, **environ},
        )
    except OSError as error:
        raise WorkerError(f"The worker process cannot be started ({error.strerror}). See `halfwatt doctor`.") from error
    return WorkerProcess(process, log)


def is_native_crash(code: int) -> bool:
    """Whether an exit code means broken native code, which safer parameters may avoid.

    These are SIGILL, SIGABRT, SIGBUS, SIGFPE and SIGSEGV, and on Windows an exception status; not a kill from
    outside."""
    return -code in (4, 6, 7, 8, 10, 11) or code >= 0x80000000


def was_killed(code: int) -> bool:
    """Whether another process ended it, as a user or the system does that is out of memory: by SIGKILL, SIGTERM, …"""
    return -code in (1, 2, 9, 15)
