"""`halfwatt daemon start|stop|status|run|logs`: the background process.

client/discovery.py, client/client.py and server/run.py do the work.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from halfwatt.daemon.errors import DaemonError
from halfwatt.daemon.paths import Paths, user_paths

from . import common as cli_common

if TYPE_CHECKING:
    from halfwatt.daemon.wire import Status

app = typer.Typer(help="The background process that all editors share.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
EXIT_NOT_RUNNING = 1


@app.command()
@cli_common.run
def start(json: AsJson = False) -> None:
    """Start the daemon in the background, or find the one that runs."""
    _report(asyncio.run(_inspect(user_paths(os.environ), start=True)), json)


@app.command()
@cli_common.run
def stop(json: AsJson = False) -> None:
    """End the daemon; requests in progress are cancelled and booked."""
    from halfwatt.daemon.client import discovery

    how = asyncio.run(discovery.stop(user_paths(os.environ)))
    if json:
        cli_common.print_json({"stopped": how != "not_running", "how": how})
        return
    sentences = {
        "stopped": "The daemon has ended.",
        "killed": "The daemon did not answer and was killed.",
        "not_running": "No daemon was running.",
    }
    typer.echo(sentences[how])


@app.command()
@cli_common.run
def status(json: AsJson = False) -> None:
    """Show whether a daemon runs and what it does. Starts nothing; exit code 1 when none runs."""
    try:
        found = asyncio.run(_inspect(user_paths(os.environ), start=False))
    except DaemonError as error:
        if not json:
            raise
        cli_common.print_json({"running": False, "message": str(error)})
        raise typer.Exit(EXIT_NOT_RUNNING) from None
    _report(found, json)


@app.command("run")
@cli_common.run
def run_here() -> None:
    """Run the daemon in the foreground until Ctrl+C or `halfwatt daemon stop`."""
    from halfwatt.daemon.server import run as server

    raise typer.Exit(server.run(user_paths(os.environ), os.environ))


@app.command()
@cli_common.run
def logs(
    n: Annotated[int, typer.Option("-n", "--lines", min=1, help="How many lines.")] = 50,
    json: AsJson = False,
) -> None:
    """Show the end of the daemon's log. It holds no code, no prompts and no paths of documents."""
    from halfwatt.daemon.server.log_reading import describe, last_lines

    log_file = user_paths(os.environ).log_file
    lines = last_lines(log_file, n)
    if json:
        cli_common.print_json({"file": str(log_file), "lines": lines})
        return
    typer.echo(f"{log_file}:" if lines else f"{log_file} is empty or not there yet.", err=True)
    for line in lines:
        typer.echo(describe(line))


async def _inspect(paths: Paths, *, start: bool) -> tuple[Path, int, str, Status]:
    """Token file, process number, address and status of the daemon."""
    from halfwatt.daemon.client.client import Client

    async with await Client.connect(paths, os.environ, start=start) as client:
        address = client.daemon.address
        return paths.token_file, address.pid, address.url, await client.status()


def _report(found: tuple[Path, int, str, Status], json: bool) -> None:
    token_file, pid, url, status = found
    if json:
        cli_common.print_json(
            {"running": True, "pid": pid, "url": url, "token_file": str(token_file), "status": status}
        )
        return
    typer.echo(f"{status.message}")
    typer.echo(f"halfwatt {status.version}, process {pid}, {url}/v1, token in {token_file}")
    typer.echo(f"route {status.route}, dial {status.dial}, escalation {status.escalation}")
    for warning in status.warnings:
        typer.echo(f"Warning: {warning}", err=True)
