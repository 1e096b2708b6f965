"""From weighed candidates to the decision that goes over the wire. Pure: it asks neither router nor ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from halfwatt.daemon.errors import UsageError
from halfwatt.daemon.wire import RouteDecision, TierKind, TierScore
from halfwatt.router_model.serving import decide
from halfwatt.router_model.serving.decide import TierCandidate

from .routing import Routing

if TYPE_CHECKING:
    from halfwatt.router_model.serving.draft_facts import DraftFacts


def weigh(routing: Routing) -> RouteDecision:
    """The best of the candidates that may answer, by the dial. UsageError for a dial that is none."""
    config = routing.config.routing
    dial = config.dial if routing.request.options.dial is None else routing.request.options.dial
    allowed = [each for each in routing.candidates if each.tier in routing.tiers.allowed]
    try:
        ranking = decide.decide(allowed, dial, config.leaving_price)
    except ValueError as error:
        raise UsageError(str(error)) from None
    best = next(each for each in routing.candidates if each.tier == ranking.tier)
    askable = [each for each in routing.candidates if each.tier in routing.tiers.askable]
    kinds: dict[str, TierKind] = {tier.name: tier.kind for tier in routing.config.tiers}
    return RouteDecision(
        tier=best.tier,
        kind=kinds.get(best.tier, "local"),
        model=best.model,
        reason=ranking.reason,
        scores=_scores(routing.candidates),
        calibrated=ranking.calibrated,
        offer_cloud=decide.doubtful(best, askable, config.leaving_price),
    )


def weigh_again(routing: Routing, p_pass: float, facts: DraftFacts | None) -> RouteDecision:
    """The decision with the local draft's own chance to pass. `facts` are those of a whole draft."""
    local, *others = routing.candidates
    local = replace(local, p_pass=p_pass, p_low=min(local.p_low, p_pass), p_high=max(local.p_high, p_pass))
    decision = weigh(replace(routing, candidates=(local, *others)))
    if decision.tier == routing.decision.tier:
        reason = f"{decision.reason}; {_what_was_judged(facts)}"
    else:
        reason = f"the local draft is {100 * p_pass:.0f} % likely to pass and was dropped; {decision.reason}"
    return msgspec.structs.replace(decision, reason=reason)


def with_chance(decision: RouteDecision, candidates: Sequence[TierCandidate]) -> RouteDecision:
    """A rule's decision with what the router expects of it."""
    chosen = next(each for each in candidates if each.tier == decision.tier)
    doubt = "" if chosen.calibrated else ", uncalibrated"
    return msgspec.structs.replace(
        decision,
        reason=f"{decision.reason}; {100 * chosen.p_pass:.0f} % likely to pass{doubt}",
        scores=_scores(candidates),
        calibrated=chosen.calibrated,
    )


def _scores(candidates: Sequence[TierCandidate]) -> dict[str, TierScore]:
    """What is expected of each tier, by its name."""
    return {each.tier: TierScore(each.p_pass, each.tokens, each.energy_j) for each in candidates}


def _what_was_judged(facts: DraftFacts | None) -> str:
    if facts is None:
        return "the draft was judged"
    if not facts.parses:
        return "the draft does not parse"
    if facts.examples_pass is None:
        return "the whole draft was judged"
    return f"the draft {'passes' if facts.examples_pass else 'fails'} the docstring's examples"
