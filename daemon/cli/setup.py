"""`halfwatt setup energy`: lets one group of users read the processor's energy counters.

It shows the steps first; `--apply` runs them and needs root. The counters never become readable for everyone, because
they leak what other programs compute (CVE-2020-8694).
"""

from __future__ import annotations

import os
from typing import Annotated

import typer

from .common import run

app = typer.Typer(help="One-time steps that need an administrator.", no_args_is_help=True)


@app.callback()
def setup() -> None:
    """One-time steps that need an administrator."""


@app.command()
@run
def energy(
    apply: Annotated[bool, typer.Option("--apply", help="Run the steps now; needs root.")] = False,
    group: Annotated[str, typer.Option(help="The group that may read the counters.")] = "energy",
    user: Annotated[str | None, typer.Option(help="The user to put into the group; default: you.")] = None,
) -> None:
    """Let one group read the processor's energy counters (Linux, RAPL)."""
    from halfwatt.daemon.errors import HalfwattError
    from halfwatt.daemon.meters import rapl_access

    name = user or os.environ.get("SUDO_USER") or os.environ.get("USER") or ""
    plan = rapl_access.plan(group, name)
    if not apply or not plan.counters:
        typer.echo(rapl_access.explain(plan))
        return
    if os.geteuid() != 0:
        raise HalfwattError("Only root can do this; nothing was changed. Run: sudo halfwatt setup energy --apply")
    rapl_access.apply(plan)
    typer.echo(f"Done: group {group} may read the energy counters. Log out and in again, then run halfwatt doctor.")
