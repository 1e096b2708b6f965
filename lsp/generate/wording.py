"""Sentences about results for people: one line for a message, a paragraph for "why?". It uses plain Markdown only."""

from __future__ import annotations

from halfwatt.daemon.inference.prompts import first_block
from halfwatt.daemon.wire import Energy, Result, RouteDecision, Saved


def summary(result: Result) -> str:
    """One line: tier, time, energy."""
    total = result.latency_ms.total
    parts = [result.tier, f"{total / 1000:.1f} s" if total is not None else "", energy(result.energy)]
    return " · ".join(part for part in parts if part)


def energy(booked: Energy) -> str:
    """Joules with their range and how they are known."""
    if booked.total_j is None:
        return "energy unknown"
    return f"{_joules(booked.total_j)}{_range(booked.low_j, booked.high_j)} {booked.method or ''}".rstrip()


def saved(booked: Saved) -> str:
    """The saving against the reference model, or how much more was used."""
    reference = booked.reference or "the reference model"
    if booked.j is None:
        return f"What {reference} would have used is unknown."
    if booked.j < 0:
        amount = _joules(-booked.j) + _range(_minus(booked.high_j), _minus(booked.low_j))
        return f"This used about {amount} more than {reference} would have."
    return f"This saved about {_joules(booked.j)}{_range(booked.low_j, booked.high_j)} compared with {reference}."


def why(result: Result | None) -> str:
    """The last request in Markdown: tier, reason, scores, time, energy, counterfactual."""
    if result is None:
        return "There has been no request yet."
    lines = [_who(result), *scores(result)]
    first, total = result.latency_ms.first_token, result.latency_ms.total
    times = [f"first token after {first / 1000:.2f} s" if first is not None else ""]
    times.append(f"{total / 1000:.2f} s in all" if total is not None else "")
    lines.append("Time: " + (", ".join(part for part in times if part) or "unknown"))
    lines.append(f"Tokens: {result.tokens.prompt} in, {result.tokens.completion} out; stopped by {result.stop}")
    lines.append(f"Energy: {energy(result.energy)}")
    lines.append(saved(result.saved))
    return "\n\n".join(lines)


def scores(decided: Result | RouteDecision) -> list[str]:
    """What the router expected of each tier."""
    found = []
    for tier, score in decided.scores.items():
        likely = f"{100 * score.p_pass:.0f} % likely to pass" if score.p_pass is not None else "no estimate"
        joules = f", about {_joules(score.energy_j)}" if score.energy_j is not None else ""
        found.append(f"- {tier}: {likely}{joules}" + ("" if decided.calibrated else " (uncalibrated)"))
    return ["\n".join(found)] if found else []


def decision(decided: RouteDecision) -> str:
    """A decision without a call, in Markdown."""
    return "\n\n".join([_who(decided), *scores(decided)])


def _who(decided: Result | RouteDecision) -> str:
    """The tier, its model and the reason, which may begin with the tier's name itself."""
    model = f" ({decided.model})" if decided.model else ""
    return f"**{decided.tier}**{model}: {decided.reason.removeprefix(f'{decided.tier}: ')}"


def preview(answer: str, opening: str = "") -> str:
    """The code so far of a half-finished answer: what stands inside its first fence.

    An answer without a fence continues the opening, or it has not come to its code yet."""
    code = first_block(answer if "```" in answer else opening + answer)
    return answer if code is None else code


def _joules(value: float) -> str:
    return f"{value:.2g} J" if abs(value) < 10 else f"{value:.0f} J"


def _range(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return ""
    digits = ".2g" if max(abs(low), abs(high)) < 10 else ".0f"
    return f" ({low:{digits}} to {high:{digits}})"


def _minus(value: float | None) -> float | None:
    return None if value is None else -value
