"""`halfwatt router calibrate|reset-feedback`, beside the router's own `info` and `bench`.

Calibrating measures the local model on this machine with the machine's meter and keeps the joules per token, which the
daemon uses until the ledger has answers of its own. It talks to no daemon and changes no setting.
"""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from halfwatt.router_model.cli import app

from .cli_common import print_json, run

if TYPE_CHECKING:
    from .catalog import ModelSpec
    from .config import Config
    from .paths import Paths
    from .router_memory import Measured

__all__ = ["app"]

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command()
@run
def calibrate(
    model: Annotated[Path | None, typer.Option(help="GGUF file; default: the local model of the settings.")] = None,
    label: Annotated[int, typer.Option(min=0, help="Also answer and judge this many benchmark tasks.")] = 0,
    data_dir: Annotated[Path | None, typer.Option(envvar="HALFWATT_DATA", help="Folder with the data sets.")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure this machine's tokens per second and joules per token; show what your feedback shifts."""
    from . import router_memory
    from .errors import UsageError

    if label and data_dir is None:
        raise UsageError("To judge answers the data sets are needed; give their folder with --data-dir.")
    paths, config = _settings()
    spec = _model(model, paths, config)
    measured, n_tokens = _measured(spec, config)
    memory = router_memory.read(paths.router_memory_file)
    router_memory.write(paths.router_memory_file, router_memory.with_model(memory, spec.id, measured))
    result: dict[str, Any] = {"model": spec.id, "measured": measured, "n_tokens": n_tokens}
    result["feedback"] = _feedback(spec.id, paths)
    if label and data_dir is not None:
        result["labels"] = _labels(spec, label, data_dir, config)
    if as_json:
        print_json(result)
        return
    typer.echo("\n".join(_lines(result)))


@app.command("reset-feedback")
@run
def reset_feedback() -> None:
    """Forget what your accepts, rejects and undos have shifted. The ledger keeps its rows."""
    import msgspec

    from . import router_memory

    file = _settings()[0].router_memory_file
    memory = msgspec.structs.replace(router_memory.read(file), feedback_since_s=time.time())
    router_memory.write(file, memory)
    typer.echo("Feedback given until now does not count any more; a running daemon follows within a minute.")


def _settings() -> tuple[Paths, Config]:
    from . import config_file
    from .paths import user_paths

    paths = user_paths(os.environ)
    return paths, config_file.load(paths, os.environ)


def _model(file: Path | None, paths: Paths, config: Config) -> ModelSpec:
    from . import catalog, store

    models = catalog.load()
    if file is None:
        return store.resolve(config.local, store.Store(paths.models), models)
    own = catalog.own_model(str(file))
    known = next((spec for spec in models.values() if spec.file == own.file), own)
    return replace(known, path=own.path)


def _measured(spec: ModelSpec, config: Config) -> tuple[Measured, int]:
    from halfwatt.router_model.calibrate import measure_speed

    from . import meter_ladder
    from .router_memory import Measured

    meter = meter_ladder.choose(config.energy, worker_pids=lambda: [os.getpid()])
    try:
        window = meter.begin()
        speed = measure_speed(_path(spec), _threads(config))
        used = meter.end(window, cpu_s=speed.cpu_s)
    finally:
        meter.close()
    joules = None if used.j is None else used.j / speed.n_tokens
    return Measured(speed.tokens_per_s, joules, used.method or "unknown"), speed.n_tokens


def _feedback(model: str, paths: Paths) -> dict[str, Any]:
    from halfwatt.router_model.feedback import MAX_BIAS_LOGIT

    from . import router_memory
    from .ledger import Ledger
    from .preference import Preference

    if not paths.ledger_file.exists():
        return {"shift_logit": 0.0, "limit": MAX_BIAS_LOGIT, "outcomes": {}}
    ledger = Ledger(paths.ledger_file)
    try:
        preference = Preference(ledger, since=lambda: router_memory.read(paths.router_memory_file).feedback_since_s)
        shift, outcomes = preference.bias_logit(model), preference.outcomes(model)
    finally:
        ledger.close()
    return {"shift_logit": shift, "limit": MAX_BIAS_LOGIT, "outcomes": outcomes}


def _labels(spec: ModelSpec, n_tasks: int, data_dir: Path, config: Config) -> dict[str, Any]:
    from dataclasses import asdict

    from halfwatt.router_model.calibrate import label_tasks
    from halfwatt.router_model.errors import RouterModelError

    from .errors import HalfwattError

    try:
        return asdict(label_tasks(_path(spec), spec.id, data_dir, n_tasks, _threads(config)))
    except RouterModelError as error:
        raise HalfwattError(str(error)) from None


def _path(spec: ModelSpec) -> Path:
    assert spec.path is not None  # noqa: S101  # `_model` gives only models whose file is there
    return spec.path


def _threads(config: Config) -> int:
    from .machine import cores

    return config.local.threads or cores()


def _lines(result: dict[str, Any]) -> list[str]:
    measured, feedback = result["measured"], result["feedback"]
    joules = "unknown joules" if measured.joules_per_token is None else f"{measured.joules_per_token:.3f} J"
    kept = ", ".join(f"{count} {name}" for name, count in feedback["outcomes"].items()) or "none yet"
    lines = [
        f"{result['model']}: {measured.tokens_per_s:.1f} tokens/s, {joules} per token "
        f"({measured.method}, {result['n_tokens']} tokens); the daemon uses this until it has answers of its own",
        f"feedback: {kept}; shifts the expected log-odds by {feedback['shift_logit']:+.2f} "
        f"(at most {feedback['limit']:.1f} either way)",
    ]
    labels = result.get("labels")
    if labels:
        expected = ""
        if labels["expected"] is not None:
            inside = labels["low"] <= labels["expected"] <= labels["high"]
            expected = f"; the router expected {100 * labels['expected']:.0f} %, {'inside' if inside else 'OUTSIDE'} it"
        lines.append(
            f"{labels['n_passed']} of {labels['n_tasks']} tasks pass: so many labels allow to say "
            f"{100 * labels['low']:.0f} to {100 * labels['high']:.0f} %{expected}"
        )
    return lines
