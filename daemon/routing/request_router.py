"""Choosing among the tiers that the policy allows: the learned router where it can, the explicit rule where not.

The router itself is router_model's; this is the seam between its numbers and a decision on the wire. A pinned route,
a single possible tier and a missing router leave the explicit rule in charge, and its reason says so; a function to
generate carries the router's scores even then.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from halfwatt.daemon.energy import remote_estimates
from halfwatt.daemon.energy.readings import Reading
from halfwatt.daemon.errors import HalfwattError, LedgerError, UsageError
from halfwatt.daemon.inference.prompts import extract_code
from halfwatt.daemon.inference.request import GenerationRequest
from halfwatt.daemon.ledger.ledger import Ledger
from halfwatt.daemon.meters.base import Meter
from halfwatt.daemon.models.form import ModelForm
from halfwatt.daemon.settings.schema import Config, TierConfig
from halfwatt.daemon.wire import RouteDecision, TierKind, TierScore

from .draft import Draft
from .feedback_bias import FeedbackBias
from .memory import RouterMemory
from .policy import LOCAL, AllowedTiers, RequestFacts, explicit_rule

if TYPE_CHECKING:
    from halfwatt.router_model.serving.decide import Ranking, TierCandidate
    from halfwatt.router_model.serving.draft_facts import DraftFacts
    from halfwatt.router_model.serving.draft_stats import DraftStats
    from halfwatt.router_model.serving.estimates import Estimates
    from halfwatt.router_model.serving.router import Router

CHARS_PER_TOKEN = 4.0
LOAD_LIMIT_S = 1.0
_JUDGED = {
    "start": "the draft was judged",
    "whole": "the whole draft was judged",
    "broken": "the draft does not parse",
    "holds": "the draft passes the docstring's examples",
    "fails": "the draft fails the docstring's examples",
}
_LOG = logging.getLogger("halfwatt.router")
UNMEASURED_LOCAL_S = 0.1  # CPU seconds a token, until the first answers on this machine have been booked


class RouterMissingError(HalfwattError):
    """The learned router cannot be used; the explicit rule decides."""

    code = "router"


@dataclass(frozen=True)
class Routing:
    """The decision; the joules that deciding took; the candidates, where the router weighed them."""

    decision: RouteDecision
    router: Reading | None = None
    candidates: tuple[TierCandidate, ...] = ()


@dataclass(frozen=True)
class LearnedRouter:
    """The two stages of the router: estimates for a text; and the probability that a draft will pass, from the model
    and its form, the draft's statistics, the probability expected before it, and the facts of a draft that is whole
    (None: these are its first tokens)."""

    router: Router
    check: Callable[[str, ModelForm, DraftStats, float, DraftFacts | None], float]


def load_router() -> LearnedRouter:
    """The shipped router, ready to use. Blocks while it loads; RouterMissingError says what is wrong."""
    from halfwatt.router_model.errors import RouterModelError

    try:
        from halfwatt.router_model.serving.router import Router

        router = Router.load()
        return LearnedRouter(router, partial(_check, router))
    except (RouterModelError, ImportError, OSError) as error:
        raise RouterMissingError(f"The learned router cannot be used ({error}); the explicit rule decides.") from None


def _check(
    router: Router, model: str, form: ModelForm, stats: DraftStats, p_before: float, facts: DraftFacts | None
) -> float:
    """Stage 2 of the router; where it has no table for this form of the model, `p_before` with the facts alone."""
    from halfwatt.router_model.serving import stage2

    table = stage2.table_for(router.tables.drafts, model, form.quantization, form.template)
    if facts is not None:
        passing = facts.examples_pass
        return stage2.check(table, stats, p_before, None, 0.0, 0.0, facts.parses, passing).p_pass
    means = (stats.lp_first16_mean,) if stats.n_tokens else ()
    return stage2.check_start(table, means, stats.margin_first, p_before, None, 0.0, 0.0).p_pass


class RequestRouter:
    """Holds the router once it is loaded; `problem` says why the explicit rule decides."""

    def __init__(
        self,
        ledger: Ledger,
        meter: Meter,
        load: Callable[[], LearnedRouter] = load_router,
        local_form: Callable[[], ModelForm] = ModelForm,
        memory: Callable[[], RouterMemory] = RouterMemory,
    ) -> None:
        self._ledger = ledger
        self._meter = meter
        self._feedback_bias = FeedbackBias(ledger, since=lambda: memory().feedback_since_s)
        self._memory = memory
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

    async def choose(
        self, request: GenerationRequest, tiers: AllowedTiers, config: Config, facts: RequestFacts, local_model: str
    ) -> Routing:
        """Who answers. The router is asked where there is a choice to make, and for every function to generate,
        whose chance to be right the user wants to know; a rule that leaves no choice stays in charge then."""
        rule = explicit_rule(tiers, config, facts, local_model)
        free = tiers.route == "auto" and facts.local_can_answer and len(tiers.allowed | tiers.askable) > 1
        asks = free or (request.options.kind == "generate" and (facts.local_can_answer or rule.kind != "local"))
        estimated = await self._estimated(request) if asks else None
        if estimated is None:
            return Routing(rule)
        estimates, joules = estimated
        candidates = self._candidates(request, tiers, config, local_model, estimates)
        if free:
            return Routing(self._decide(request, tiers, config, candidates), joules, candidates)
        return Routing(_with_chance(rule, candidates), joules)

    async def _estimated(self, request: GenerationRequest) -> tuple[Estimates, Reading] | None:
        """The router's estimates and the joules they took; None without a router, or where it fails."""
        await self._loaded()
        if self._learned is None:
            return None
        try:
            estimates, cpu_s = await asyncio.to_thread(_timed, self._learned.router.estimate, request.judged_text())
        except Exception as error:  # noqa: BLE001 - native libraries raise what they like; the rule needs no router
            _LOG.error("the router failed", exc_info=error)
            return None
        return estimates, self._meter.cpu_reading(cpu_s)

    async def _loaded(self) -> None:
        """The first request after the start waits for the router a moment; a slow disk does not hold it up."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOAD_LIMIT_S):
                await self._load_ended.wait()

    def checks_drafts(self, chosen: Routing, config: Config) -> bool:
        """Whether a local draft of this choice will be judged before it is shown."""
        weighed = bool(chosen.candidates) and self._learned is not None
        return weighed and chosen.decision.kind == "local" and config.routing.check_drafts

    async def reconsider_whole(
        self,
        request: GenerationRequest,
        chosen: Routing,
        draft: Draft,
        stats: DraftStats,
        tiers: AllowedTiers,
        config: Config,
    ) -> RouteDecision:
        """The decision again, with all that a finished draft says of itself; examples run only if settings say so."""
        from halfwatt.router_model.serving.draft_facts import DraftFacts, facts_of

        facts = DraftFacts()
        if request.options.kind == "generate":
            code, language = extract_code(draft.text), request.options.language or ""
            run_examples = config.routing.run_examples
            facts = await asyncio.to_thread(facts_of, request.judged_text(), code, language, run_examples)
        return self.reconsider(request, chosen, stats, tiers, config, facts)

    def reconsider(
        self,
        request: GenerationRequest,
        chosen: Routing,
        stats: DraftStats,
        tiers: AllowedTiers,
        config: Config,
        facts: DraftFacts | None = None,
    ) -> RouteDecision:
        """The decision again, with what the draft's first tokens, or all of it, say about its chance to pass."""
        if self._learned is None:
            return chosen.decision
        local, *others = chosen.candidates
        p_pass = self._learned.check(local.model, self._local_form(), stats, local.p_pass, facts)
        local = replace(local, p_pass=p_pass, p_low=min(local.p_low, p_pass), p_high=max(local.p_high, p_pass))
        decision = self._decide(request, tiers, config, (local, *others))
        if decision.tier == chosen.decision.tier:
            return msgspec.structs.replace(decision, reason=f"{decision.reason}; {_JUDGED[_known(facts)]}")
        said = f"the local draft is {100 * p_pass:.0f} % likely to pass and was dropped"
        return msgspec.structs.replace(decision, reason=f"{said}; {decision.reason}")

    def _decide(
        self, request: GenerationRequest, tiers: AllowedTiers, config: Config, candidates: tuple[TierCandidate, ...]
    ) -> RouteDecision:
        from halfwatt.router_model.serving import decide

        dial = config.routing.dial if request.options.dial is None else request.options.dial
        allowed = [each for each in candidates if each.tier in tiers.allowed]
        try:
            ranking = decide.decide(allowed, dial, config.routing.leaving_price)
        except ValueError as error:
            raise UsageError(str(error)) from None
        return _on_wire(ranking, candidates, tiers, config)

    def _candidates(
        self, request: GenerationRequest, tiers: AllowedTiers, config: Config, local_model: str, estimates: Any
    ) -> tuple[TierCandidate, ...]:
        """Local first, then every tier that may answer or may be offered, in the order of the configuration."""
        from halfwatt.router_model.serving import decide

        n_prompt = round(sum(map(len, request.texts())) / CHARS_PER_TOKEN)
        joules, bias = self._local_joules(local_model), self._feedback_bias.bias_logit(local_model)
        local = decide.candidate(LOCAL, "local", local_model, estimates, joules, bias_logit=bias)
        others = (tier for tier in config.tiers if tier.name in tiers.allowed | tiers.askable)
        return (local, *(self._remote_candidate(tier, estimates, n_prompt) for tier in others))

    def _remote_candidate(self, tier: TierConfig, estimates: Any, n_prompt: int) -> TierCandidate:
        """Joules of a server: a fixed part for the prompt and a part for each token of the answer."""
        from halfwatt.router_model.serving import decide

        start = remote_estimates.estimate(tier.model, n_prompt, 0, tier).j
        hundred = remote_estimates.estimate(tier.model, n_prompt, 100, tier).j
        per_token = None if start is None or hundred is None else (hundred - start) / 100
        bias = self._feedback_bias.bias_logit(tier.model)
        return decide.candidate(tier.name, tier.kind, tier.model, estimates, per_token, start or 0.0, bias)

    def _local_joules(self, local_model: str) -> float | None:
        """Joules a token on this machine: from the ledger, else as calibrated, else a stated guess at CPU seconds."""
        try:
            rate = self._ledger.local_rate(local_model)
        except LedgerError:
            rate = None
        if rate is not None:
            return rate.j
        measured = self._memory().models.get(local_model)
        if measured is not None and measured.joules_per_token is not None:
            return measured.joules_per_token
        return self._meter.cpu_reading(UNMEASURED_LOCAL_S).j


def _on_wire(
    ranking: Ranking, candidates: tuple[TierCandidate, ...], tiers: AllowedTiers, config: Config
) -> RouteDecision:
    from halfwatt.router_model.serving import decide

    chosen = next(each for each in candidates if each.tier == ranking.tier)
    askable = [each for each in candidates if each.tier in tiers.askable]
    kinds: dict[str, TierKind] = {tier.name: tier.kind for tier in config.tiers}
    return RouteDecision(
        tier=chosen.tier,
        kind=kinds.get(chosen.tier, "local"),
        model=chosen.model,
        reason=ranking.reason,
        scores=_scores(candidates),
        calibrated=ranking.calibrated,
        offer_cloud=decide.doubtful(chosen, askable, config.routing.leaving_price),
    )


def _with_chance(rule: RouteDecision, candidates: tuple[TierCandidate, ...]) -> RouteDecision:
    """The rule's decision with what the router expects of it."""
    chosen = next(each for each in candidates if each.tier == rule.tier)
    doubt = "" if chosen.calibrated else ", uncalibrated"
    return msgspec.structs.replace(
        rule,
        reason=f"{rule.reason}; {100 * chosen.p_pass:.0f} % likely to pass{doubt}",
        scores=_scores(candidates),
        calibrated=chosen.calibrated,
    )


def _known(facts: DraftFacts | None) -> str:
    """Which of the sentences in `_JUDGED` is true."""
    if facts is None:
        return "start"
    if not facts.parses:
        return "broken"
    return {None: "whole", True: "holds", False: "fails"}[facts.examples_pass]


def _scores(candidates: tuple[TierCandidate, ...]) -> dict[str, TierScore]:
    return {each.tier: TierScore(each.p_pass, each.tokens, each.energy_j) for each in candidates}


def _timed(work: Callable[[str], Any], text: str) -> tuple[Any, float]:
    """The result and the CPU seconds of this thread."""
    begun = time.thread_time()
    result = work(text)
    return result, time.thread_time() - begun
