"""The `halfwatt` command. It mounts the command groups of the daemon and the router and adds four commands of its own.

`halfwatt lsp` must answer fast, so a group is imported only when its name was typed. Each group stands beside what it
controls, not here.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from halfwatt.daemon.process_start import make_safe

if TYPE_CHECKING:
    import typer

# command: module with the Typer `app`, and whether the module's commands belong under that name
GROUPS: dict[str, tuple[str, bool]] = {
    "generate": ("halfwatt.lsp.cli_generate", False),
    "complete": ("halfwatt.lsp.cli_generate", False),
    "explain": ("halfwatt.lsp.cli_generate", False),
    "models": ("halfwatt.daemon.cli.models", True),
    "daemon": ("halfwatt.daemon.cli.daemon", True),
    "energy": ("halfwatt.daemon.cli.energy", True),
    "key": ("halfwatt.daemon.cli.keys", True),
    "telemetry": ("halfwatt.daemon.cli.telemetry", True),
    "router": ("halfwatt.daemon.cli.router", True),
    "config": ("halfwatt.daemon.cli.config", True),
    "setup": ("halfwatt.daemon.cli.setup", True),
    "doctor": ("halfwatt.daemon.cli.doctor", False),
    "dashboard": ("halfwatt.daemon.cli.dashboard", False),
}


def main() -> None:
    """Entry point of the `halfwatt` command."""
    make_safe()
    if sys.argv[1:] == ["lsp"]:
        _serve()
        return
    if sys.argv[1:] == ["energy"]:
        from halfwatt.daemon.cli.energy_plain import print_overview

        if print_overview():
            return
    build(sys.argv[1:])()


def build(arguments: Sequence[str]) -> typer.Typer:
    """The Typer app with the one group that the arguments name, or with all of them."""
    import typer

    app = typer.Typer(name="halfwatt", no_args_is_help=True, pretty_exceptions_enable=False, add_completion=True)
    _add_root(app)
    wanted = [arguments[0]] if arguments and arguments[0] in GROUPS else list(GROUPS)
    mounted: set[str] = set()
    for name in wanted:
        module, is_group = GROUPS[name]
        if module not in mounted:
            app.add_typer(importlib.import_module(module).app, name=name if is_group else None)
            mounted.add(module)
    return app


def _add_root(app: typer.Typer) -> None:
    import typer

    def show_version(wanted: bool) -> None:
        if wanted:
            from importlib.metadata import version

            typer.echo(f"halfwatt {version('halfwatt')}")
            raise typer.Exit

    @app.callback()
    def halfwatt(
        version: bool = typer.Option(
            False, "--version", callback=show_version, is_eager=True, help="Show the version."
        ),
    ) -> None:
        """Completes code and generates functions; decides which model answers, and books the energy."""

    @app.command("lsp")
    def lsp() -> None:
        """Serve an editor on standard input and output (the Language Server Protocol)."""
        _serve()


def _serve() -> None:
    from .fast_types import import_types

    import_types()
    from .server import main as serve

    serve()


if __name__ == "__main__":
    main()
