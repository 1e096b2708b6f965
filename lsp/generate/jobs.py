"""A generation from start to end: ask the daemon, preview, cancel, fit, place once more if needed, report back.

It drives the `Editor` and the daemon's client and knows no LSP type. It changes a document by one versioned edit only.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from halfwatt.daemon.code.edits import Edit, apply
from halfwatt.daemon.code.targets import Target, find
from halfwatt.daemon.errors import AnswerError, HalfwattError
from halfwatt.daemon.inference.generation_prompt import GenerationPrompt, generation_prompt
from halfwatt.daemon.privacy.document_secrets import secrets_of
from halfwatt.daemon.wire import Feedback, Outcome, RequestOptions, Result, Route, RouteDecision
from halfwatt.lsp.editor.daemon_link import DaemonLink
from halfwatt.lsp.editor.documents import Snapshot
from halfwatt.lsp.editor.editor import Editor, Progress
from halfwatt.lsp.editor.extensions import JobState

from . import anchor
from .fit import Fitted, fit
from .wording import preview, summary

DELTA_EVERY_S = 0.1
RETRY_TEMPERATURE = 0.7  # greedy decoding would give the same answer again
TRY_AGAIN = "Try again"
TRY_CLOUD = "Try the cloud model"
SHOW_ANSWER = "Show the answer"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Applied:
    """An answer that stands in a document: enough to ask again in its place and to notice its undoing."""

    uri: str
    request_id: str
    text_before: str
    code_before: str
    code_after: str
    text_after: str = ""
    added: tuple[str, ...] = ()  # the texts that it inserted elsewhere

    @classmethod
    def of(cls, placement: Placement, request_id: str) -> Applied:
        now, fitted = placement.now, placement.fitted
        added = tuple(it.text for it in fitted.others if it.start == it.end)
        text_after = apply(now.text, placement.edits)
        return cls(now.uri, request_id, now.text, fitted.replaced, fitted.code, text_after, added)

    def taken_out(self, now: Snapshot) -> Snapshot | None:
        """The document without this answer; None where it no longer stands there unchanged."""
        if now.uri != self.uri or now.text.count(self.code_after) != 1:
            return None
        if now.text == self.text_after:
            return replace(now, text=self.text_before)
        text = now.text.replace(self.code_after, self.code_before)
        for it in self.added:
            text = text.replace(it, "") if text.count(it) == 1 else text
        return replace(now, text=text)


@dataclass(frozen=True)
class Placement:
    """An answer fitted into the document as it is now, and the edits that put it there."""

    now: Snapshot
    edits: tuple[Edit, ...]
    fitted: Fitted


@dataclass
class GenerationJob:
    """One generation. `base` is the document as it was when the job began, without the answer that it replaces."""

    base: Snapshot
    target: Target
    route: Route | None
    review: bool = False
    replaces: Applied | None = None
    temperature: float | None = None
    id: str = field(default_factory=lambda: secrets.token_hex(6))
    accepted: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None
    request_id: str = ""
    offer_cloud: bool = False
    text: str = ""
    continued: bool = False  # the text goes on behind the prompt's opening
    last_delta_s: float = 0.0

    @cached_property
    def prompt(self) -> GenerationPrompt:
        return generation_prompt(self.base.source, self.target)


class Jobs:
    """The running generations of one editor window."""

    def __init__(self, editor: Editor, link: DaemonLink, on_busy: Callable[[], None]) -> None:
        self.last: Result | None = None
        self._editor = editor
        self._link = link
        self._on_busy = on_busy  # called when a job begins or ends
        self._running: dict[str, GenerationJob] = {}
        self._applied: deque[Applied] = deque(maxlen=20)
        self._background: set[asyncio.Task[Any]] = set()

    def start(self, job: GenerationJob) -> str:
        """Begin and return the job's id at once."""
        job.review = job.review and self._editor.wants("review")
        self._running[job.id] = job
        job.task = self._spawn(self._run(job))
        self._on_busy()
        return job.id

    def accept(self, job_id: str) -> bool:
        job = self._running.get(job_id)
        if job is not None:
            job.accepted.set()
        return job is not None

    def cancel(self, job_id: str | None = None) -> int:
        """Cancel one job or all; how many there were."""
        found = [job for job in self._running.values() if job_id in (None, job.id)]
        for job in found:
            if job.task is not None:
                job.task.cancel()
        return len(found)

    async def stop(self) -> None:
        """Cancel everything and wait until it has ended."""
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)

    @property
    def busy(self) -> bool:
        return bool(self._running)

    def again(self, now: Snapshot, offset: int, route: Route | None) -> GenerationJob | None:
        """A job that replaces an earlier answer around the position, where one still stands there unchanged."""
        for done in reversed(self._applied):
            base = done.taken_out(now)
            start = now.text.find(done.code_after)
            if base is None or not start <= offset <= start + len(done.code_after):
                continue
            target = find(base.source, start if done.code_before else max(start - 1, 0))
            if isinstance(target, Target):
                return GenerationJob(base, target, route, replaces=done)
        return None

    def document_changed(self, uri: str, text: str) -> None:
        """Notice that an answer was undone."""
        self._editor.document_changed()
        for done in [it for it in self._applied if it.uri == uri and it.text_before == text]:
            self._applied.remove(done)
            self._feedback(done.request_id, "undone", None)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return task

    async def _run(self, job: GenerationJob) -> None:
        progress = self._editor.progress(f"halfwatt: {job.target.title}", lambda: self.cancel(job.id))
        ending = "Failed"
        try:
            result = await self._answer(job, progress)
            ending = await self._finish(job, result)
        except asyncio.CancelledError:
            ending = "Cancelled; nothing was changed."
            self._delta(job, "cancelled", ending)
            if job.request_id:
                self._feedback(job.request_id, "rejected", None)
        except HalfwattError as error:
            ending = str(error)
            self._delta(job, "failed", ending)
            self._spawn(self._offer_retry(job, error))
        except Exception as error:  # noqa: BLE001 - a job is a request boundary; the server goes on
            _log.error("a generation failed: %s", type(error).__name__)
            ending = f"Something unexpected went wrong ({type(error).__name__}); nothing was changed. Try again."
            self._delta(job, "failed", ending)
            self._editor.show(ending)
        finally:
            self._running.pop(job.id, None)
            progress.end(ending)
            self._on_busy()

    async def _answer(self, job: GenerationJob, progress: Progress) -> Result:
        """Stream the model's answer into previews. Returns the final result."""
        client = await self._link.client()
        stream = client.chat(job.prompt.messages, await self._options(job), temperature=job.temperature)
        async for item in stream:
            if isinstance(item, RouteDecision):
                is_named = item.reason.startswith(f"{item.tier}:")
                chosen = item.reason if is_named else f"{item.tier}: {item.reason}"
                progress.report(chosen)
                self._delta(job, "running", chosen)
            elif isinstance(item, str):
                job.text += item
                self._throttled_delta(job)
            else:
                job.request_id = item.request_id
                job.offer_cloud = item.offer_cloud and item.kind == "local"
                self.last = item
                return item
        raise HalfwattError("The daemon ended the answer without a result; nothing was changed. Try again.")

    async def _options(self, job: GenerationJob) -> RequestOptions:
        document_secrets = await asyncio.to_thread(secrets_of, job.base.text)
        return RequestOptions(
            kind="generate",
            route=job.route,
            editor=self._editor.name,
            language=job.base.language.id,
            path=job.base.path or None,
            document_secrets=document_secrets,
            router_text=job.target.router_text,
            stop_rules=job.prompt.stop_rules,
            opening=job.prompt.opening,
        )

    async def _finish(self, job: GenerationJob, result: Result) -> str:
        """Fit, let the user review where asked for, and place. Returns the sentence that ends the progress."""
        job.text, job.continued = result.code or job.text, result.continued
        try:
            fitted = fit(job.base.source, job.target, job.text, job.continued, job.base.folder)
        except AnswerError:
            self._feedback(result.request_id, "failed", None)
            raise
        if job.review:
            self._delta(job, "ready", "", fitted.shown)
            await job.accepted.wait()
        placed = await self._place(job, fitted)
        if placed is None:
            self._feedback(result.request_id, "offered", None)
            self._delta(job, "failed", "The text changed meanwhile; a diff is shown instead.", fitted.shown)
            return "The text changed meanwhile; nothing was overwritten."
        self._feedback(result.request_id, "accepted", len(placed.code))
        self._delta(job, "applied", summary(result), placed.shown)
        if job.offer_cloud:
            self._spawn(self._offer_cloud(job, result))
        return summary(result)

    async def _place(self, job: GenerationJob, fitted: Fitted) -> Fitted | None:
        """Apply to the document as it is now; once more where that was refused; else show a diff and return None."""
        for _ in range(2):
            placement = self._placement(job, fitted)
            if placement is None:
                break
            now, placed = placement.now, placement.fitted
            if await self._editor.apply(now, placement.edits, job.target.title, placed.code):
                self._applied.append(Applied.of(placement, job.request_id))
                return placed
        title = "The text changed while the function was generated: here is the answer as a diff."
        await self._editor.show_diff(job.base, title, anchor.diff(job.base.name, job.base.text, fitted.edits))
        return None

    def _placement(self, job: GenerationJob, fitted: Fitted) -> Placement | None:
        """The answer in the document as it is now: as it was fitted, or fitted anew where the text has changed.

        None where the target is not there any more, or where the user reviewed something else."""
        try:
            now = self._editor.snapshot(job.base.uri)
        except HalfwattError:
            return None
        without = job.replaces.taken_out(now) if job.replaces else now
        if without is None:
            return None
        if without.text != job.base.text:
            target = anchor.reanchor(job.base.source, job.target, without.source)
            if target is None:
                return None
            anew = fit(without.source, target, job.text, job.continued, now.folder)
            if job.review and anew.shown != fitted.shown:
                return None
            fitted = anew
        edits = fitted.edits
        if without.text != now.text:
            edits = (anchor.change(now.text, apply(without.text, edits)),)
        return Placement(now, edits, fitted)

    async def _offer_retry(self, job: GenerationJob, error: HalfwattError) -> None:
        again = [TRY_AGAIN] if isinstance(error, AnswerError) else []
        cloud = [TRY_CLOUD] if job.offer_cloud or await self._may_ask_cloud(job) else []
        shown = [SHOW_ANSWER] if again and job.text.strip() else []
        picked = await self._editor.ask(str(error), [*again, *cloud, *shown])
        if picked == TRY_AGAIN:
            self.start(GenerationJob(job.base, job.target, job.route, job.review, job.replaces, RETRY_TEMPERATURE))
        elif picked == TRY_CLOUD:
            self.start(GenerationJob(job.base, job.target, "cloud", job.review, job.replaces))
        elif picked == SHOW_ANSWER:
            await self._editor.show_diff(
                job.base, "The model's answer, which was not used", preview(job.text, job.prompt.opening)
            )

    async def _may_ask_cloud(self, job: GenerationJob) -> bool:
        """Whether the daemon would allow the cloud, asked where it failed before it could say so."""
        if job.route in ("local", "cloud"):
            return False
        try:
            client = await self._link.client()
            return (await client.route(await self._options(job), job.prompt.messages)).offer_cloud
        except HalfwattError:
            return False

    async def _offer_cloud(self, job: GenerationJob, result: Result) -> None:
        if await self._editor.ask(f"The local answer is doubtful. {result.reason}", [TRY_CLOUD]) != TRY_CLOUD:
            return
        done = next((it for it in self._applied if it.request_id == result.request_id), None)
        base = done.taken_out(self._editor.snapshot(job.base.uri)) if done else None
        target = anchor.reanchor(job.base.source, job.target, base.source) if base else None
        if base is not None and target is not None:
            self.start(GenerationJob(base, target, "cloud", job.review, done))

    def _throttled_delta(self, job: GenerationJob) -> None:
        now_s = asyncio.get_running_loop().time()
        if now_s - job.last_delta_s >= DELTA_EVERY_S:
            job.last_delta_s = now_s
            self._delta(job, "running", "", preview(job.text, job.prompt.opening))

    def _delta(self, job: GenerationJob, state: JobState, message: str, text: str | None = None) -> None:
        if self._editor.wants("generateDelta"):
            shown = preview(job.text, job.prompt.opening) if text is None else text
            self._editor.delta(job.id, job.base, (job.target.start, job.target.end), shown, state, message)

    def _feedback(self, request_id: str, outcome: Outcome, n_chars: int | None) -> None:
        if request_id:
            self._spawn(self._send_feedback(Feedback(request_id, outcome, n_chars)))

    async def _send_feedback(self, feedback: Feedback) -> None:
        try:
            await (await self._link.client()).feedback(feedback)
        except HalfwattError:
            _log.warning("feedback could not be sent to the daemon")
