"""`halfwatt router info` and `bench`, as plain functions.

`daemon/cli/router.py` puts them into the group `halfwatt router`, beside the commands that need settings and the
ledger. This module reads neither.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from halfwatt.router_model.errors import RouterModelError

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
DataDir = Annotated[Path | None, typer.Option(envvar="HALFWATT_DATA", help="Folder with the data sets.")]


def info(as_json: AsJson = False) -> None:
    """The artifact: models with labels, size, encoder, held-out Brier scores."""
    with _errors_as_sentences():
        from halfwatt.router_model.serving.router import Router

        facts = Router.load().info()
    if as_json:
        typer.echo(json.dumps(facts, indent=2))
        return
    typer.echo(f"artifact    {facts['artifact_bytes'] / 1e6:.1f} MB, verified")
    typer.echo(f"encoder     {facts['encoder']}")
    typer.echo(f"trained on  {facts['trained_on']}")
    for model in facts["models"]:
        draft = facts["draft_tables"].get(model)
        checked = f"; drafts are checked ({draft})" if draft else ""
        typer.echo(f"model       {model}: Brier {facts['brier'][model]:.3f}{checked}")
    for pair, shares in facts["targets"].items():
        for share, lambda_per_j in shares.items():
            typer.echo(
                f"target      {pair}: {float(share):.0%} of the strong model's accuracy: "
                f"dial {10_000 * lambda_per_j:.2g} (λ = {lambda_per_j:.2g} per J)"
            )


def bench(
    data_dir: DataDir = None,
    as_json: AsJson = False,
    quick: Annotated[bool, typer.Option("--quick", help="One repetition, few routers, with expected ranges.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="Folder for table, plot and JSON; a stopped run goes on from there.")
    ] = None,
    encoder: Annotated[Path | None, typer.Option(help="Folder with another encoder.onnx and tokenizer.json.")] = None,
) -> None:
    """Train and measure every router on the same folds; print the table."""
    with _errors_as_sentences():
        from halfwatt.router_model.bench.bench import run
        from halfwatt.router_model.bench.report import results_text

        result = run(_data(data_dir), quick, out, encoder)
    typer.echo(json.dumps(result, indent=2) if as_json else results_text(result))
    for sentence in result["outside_ranges"]:
        typer.echo(f"Outside its range: {sentence}", err=True)
    if result["outside_ranges"]:
        raise typer.Exit(1)


def _data(data_dir: Path | None) -> Path:
    from halfwatt.router_model.errors import DataMissing

    if data_dir is None:
        raise DataMissing("This command needs the data folder; give it with --data-dir or in HALFWATT_DATA.")
    return data_dir


@contextmanager
def _errors_as_sentences() -> Iterator[None]:
    """This package's errors become one sentence on stderr and exit code 1."""
    try:
        yield
    except ImportError as error:
        typer.echo(f"The module {error.name!r} is missing; install halfwatt with the extra [train].", err=True)
        raise typer.Exit(1) from None
    except (RouterModelError, OSError, RuntimeError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
