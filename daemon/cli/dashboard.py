"""`halfwatt dashboard`: a one-time link to the page that the daemon serves, opened in the browser.

Other users see the arguments of every process. So the browser gets the name of a private file that leads
on to the link.
"""

from __future__ import annotations

import asyncio
import html
import os
from pathlib import Path
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
    url, page = asyncio.run(_link())
    if as_json:
        print_json({"url": url, "page": str(page)})
        return
    if print_only:
        typer.echo(url)
        return
    import webbrowser

    if webbrowser.open(page.as_uri()):
        typer.echo("The dashboard opens in your browser. If it does not: halfwatt dashboard --print", err=True)
    else:
        typer.echo(f"No browser could be started. Open this link within a minute; it works once:\n{url}")


async def _link() -> tuple[str, Path]:
    """The link, and a file of this user's alone that leads to it."""
    from halfwatt.daemon.client.client import Client
    from halfwatt.daemon.paths import user_paths
    from halfwatt.daemon.private_files import write_private

    paths = user_paths(os.environ)
    async with await Client.connect(paths, os.environ, start=True) as client:
        url = await client.dashboard_url()
    page = paths.runtime / "dashboard.html"
    lead = f'<!doctype html><title>halfwatt</title><meta http-equiv="refresh" content="0;url={html.escape(url)}">'
    write_private(page, lead.encode())
    return url, page
