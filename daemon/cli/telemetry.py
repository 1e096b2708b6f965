"""`halfwatt telemetry status|preview|enable|disable|export`: off until enabled, and never more than preview shows."""

from __future__ import annotations

import os
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from .common import print_json, run

if TYPE_CHECKING:
    from halfwatt.daemon.ledger.ledger import Ledger
    from halfwatt.daemon.paths import Paths
    from halfwatt.daemon.telemetry.consent import TelemetryState

app = typer.Typer(help="The opt-in export of counts and joules; off by default.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command()
@run
def status(as_json: AsJson = False) -> None:
    """Whether anything is exported, where to, since when, and what is waiting."""
    from halfwatt.daemon.telemetry import consent
    from halfwatt.daemon.telemetry import export as telemetry_export

    paths = _paths()
    state = consent.load(paths)
    n_waiting = len(telemetry_export.waiting(paths)) if state else 0
    if as_json:
        print_json({"enabled": consent.consents(state), "waiting": n_waiting, "state": state})
    elif state is None:
        typer.echo("Telemetry is off. Nothing is collected for it and nothing is sent.")
    elif not consent.consents(state):
        typer.echo(_ask_again(state))
    else:
        typer.echo(
            f"Telemetry is on since {_hour(state.consent_hour)}: to {state.endpoint}, schema {state.schema}, "
            f"install id {state.install_id}. Waiting: {n_waiting}. Dropped: {state.n_dropped}. {state.note}".rstrip()
        )


@app.command()
@run
def preview(
    raw: Annotated[
        bool, typer.Option("--raw", help="Write the bytes of the first request to standard output.")
    ] = False,
) -> None:
    """Show exactly what would be sent, byte for byte. Sends nothing."""
    from halfwatt.daemon.errors import HalfwattError
    from halfwatt.daemon.telemetry import consent
    from halfwatt.daemon.telemetry import export as telemetry_export

    paths, ledger, now_s = _paths(), _ledger(), time.time()
    state = consent.load(paths)
    if consent.consents(state):
        bodies = [file.read_bytes() for file in telemetry_export.spool(paths, ledger, _version(), now_s)]
    else:
        made = telemetry_export.example(ledger, _version(), now_s)
        bodies = [made] if made else []
    if raw:
        if not bodies:
            raise HalfwattError("There is nothing to send: no full hour has a group of ten or more requests.")
        sys.stdout.buffer.write(bodies[0])
        return
    typer.echo(_explanation(state, len(bodies)))
    for body in bodies:
        typer.echo(_shown(state, body))


@app.command()
@run
def enable(
    endpoint: Annotated[str | None, typer.Option(help="An OTLP address, https://…/v1/metrics.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Consent to the export of what preview shows, from now on, to one endpoint."""
    from halfwatt.daemon.errors import UsageError
    from halfwatt.daemon.settings import file as settings_file
    from halfwatt.daemon.telemetry import consent

    paths = _paths()
    address = endpoint or settings_file.load(paths, os.environ).telemetry.endpoint
    if not address:
        raise UsageError("Say where to send it: --endpoint https://collector.example.org/v1/metrics")
    consent.check_endpoint(address)
    if not yes:
        typer.confirm(
            f"Send hourly counts and joules by tier kind, method, kind and language to {address}? No code, prompt, "
            "path, name or exact time is in them; `halfwatt telemetry preview` shows the bytes",
            abort=True, err=True,
        )  # fmt: skip
    state = consent.enable(paths, address, time.time())
    typer.echo(f"Telemetry is on (schema {state.schema}). The first full hour from now on is the first one sent.")


@app.command()
@run
def disable() -> None:
    """Stop the export; forget the install id and what was waiting."""
    from halfwatt.daemon.telemetry import consent

    was_on = consent.disable(_paths())
    typer.echo("Telemetry is off; the install id is forgotten." if was_on else "Telemetry was off already.")


@app.command()
@run
def export() -> None:
    """Send now what is waiting, if telemetry is on."""
    from halfwatt.daemon.errors import HalfwattError
    from halfwatt.daemon.telemetry import consent
    from halfwatt.daemon.telemetry import export as telemetry_export

    paths = _paths()
    state = consent.load(paths)
    if state is not None and not consent.consents(state):
        raise HalfwattError(_ask_again(state))
    done = telemetry_export.export_once(paths, _ledger(), _version(), time.time(), hurry=True)
    if done is None:
        raise HalfwattError("Telemetry is off; nothing was sent. To turn it on: halfwatt telemetry enable")
    left = len(telemetry_export.waiting(paths))
    if left:
        raise HalfwattError(f"{left} requests are still waiting. {done.note}")
    typer.echo(done.note or "Nothing is waiting any more.")


def _explanation(state: TelemetryState | None, n_bodies: int) -> str:
    from halfwatt.daemon.telemetry import consent

    if not consent.consents(state):
        head = "Telemetry is off: nothing is sent. "
        found = "This is what the latest full hour would look like; the install id is made when you enable it."
        return head + (found if n_bodies else "No full hour of the last week has a group of ten or more requests.")
    if not n_bodies:
        return "Nothing is waiting: no full hour since the last export has a group of ten or more requests."
    return f"{n_bodies} requests are stored and will be sent exactly like this:"


def _shown(state: TelemetryState | None, body: bytes) -> str:
    """The request line, all headers, the body in words and in bytes."""
    from urllib.parse import urlsplit

    from halfwatt.daemon.telemetry.headers import HEADERS
    from halfwatt.daemon.telemetry.otlp import readable

    parts = urlsplit(state.endpoint if state else "https://the-endpoint-you-choose/v1/metrics")
    headers = {"Host": parts.netloc, **HEADERS, "Content-Length": str(len(body))}
    lines = [f"POST {parts.path or '/'} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\n".join(("", *lines, "", f"Body, decoded:\n{readable(body)}", f"Body, {len(body)} bytes:", body.hex()))


def _ask_again(state: TelemetryState) -> str:
    from halfwatt.daemon.telemetry.consent import SCHEMA_VERSION

    return (
        f"What would be sent has changed (schema {state.schema} → {SCHEMA_VERSION}), so nothing is sent until you "
        "agree again. Look at it with halfwatt telemetry preview, then halfwatt telemetry enable."
    )


def _hour(hour: int) -> str:
    return datetime.fromtimestamp(hour * 3600, UTC).strftime("%Y-%m-%d %H:00 UTC")


def _paths() -> Paths:
    from halfwatt.daemon.paths import user_paths

    return user_paths(os.environ)


def _ledger() -> Ledger:
    from halfwatt.daemon.ledger.ledger import Ledger

    return Ledger(_paths().ledger_file)


def _version() -> str:
    from halfwatt.daemon import __version__

    return __version__
