"""`halfwatt key set|delete|status PROVIDER`: API keys, typed at a hidden prompt or piped in. No command prints a key.

No command takes a key as an argument, because every user of a machine can see arguments.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from .common import print_json, run

if TYPE_CHECKING:
    from halfwatt.daemon.tiers.keys import KeyFound

app = typer.Typer(no_args_is_help=True, help="API keys of edge and cloud tiers.")
Provider = Annotated[
    str, typer.Argument(metavar="PROVIDER", help="The tier's `key` in the configuration, for example openai.")
]
SOURCES = {"keyring": "the OS keyring", "environment": "the environment variable", "file": "the key file (mode 0600)"}


@app.command("set")
@run
def set_key(
    provider: Provider,
    file: Annotated[bool, typer.Option("--file", help="Keep it in a 0600 file instead of the keyring.")] = False,
) -> None:
    """Keep a key in the OS keyring. Type it at the prompt, or pipe it in."""
    from halfwatt.daemon.paths import user_paths
    from halfwatt.daemon.tiers import keys

    paths = user_paths(os.environ)
    keys.store_key(provider, _read_key(provider), paths, to_file=file)
    typer.echo(f"The key of {provider} is kept in {SOURCES['file' if file else 'keyring']}.")
    used = keys.find_key(provider, paths, os.environ)
    if used is not None and used.where != ("file" if file else "keyring"):
        typer.echo(f"Note: {_source(used)} is stronger, and is the one in use.", err=True)


@app.command("delete")
@run
def delete(provider: Provider) -> None:
    """Remove a key from the keyring and from the key file."""
    from halfwatt.daemon.errors import HalfwattError
    from halfwatt.daemon.paths import user_paths
    from halfwatt.daemon.tiers import keys

    removed = keys.delete_key(provider, user_paths(os.environ))
    kept = next((name for name in keys.variables(provider) if os.environ.get(name)), None)
    if kept is not None:
        typer.echo(f"Note: the environment variable {kept} still holds a key; unset it yourself.", err=True)
    if not removed:
        raise HalfwattError(f"No key of {provider} is in the keyring or in a key file. Nothing was removed.")
    typer.echo(f"The key of {provider} was removed from {' and '.join(SOURCES[place] for place in removed)}.")


@app.command("status")
@run
def status(
    provider: Provider,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Say whether a key is there and which source is in use; never the key. Exit code 1 where there is none."""
    from halfwatt.daemon.paths import user_paths
    from halfwatt.daemon.tiers import keys

    found = keys.find_key(provider, user_paths(os.environ), os.environ)
    problem = keys.keyring_problem()
    if json:
        print_json(
            {
                "provider": provider,
                "found": found is not None,
                "source": found.where if found else None,
                "detail": found.detail if found else None,
                "keyring_problem": problem,
            }
        )
    elif found is not None:
        typer.echo(f"The key of {provider} comes from {_source(found)}.")
    else:
        typer.echo(_nowhere(provider, keys.variables(provider), problem))
    if found is None:
        raise typer.Exit(1)


def _nowhere(provider: str, variables: tuple[str, ...], problem: str | None) -> str:
    if problem is None:
        return f"There is no key of {provider}. Run `halfwatt key set {provider}`, or set {' or '.join(variables)}."
    return (
        f"There is no key of {provider}. {problem} Set {' or '.join(variables)}, "
        f"or run `halfwatt key set {provider} --file`."
    )


def _source(found: KeyFound) -> str:
    detail = f" {found.detail}" if found.where == "environment" else ""
    return f"{SOURCES[found.where]}{detail}"


def _read_key(provider: str) -> str:
    """From a hidden prompt on a terminal, else the first line of standard input."""
    if sys.stdin.isatty():
        return str(typer.prompt(f"Key of {provider} (not shown)", hide_input=True))
    return sys.stdin.readline()
