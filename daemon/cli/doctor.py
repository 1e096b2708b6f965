"""`halfwatt doctor`: whether everything that halfwatt needs is in place, and what to do where it is not.

checks.py has the checks; this module only prints them.
"""

from __future__ import annotations

import asyncio
import os
from typing import Annotated

import typer

from halfwatt.daemon.paths import user_paths

from . import common as cli_common

app = typer.Typer()
_MARKS = {"ok": "✓", "warn": "!", "fail": "✗"}


@app.command()
@cli_common.run
def doctor(json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """Check the installation and say what to do. Starts nothing; exit code 1 when something fails."""
    from .checks import examine

    checks = asyncio.run(examine(user_paths(os.environ), os.environ))
    failed = any(check.verdict == "fail" for check in checks)
    if json:
        cli_common.print_json({"ok": not failed, "checks": checks})
    else:
        for check in checks:
            found = check.found.replace("\n", "\n    · ")
            typer.echo(f"{_MARKS[check.verdict]} {check.name}: {found}")
            if check.to_do:
                typer.echo(f"    → {check.to_do}")
    raise typer.Exit(1 if failed else 0)
