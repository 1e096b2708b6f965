"""What the round trips gave: the table by language and shape, the counts of positions, the failures by kind."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from .functions import RealFunction
from .trial import SHAPE_NAMES, Outcome

EQUAL_AT_LEAST = 0.995
DAMAGE = frozenset({"damage", "wrong target"})


def share_equal(outcomes: Iterable[Outcome]) -> float:
    counted = list(outcomes)
    return sum(it.verdict == "equal" for it in counted) / len(counted) if counted else 0.0


def damaged(outcomes: Iterable[Outcome]) -> list[Outcome]:
    return [it for it in outcomes if it.verdict in DAMAGE]


def goals_met(outcomes: Sequence[Outcome], equal_at_least: float = EQUAL_AT_LEAST) -> bool:
    return share_equal(outcomes) >= equal_at_least and not damaged(outcomes)


def text(functions: Sequence[RealFunction], outcomes: Sequence[Outcome]) -> str:
    return "\n\n".join(
        [_table(outcomes), _positions(functions, outcomes), _failures(outcomes), _figures(functions, outcomes)]
    )


def _table(outcomes: Sequence[Outcome]) -> str:
    """Percent equal, by shape and language; `!` and the number of damaged files where there are any."""
    languages = sorted({it.language_id for it in outcomes})
    cells: dict[tuple[str, str], list[Outcome]] = defaultdict(list)
    for it in outcomes:
        for key in ((it.shape, it.language_id), (it.shape, ""), ("all", it.language_id), ("all", "")):
            cells[key].append(it)
    names = [it for it in (*SHAPE_NAMES, "all") if cells[it, ""]]
    lines = ["equal, in percent" + " " * 16 + "".join(f"{it[:10]:>12}" for it in (*languages, "all"))]
    for name in names:
        lines.append(f"{name:<33}" + "".join(f"{_cell(cells[name, it]):>12}" for it in (*languages, "")))
    return "\n".join(lines)


def _cell(outcomes: list[Outcome]) -> str:
    if not outcomes:
        return ""
    n_damaged = len(damaged(outcomes))
    return f"{100 * share_equal(outcomes):.1f}" + (f" !{n_damaged}" if n_damaged else "")


def _positions(functions: Sequence[RealFunction], outcomes: Sequence[Outcome]) -> str:
    counts = Counter(position for it in functions for position in it.positions)
    by_position: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        for position in outcome.positions:
            by_position[position].append(outcome)
    lines = [f"{name:<33}{count:>7}{_cell(by_position[name]):>12}" for name, count in counts.most_common()]
    return "\n".join([f"{'position':<33}{'n':>7}{'equal, %':>12}", *lines])


def groups(outcomes: Iterable[Outcome]) -> list[tuple[tuple[str, str], list[Outcome]]]:
    """Failures by verdict and reason, the largest group first."""
    found: dict[tuple[str, str], list[Outcome]] = defaultdict(list)
    for it in outcomes:
        if it.verdict != "equal":
            found[it.verdict, it.reason].append(it)
    return sorted(found.items(), key=lambda item: (item[0][0] not in DAMAGE, -len(item[1])))


def _failures(outcomes: Sequence[Outcome]) -> str:
    lines = ["failures by kind, and one of each"]
    for (verdict, reason), members in groups(outcomes)[:60]:
        languages = ", ".join(f"{name} {n}" for name, n in Counter(it.language_id for it in members).most_common(4))
        shapes = ", ".join(f"{name} {n}" for name, n in Counter(it.shape for it in members).most_common(3))
        lines.append(f"{len(members):>6}  {verdict}: {reason[:90]}  [{languages}; {shapes}]\n        {members[0].id}")
    return "\n".join(lines)


def _figures(functions: Sequence[RealFunction], outcomes: Sequence[Outcome]) -> str:
    n_broken = sum(it.in_broken_file for it in functions)
    n_refused = sum(it.verdict in ("refused", "not found") for it in outcomes)
    equal, n_damaged = share_equal(outcomes), len(damaged(outcomes))
    verdict = "reached" if equal >= EQUAL_AT_LEAST else "NOT reached"
    return "\n".join(
        [
            f"functions: {len(functions)} of {len({it.package for it in functions})} packages in "
            f"{len({it.language_id for it in functions})} languages; {n_broken} in files with a syntax error elsewhere",
            f"cases: {len(outcomes)}; refused or not found: {n_refused}",
            f"equal: {100 * equal:.2f} %; goal ≥ {100 * EQUAL_AT_LEAST:g} % — {verdict}",
            f"damage: {n_damaged}; goal 0 — {'NOT reached' if n_damaged else 'reached'}",
        ]
    )


def as_json(functions: Sequence[RealFunction], outcomes: Sequence[Outcome]) -> dict[str, Any]:
    failures = [
        {
            "id": it.id,
            "language": it.language_id,
            "shape": it.shape,
            "stub": it.form,
            "verdict": it.verdict,
            "reason": it.reason,
        }
        for _, members in groups(outcomes)
        for it in members
    ]
    return {
        "functions": len(functions),
        "cases": len(outcomes),
        "equal": share_equal(outcomes),
        "damage": len(damaged(outcomes)),
        "positions": dict(Counter(position for it in functions for position in it.positions)),
        "failures": failures,
    }
