"""The flow of a request: policy, router, tier, meter, ledger. Every request ends in exactly one row.

Each request runs in a task of its own, so that one whose client has left is still ended and booked properly. Which
tiers try to answer is attempts.py's part, what a request costs booking.py's. This module does no HTTP.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass

from halfwatt.daemon.energy.readings import Reading
from halfwatt.daemon.errors import HalfwattError, LedgerError
from halfwatt.daemon.inference.answer import Ended
from halfwatt.daemon.inference.request import GenerationRequest
from halfwatt.daemon.ledger.ledger import Ledger
from halfwatt.daemon.ledger.rows import LedgerRow
from halfwatt.daemon.routing.request_router import RequestRouter
from halfwatt.daemon.routing.routing import Routing
from halfwatt.daemon.settings.live import Settings
from halfwatt.daemon.settings.schema import Config
from halfwatt.daemon.tiers.local import LocalTier
from halfwatt.daemon.tiers.remote import RemoteTiers
from halfwatt.daemon.wire import AnswerItem, Result, RouteDecision

from . import booking
from .attempts import Attempts
from .facts import find_facts, model_names, resolve_name
from .in_flight import InFlight
from .pause import Pause

END_LIMIT_S = 12.0
STORE_LIMIT_S = 1.0  # a client waits no longer than this for its row to be stored
_LOG = logging.getLogger("halfwatt.service")


@dataclass(frozen=True)
class ServiceParts:
    """What the service works with; each owned and closed by whoever made it."""

    settings: Settings
    local: LocalTier
    remote: RemoteTiers
    router: RequestRouter
    ledger: Ledger
    pause: Pause


class Service:
    """Answers requests. `finished` is called with each result, `changed` whenever something began or ended."""

    def __init__(self, parts: ServiceParts, changed: Callable[[], None], finished: Callable[[Result], None]) -> None:
        self._parts = parts
        self._attempts = Attempts(parts.local, parts.remote, parts.router)
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
        return model_names(self._parts.settings.config, self._parts.local.model_id)

    async def answer(self, request: GenerationRequest) -> AsyncGenerator[AnswerItem, None]:
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
        request, named_tier = resolve_name(request, config, self._parts.local.model_id)
        return (await self._route(request, named_tier, config)).decision

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
        except Exception as error:  # noqa: BLE001 - one request ends, the daemon goes on
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
        running.request, named_tier = resolve_name(running.request, config, self._parts.local.model_id)
        routing = await self._route(running.request, named_tier, config)
        running.router_energy = routing.router_energy
        if running.request.options.dry_run:
            self._decline(running, routing.decision.reason, routing.decision)
            return
        await self._attempts.answer(running, routing)

    async def _route(self, request: GenerationRequest, named_tier: str | None, config: Config) -> Routing:
        facts = await find_facts(request, config, self._parts.local, self._parts.remote)
        return await self._parts.router.route(request, config, facts, named_tier)

    def _decline(self, running: InFlight, reason: str, decision: RouteDecision | None = None) -> None:
        """End without calling a model."""
        running.decision = decision or RouteDecision(tier="none", kind="none", model="", reason=reason)
        running.ended = Ended("dry_run" if decision else "paused", 0, 0)
        running.items.put_nowait(running.decision)

    async def _book(self, running: InFlight, config: Config, error: HalfwattError | None = None) -> None:
        """Store the row and send the client the result or the error.

        A ledger that cannot be written costs the row, not the answer. While another process locks the ledger, the row
        waits for it; the client waits only a moment.
        """
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
        if not running.cloud_energy:
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
