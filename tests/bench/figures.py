"""Medians with their spread, and printing them one a line: how every bench here reports."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A measured number. `goal`: what it should be, as text; `met` is None where there is no goal."""

    name: str
    value: float | None
    unit: str = ""
    low: float | None = None
    high: float | None = None
    n: int = 1
    goal: str = ""
    met: bool | None = None

    def line(self) -> str:
        shown = "unknown" if self.value is None else f"{self.value:.4g}"
        spread = f" ({self.low:.4g} to {self.high:.4g})" if self.low is not None and self.high is not None else ""
        verdict = "" if self.met is None else (" — reached" if self.met else " — NOT reached")
        goal = f"; goal {self.goal}{verdict}" if self.goal else ""
        return f"{self.name}: {shown}{' ' + self.unit if self.unit else ''}{spread}, n={self.n}{goal}"


def of(
    name: str, values: Sequence[float], unit: str = "", most: float | None = None, least: float | None = None
) -> Figure:
    """The median of the values with their quartiles; a goal is an upper (`most`) or lower (`least`) bound."""
    if not values:
        return Figure(name, None, unit, n=0)
    middle = statistics.median(values)
    low, high = (min(values), max(values)) if len(values) < 4 else _quartiles(values)
    goal, met = "", None
    if most is not None:
        goal, met = f"≤ {most:g}", middle <= most
    if least is not None:
        goal, met = f"≥ {least:g}", middle >= least
    return Figure(name, middle, unit, low, high, len(values), goal, met)


def _quartiles(values: Sequence[float]) -> tuple[float, float]:
    first, _, third = statistics.quantiles(values, n=4)
    return first, third
