"""Which job the worker runs, and whether it must end early.

The thread that reads the daemon's messages and the thread that decodes share it. It decodes nothing itself.
"""

from __future__ import annotations

import threading

from .engine import LlamaEngine
from .protocol import StopReason


class JobControl:
    """Ends the running job on request. Thread-safe.

    Job numbers grow. A request for a job that is over is dropped when the next job begins."""

    def __init__(self, engine: LlamaEngine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._job: int | None = None
        self._ended_early: set[int] = set()
        self.stop_reason: StopReason | None = None

    def begin(self, job: int) -> None:
        """This job runs now; it ends at once if its end was requested before it began."""
        with self._lock:
            self._engine.clear_abort()
            self._job, self.stop_reason = job, None
            if job in self._ended_early:
                self._end("cancelled")
            self._ended_early = {later for later in self._ended_early if later > job}

    def request_end(self, job: int, reason: StopReason) -> None:
        """End this job now if it runs, or when it begins."""
        with self._lock:
            if self._job == job:
                self._end(reason)
            else:
                self._ended_early.add(job)

    def finish(self) -> None:
        """No job runs any more."""
        with self._lock:
            self._job = None

    def _end(self, reason: StopReason) -> None:
        self.stop_reason = self.stop_reason or reason
        self._engine.abort()
