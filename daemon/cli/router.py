"""`halfwatt router`: `calibrate` and `reset-feedback`, and the router's own `info` and `bench`.

Calibrating measures the local model on this machine, in a worker like the daemon's and with its meter. It stores the
joules per token, which the daemon uses until the ledger has answers of its own. A run that is stopped has stored its
verdicts so far. It talks to no daemon and changes no setting.
"""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from halfwatt.router_model.commands import cli

from .common import print_json, run

if TYPE_CHECKING:
    from halfwatt.daemon.models.catalog import ModelSpec
    from halfwatt.daemon.paths import Paths
    from halfwatt.daemon.settings.schema import Config
    from halfwatt.router_model.labelling.tasks import Task

    from .calibration import CalibrationResult

app = typer.Typer(help="The learned router: what it is, this machine's speed, its table of figures.")
info = app.command()(cli.info)
bench = app.command()(cli.bench)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command()
@run
def calibrate(
    model: Annotated[Path | None, typer.Option(help="GGUF file; default: the local model of the settings.")] = None,
    label: Annotated[
        int, typer.Option(min=0, help="Also answer and judge this many benchmark tasks; verdicts are kept.")
    ] = 0,
    data_dir: Annotated[Path | None, typer.Option(envvar="HALFWATT_DATA", help="Folder with the data sets.")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure this machine's tokens per second and joules per token; show what your feedback shifts."""
    from halfwatt.daemon.errors import UsageError

    if label and data_dir is None:
        raise UsageError("To judge answers the data sets are needed; give their folder with --data-dir.")
    paths, config = _settings()
    spec = _model(model, paths, config)
    tasks = _tasks(data_dir, label) if label and data_dir is not None else []
    result = asyncio.run(_calibrated(spec, config, paths, tasks))
    result["feedback"] = _feedback(spec.id, paths)
    if as_json:
        print_json(result)
        return
    typer.echo("\n".join(report_lines(result)))


@app.command("reset-feedback")
@run
def reset_feedback() -> None:
    """Forget what your accepts, rejects and undos have shifted. The ledger keeps its rows."""
    import msgspec

    from halfwatt.daemon.routing import memory as router_memory

    file = _settings()[0].router_memory_file
    memory = msgspec.structs.replace(router_memory.read(file), feedback_since_s=time.time())
    router_memory.write(file, memory)
    typer.echo("Feedback given until now does not count any more; a running daemon follows within a minute.")


def _settings() -> tuple[Paths, Config]:
    from halfwatt.daemon.paths import user_paths
    from halfwatt.daemon.settings import file as settings_file

    paths = user_paths(os.environ)
    return paths, settings_file.load(paths, os.environ)


def _model(file: Path | None, paths: Paths, config: Config) -> ModelSpec:
    from halfwatt.daemon.models import catalog, store

    models = catalog.load()
    if file is None:
        return store.resolve(config.local, store.ModelStore(paths.models), models)
    own = catalog.own_model(str(file))
    known = next((spec for spec in models.values() if spec.file == own.file), own)
    return replace(known, path=own.path)


async def _calibrated(spec: ModelSpec, config: Config, paths: Paths, tasks: list[Task]) -> dict[str, Any]:
    from halfwatt.daemon.routing import memory as router_memory
    from halfwatt.daemon.routing.memory import ModelMeasurement
    from halfwatt.router_model.labelling import calibrate as labelling

    from . import calibration

    file = paths.router_memory_file
    busy = await calibration.busy_share()
    _report(f"loading {spec.id}")
    async with calibration.serving(spec, config, paths) as serving:
        speed = await serving.measure(_report, busy)
        measured = ModelMeasurement(speed.tokens_per_s, speed.joules_per_token, speed.method)
        router_memory.write(file, router_memory.with_model(router_memory.read(file), spec.id, measured))
        key = _weights_key(spec)
        known = router_memory.read(file).labels.get(key, {})
        verdicts = await serving.label(
            tasks, known, lambda task, passed: _store_verdict(file, key, task, passed), _report
        )
    found = {"labels": asdict(labelling.summary(spec.id, tasks, verdicts))} if tasks else {}
    return {"model": spec.id, "measured": speed, **found}


def _weights_key(spec: ModelSpec) -> str:
    """Names the weights that verdicts belong to: another file under the same name has another size."""
    assert spec.path is not None  # noqa: S101  # `_model` gives only models whose file is there
    return f"{spec.id}, {spec.path.stat().st_size} bytes"


def _store_verdict(file: Path, model: str, task: str, passed: bool) -> None:
    from halfwatt.daemon.routing import memory as router_memory

    router_memory.write(file, router_memory.with_label(router_memory.read(file), model, task, passed))


def _report(line: str) -> None:
    """Print a line of progress, which is no result, on stderr."""
    typer.echo(line, err=True)


def _feedback(model: str, paths: Paths) -> dict[str, Any]:
    from halfwatt.daemon.ledger.ledger import Ledger
    from halfwatt.daemon.routing import memory as router_memory
    from halfwatt.daemon.routing.feedback_bias import FeedbackBias
    from halfwatt.router_model.serving.feedback import MAX_BIAS_LOGIT

    if not paths.ledger_file.exists():
        return {"shift_logit": 0.0, "limit": MAX_BIAS_LOGIT, "outcomes": {}}
    ledger = Ledger(paths.ledger_file)
    try:
        bias = FeedbackBias(ledger, since=lambda: router_memory.read(paths.router_memory_file).feedback_since_s)
        shift, outcomes = bias.bias_logit(model), bias.outcomes(model)
    finally:
        ledger.close()
    return {"shift_logit": shift, "limit": MAX_BIAS_LOGIT, "outcomes": outcomes}


def _tasks(data_dir: Path, n_tasks: int) -> list[Task]:
    from halfwatt.daemon.errors import HalfwattError
    from halfwatt.router_model.errors import RouterModelError
    from halfwatt.router_model.labelling.calibrate import tasks_to_label

    try:
        return tasks_to_label(data_dir, n_tasks)
    except RouterModelError as error:
        raise HalfwattError(str(error)) from None


def report_lines(result: dict[str, Any]) -> list[str]:
    """What `calibrate` says to a person: speed, joules, feedback, and a busy machine."""
    from .calibration import BUSY_SHARE

    speed = result["measured"]
    lines = [_speed_line(result["model"], speed), _feedback_line(result["feedback"])]
    if speed.busy_share > BUSY_SHARE:
        lines.append(
            f"other programs used {100 * speed.busy_share:.0f} % of the processors just before, so these figures are "
            "worse than this machine's own; measure again when it is quiet"
        )
    return [*lines, _labels_line(result["labels"])] if "labels" in result else lines


def _speed_line(model: str, speed: CalibrationResult) -> str:
    joules = "unknown joules per token"
    if speed.joules_per_token is not None:
        joules = f"{speed.joules_per_token:.3f} J per token"
        if speed.low_j is not None and speed.high_j is not None:
            joules += f" ({speed.low_j:.3f} to {speed.high_j:.3f} J)"
    return (
        f"{model}: {speed.tokens_per_s:.1f} tokens/s ({speed.slowest_tokens_per_s:.1f} to "
        f"{speed.fastest_tokens_per_s:.1f}), {joules}, {speed.method}, {speed.n_tokens} tokens; "
        "the daemon uses this until it has answers of its own"
    )


def _feedback_line(feedback: dict[str, Any]) -> str:
    kept = ", ".join(f"{count} {name}" for name, count in feedback["outcomes"].items()) or "none yet"
    return (
        f"feedback: {kept}; shifts the expected log-odds by {feedback['shift_logit']:+.2f} "
        f"(at most {feedback['limit']:.1f} either way)"
    )


def _labels_line(labels: dict[str, Any]) -> str:
    expected = ""
    if labels["expected"] is not None:
        inside = labels["low"] <= labels["expected"] <= labels["high"]
        expected = f"; the router expected {100 * labels['expected']:.0f} %, {'inside' if inside else 'OUTSIDE'} it"
    return (
        f"{labels['n_passed']} of {labels['n_tasks']} tasks pass: so many labels allow to say "
        f"{100 * labels['low']:.0f} to {100 * labels['high']:.0f} %{expected}"
    )
