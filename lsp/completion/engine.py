"""Inline completion without LSP: rules, cache, filter, debounce, one request per document, post-processing.

A question is answered from the cache if it can be, and by a running request if its answer will do. It stays
unanswered where an answer is not worth its joules. Only then is the daemon asked, by `Ask`. The engine knows no editor
and no HTTP.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
import uuid
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field

from halfwatt.daemon.errors import HalfwattError
from halfwatt.daemon.settings.schema import CompletionConfig
from halfwatt.daemon.wire import AnswerItem, RequestOptions, Result
from halfwatt.lsp.completion.context.prompt import Budget, CompletionPrompt, prompt
from halfwatt.lsp.completion.postprocess.candidate import PostprocessCandidate
from halfwatt.lsp.completion.postprocess.chain import after_cache, before_cache
from halfwatt.lsp.completion.postprocess.syntax import look_ahead
from halfwatt.lsp.completion.postprocess.text import MIN_CHARS

from . import filter as learned
from .cache import Cache, CacheHit, Entry
from .debounce import Rhythm
from .extent import UNFINISHED_STOPS, is_block, stop_rules
from .features import features
from .filter import AcceptanceEstimate, PersonalWeights
from .prompt_budget import PromptBudget
from .request import CompletionRequest
from .rules import EditorFacts, mode_of, objection
from .values import Answer, Nothing, Offer, Query, Superseded

Ask = Callable[[Query, CompletionPrompt, RequestOptions, int], AsyncGenerator[AnswerItem, None]]
UNLIKELY = "a useful suggestion is unlikely here"
KNOWN = "what would be said is known"
NOTHING_USEFUL = "the model had nothing useful to say"
EXPLORE_EVERY = 20


@dataclass(frozen=True)
class QueryConditions:
    """What may differ at each question: the settings, facts about the machine and file, the user's own weights."""

    config: CompletionConfig
    facts: EditorFacts = field(default_factory=EditorFacts)
    personal: PersonalWeights = field(default_factory=PersonalWeights)


@dataclass(frozen=True)
class Skip:
    """A model call that was not made, and why."""

    reason: str
    language: str
    editor: str


class CompletionEngine:
    """Answers queries, at most one at a time per document. `skipped` is told of every call that was not made."""

    def __init__(
        self,
        ask: Ask,
        context: Callable[[Query], str],
        skipped: Callable[[Skip], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.cache = Cache()
        self.rhythm = Rhythm()
        self.prompt_budget = PromptBudget()
        self._window = uuid.uuid4().hex
        self._ask = ask
        self._context = context
        self._skipped = skipped
        self._clock = clock
        self._requests: dict[str, CompletionRequest] = {}
        self._warming: dict[str, CompletionRequest] = {}
        self._asking: dict[str, asyncio.Future[None]] = {}
        self._estimates: dict[str, AcceptanceEstimate] = {}
        self._n_unlikely = 0

    async def suggest(self, query: Query, conditions: QueryConditions) -> Answer:
        """Ghost text for this place, nothing with the reason, or Superseded where a newer question came."""
        superseded = self._supersede(query.uri)
        try:
            return await self._suggest(query, conditions, superseded)
        finally:
            if self._asking.get(query.uri) is superseded:
                del self._asking[query.uri]

    @property
    def budget(self) -> Budget:
        """How long the parts of a prompt may be now."""
        return Budget.of_tokens(self.prompt_budget.budget_tokens)

    def changed(self, uri: str, text: str) -> None:
        """The document changed: a request whose answer can no longer fit stops at once."""
        self.rhythm = self.rhythm.key_pressed(self._now_ms())
        request = self._requests.get(uri)
        if request is not None and not request.agrees(text):
            self._stop(uri)

    def closed(self, uri: str) -> None:
        self._stop(uri)
        if uri in self._warming:
            self._warming.pop(uri).stop()
        self.cache.forget(uri)

    def estimate(self, id_: str) -> AcceptanceEstimate | None:
        """What the filter predicted for the request with this id."""
        return self._estimates.get(id_)

    async def warm(self, query: Query) -> None:
        """Let the model read the prompt for this place ahead of time. Every question goes before it."""
        if query.uri in self._requests or query.uri in self._warming:
            return
        options = RequestOptions(
            kind="complete",
            route="local",
            editor=query.editor,
            language=query.language,
            path=query.path,
            document=self._document(query.uri),
            warm=True,
        )
        stream = self._ask(query, self._prompt(query), options, 1)
        request = self._warming[query.uri] = CompletionRequest(query, stream, False, None)
        await asyncio.wait({request.task})
        request.settled()
        self._warming.pop(query.uri, None)

    async def _suggest(self, query: Query, conditions: QueryConditions, superseded: asyncio.Future[None]) -> Answer:
        reason = objection(query, conditions.config, conditions.facts)
        if reason is not None:
            self._stop(query.uri)
            return self._not_asked(query, reason)
        known = self._from_cache(query)
        if known is not None:
            return known
        request = self._requests.get(query.uri)
        if request is not None and request.answers(query):
            answer = await self._answer_of(request, query, superseded)
            if answer is not None:
                return answer
        estimate = learned.estimate(learned.load(), features(query), conditions.personal)
        if query.trigger == "automatic" and self._is_unlikely(estimate, conditions):
            self._stop(query.uri)
            return self._not_asked(query, UNLIKELY)
        if query.trigger == "automatic" and await self._wait(query, superseded):
            return Superseded()
        request = self._start(query, conditions.config, estimate)
        return await self._answer_of(request, query, superseded) or Nothing(NOTHING_USEFUL)

    def _supersede(self, uri: str) -> asyncio.Future[None]:
        older = self._asking.get(uri)
        if older is not None and not older.done():
            older.set_result(None)
        newest: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._asking[uri] = newest
        return newest

    def _is_unlikely(self, estimate: AcceptanceEstimate, conditions: QueryConditions) -> bool:
        """Whether to ask no model.

        Once the filter follows the user, one question in EXPLORE_EVERY is asked all the same: nothing else would show
        that the filter refuses too often."""
        limit = learned.threshold(learned.load(), mode_of(conditions.config, conditions.facts.on_battery))
        if estimate.p >= limit:
            return False
        self._n_unlikely += 1
        return conditions.personal.n_outcomes == 0 or self._n_unlikely % EXPLORE_EVERY > 0

    def _not_asked(self, query: Query, reason: str) -> Nothing:
        if query.trigger == "automatic":
            self._skipped(Skip(reason, query.language, query.editor))
        return Nothing(reason)

    def _from_cache(self, query: Query) -> Answer | None:
        """What is known about this place; None where a model must be asked."""
        hit = self.cache.find(query.uri, query.prefix, query.suffix)
        if hit is None or (not hit.text.strip() and hit.entry.text):
            return None  # unknown, or typed to its end: what comes next is a new question
        self._not_asked(query, KNOWN)
        return _offer(hit, cached=True)

    async def _wait(self, query: Query, superseded: asyncio.Future[None]) -> bool:
        """Wait for another key. True where a newer question came."""
        delay_s = self.rhythm.delay_ms(query.line_before, query.line_after) / 1000
        await asyncio.wait({superseded}, timeout=delay_s)
        return superseded.done()

    def _start(self, query: Query, config: CompletionConfig, estimate: AcceptanceEstimate) -> CompletionRequest:
        self._stop(query.uri)
        multiline = is_block(query)
        options = RequestOptions(
            kind="complete", editor=query.editor, language=query.language, path=query.path,
            document=self._document(query.uri), stop_rules=stop_rules(multiline),
        )  # fmt: skip
        stream = self._ask(query, self._prompt(query), options, config.max_tokens)
        asyncio.get_running_loop().run_in_executor(None, look_ahead, query.prefix, query.suffix, query.language)
        request = self._requests[query.uri] = CompletionRequest(query, stream, multiline, estimate)
        started = self._now_ms()
        request.when_done(lambda: self._finished(request, started))
        return request

    def _finished(self, request: CompletionRequest, started_ms: float) -> None:
        """Keep the answer, whether or not somebody still waits for it."""
        self._drop(request.query.uri, request)
        result = request.whole_result
        if result is None:
            return
        self.rhythm = self.rhythm.answered(self._now_ms() - started_ms)
        self._keep_pace(result)
        is_unfinished = result.stop in UNFINISHED_STOPS
        if result.kind == "none" or result.stop == "cancelled" or (is_unfinished and not request.text):
            return
        shown = after_cache(before_cache(_candidate(request, result.stop)))
        place = (request.query.prefix, request.query.suffix)
        self.cache.put(request.query.uri, Entry(result.request_id, *place, shown.text, shown.n_replaced))
        if request.estimate is not None:
            self._estimates[result.request_id] = request.estimate
        while len(self._estimates) > 256:
            del self._estimates[next(iter(self._estimates))]

    def _keep_pace(self, result: Result) -> None:
        tokens, latency = result.tokens, result.latency_ms
        if result.kind != "local" or tokens.cached is None:
            return
        read_ms = latency.total if latency.first_token is None and result.stop == "time_box" else latency.first_token
        if read_ms is not None:
            self.prompt_budget = self.prompt_budget.read(
                tokens.prompt - tokens.cached, read_ms - (latency.queue or 0.0)
            )

    async def _answer_of(
        self, request: CompletionRequest, query: Query, superseded: asyncio.Future[None]
    ) -> Answer | None:
        """The running request's answer for this query; None where it turns out to say something else."""
        request.follow(query)
        try:
            await asyncio.wait({request.task, superseded}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            request.leave()
        if not request.task.done():
            return Superseded()
        if request.diverged:
            return None
        if request.task.cancelled():
            return Superseded()
        if (error := request.task.exception()) is not None:
            return _failure(error)
        if request.result is not None and request.result.kind == "none":
            return Nothing(request.result.reason)
        hit = self.cache.find(query.uri, query.prefix, query.suffix)
        return _offer(hit, cached=False) if hit is not None else None

    def _prompt(self, query: Query) -> CompletionPrompt:
        return prompt(self._context(query), query.prefix, query.suffix, self.budget)

    def _stop(self, uri: str) -> None:
        request = self._requests.pop(uri, None)
        if request is not None:
            request.stop()

    def _drop(self, uri: str, request: CompletionRequest) -> None:
        request.settled()
        if self._requests.get(uri) is request:
            del self._requests[uri]

    def _document(self, uri: str) -> str:
        """An id for this window's document that does not reveal its name."""
        return hashlib.blake2b(uri.encode(), key=self._window.encode(), digest_size=8).hexdigest()

    def _now_ms(self) -> float:
        return self._clock() * 1000


def _candidate(request: CompletionRequest, stop: str) -> PostprocessCandidate:
    query = request.query
    return PostprocessCandidate(
        request.text,
        query.prefix,
        query.suffix,
        query.language,
        multiline=request.multiline,
        truncated=stop in UNFINISHED_STOPS,
    )


def _offer(hit: CacheHit, cached: bool) -> Answer:
    if len(hit.text.strip()) < MIN_CHARS:
        return Nothing(NOTHING_USEFUL)
    return Offer(hit.entry.id, hit.text, hit.n_replaced, cached)


def _failure(error: BaseException) -> Answer:
    if isinstance(error, HalfwattError):
        return Nothing(str(error))
    raise error
