"""From a finished request to its result and its row in the ledger: energy, saving, latency. Pure arithmetic.

It measures and stores nothing; the readings come with the request's record.
"""

from __future__ import annotations

from dataclasses import dataclass

from halfwatt.daemon.energy import readings as energy
from halfwatt.daemon.energy import remote_estimates
from halfwatt.daemon.energy.readings import BookedEnergy, Reading, Waste
from halfwatt.daemon.inference.answer import Ended
from halfwatt.daemon.ledger.rows import LedgerRow, answer_columns
from halfwatt.daemon.settings.schema import Config
from halfwatt.daemon.wire import Latency, Outcome, Result, RouteDecision, TokenCounts

from .in_flight import InFlight

NO_DECISION = RouteDecision(tier="none", kind="none", model="", reason="The request ended before a tier was chosen.")


@dataclass(frozen=True)
class Booking:
    """A finished request, for the client and for the ledger."""

    result: Result
    row: LedgerRow


def book(running: InFlight, config: Config, now_s: float, local_rate: Reading | None, failed: bool = False) -> Booking:
    """The request's result and row. `local_rate` is this machine's joules per token; `now_s` the monotonic clock."""
    request, ended = running.request, running.ended
    decision = running.decision or NO_DECISION
    cancelled = running.cancellation.requested and (ended is None or ended.stop == "cancelled")
    booked = energy.book(
        router=running.router_energy,
        local=energy.add(running.local_energy),
        cloud=energy.add(running.cloud_energy),
        wasted=_waste(running, failed or cancelled),
    )
    tokens = _counts(ended)
    answered = bool(ended) and not failed and not cancelled
    result = Result(
        code="".join(running.text),
        tier=decision.tier,
        kind=decision.kind,
        model=decision.model,
        reason=decision.reason,
        scores=decision.scores,
        stop="cancelled" if cancelled else "failed" if failed or ended is None else ended.stop,
        tokens=tokens,
        latency_ms=_latency(running, now_s),
        energy=booked.energy,
        saved=energy.saved(booked, *_reference(config, tokens if answered else None)),
        request_id=request.request_id,
        calibrated=decision.calibrated,
        offer_cloud=decision.offer_cloud,
        continued=ended is not None and ended.continued,
    )
    return Booking(result, _row(running, config, result, booked, local_rate, failed, cancelled))


def _counts(ended: Ended | None) -> TokenCounts:
    if ended is None:
        return TokenCounts(0, 0)
    return TokenCounts(ended.prompt_tokens, ended.completion_tokens, ended.cached_tokens)


def _row(
    running: InFlight,
    config: Config,
    result: Result,
    booked: BookedEnergy,
    local_rate: Reading | None,
    failed: bool,
    cancelled: bool,
) -> LedgerRow:
    options = running.request.options
    outcome: Outcome | None = "cancelled" if cancelled else "failed" if failed else None
    saved_local = energy.always_local(booked, local_rate, result.tokens.completion)
    return LedgerRow(
        time=running.started_at_s,
        editor=options.editor,
        language=options.language,
        kind=options.kind,
        route=options.route or config.routing.route,
        outcome=outcome,
        **answer_columns(result, booked, saved_local),
    )


def _waste(running: InFlight, nothing_came: bool) -> Waste:
    if nothing_came:
        return "all"
    return "draft" if running.draft_dropped else "none"


def _latency(running: InFlight, now_s: float) -> Latency:
    first = running.first_text_s
    return Latency(
        queue=running.ended.queue_ms if running.ended else None,
        first_token=None if first is None else 1000 * (first - running.started_s),
        total=1000 * (now_s - running.started_s),
    )


def _reference(config: Config, tokens: TokenCounts | None) -> tuple[Reading | None, str]:
    """What the reference model would have used; None where nothing was answered, so nothing was saved."""
    name, tier = remote_estimates.reference(config)
    if tokens is None:
        return None, name
    return remote_estimates.estimate(name, tokens.prompt, tokens.completion, tier), name
