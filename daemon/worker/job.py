"""One generation inside of the worker: prompt into a slot, tokens out, until a stop.

Pure of pipes and threads: what it finds out goes to `emit`, and `JobControl` says when to give up. The native calls are
engine.py's, the stop rules inference/stops.py's.
"""

from __future__ import annotations

import codecs
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from halfwatt.daemon.errors import PromptTooLongError
from halfwatt.daemon.inference.answer import Chunk
from halfwatt.daemon.inference.stops import Stopper
from halfwatt.router_model.serving.draft_stats import DraftStats, draft_stats

from .engine import BATCH_TOKENS, DecodeAborted, LlamaEngine, SampledToken
from .lookup import PromptLookup
from .protocol import Heartbeat, JobDone, StopReason, WorkerJob
from .slots import Slot, Slots
from .threads import ThreadChooser

CHUNK_EVERY_S = 0.1


class JobControl:
    """Which job runs and why it must end, shared between the thread that reads and the one that decodes.

    Jobs have growing numbers: a wish for one that is over is dropped when the next begins."""

    def __init__(self, engine: LlamaEngine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._job: int | None = None
        self._early: set[int] = set()
        self.wish: StopReason | None = None

    def begin(self, job: int) -> None:
        with self._lock:
            self._engine.clear_abort()
            self._job, self.wish = job, None
            if job in self._early:
                self._end("cancelled")
            self._early = {later for later in self._early if later > job}

    def end(self, job: int, reason: StopReason) -> None:
        """Ask this job to end; one that has not begun ends when it does, one that is over is left alone."""
        with self._lock:
            if self._job == job:
                self._end(reason)
            else:
                self._early.add(job)

    def finish(self) -> None:
        with self._lock:
            self._job = None

    def _end(self, reason: StopReason) -> None:
        self.wish = self.wish or reason
        self._engine.abort()


@dataclass
class _Run:
    """What one job has produced so far."""

    started_s: float
    cpu_started_s: float
    n_prompt: int
    n_cached: int
    first_token_s: float | None = None
    logprobs: list[float] = field(default_factory=list)
    entropies: list[float] = field(default_factory=list)
    margin_first: float = 0.0

    def add(self, choice: SampledToken) -> None:
        self.logprobs.append(choice.logprob)
        self.entropies.append(choice.entropy)
        if choice.margin is not None:
            self.margin_first = choice.margin

    def draft(self) -> DraftStats | None:
        return draft_stats(self.logprobs, self.entropies, self.margin_first) if self.logprobs else None


class ChunkBuffer:
    """Sends the first token at once and then about ten chunks a second: every chunk wakes the processes on its way to
    the editor, which on two cores costs more speed than anything else here."""

    def __init__(self, job: int, emit: Callable[[Chunk | Heartbeat], None]) -> None:
        self._job = job
        self._emit = emit
        self._next_s = 0.0
        self._text = ""
        self._n_tokens = 0
        self._logprob = 0.0

    def add(self, text: str, choice: SampledToken) -> None:
        self._text += text
        self._n_tokens += 1
        self._logprob += choice.logprob
        now_s = time.monotonic()
        if now_s >= self._next_s:
            self._next_s = now_s + CHUNK_EVERY_S
            self.flush(choice)

    def flush(self, choice: SampledToken | None = None, rest: str = "") -> None:
        """Send what waits, and the rest of the text at the end of an answer."""
        if self._n_tokens or self._text or rest:
            entropy, margin = (choice.entropy, choice.margin) if choice else (None, None)
            self._emit(Chunk(self._text + rest, self._n_tokens, self._logprob, entropy, margin, self._job))
        self._text, self._n_tokens, self._logprob = "", 0, 0.0


class SpeculativeDecoder:
    """Decodes the chosen tokens into a slot, with guesses at those behind them; `row` of the last decode tells what
    comes next. What was guessed wrong leaves the slot again."""

    def __init__(self, engine: LlamaEngine, slot: Slot, guesses: bool) -> None:
        self._engine = engine
        self._slot = slot
        self._lookup = PromptLookup(slot.tokens) if guesses else None
        self._guessed: list[int] = []
        self._n_right = 0
        self.row = -1

    def go_on(self, token: int, most: int) -> None:
        """Take the next token, which may be decoded already; guess at most `most` further ones."""
        if self._lookup is not None:
            self._lookup.add(token)
        if self._n_right < len(self._guessed) and self._guessed[self._n_right] == token:
            self._n_right += 1
        else:
            self.drop()
            self._guessed = self._lookup.guess(most) if self._lookup is not None else []
            self._engine.decode(self._slot.index, [token, *self._guessed], len(self._slot.tokens), bool(self._guessed))
        self._slot.tokens.append(token)
        self.row = self._n_right if self._guessed else -1

    def drop(self) -> None:
        """Take out of the slot what was guessed and not chosen."""
        if self._n_right < len(self._guessed):
            self._engine.keep(self._slot.index, len(self._slot.tokens))
        self._guessed, self._n_right = [], 0


def generate(
    engine: LlamaEngine,
    slots: Slots,
    threads: ThreadChooser,
    control: JobControl,
    job: WorkerJob,
    emit: Callable[[Chunk | Heartbeat], None],
) -> JobDone:
    """Run a job to its end; PromptTooLongError and UsageError before any work. The slot keeps what was decoded."""
    started_s, cpu_s = time.monotonic(), time.process_time()
    timer = _time_box(control, job)
    try:
        tokens = _prompt(engine, job)
        plan = slots.take(tokens, job.document)
        run = _Run(started_s, cpu_s, len(tokens), plan.n_keep)
        engine.keep(plan.slot.index, plan.n_keep, plan.copy_from)
        engine.set_threads(threads.begin())
        stop = _decode(engine, threads, control, job, plan.slot, tokens, run, emit)
    finally:
        if timer is not None:
            timer.cancel()
        control.finish()
    return JobDone(
        stop=stop,
        prompt_tokens=run.n_prompt,
        cached_tokens=run.n_cached,
        completion_tokens=len(run.logprobs),
        queue_ms=0.0,
        first_token_ms=None if run.first_token_s is None else 1e3 * (run.first_token_s - started_s),
        total_ms=1e3 * (time.monotonic() - started_s),
        cpu_s=time.process_time() - cpu_s,
        draft=run.draft(),
        n_threads=threads.n_threads,
        job=job.id,
    )


def _prompt(engine: LlamaEngine, job: WorkerJob) -> list[int]:
    tokens = engine.prompt_tokens(job)
    if len(tokens) >= engine.context_tokens:
        raise PromptTooLongError(
            f"The prompt has {len(tokens)} tokens, and the local model takes {engine.context_tokens - 1}. "
            "Select less text, raise `local.context_tokens`, or use a cloud tier."
        )
    return tokens or [0]


def _time_box(control: JobControl, job: WorkerJob) -> threading.Timer | None:
    control.begin(job.id)
    if job.time_box_ms is None:
        return None
    timer = threading.Timer(max(0.0, job.time_box_ms / 1e3), control.end, (job.id, "time_box"))
    timer.daemon = True
    timer.start()
    return timer


def _decode(
    engine: LlamaEngine,
    threads: ThreadChooser,
    control: JobControl,
    job: WorkerJob,
    slot: Slot,
    tokens: list[int],
    run: _Run,
    emit: Callable[[Chunk | Heartbeat], None],
) -> StopReason:
    try:
        _read_prompt(engine, threads, job, slot, tokens, emit)
        return _answer(engine, threads, control, job, slot, run, emit)
    except DecodeAborted:
        engine.keep(slot.index, len(slot.tokens))
        return control.wish or "cancelled"


def _read_prompt(
    engine: LlamaEngine,
    threads: ThreadChooser,
    job: WorkerJob,
    slot: Slot,
    tokens: list[int],
    emit: Callable[[Chunk | Heartbeat], None],
) -> None:
    while len(slot.tokens) < len(tokens):
        n_read = len(slot.tokens)
        batch = tokens[n_read : n_read + BATCH_TOKENS]
        engine.decode(slot.index, batch, n_read)
        slot.tokens += batch
        emit(Heartbeat(job.id))
        engine.set_threads(threads.again(time.monotonic()))


def _answer(
    engine: LlamaEngine,
    threads: ThreadChooser,
    control: JobControl,
    job: WorkerJob,
    slot: Slot,
    run: _Run,
    emit: Callable[[Chunk | Heartbeat], None],
) -> StopReason:
    text = codecs.getincrementaldecoder("utf-8")("replace")
    stopper = Stopper(job.stop_rules, job.stop, before=_line_before(job))
    outlet = ChunkBuffer(job.id, emit)
    ahead = SpeculativeDecoder(engine, slot, job.temperature <= 0)
    most = min(job.max_tokens, engine.context_tokens - len(slot.tokens))
    stop: StopReason = "length"
    try:
        for index in range(most):
            if control.wish is not None:
                return control.wish
            choice = engine.choose(index == 0, job.temperature, job.seed, ahead.row)
            run.add(choice)
            run.first_token_s = run.first_token_s or time.monotonic()
            if engine.ends(choice.token):
                stop = "stop"
                break
            outlet.add(stopper.feed(text.decode(engine.piece(choice.token))), choice)
            if stopper.reason is not None:
                break
            if index + 1 < most:
                ahead.go_on(choice.token, most - index - 2)
                engine.set_threads(threads.again(time.monotonic()))
        outlet.flush(rest=stopper.feed(text.decode(b"", final=True)) + stopper.finish())
        return stopper.reason or stop  # type: ignore[return-value]  # the rules' names are stop reasons
    finally:
        outlet.flush()
        ahead.drop()


def _line_before(job: WorkerJob) -> str:
    return (job.prompt or "").rpartition("\n")[2] if job.kind == "fim" else ""
