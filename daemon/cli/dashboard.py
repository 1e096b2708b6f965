"""`halfwatt dashboard`: a one-time link to the page that the daemon serves, opened in the browser."""

from __future__ import annotations

import asyncio
import os
from typing import Annotated

import typer

from .common import print_json, run

app = typer.Typer()


@app.command()
@run
def dashboard(
    print_only: Annotated[bool, typer.Option("--print", help="Print the link instead of opening it.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Open the energy dashboard. The link works once, for one minute."""
    url = asyncio.run(_link())
    if as_json:
        print_json({"url": url})
        return
    if print_only:
        typer.echo(url)
        return
    import webbrowser

    if webbrowser.open(url):
        typer.echo("The dashboard opens in your browser.", err=True)
    else:
        typer.echo(f"No browser could be started. Open this link within a minute; it works once:\n{url}")


async def _link() -> str:
    from halfwatt.daemon.client.client import Client
    from halfwatt.daemon.paths import user_paths

    async with await Client.connect(user_paths(os.environ), os.environ, start=True) as client:
        return await client.dashboard_url()
