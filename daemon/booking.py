"""From a finished turn to its result and its row in the ledger: energy, saving, latency. Pure arithmetic and shapes.

It measures nothing; the readings come with the turn.
"""

from __future__ import annotations

from dataclasses import dataclass

from . import cloud_energy, energy
from .config import Config
from .energy import Booked, Reading, Waste
from .ledger_rows import Row, row_of
from .turn import Turn
from .wire import Decision, Latency, Outcome, Result, Tokens

NOTHING = Decision(tier="none", kind="none", model="", reason="The request ended before a tier was chosen.")


@dataclass(frozen=True)
class Booking:
    """What a turn came to: for the client, and for the ledger."""

    result: Result
    row: Row


def book(turn: Turn, config: Config, now_s: float, local_rate: Reading | None, failed: bool = False) -> Booking:
    """The turn's result and row. `local_rate` is this machine's joules per token; `now_s` the monotonic clock."""
    asked, ended = turn.asked, turn.ended
    decision = turn.decision or NOTHING
    cancelled = turn.cancellation.requested and (ended is None or ended.stop == "cancelled")
    booked = energy.book(
        router=turn.router,
        local=energy.add(turn.local),
        cloud=energy.add(turn.cloud),
        wasted=_waste(turn, failed or cancelled),
    )
    tokens = Tokens(ended.prompt_tokens, ended.completion_tokens, ended.cached_tokens) if ended else Tokens(0, 0)
    answered = bool(ended) and not failed and not cancelled
    result = Result(
        code="".join(turn.text),
        tier=decision.tier,
        kind=decision.kind,
        model=decision.model,
        reason=decision.reason,
        scores=decision.scores,
        stop="cancelled" if cancelled else "failed" if failed or ended is None else ended.stop,
        tokens=tokens,
        latency_ms=_latency(turn, now_s),
        energy=booked.energy,
        saved=energy.saved(booked, *_reference(config, tokens if answered else None)),
        request_id=asked.request_id,
        calibrated=decision.calibrated,
        offer_cloud=decision.offer_cloud,
    )
    return Booking(result, _row(turn, config, result, booked, local_rate, failed, cancelled))


def _row(
    turn: Turn,
    config: Config,
    result: Result,
    booked: Booked,
    local_rate: Reading | None,
    failed: bool,
    cancelled: bool,
) -> Row:
    options = turn.asked.options
    outcome: Outcome | None = "cancelled" if cancelled else "failed" if failed else None
    return row_of(
        result,
        booked,
        time_s=turn.started_at_s,
        editor=options.editor,
        language=options.language,
        kind=options.kind,
        route=options.route or config.routing.route,
        cached_tokens=turn.ended.cached_tokens if turn.ended else None,
        saved_local=energy.always_local(booked, local_rate, result.tokens.completion),
        outcome=outcome,
    )


def _waste(turn: Turn, nothing_came: bool) -> Waste:
    if nothing_came:
        return "all"
    return "draft" if turn.draft_dropped else "none"


def _latency(turn: Turn, now_s: float) -> Latency:
    first = turn.first_text_s
    return Latency(
        queue=turn.ended.queue_ms if turn.ended else None,
        first_token=None if first is None else 1000 * (first - turn.started_s),
        total=1000 * (now_s - turn.started_s),
    )


def _reference(config: Config, tokens: Tokens | None) -> tuple[Reading | None, str]:
    """What the reference model would have used; None where nothing was answered, so nothing was saved."""
    name, tier = cloud_energy.reference(config)
    if tokens is None:
        return None, name
    return cloud_energy.estimate(name, tokens.prompt, tokens.completion, tier), name
