"""Energy as text for a terminal: a table of periods and a small plot. Pure functions that print nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from halfwatt.daemon.wire import EnergySummary, Saved

BLOCKS = "▁▂▃▄▅▆▇█"
UNITS = ((1e9, "GJ"), (1e6, "MJ"), (1e3, "kJ"), (1.0, "J"), (1e-3, "mJ"))
UNKNOWN, NOTHING, RANGE = "unknown", "–", "  range"
NO_SAVING = Saved()
EMPTY = """\
The ledger is empty: no request has been answered on this machine yet.
Every answer will be booked here with its joules, their range and how they were found. To make a first one:
  halfwatt generate FILE:LINE      write the body of the stub at that line
  halfwatt doctor                  see which energy meter this machine offers"""


def joules(value: float | None) -> str:
    """`1.2 kJ`, `−37 J`, `unknown`: three digits at most, with a true minus sign."""
    if value is None:
        return UNKNOWN
    if value == 0:
        return "0 J"
    size = abs(value)
    scale, unit = next(((scale, unit) for scale, unit in UNITS if size >= scale * 0.9995), UNITS[-1])
    return f"{'−' if value < 0 else ''}{_digits(size / scale)} {unit}"


def span(low: float | None, high: float | None) -> str:
    """The ends of a range, with the unit once where both share it: `4.94 to 15.7 kJ`, `−900 J to 1.2 kJ`."""
    if low is None or high is None:
        return UNKNOWN
    low_number, _, low_unit = joules(low).rpartition(" ")
    return f"{low_number if joules(high).endswith(' ' + low_unit) else joules(low)} to {joules(high)}"


def table(periods: Sequence[tuple[str, EnergySummary]]) -> str:
    """One column per period with the same lines for each, then an explanation of the words."""
    references = ", ".join(sorted({summary.saved.reference for _, summary in periods} - {""})) or "the reference"
    summaries = [summary for _, summary in periods]
    lines = [("", [title for title, _ in periods]), ("Requests", [f"{summary.requests:,}" for summary in summaries])]

    def add(label: str, cell: Callable[[EnergySummary], str]) -> None:
        lines.append((label, [cell(summary) if summary.requests else NOTHING for summary in summaries]))

    add("Used", lambda summary: joules(summary.energy.total_j))
    add(RANGE, lambda summary: span(summary.energy.low_j, summary.energy.high_j))
    add("  by the router", lambda summary: joules(summary.energy.router_j))
    add("  by the local model", lambda summary: joules(summary.energy.local_j))
    add("  by other servers", lambda summary: joules(summary.energy.cloud_j))
    add("  of it for nothing", lambda summary: _share(summary.energy.wasted_j, summary.energy.total_j))
    for tier in sorted({tier for summary in summaries for tier in summary.by_tier}):
        add(f"  in tier {tier}", lambda summary, tier=tier: _of_tier(summary, tier))  # type: ignore[misc]
    add(f"Saved against {references}", lambda summary: joules(summary.saved.j))
    add(RANGE, lambda summary: span(summary.saved.low_j, summary.saved.high_j))
    add("Saved against always local", lambda summary: joules((summary.saved_vs_local or NO_SAVING).j))
    add(RANGE, lambda summary: _span_of(summary.saved_vs_local or NO_SAVING))
    add("Per accepted character", lambda summary: joules(summary.j_per_accepted_char))
    for method in sorted({method for summary in summaries for method in summary.method_shares}):
        add(
            f"Requests {method}",
            lambda summary, method=method: _percent(summary.method_shares.get(method, 0.0)),  # type: ignore[misc]
        )
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
    return f"{joules(part)} ({_percent(part / total)})"


def _percent(share: float) -> str:
    return "under 1 %" if 0 < share < 0.005 else f"{100 * share:.0f} %"


def _of_tier(summary: EnergySummary, tier: str) -> str:
    return joules(summary.by_tier[tier].total_j) if tier in summary.by_tier else NOTHING


def _span_of(saved: Saved) -> str:
    return span(saved.low_j, saved.high_j)


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
        f"Saved = what {references} would have used for the same requests, by estimate,\n"
        "minus what was used; negative when it would have used less. Used counts everything\n"
        "known, answers that nobody used included. Range = as far as meters and estimates\n"
        "may be off; a sum's errors are taken to point the same way within one meter."
    )
