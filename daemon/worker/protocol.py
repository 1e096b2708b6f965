"""The messages between the daemon and its worker process: one JSON object a line, over the child's stdin and stdout.

Prompts travel in these messages and never in process arguments. This module reads, writes and starts nothing.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Struct

from halfwatt.daemon.inference.answer import Chunk, Ended
from halfwatt.daemon.inference.request import PromptShape
from halfwatt.daemon.models.catalog import FimTemplate
from halfwatt.daemon.wire import StopRule

StopReason = Literal[
    "stop",
    "length",
    "body",
    "function",
    "code_block",
    "repeated_lines",
    "trailing",
    "line",
    "statement",
    "block",
    "stop_text",
    "time_box",
    "cancelled",
]


class Fallback(Struct, frozen=True):
    """One set of native parameters. With `max_threads` 0 it sets no limit to the threads."""

    name: str
    extra_buffers: bool = True  # repacked and AMX kernels; the AMX ones crash on some machines
    memory_map: bool = True
    max_threads: int = 0


class LoadModel(Struct, frozen=True, tag="load"):
    """The first message to a worker. Where `chat_template` (Jinja) or `fim` is None, the file's metadata decides."""

    path: str
    fallback: Fallback
    fallback_index: int
    context_tokens: int
    state_bytes: int  # memory that the key-value state of all documents together may take
    n_threads: int = 0  # 0: chosen by load
    nice: int = 0
    chat_template: str | None = None
    fim: FimTemplate | None = None


WARM_PRIORITY = -1  # of a job that reads a prompt ahead: any other job ends it and runs next


class WorkerJob(Struct, frozen=True, tag="job"):
    """One generation. Chat needs `messages`, text needs `prompt`, fim (fill in the middle) `prompt` and `suffix`.

    A chat's answer continues `opening`, which is not part of it; `language` is the id of the opening's language.
    `document` is an opaque id: jobs of one document share a slot of key-value state. A larger `priority` runs first.
    `time_box_ms` counts from the call of `WorkerSupervisor.run`, which also gives the job its `id`. Temperature 0 is
    greedy. Above it, a job with a seed has the same answer each time, and reads its whole prompt for that."""

    shape: PromptShape
    messages: list[dict[str, str]] | None = None
    opening: str = ""
    language: str | None = None
    prompt: str | None = None
    suffix: str | None = None
    max_tokens: int = 256
    temperature: float = 0.0
    seed: int | None = None
    stop: tuple[str, ...] = ()
    stop_rules: tuple[StopRule, ...] = ()
    document: str | None = None
    time_box_ms: float | None = None
    priority: int = 0
    id: int = 0


class CancelJob(Struct, frozen=True, tag="cancel"):
    """Stop this job within one token. It still ends with `JobDone`."""

    id: int


class CountTokens(Struct, frozen=True, tag="count"):
    """Count the prompt tokens that this job would have."""

    job: WorkerJob


class ModelReady(Struct, frozen=True, tag="ready"):
    """The model is loaded and has passed its self-test."""

    context_tokens: int
    has_fim: bool
    library: str


class LoadFailed(Struct, frozen=True, tag="load_failed"):
    """No parameters can make the model usable. The message is for the user."""

    message: str


class JobDone(Ended, frozen=True, kw_only=True, tag="done"):
    """How a job ended. Times count from the call of `WorkerSupervisor.run`; `cpu_s` is the worker's CPU time for it."""

    stop: StopReason
    cached_tokens: int
    queue_ms: float
    total_ms: float
    cpu_s: float
    n_threads: int = 0
    job: int = 0


class JobFailed(Struct, frozen=True, tag="job_failed"):
    """The job was refused, or it broke; the worker goes on. `code` names an error of daemon/errors.py."""

    job: int
    code: str
    message: str


class TokensCounted(Struct, frozen=True, tag="counted"):
    """The answer to `CountTokens`."""

    job: int
    n_tokens: int


class Heartbeat(Struct, frozen=True, tag="beat"):
    """A sign of life while a long prompt is read."""

    job: int


ToWorker = LoadModel | WorkerJob | CancelJob | CountTokens
FromWorker = ModelReady | LoadFailed | Chunk | JobDone | JobFailed | TokensCounted | Heartbeat

_to_worker: msgspec.json.Decoder[ToWorker] = msgspec.json.Decoder(ToWorker)
_from_worker: msgspec.json.Decoder[FromWorker] = msgspec.json.Decoder(FromWorker)


def encode(message: ToWorker | FromWorker) -> bytes:
    """One line, newline included. JSON escapes every newline of the text."""
    return msgspec.json.encode(message) + b"\n"


def decode_to_worker(line: bytes) -> ToWorker:
    """A message from the daemon; msgspec.DecodeError for anything else."""
    return _to_worker.decode(line)


def decode_from_worker(line: bytes) -> FromWorker:
    """A message from the worker; msgspec.DecodeError for anything else."""
    return _from_worker.decode(line)


def without_surrogates(job: WorkerJob) -> WorkerJob:
    """The job with lone surrogates, which UTF-8 cannot carry, replaced by question marks in its texts."""
    return msgspec.structs.replace(
        job,
        messages=None if job.messages is None else [{k: _clean(v) for k, v in m.items()} for m in job.messages],
        opening=_clean(job.opening),
        prompt=None if job.prompt is None else _clean(job.prompt),
        suffix=None if job.suffix is None else _clean(job.suffix),
        stop=tuple(map(_clean, job.stop)),
    )


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")
