"""Routing a request: the learned router among the tiers that the policy allows, the explicit rule where it cannot.

A pinned route, a single possible tier and a missing router leave the explicit rule in charge, and its reason says so.
A function to generate carries the router's scores even then. This module calls no tier.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from halfwatt.daemon.energy.readings import Reading
from halfwatt.daemon.errors import HalfwattError
from halfwatt.daemon.inference.answer import Ended
from halfwatt.daemon.inference.prompts import extract_code
from halfwatt.daemon.inference.request import GenerationRequest
from halfwatt.daemon.ledger.ledger import Ledger
from halfwatt.daemon.meters.base import Meter
from halfwatt.daemon.models.form import ModelForm
from halfwatt.daemon.settings.schema import Config
from halfwatt.daemon.wire import RouteDecision
from halfwatt.router_model.serving.draft_stats import DraftStats, draft_stats
from halfwatt.router_model.serving.estimates import Estimates

from .candidates import Candidates
from .learned_router import LearnedRouter, load_router
from .memory import RouterMemory
from .policy import RequestFacts
from .routing import Routing, by_rule
from .weighing import weigh, weigh_again, with_chance

if TYPE_CHECKING:  # its imports take tens of milliseconds, and many daemons judge no draft
    from halfwatt.router_model.serving.draft_facts import DraftFacts

LOAD_LIMIT_S = 1.0
_LOG = logging.getLogger("halfwatt.router")


class RequestRouter:
    """Holds the learned router once it is loaded; `problem` says why the explicit rule decides."""

    def __init__(
        self,
        ledger: Ledger,
        meter: Meter,
        load: Callable[[], LearnedRouter] = load_router,
        local_form: Callable[[], ModelForm] = ModelForm,
        memory: Callable[[], RouterMemory] = RouterMemory,
    ) -> None:
        self._meter = meter
        self._candidates = Candidates(ledger, meter, memory)
        self._load = load
        self._local_form = local_form
        self._learned: LearnedRouter | None = None
        self._load_ended = asyncio.Event()
        self._load_ended.set()
        self.problem: str | None = None

    async def load(self) -> None:
        """Load the router off the loop; without it the daemon works all the same."""
        self._load_ended.clear()
        try:
            self._learned = await asyncio.to_thread(self._load)
            self.problem = None
        except HalfwattError as error:
            self.problem = str(error)
        finally:
            self._load_ended.set()

    async def route(
        self, request: GenerationRequest, config: Config, facts: RequestFacts, named_tier: str | None = None
    ) -> Routing:
        """Who answers. PolicyError where the route asked for is impossible, UsageError for an unknown dial.

        The router is asked where there is a choice to make. It is asked for every function to generate, too, whose
        chance to be right the user wants to know; a rule that leaves no choice stays in charge then.
        """
        routing = by_rule(request, config, facts, named_tier)
        is_answerable = facts.local_can_answer or routing.decision.kind != "local"
        if not (routing.is_free or (request.options.kind == "generate" and is_answerable)):
            return routing
        estimated = await self._estimated(request.judged_text())
        if estimated is None:
            return routing
        estimates, energy = estimated
        candidates = self._candidates.of(routing, estimates)
        if not routing.is_free:
            return replace(routing, decision=with_chance(routing.decision, candidates), router_energy=energy)
        routing = replace(routing, candidates=candidates, router_energy=energy)
        return replace(routing, decision=weigh(routing))

    def checks_drafts(self, routing: Routing) -> bool:
        """Whether a local draft of this routing will be judged before it is shown."""
        weighed = bool(routing.candidates) and self._learned is not None
        return weighed and routing.decision.kind == "local" and routing.config.routing.check_drafts

    def reconsider(self, routing: Routing, stats: DraftStats, facts: DraftFacts | None = None) -> RouteDecision:
        """The decision again, with what the draft's first tokens, or all of it, say about its chance to pass."""
        if self._learned is None:
            return routing.decision
        local = routing.candidates[0]
        p_pass = self._learned.check(local.model, self._local_form(), stats, local.p_pass, facts)
        return weigh_again(routing, p_pass, facts)

    async def reconsider_whole(self, routing: Routing, text: str, ended: Ended) -> RouteDecision:
        """The decision again, with all that a finished draft says of itself; examples run only if settings say so."""
        from halfwatt.router_model.serving.draft_facts import DraftFacts, facts_of

        facts, request = DraftFacts(), routing.request
        if request.options.kind == "generate":
            whole = request.options.opening + text if ended.continued else text
            code, language = extract_code(whole), request.options.language or ""
            run_examples = routing.config.routing.run_examples
            facts = await asyncio.to_thread(facts_of, request.judged_text(), code, language, run_examples)
        return self.reconsider(routing, ended.draft or draft_stats(()), facts)

    async def _estimated(self, text: str) -> tuple[Estimates, Reading] | None:
        """The router's estimates and the joules they took; None without a router, or where it fails."""
        await self._wait_for_load()
        if self._learned is None:
            return None
        try:
            estimates, cpu_s = await asyncio.to_thread(_timed, self._learned.router.estimate, text)
        except Exception as error:  # noqa: BLE001 - native libraries raise what they like; the rule needs no router
            _LOG.error("the router failed", exc_info=error)
            return None
        return estimates, self._meter.cpu_reading(cpu_s)

    async def _wait_for_load(self) -> None:
        """The first request after the start waits for the router a moment; a slow disk does not hold it up."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOAD_LIMIT_S):
                await self._load_ended.wait()


def _timed(work: Callable[[str], Any], text: str) -> tuple[Any, float]:
    """The result and the CPU seconds of this thread."""
    begun = time.thread_time()
    result = work(text)
    return result, time.thread_time() - begun
