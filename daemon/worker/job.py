"""One generation inside the worker: read the prompt into a slot, then write tokens until something ends the answer.

It knows no pipe and starts no process: chunks go to `emit`, and `JobControl` says when to give up. engine.py makes the
native calls; inference/stops.py has the stop rules.
"""

from __future__ import annotations

import codecs
import threading
import time
from collections.abc import Callable

from halfwatt.daemon.errors import PromptTooLongError
from halfwatt.daemon.inference.answer import Chunk
from halfwatt.daemon.inference.early_end import ends_too_early
from halfwatt.daemon.inference.stops import Stopper
from halfwatt.router_model.serving.draft_stats import draft_stats

from .control import JobControl
from .engine import BATCH_TOKENS, DecodeAborted, LlamaEngine, SampledToken
from .protocol import Heartbeat, JobDone, StopReason, WorkerJob
from .slots import Slot, Slots
from .speculation import SpeculativeDecoder
from .threads import ThreadChooser

CHUNK_EVERY_S = 0.1


class JobRun:
    """One job, from its prompt to its end. Call `run` once, in the thread that owns the model."""

    _slot: Slot  # taken by `run`

    def __init__(
        self,
        engine: LlamaEngine,
        slots: Slots,
        threads: ThreadChooser,
        control: JobControl,
        job: WorkerJob,
        emit: Callable[[Chunk | Heartbeat], None],
    ) -> None:
        self._engine = engine
        self._slots = slots
        self._threads = threads
        self._control = control
        self._job = job
        self._emit = emit
        self._started_s = time.monotonic()
        self._cpu_started_s = time.process_time()
        self._first_token_s: float | None = None
        self._logprobs: list[float] = []
        self._entropies: list[float] = []
        self._margin_first = 0.0

    def run(self) -> JobDone:
        """Run the job to its end. PromptTooLongError and UsageError come before any work.

        The slot keeps what was decoded, so that the document's next job can continue from it."""
        timer = self._begin()
        try:
            prompt = self._prompt_tokens()
            assignment = self._slots.take(prompt, self._job.document, reuse=not _is_reproducible(self._job))
            self._slot = assignment.slot
            self._engine.keep_prefix(self._slot.index, assignment.n_keep, assignment.copy_from)
            self._engine.set_threads(self._threads.begin())
            stop = self._decode(prompt)
        finally:
            if timer is not None:
                timer.cancel()
            self._control.finish()
        return self._done(stop, len(prompt), assignment.n_keep)

    def _begin(self) -> threading.Timer | None:
        """Announce the job, and start its time box where it has one."""
        self._control.begin(self._job.id)
        if self._job.time_box_ms is None:
            return None
        limit_s = max(0.0, self._job.time_box_ms / 1e3)
        timer = threading.Timer(limit_s, self._control.request_end, (self._job.id, "time_box"))
        timer.daemon = True
        timer.start()
        return timer

    def _prompt_tokens(self) -> list[int]:
        tokens = self._engine.prompt_tokens(self._job)
        if len(tokens) >= self._engine.context_tokens:
            raise PromptTooLongError(
                f"The prompt has {len(tokens)} tokens, and the local model takes {self._engine.context_tokens - 1}. "
                "Select less text, raise `local.context_tokens`, or use a cloud tier."
            )
        return tokens or [0]

    def _decode(self, prompt: list[int]) -> StopReason:
        try:
            self._read_prompt(prompt)
            return self._write_answer()
        except DecodeAborted:
            self._engine.keep_prefix(self._slot.index, len(self._slot.tokens))
            return self._control.stop_reason or "cancelled"

    def _read_prompt(self, prompt: list[int]) -> None:
        """Decode the part of the prompt that the slot does not hold yet."""
        while len(self._slot.tokens) < len(prompt):
            n_read = len(self._slot.tokens)
            batch = prompt[n_read : n_read + BATCH_TOKENS]
            self._engine.decode(self._slot.index, batch, n_read)
            self._slot.tokens += batch
            self._emit(Heartbeat(self._job.id))
            self._adapt_threads()

    def _write_answer(self) -> StopReason:
        """Choose, send and decode one token after the other until something ends the answer."""
        job, engine = self._job, self._engine
        utf8 = codecs.getincrementaldecoder("utf-8")("replace")
        stopper = Stopper(job.stop_rules, job.stop, _line_before(job), job.opening, job.language)
        chunks = ChunkBuffer(job.id, self._emit)

        def early(token: int) -> bool:
            return ends_too_early(token, engine, stopper)

        decoder = SpeculativeDecoder(engine, self._slot, guesses=job.temperature <= 0)
        max_tokens = min(job.max_tokens, engine.context_tokens - len(self._slot.tokens))
        stop: StopReason = "length"
        try:
            for index in range(max_tokens):
                if self._control.stop_reason is not None:
                    return self._control.stop_reason
                refused = early if job.opening and stopper.is_blank else None
                sampled = engine.next_token(index == 0, job.temperature, job.seed or 0, decoder.row, refused)
                self._record(sampled)
                if engine.is_end_token(sampled.token):
                    stop = "stop"
                    break
                chunks.add(stopper.feed(utf8.decode(engine.token_bytes(sampled.token))), sampled)
                if stopper.reason is not None:
                    break
                if index + 1 < max_tokens:
                    decoder.append(sampled.token, max_tokens - index - 2)
                    self._adapt_threads()
            chunks.flush(rest=stopper.feed(utf8.decode(b"", final=True)) + stopper.finish())
            return stopper.reason or stop  # type: ignore[return-value]  # the rules' names are stop reasons
        finally:
            chunks.flush()
            decoder.drop_wrong_guesses()

    def _adapt_threads(self) -> None:
        self._engine.set_threads(self._threads.update(time.monotonic()))

    def _record(self, sampled: SampledToken) -> None:
        self._logprobs.append(sampled.logprob)
        self._entropies.append(sampled.entropy)
        if sampled.margin is not None:
            self._margin_first = sampled.margin
        self._first_token_s = self._first_token_s or time.monotonic()

    def _done(self, stop: StopReason, n_prompt: int, n_cached: int) -> JobDone:
        first_ms = None if self._first_token_s is None else 1e3 * (self._first_token_s - self._started_s)
        draft = draft_stats(self._logprobs, self._entropies, self._margin_first) if self._logprobs else None
        return JobDone(
            stop=stop,
            prompt_tokens=n_prompt,
            cached_tokens=n_cached,
            completion_tokens=len(self._logprobs),
            queue_ms=0.0,
            first_token_ms=first_ms,
            total_ms=1e3 * (time.monotonic() - self._started_s),
            cpu_s=time.process_time() - self._cpu_started_s,
            draft=draft,
            n_threads=self._threads.n_threads,
            job=self._job.id,
            continued=bool(self._job.opening),
        )


class ChunkBuffer:
    """Sends the first token at once, then about ten chunks a second.

    Every chunk wakes each process on its way to the editor. On two cores that costs more speed than anything else
    here."""

    def __init__(self, job: int, emit: Callable[[Chunk | Heartbeat], None]) -> None:
        self._job = job
        self._emit = emit
        self._next_s = 0.0
        self._text = ""
        self._n_tokens = 0
        self._logprob = 0.0

    def add(self, text: str, sampled: SampledToken) -> None:
        """Take one token and the text that the stop rules let through with it."""
        self._text += text
        self._n_tokens += 1
        self._logprob += sampled.logprob
        now_s = time.monotonic()
        if now_s >= self._next_s:
            self._next_s = now_s + CHUNK_EVERY_S
            self.flush(sampled)

    def flush(self, sampled: SampledToken | None = None, rest: str = "") -> None:
        """Send what is buffered, and at the end of an answer the rest of its text."""
        if self._n_tokens or self._text or rest:
            entropy, margin = (sampled.entropy, sampled.margin) if sampled else (None, None)
            self._emit(Chunk(self._text + rest, self._n_tokens, self._logprob, entropy, margin, self._job))
        self._text, self._n_tokens, self._logprob = "", 0, 0.0


def _is_reproducible(job: WorkerJob) -> bool:
    """Whether the same job must have the same answer again.

    In llama.cpp, a batch's sums are rounded in another order than a single token's. So state that an earlier job left
    can change what is sampled.
    """
    return job.seed is not None and job.temperature > 0


def _line_before(job: WorkerJob) -> str:
    """The part of the cursor's line that is before the cursor; the stop rules need it."""
    return (job.prompt or "").rpartition("\n")[2] if job.shape == "fim" else ""
