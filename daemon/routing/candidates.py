"""The tiers that the router weighs: what it expects of each, with the joules of this machine or of a server.

It looks up joules per token and the user's feedback. It decides nothing; weighing.py does.
"""

from __future__ import annotations

from collections.abc import Callable

from halfwatt.daemon.energy import remote_estimates
from halfwatt.daemon.errors import LedgerError
from halfwatt.daemon.ledger.ledger import Ledger
from halfwatt.daemon.meters.base import Meter
from halfwatt.daemon.settings.schema import TierConfig
from halfwatt.router_model.serving import decide
from halfwatt.router_model.serving.decide import TierCandidate
from halfwatt.router_model.serving.estimates import Estimates

from .feedback_bias import FeedbackBias
from .memory import RouterMemory
from .policy import LOCAL
from .routing import Routing

UNMEASURED_LOCAL_S = 0.1  # CPU seconds a token, until the first answers on this machine have been booked


class Candidates:
    """Makes the candidates of a request from the router's estimates."""

    def __init__(self, ledger: Ledger, meter: Meter, memory: Callable[[], RouterMemory]) -> None:
        self._ledger = ledger
        self._meter = meter
        self._memory = memory
        self._feedback_bias = FeedbackBias(ledger, since=lambda: memory().feedback_since_s)

    def of(self, routing: Routing, estimates: Estimates) -> tuple[TierCandidate, ...]:
        """Local first, then every tier that may answer or may be offered, in the order of the configuration."""
        n_prompt = routing.request.about_n_tokens()
        possible = routing.tiers.allowed | routing.tiers.askable
        others = (tier for tier in routing.config.tiers if tier.name in possible)
        local = self._local(routing.facts.local_model, estimates)
        return (local, *(self._remote(tier, estimates, n_prompt) for tier in others))

    def _local(self, model: str, estimates: Estimates) -> TierCandidate:
        bias = self._feedback_bias.bias_logit(model)
        return decide.candidate(LOCAL, "local", model, estimates, self._local_joules(model), bias_logit=bias)

    def _remote(self, tier: TierConfig, estimates: Estimates, n_prompt: int) -> TierCandidate:
        """Joules of a server: a fixed part for the prompt and a part for each token of the answer."""
        start = remote_estimates.estimate(tier.model, n_prompt, 0, tier).j
        hundred = remote_estimates.estimate(tier.model, n_prompt, 100, tier).j
        per_token = None if start is None or hundred is None else (hundred - start) / 100
        bias = self._feedback_bias.bias_logit(tier.model)
        return decide.candidate(tier.name, tier.kind, tier.model, estimates, per_token, start or 0.0, bias)

    def _local_joules(self, model: str) -> float | None:
        """Joules a token on this machine: from the ledger, else as calibrated, else from a guess at CPU seconds."""
        try:
            rate = self._ledger.local_rate(model)
        except LedgerError:
            rate = None
        if rate is not None:
            return rate.j
        measured = self._memory().models.get(model)
        if measured is not None and measured.joules_per_token is not None:
            return measured.joules_per_token
        return self._meter.cpu_reading(UNMEASURED_LOCAL_S).j
