"""The decision before generation: maximise q̂ − λ·Ê − price of leaving the machine. Pure arithmetic.

λ is chosen at run time by one dial, so nothing is trained again when the user turns it. The policy has already allowed
the candidates: this module knows nothing of consent, secrets or pins.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from .estimates import Estimates

LAMBDA_PER_J = {"quality": 0.0002, "balanced": 0.001, "eco": 0.004}
DEFAULT_LEAVING_PRICE = 0.05
_PRIOR = {"local": 0.45, "edge": 0.65, "cloud": 0.80}
_PRIOR_SPREAD = 0.30
_PRIOR_TOKENS = 120.0


@dataclass(frozen=True)
class TierCandidate:
    """One tier that may answer. `kind` is local, edge or cloud; `energy_j` is None when nothing is known."""

    tier: str
    kind: str
    model: str
    p_pass: float
    p_low: float
    p_high: float
    tokens: float
    energy_j: float | None
    calibrated: bool


@dataclass(frozen=True)
class RankedTier:
    """A candidate with its utility in points of pass probability (0…1)."""

    candidate: TierCandidate
    utility: float


@dataclass(frozen=True)
class Ranking:
    """The chosen tier, the reason, every candidate with its utility (best first), whether the choice is calibrated."""

    tier: str
    lambda_per_j: float
    reason: str
    ranked: tuple[RankedTier, ...]
    calibrated: bool


def lambda_of(dial: str | float) -> float:
    """λ in points of pass probability per joule.

    A number n means: 100 J are worth n percentage points of passing, so λ = n / 10,000.
    """
    if isinstance(dial, str):
        if dial not in LAMBDA_PER_J:
            raise ValueError(f"The dial {dial!r} is not one of {', '.join(LAMBDA_PER_J)} or a number from 0 up.")
        return LAMBDA_PER_J[dial]
    if not dial >= 0:
        raise ValueError("A number for the dial must be 0 or more.")
    return float(dial) / 10_000


def candidate(
    tier: str,
    kind: str,
    model: str,
    estimates: Estimates | None,
    joules_per_token: float | None,
    fixed_j: float = 0.0,
    bias_logit: float = 0.0,
) -> TierCandidate:
    """What is known of one tier; a model without labels gets the stated prior and `calibrated=False`.

    Ê = `fixed_j` (reading the prompt) + expected tokens · `joules_per_token` of this machine. `bias_logit` is the
    user's feedback (`feedback.bias_logit`) and moves labelled and unlabelled models alike.
    """
    known = estimates.of(model) if estimates is not None else None
    if known is None:
        p_pass = _PRIOR[kind]
        p_low, p_high = max(0.02, p_pass - _PRIOR_SPREAD), min(0.98, p_pass + _PRIOR_SPREAD)
        tokens = _PRIOR_TOKENS
    else:
        p_pass, p_low, p_high, tokens = known.p_pass, known.p_low, known.p_high, known.tokens
    energy_j = None if joules_per_token is None else fixed_j + tokens * joules_per_token
    middle, low, high = (shift_probability(p, bias_logit) for p in (p_pass, p_low, p_high))
    return TierCandidate(tier, kind, model, middle, low, high, tokens, energy_j, known is not None)


def shift_probability(p: float, bias_logit: float) -> float:
    """Move a probability by an amount on the logit scale."""
    if bias_logit == 0 or p <= 0 or p >= 1:
        return p
    odds = p / (1 - p) * math.exp(bias_logit)
    return odds / (1 + odds)


def decide(
    candidates: Sequence[TierCandidate],
    dial: str | float = "balanced",
    leaving_price: float = DEFAULT_LEAVING_PRICE,
) -> Ranking:
    """Pick the candidate with the largest utility; ties go to fewer joules, then to the order given.

    An unknown energy counts as the largest known one. A tier outside the machine is never credited with fewer joules
    than the cheapest local one: joules alone do not justify leaving. Raises `ValueError` without a candidate.
    """
    if not candidates:
        raise ValueError("There is no tier to decide between.")
    lambda_per_j = lambda_of(dial)
    ranked = sorted(_ranked(candidates, lambda_per_j, leaving_price), key=_order)
    best = ranked[0].candidate
    reason = _reason(ranked, leaving_price)
    return Ranking(best.tier, lambda_per_j, reason, tuple(ranked), best.calibrated)


def doubtful(chosen: TierCandidate, others: Sequence[TierCandidate], leaving_price: float) -> bool:
    """True when another allowed tier is likelier to pass by more than the price of leaving."""
    return any(other.p_pass - leaving_price > chosen.p_pass for other in others)


def _ranked(candidates: Sequence[TierCandidate], lambda_per_j: float, price: float) -> list[RankedTier]:
    known = [c.energy_j for c in candidates if c.energy_j is not None]
    worst_j = max(known, default=0.0)
    local = [c.energy_j for c in candidates if c.kind == "local" and c.energy_j is not None]
    floor_j = min(local, default=0.0)
    ranked = []
    for each in candidates:
        energy_j = worst_j if each.energy_j is None else each.energy_j
        away = each.kind != "local"
        counted_j = max(energy_j, floor_j) if away else energy_j
        ranked.append(RankedTier(each, each.p_pass - lambda_per_j * counted_j - (price if away else 0.0)))
    return ranked


def _order(each: RankedTier) -> tuple[float, float]:
    energy_j = each.candidate.energy_j
    return -round(each.utility, 12), float("inf") if energy_j is None else energy_j


def _reason(ranked: Sequence[RankedTier], price: float) -> str:
    best = ranked[0].candidate
    parts = [_describe(best)]
    if len(ranked) > 1:
        parts.append(_comparison(best, ranked[1].candidate, price))
    if best.kind != "local":
        parts.append(f"leaving the machine is priced at {100 * price:.0f} points")
    return "; ".join(parts)


def _describe(each: TierCandidate) -> str:
    spread = f"{100 * each.p_low:.0f}–{100 * each.p_high:.0f}"
    doubt = "" if each.calibrated else ", uncalibrated"
    energy = "unknown energy" if each.energy_j is None else f"about {each.energy_j:.0f} J"
    return f"{each.tier}: {100 * each.p_pass:.0f} % likely to pass ({spread}{doubt}), {energy}"


def _comparison(best: TierCandidate, other: TierCandidate, price: float) -> str:
    gain = 100 * (other.p_pass - best.p_pass)
    if gain <= 0:
        return f"{other.tier} is {-gain:.0f} points less likely to pass"
    worth = "its price of leaving and joules" if other.kind != "local" and price else "its joules"
    return f"{other.tier} is {gain:.0f} points likelier to pass, not worth {worth}"
