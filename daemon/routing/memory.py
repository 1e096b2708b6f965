"""What the router remembers of this machine and user, in one small file: measured models, and when feedback was reset.

A file that cannot be read counts as empty. Outcomes themselves are in the ledger; nothing here is a text or a path.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from halfwatt.daemon.errors import HalfwattError


class ModelMeasurement(msgspec.Struct, frozen=True):
    """What `halfwatt router calibrate` found for a model, by the meter's method."""

    tokens_per_s: float
    joules_per_token: float | None
    method: str


class RouterMemory(msgspec.Struct, frozen=True):
    """`models` by id. Feedback given before `feedback_since_s` (epoch seconds) does not count. `labels`: by model and
    size, the names of the benchmark tasks answered here and whether they passed."""

    models: dict[str, ModelMeasurement] = {}
    feedback_since_s: float = 0.0
    labels: dict[str, dict[str, bool]] = {}


def read(file: Path) -> RouterMemory:
    try:
        return msgspec.json.decode(file.read_bytes(), type=RouterMemory)
    except (OSError, msgspec.MsgspecError):
        return RouterMemory()


def write(file: Path, memory: RouterMemory) -> None:
    """Raises HalfwattError with a sentence where the file cannot be written."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = file.with_name(f"{file.name}.{os.getpid()}.part")
        part.write_bytes(msgspec.json.encode(memory))
        part.replace(file)
    except OSError as error:
        raise HalfwattError(
            f"What was found could not be kept, because {file} cannot be written ({error.strerror}). "
            "Make room or give yourself the right to write there, and try again."
        ) from error


def with_model(memory: RouterMemory, model: str, measured: ModelMeasurement) -> RouterMemory:
    return msgspec.structs.replace(memory, models={**memory.models, model: measured})


def with_label(memory: RouterMemory, model: str, task: str, passed: bool) -> RouterMemory:
    labels = {**memory.labels.get(model, {}), task: passed}
    return msgspec.structs.replace(memory, labels={**memory.labels, model: labels})
