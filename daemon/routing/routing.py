"""A request's routing: the decision together with all that it was based on. Pure values and rules.

Whoever reconsiders a decision gets this one value. It asks no router; request_router.py does.
"""

from __future__ import annotations

from dataclasses import dataclass

from halfwatt.daemon.energy.readings import Reading
from halfwatt.daemon.inference.request import GenerationRequest
from halfwatt.daemon.settings.schema import Config
from halfwatt.daemon.wire import RouteDecision
from halfwatt.router_model.serving.decide import TierCandidate

from .policy import LOCAL, RULE, AllowedTiers, RequestFacts, allowed_tiers, explicit_rule


@dataclass(frozen=True)
class Routing:
    """`candidates`: the tiers that the router weighed against each other, the local one first; empty where a rule
    decided. `router_energy`: the joules that asking the router took; None where it was not asked."""

    request: GenerationRequest
    config: Config
    facts: RequestFacts
    tiers: AllowedTiers
    decision: RouteDecision
    candidates: tuple[TierCandidate, ...] = ()
    router_energy: Reading | None = None

    @property
    def is_free(self) -> bool:
        """Whether there is a choice to make: no route is pinned, local can answer, and so can another tier."""
        others = (self.tiers.allowed | self.tiers.askable) - {LOCAL}
        return self.tiers.route == "auto" and self.facts.local_can_answer and bool(others)


def by_rule(request: GenerationRequest, config: Config, facts: RequestFacts, named_tier: str | None = None) -> Routing:
    """The routing by policy and explicit rule alone. Raises PolicyError where the route asked for is impossible."""
    tiers = allowed_tiers(request.options, config, facts, named_tier)
    return Routing(request, config, facts, tiers, explicit_rule(tiers, config, facts))


def stand_in(routing: Routing, facts: RequestFacts) -> RouteDecision | None:
    """Who answers instead of a tier that failed before it showed anything; None where nobody may.

    `facts` are those after the failure. A tier that the request named has no stand-in.
    """
    failed = routing.decision
    if routing.tiers.named_tier is not None:
        return None
    if failed.kind != "local":
        reason = f"{RULE}: the {failed.kind} tier “{failed.tier}” did not answer, so the local model does"
        return RouteDecision(LOCAL, "local", facts.local_model, reason) if facts.local_can_answer else None
    decision = by_rule(routing.request, routing.config, facts).decision
    return None if decision.kind == "local" else decision
