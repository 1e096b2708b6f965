"""The flow of a request: policy → router → tier → meter → ledger. Every request ends in exactly one row.

Each request runs in a task of its own, so that one whose client has left is still ended and booked properly. What a
tier does is tiers/local.py's and tiers/remote.py's part, what a request costs booking.py's, HTTP is nobody's here.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace

import msgspec

from halfwatt.daemon.energy.readings import Reading
from halfwatt.daemon.errors import (
    HalfwattError,
    LedgerError,
    ModelError,
    PromptTooLongError,
    TierError,
    UsageError,
    WorkerError,
)
from halfwatt.daemon.inference.answer import Cancellation, Chunk, Ended
from halfwatt.daemon.inference.request import GenerationRequest
from halfwatt.daemon.ledger.ledger import Ledger
from halfwatt.daemon.ledger.rows import LedgerRow
from halfwatt.daemon.privacy import excluded, secrets
from halfwatt.daemon.routing import policy
from halfwatt.daemon.routing.draft import Draft
from halfwatt.daemon.routing.policy import LOCAL, AllowedTiers, RequestFacts
from halfwatt.daemon.routing.request_router import RequestRouter, Routing
from halfwatt.daemon.settings.live import Settings
from halfwatt.daemon.settings.schema import Config, TierConfig
from halfwatt.daemon.tiers import remote as remote_tiers
from halfwatt.daemon.tiers.local import LocalTier
from halfwatt.daemon.tiers.remote import RemoteTiers
from halfwatt.daemon.wire import Result, RouteDecision

from . import booking
from .in_flight import InFlight
from .pause import Pause

END_LIMIT_S = 12.0
STORE_LIMIT_S = 1.0  # a client waits no longer than this for its row to be stored
_LOG = logging.getLogger("halfwatt.service")
_ROUTES = ("auto", "local", "cloud")


@dataclass(frozen=True)
class Parts:
    """What the service works with; each owned and closed by whoever made it."""

    settings: Settings
    local: LocalTier
    remote: RemoteTiers
    router: RequestRouter
    ledger: Ledger
    pause: Pause


class Service:
    """Answers requests. `finished` is called with each result, `changed` whenever something began or ended."""

    def __init__(self, parts: Parts, changed: Callable[[], None], finished: Callable[[Result], None]) -> None:
        self._parts = parts
        self._changed = changed
        self._finished = finished
        self._tasks: dict[InFlight, asyncio.Task[None]] = {}
        self._by_document: dict[str, InFlight] = {}
        self.problem: str | None = None  # why the last request could not be booked

    @property
    def n_running(self) -> int:
        return len(self._tasks)

    def models(self) -> list[str]:
        """Names that a request may ask for."""
        tiers = self._parts.settings.config.tiers
        own = [self._parts.local.model_id] if self._parts.local.model_id else []
        return list(dict.fromkeys([*_ROUTES, *own, *(tier.name for tier in tiers), *(tier.model for tier in tiers)]))

    async def answer(self, request: GenerationRequest) -> AsyncGenerator[RouteDecision | str | Result, None]:
        """The decision, the chunks of text, the result. Raises HalfwattError; closing it cancels the request."""
        running = InFlight(request)
        self._supersede(running)
        self._tasks[running] = asyncio.create_task(self._run(running))
        self._changed()
        try:
            while (item := await running.items.get()) is not None:
                if isinstance(item, Exception):
                    raise item
                yield item
        finally:
            running.cancellation.request()

    async def route(self, request: GenerationRequest) -> RouteDecision:
        """Which tier would answer, without asking it."""
        config = self._parts.settings.config
        request, tier = self._named(request, config)
        facts = await self._facts(request, config)
        tiers = policy.allowed_tiers(request.options, config, facts, tier)
        routing = await self._parts.router.choose(request, tiers, config, facts, self._parts.local.model_id)
        return routing.decision

    async def close(self) -> None:
        """Cancel what runs and wait until it is booked."""
        for running in self._tasks:
            running.cancellation.request()
        if self._tasks:
            await asyncio.wait(set(self._tasks.values()), timeout=END_LIMIT_S)

    async def _run(self, running: InFlight) -> None:
        config = self._parts.settings.config
        try:
            await self._answer(running, config)
            await self._book(running, config)
        except HalfwattError as error:
            await self._book(running, config, error)
        except Exception as error:  # noqa: BLE001 - the border of a request: it ends, the daemon goes on
            _LOG.error("a request failed unexpectedly", exc_info=error)
            sentence = "Something unexpected went wrong in the daemon; the request was dropped. Its log has details."
            await self._book(running, config, HalfwattError(sentence))
        finally:
            running.items.put_nowait(None)
            del self._tasks[running]
            document = running.request.options.document
            if document and self._by_document.get(document) is running:
                del self._by_document[document]
            self._changed()

    async def _answer(self, running: InFlight, config: Config) -> None:
        if running.request.options.kind == "complete" and self._parts.pause.active:
            self._decline(running, self._parts.pause.reason)
            return
        running.request, tier = self._named(running.request, config)
        facts = await self._facts(running.request, config)
        tiers = policy.allowed_tiers(running.request.options, config, facts, tier)
        model = self._parts.local.model_id
        routing = await self._parts.router.choose(running.request, tiers, config, facts, model)
        running.router = routing.router
        if running.request.options.dry_run:
            self._decline(running, routing.decision.reason, routing.decision)
            return
        failed: set[str] = set()
        while True:
            try:
                second = await self._try(running, routing, tiers, config)
                if second is None:
                    return
            except (WorkerError, ModelError, TierError) as error:
                failed.add(routing.decision.tier)
                second = self._second_choice(running, config, facts, tier, error)
                if second is None or second.tier in failed:
                    raise _with_offer(error, tiers) from None
            running.draft_dropped = bool(running.local)
            routing = Routing(second)

    async def _try(
        self, running: InFlight, routing: Routing, tiers: AllowedTiers, config: Config
    ) -> RouteDecision | None:
        """Let the routing tier answer; another decision where what was not yet shown of it was found wanting.

        The decision is told with the first text, so that another may still follow until then. What has been shown
        stays: a whole draft that is found wanting then only says so, and offers the other tier."""
        running.decision = routing.decision
        draft = Draft(running.request.whole) if self._parts.router.checks_drafts(routing, config) else None
        stop = Cancellation()
        running.cancellation.on_request(stop.request)
        async with aclosing(self._chunks(running, config, stop)) as chunks:
            async for item in chunks:
                if draft is None:
                    running.emit(item)
                    continue
                again = await self._judged(running, routing, draft, item, tiers, config)
                if again is not None and not running.cancellation.requested:
                    stop.request()
                    await _drained(chunks)
                    return again
                running.emit(*draft.released())
        return None

    async def _judged(
        self,
        running: InFlight,
        routing: Routing,
        draft: Draft,
        item: Chunk | Ended,
        tiers: AllowedTiers,
        config: Config,
    ) -> RouteDecision | None:
        """Judge a draft at its beginning and at its end; the decision for another tier where it may still follow."""
        router, before = self._parts.router, running.decision
        if draft.add(item):
            running.decision = router.reconsider(running.request, routing, draft.start_stats(), tiers, config)
        if isinstance(item, Ended) and item.stop != "cancelled":
            stats = item.draft or draft.stats()
            running.decision = await router.reconsider_whole(running.request, routing, draft, stats, tiers, config)
        again = running.decision
        if again is None or again.tier == routing.decision.tier:
            return None
        if not running.text:
            running.decision = before
            return again
        running.decision = _kept(routing.decision, again)
        return None

    def _chunks(self, running: InFlight, config: Config, stop: Cancellation) -> AsyncGenerator[Chunk | Ended, None]:
        tier = _tier_named(config, running.decision.tier) if running.decision else None
        if tier is not None:
            return self._parts.remote.answer(running.request, tier, stop, running.cloud.append)
        return self._parts.local.answer(running.request, config, stop, running.local.append)

    def _second_choice(
        self, running: InFlight, config: Config, facts: RequestFacts, tier: str | None, error: HalfwattError
    ) -> RouteDecision | None:
        """Who answers instead of a tier that failed before it showed anything; None where nobody may."""
        first = running.decision
        if first is None or running.text or running.cancellation.requested or tier is not None:
            return None
        if first.kind != "local":
            reason = f"{policy.RULE}: the {first.kind} tier “{first.tier}” did not answer, so the local model does"
            usable = facts.local_can_answer and self._parts.local.can_be_asked
            return RouteDecision(LOCAL, "local", self._parts.local.model_id, reason) if usable else None
        too_long = isinstance(error, PromptTooLongError)
        facts = replace(facts, prompt_fits=not too_long, local_ready=too_long)
        tiers = policy.allowed_tiers(running.request.options, config, facts)
        decision = policy.explicit_rule(tiers, config, facts, self._parts.local.model_id)
        return None if decision.kind == "local" else decision

    def _decline(self, running: InFlight, reason: str, decision: RouteDecision | None = None) -> None:
        """End without calling a model."""
        running.decision = decision or RouteDecision(tier="none", kind="none", model="", reason=reason)
        running.ended = Ended("dry_run" if decision else "paused", 0, 0)
        running.items.put_nowait(running.decision)

    async def _book(self, running: InFlight, config: Config, error: HalfwattError | None = None) -> None:
        """Store the row and tell the client the end. A ledger that cannot be written costs the row, not the answer;
        one that another process holds is waited for, the client only for a moment."""
        rate = self._rate(running)
        booked = booking.book(running, config, time.monotonic(), rate, failed=error is not None)
        storing = asyncio.create_task(self._store(running, booked.row))
        await asyncio.wait({storing}, timeout=STORE_LIMIT_S)
        running.items.put_nowait(error if error is not None else booked.result)
        running.items.put_nowait(None)
        self._finished(booked.result)
        await storing

    async def _store(self, running: InFlight, row: LedgerRow) -> None:
        if running.request.options.dry_run:
            return
        try:
            await asyncio.to_thread(self._parts.ledger.insert, row)
            self.problem = None
        except LedgerError as failure:
            _LOG.error("%s", failure)
            self.problem = f"The last request is not in the ledger. {failure}"

    def _rate(self, running: InFlight) -> Reading | None:
        """This machine's joules per token, where the row compares the cloud with it."""
        if not running.cloud:
            return None
        try:
            return self._parts.ledger.local_rate(self._parts.local.model_id)
        except LedgerError:
            return None

    def _supersede(self, running: InFlight) -> None:
        """A newer ghost-text request for a document ends the older one."""
        document = running.request.options.document
        if running.request.options.kind != "complete" or document is None:
            return
        older = self._by_document.get(document)
        if older is not None:
            older.cancellation.request()
        self._by_document[document] = running

    def _named(self, request: GenerationRequest, config: Config) -> tuple[GenerationRequest, str | None]:
        """The request with the route that its model name means, and the tier where the name means one."""
        name = request.model
        if name in _ROUTES:
            if name != "auto" and request.options.route is None:
                request = replace(request, options=msgspec.structs.replace(request.options, route=name))
            return request, None
        if name in (LOCAL, self._parts.local.model_id):
            return request, LOCAL
        tier = _tier_named(config, name) or next((each for each in config.tiers if each.model == name), None)
        if tier is None:
            known = ", ".join(self.models())
            raise UsageError(f"There is no model “{name}” here. Ask for one of: {known}.")
        return request, tier.name

    async def _facts(self, request: GenerationRequest, config: Config) -> RequestFacts:
        """What the policy needs to know. Costly looks are taken only where something could leave this machine."""
        local = self._parts.local
        fits = await local.fits(request, config)
        if not config.tiers or request.options.route == "local":
            return RequestFacts(local_ready=local.can_be_asked, prompt_fits=fits)
        found = await asyncio.to_thread(secrets.find, request.texts()) if config.privacy.detect_secrets else ()
        return RequestFacts(
            has_key=await self._parts.remote.has_key(config),
            online=remote_tiers.is_online(),
            excluded=await asyncio.to_thread(excluded.reason, request.options.path, config.privacy),
            secrets=found,
            local_ready=local.can_be_asked,
            prompt_fits=fits,
        )


def _with_offer(error: HalfwattError, tiers: AllowedTiers) -> HalfwattError:
    """The error of a prompt that is too long names the tier that needs only the user's yes, if there is one."""
    if not isinstance(error, PromptTooLongError) or not tiers.askable:
        return error
    return PromptTooLongError(f"{error} Or ask “{min(tiers.askable)}” for it, with the route cloud.")


def _kept(first: RouteDecision, again: RouteDecision) -> RouteDecision:
    """The first decision for an answer that has been shown, with the doubt that came after it."""
    reason = f"{first.reason}; shown already, but in doubt: {again.reason}"
    return msgspec.structs.replace(first, reason=reason, scores=again.scores, offer_cloud=True)


async def _drained(chunks: AsyncGenerator[Chunk | Ended, None]) -> None:
    """Wait for the end of an answer that nobody wants any more, so that its joules are known."""
    async for _ in chunks:
        pass


def _tier_named(config: Config, name: str) -> TierConfig | None:
    return next((tier for tier in config.tiers if tier.name == name), None)
