"""What every command-line group shares: errors as one sentence, and one JSON object on stdout.

It knows no command, reads no setting and imports nothing heavy: the `halfwatt` command loads it on every call.
"""

from __future__ import annotations

import functools
import os
import sys
import traceback
from collections.abc import Callable
from typing import NoReturn, ParamSpec, TypeVar

import msgspec
import typer
from typer.exceptions import TyperException

from halfwatt.daemon.errors import HalfwattError
from halfwatt.daemon.paths import user_paths

Parameters = ParamSpec("Parameters")
Returned = TypeVar("Returned")


def run(function: Callable[Parameters, Returned]) -> Callable[Parameters, Returned]:
    """Decorator for a command: its errors become one sentence on stderr and an exit code, never a traceback."""

    @functools.wraps(function)
    def wrapped(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Returned:
        try:
            return function(*args, **kwargs)
        except HalfwattError as error:
            fail(error)
        except KeyboardInterrupt:
            typer.echo("Stopped on request.", err=True)
            raise typer.Exit(130) from None
        except BrokenPipeError:
            # The reader of our output has ended: print nothing, not even an error of the interpreter's last flush.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(1) from None
        except OSError as error:
            fail(HalfwattError(_system_sentence(error)))
        except (typer.Exit, typer.Abort, TyperException):
            raise
        except Exception as error:  # noqa: BLE001 - the border to the user: details go to the log file
            _fail_unexpected(error)

    return wrapped


def fail(error: HalfwattError) -> NoReturn:
    """Print the error's sentence on stderr and end with its exit code."""
    typer.echo(str(error), err=True)
    raise typer.Exit(error.exit_code)


def print_json(value: object) -> None:
    """One JSON object of a struct or plain data on stdout, indented."""
    typer.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def _system_sentence(error: OSError) -> str:
    where = f" ({error.filename})" if error.filename else ""
    return f"The system refused: {error.strerror or error}{where}. Nothing more was done; check disk and permissions."


def _fail_unexpected(error: Exception) -> NoReturn:
    """Write the traceback to the command line's log and point to it."""
    log = user_paths(os.environ).state / "cli.log"
    kind = type(error).__name__
    where = "".join(traceback.format_tb(error.__traceback__))
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8") as file:
            file.write(f"{kind}\n{where}\n")
        details = f"details in {log}"
    except OSError:
        details = f"and {log} could not be written"
    typer.echo(f"Something unexpected went wrong ({kind}); the command was stopped, {details}.", err=True)
    raise typer.Exit(1) from None
