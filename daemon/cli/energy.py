"""`halfwatt energy`: what requests used and saved, from the ledger file; no daemon is needed.

Its subcommands export rows, delete them and estimate them again. Nothing here measures energy.
"""

from __future__ import annotations

import os
import sys
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from .common import print_json, run

if TYPE_CHECKING:
    from halfwatt.daemon.ledger.ledger import Ledger

app = typer.Typer(help="Show what requests used and saved, in joules.", invoke_without_command=True)

Since = Annotated[str | None, typer.Option(help="24h, 7d, 4w, today, all or a date.")]
ROWS_AT_ONCE = 500  # stored anew in one transaction, for which a daemon that writes meanwhile waits a tenth of a second
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.callback()
@run
def energy(context: typer.Context, since: Since = None, as_json: AsJson = False) -> None:
    """Joules used and saved: today, the last seven days and all time, or since a moment."""
    if context.invoked_subcommand is not None:
        return
    if as_json:
        from halfwatt.daemon.ledger import summary as ledger_summary

        start = ledger_summary.parse_since(since or "all", datetime.now().astimezone())
        print_json(_open_ledger().summary(start))
        return
    from .energy_plain import overview

    typer.echo(overview(since))


@app.command()
@run
def export(
    csv: Annotated[bool, typer.Option("--csv", help="Comma-separated values with a header line.")] = False,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="One JSON object a line.")] = False,
    since: Since = None,
    output: Annotated[str | None, typer.Option("--output", "-o", help="A file instead of standard output.")] = None,
) -> None:
    """Write the ledger's rows: joules, tokens, times, outcomes; there is no code, prompt or path in them."""
    from pathlib import Path

    from halfwatt.daemon.errors import UsageError
    from halfwatt.daemon.ledger import export as ledger_export
    from halfwatt.daemon.ledger import summary as ledger_summary

    if csv == jsonl:
        raise UsageError("Say which format to export: --csv or --jsonl.")
    start = ledger_summary.parse_since(since or "all", datetime.now().astimezone())
    rows = _open_ledger().rows(start)
    write = ledger_export.write_csv if csv else ledger_export.write_jsonl
    if output is None:
        write(rows, sys.stdout)
        return
    with Path(output).open("w", encoding="utf-8", newline="") as file:
        n_rows = write(rows, file)
    typer.echo(f"{n_rows:,} requests written to {output}", err=True)


@app.command()
@run
def purge(
    older_than: Annotated[str | None, typer.Option(help="Delete what is older than this: 90d, 4w or a date.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Delete every request and every sum.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete requests and their sums from the ledger for good."""
    from halfwatt.daemon.errors import UsageError
    from halfwatt.daemon.ledger import summary as ledger_summary

    if everything == (older_than is not None):
        raise UsageError("Say what to delete: --older-than 90d, or --all.")
    before = None if older_than is None else ledger_summary.parse_since(older_than, datetime.now().astimezone())
    what = "everything" if older_than is None else f"what is older than {older_than}"
    if not yes:
        typer.confirm(f"Delete {what} from the ledger? This cannot be undone.", abort=True, err=True)
    n_deleted = _open_ledger().purge(before, compact=True)
    typer.echo(f"{n_deleted:,} requests deleted.")


@app.command()
@run
def recompute(since: Since = None) -> None:
    """Make the cloud and reference estimates again from the stored tokens, with today's estimator and settings."""
    from halfwatt.daemon.ledger import recompute as estimates
    from halfwatt.daemon.ledger import summary as ledger_summary
    from halfwatt.daemon.paths import user_paths
    from halfwatt.daemon.settings import file as settings_file

    config = settings_file.load(user_paths(os.environ), os.environ)
    ledger = _open_ledger()
    rows = ledger.rows(ledger_summary.parse_since(since or "all", datetime.now().astimezone()))
    n_rows = n_changed = 0
    while batch := list(islice(rows, ROWS_AT_ONCE)):
        pairs = ((row, estimates.recomputed(row, config)) for row in batch)
        n_changed += ledger.replace([new for row, new in pairs if new != row])
        n_rows += len(batch)
    typer.echo(f"{n_rows:,} requests looked at, {n_changed:,} changed.")


def _open_ledger() -> Ledger:
    from halfwatt.daemon.ledger.ledger import Ledger
    from halfwatt.daemon.paths import user_paths

    return Ledger(user_paths(os.environ).ledger_file)
