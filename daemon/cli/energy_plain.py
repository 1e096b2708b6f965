"""What `halfwatt energy` prints, and printing it without Typer, whose import takes longer than all the sums.

It reads only the ledger file. energy.py has the options and subcommands.
"""

from __future__ import annotations

import os
import sys
from datetime import datetime

from halfwatt.daemon.ledger import summary as ledger_summary
from halfwatt.daemon.ledger.ledger import Ledger
from halfwatt.daemon.paths import user_paths

from . import energy_text

PLOT_DAYS = 30


def overview(since: str | None = None) -> str:
    """The table and the plot: today, seven days and all time, or since a moment. HalfwattError where it fails."""
    now = datetime.now().astimezone()
    spans = [since] if since else ["today", "7d", "all"]
    starts = [ledger_summary.parse_since(span, now) for span in spans]
    ledger = Ledger(user_paths(os.environ).ledger_file)
    if not ledger.recent(1):
        return energy_text.EMPTY
    titles = [f"since {since}"] if since else ["today", "7 days", "all time"]
    table = energy_text.table(list(zip(titles, map(ledger.summary, starts), strict=True)))
    with ledger.reading() as connection:
        plot = energy_text.plot(ledger_summary.per_day(connection, PLOT_DAYS, now))
    return f"{table}\n\n{plot}" if plot else table


def print_overview() -> bool:
    """Print the overview. False where that failed; the full command then says why."""
    try:
        text = overview()
    except Exception:  # noqa: BLE001 - whatever it is, the full command meets it again and words it
        return False
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return True
