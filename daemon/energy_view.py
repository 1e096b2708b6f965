"""Energy as text for a terminal: a table of periods and a small plot. Pure functions; prints nothing itself."""

from __future__ import annotations

from collections.abc import Sequence

from .wire import Energy, EnergySummary, Saved

BLOCKS = "▁▂▃▄▅▆▇█"
UNITS = ((1e9, "GJ"), (1e6, "MJ"), (1e3, "kJ"), (1.0, "J"), (1e-3, "mJ"))
EMPTY = """\
The ledger is empty: no request has been answered on this machine yet.
Every answer will be booked here with its joules, their range and how they were found. To make a first one:
  halfwatt generate FILE:LINE      write the body of the stub at that line
  halfwatt doctor                  see which energy meter this machine offers"""


def joules(value: float | None) -> str:
    """`1.2 kJ`, `−37 J`, `unknown`: three digits at most, with a true minus sign."""
    if value is None:
        return "unknown"
    if value == 0:
        return "0 J"
    size = abs(value)
    scale, unit = next(((scale, unit) for scale, unit in UNITS if size >= scale * 0.9995), UNITS[-1])
    return f"{'−' if value < 0 else ''}{_digits(size / scale)} {unit}"


def ranged(value: float | None, low: float | None, high: float | None) -> str:
    """A number with its range: `60 J (33 J to 89 J)`."""
    if value is None or low is None or high is None:
        return joules(value)
    return f"{joules(value)} ({joules(low)} to {joules(high)})"


def spent(energy: Energy) -> str:
    return ranged(energy.total_j, energy.low_j, energy.high_j)


def saving(saved: Saved | None) -> str:
    return "unknown" if saved is None else ranged(saved.j, saved.low_j, saved.high_j)


def table(periods: Sequence[tuple[str, EnergySummary]]) -> str:
    """One column per period, the same lines for each; then what the words mean."""
    references = ", ".join(sorted({summary.saved.reference for _, summary in periods} - {""})) or "the reference"
    lines = [("", [title for title, _ in periods])]
    summaries = [summary for _, summary in periods]
    lines += [
        ("Requests", [f"{summary.requests:,}" for summary in summaries]),
        ("Used", [spent(summary.energy) for summary in summaries]),
        ("  by the router", [joules(summary.energy.router_j) for summary in summaries]),
        ("  by the local model", [joules(summary.energy.local_j) for summary in summaries]),
        ("  by other servers", [joules(summary.energy.cloud_j) for summary in summaries]),
        ("  of it for nothing", [_share(summary.energy.wasted_j, summary.energy.total_j) for summary in summaries]),
        (f"Saved against {references}", [saving(summary.saved) for summary in summaries]),
        ("Saved against always local", [saving(summary.saved_vs_local) for summary in summaries]),
        ("Per accepted character", [joules(summary.j_per_accepted_char) for summary in summaries]),
    ]
    lines += [(f"Tier {tier}", cells) for tier, cells in _by_tier(summaries)]
    lines += [(f"Requests {method}", cells) for method, cells in _shares(summaries)]
    return "\n".join((*_aligned(lines), "", _explanation(references)))


def plot(days: Sequence[tuple[str, float | None]]) -> str:
    """One block per day, tallest for the day with the most joules; a dot where nothing is known."""
    known = [value for _, value in days if value is not None]
    if not known or max(known) <= 0:
        return ""
    top = max(known)
    bars = "".join("·" if value is None else BLOCKS[min(7, int(value / top * 7.999))] for _, value in days)
    return f"Joules per day, {days[0][0]} to {days[-1][0]} (tallest: {joules(top)}; · no request)\n{bars}"


def _digits(value: float) -> str:
    return f"{value:.3g}" if value < 999.5 else f"{value:.0f}"


def _share(part: float | None, total: float | None) -> str:
    if part is None or not total:
        return joules(part)
    return f"{joules(part)} ({100 * part / total:.0f} %)"


def _by_tier(summaries: Sequence[EnergySummary]) -> list[tuple[str, list[str]]]:
    tiers = sorted({tier for summary in summaries for tier in summary.by_tier})
    return [
        (tier, [spent(summary.by_tier[tier]) if tier in summary.by_tier else "none" for summary in summaries])
        for tier in tiers
    ]


def _shares(summaries: Sequence[EnergySummary]) -> list[tuple[str, list[str]]]:
    methods = sorted({method for summary in summaries for method in summary.method_shares})
    return [
        (method, [f"{100 * summary.method_shares.get(method, 0.0):.0f} %" for summary in summaries])
        for method in methods
    ]


def _aligned(lines: Sequence[tuple[str, list[str]]]) -> list[str]:
    first = max(len(label) for label, _ in lines)
    widths = [max(len(cells[i]) for _, cells in lines) for i in range(len(lines[0][1]))]
    return [
        "  ".join(
            [label.ljust(first), *(cell.rjust(width) for cell, width in zip(cells, widths, strict=True))]
        ).rstrip()
        for label, cells in lines
    ]


def _explanation(references: str) -> str:
    return (
        f"Saved = what {references} would have used for the same requests, by estimate, minus what was used; negative\n"
        "when it would have used less. In brackets: the range. Used counts everything known, wasted answers included."
    )
