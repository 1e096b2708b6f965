"""`halfwatt config show|path|set|add-tier|remove-tier`: the settings, each with its origin.

The commands change only the file and call no daemon. `halfwatt key` stores the keys.
"""

from __future__ import annotations

import os
from typing import Annotated, Any, Literal

import typer

from .common import print_json, run

app = typer.Typer(help="Show and change the settings.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
ServerKind = Literal["edge", "cloud"]
Consent = Literal["never", "ask", "auto"]
CONSENT_WORDS = {
    "never": "Consent to leave this machine is “never”: the tier will not be used until you change routing.escalation.",
    "ask": "Consent to leave this machine is “ask”: answers stay local, and the editor offers the cloud when in doubt.",
    "auto": "Consent to leave this machine is “auto”: the router may use the tier without asking.",
}


@app.command()
@run
def show(as_json: AsJson = False) -> None:
    """All settings in force and where each one came from."""
    import msgspec

    from halfwatt.daemon.paths import user_paths
    from halfwatt.daemon.settings import file as settings_file
    from halfwatt.daemon.settings import values as settings_values

    paths = user_paths(os.environ)
    loaded = settings_file.load_with_origins(paths, os.environ)
    if as_json:
        settings = msgspec.to_builtins(loaded.config)
        print_json({"file": str(paths.config_file), "settings": settings, "origins": dict(loaded.origins)})
        return
    for section in settings_values.sections():
        typer.echo(f"[{section}]")
        for key, value in msgspec.to_builtins(getattr(loaded.config, section)).items():
            _print_setting(key, value, loaded.origins.get(f"{section}.{key}"))
        typer.echo()
    for tier in loaded.config.tiers:
        typer.echo("[[tiers]]")
        for key, value in msgspec.to_builtins(tier).items():
            if value is not None:
                _print_setting(key, value, None)
        typer.echo()
    if not loaded.config.tiers:
        typer.echo("No edge or cloud tier. Add one with `halfwatt config add-tier`.")


@app.command()
@run
def path(as_json: AsJson = False) -> None:
    """Where the settings file is, or would be."""
    from halfwatt.daemon.paths import user_paths

    file = user_paths(os.environ).config_file
    if as_json:
        print_json({"file": str(file), "exists": file.is_file()})
    else:
        typer.echo(str(file))


@app.command("set", context_settings={"ignore_unknown_options": True})
@run
def set_setting(
    name: Annotated[str, typer.Argument(metavar="SECTION.KEY", help="For example routing.dial, or tiers.NAME.model.")],
    value: Annotated[str, typer.Argument(help="Lists: separated by commas. none: empty a setting that may be empty.")],
    as_json: AsJson = False,
) -> None:
    """Change one setting in the file; its comments stay."""
    from halfwatt.daemon.paths import user_paths
    from halfwatt.daemon.settings import file as settings_file

    paths = user_paths(os.environ)
    new = settings_file.set_value(paths, name, value)
    variable = f"HALFWATT_{name.replace('.', '_').upper()}"
    if variable in os.environ:
        typer.echo(f"The environment variable {variable} is set and goes before the file.", err=True)
    if as_json:
        print_json({"name": name, "value": new, "file": str(paths.config_file)})
    else:
        typer.echo(f"{name} = {_text(new)}")


@app.command()
@run
def add_tier(
    name: Annotated[str, typer.Argument(help="Your name for it, for example cloud or lan.")],
    kind: Annotated[ServerKind, typer.Option(help="edge: on your own network; cloud: outside it.")],
    base_url: Annotated[str, typer.Option(help="Address of its OpenAI-compatible API, as https://HOST/v1.")],
    model: Annotated[str, typer.Option(help="The model's name on that server.")],
    key: Annotated[
        str | None, typer.Option(help="Name of its stored key; empty: none. Default: NAME for cloud.")
    ] = None,
    escalation: Annotated[Consent | None, typer.Option(help="Consent to leave this machine, from now on.")] = None,
    allow_unencrypted: Annotated[
        bool, typer.Option("--allow-unencrypted", help="Allow http:// outside your own networks.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Add an edge or cloud tier. With the first cloud tier, consent becomes “ask” unless you say otherwise."""
    from halfwatt.daemon.paths import user_paths
    from halfwatt.daemon.settings import tiers as settings_tiers
    from halfwatt.daemon.settings.schema import TierConfig

    key_name = key if key is not None else (name if kind == "cloud" else "")
    tier = TierConfig(
        name=name, kind=kind, base_url=base_url, model=model, key=key_name, allow_unencrypted=allow_unencrypted
    )
    added = settings_tiers.add_tier(user_paths(os.environ), os.environ, tier, escalation)
    if as_json:
        print_json({"tier": tier, "escalation_set": added.escalation})
        return
    typer.echo(f"Added the {kind} tier “{name}”: {model} at {base_url}.")
    if added.escalation:
        typer.echo(CONSENT_WORDS[added.escalation])
        typer.echo("Change it with `halfwatt config set routing.escalation never`, `ask` or `auto`.")
    if key_name:
        typer.echo(f"Store its key with `halfwatt key set {key_name}`, unless you have done so.")


@app.command()
@run
def remove_tier(name: Annotated[str, typer.Argument(help="Your name for it.")], as_json: AsJson = False) -> None:
    """Take a tier out of the settings. Its stored key stays: `halfwatt key delete` removes that."""
    from halfwatt.daemon.paths import user_paths
    from halfwatt.daemon.settings import tiers as settings_tiers

    config = settings_tiers.remove_tier(user_paths(os.environ), name)
    if as_json:
        print_json({"removed": name, "tiers": [tier.name for tier in config.tiers]})
    else:
        typer.echo(f"Removed the tier “{name}”. A stored key stays until `halfwatt key delete`.")


def _print_setting(key: str, value: Any, origin: str | None) -> None:
    typer.echo(f"{key} = {_text(value)}" + (f"    # {origin}" if origin else ""))


def _text(value: Any) -> str:
    """A value as TOML would have it."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    return "[" + ", ".join(map(_text, value)) + "]" if isinstance(value, list | tuple) else str(value)
