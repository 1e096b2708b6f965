"""Stage 1, *label*: let a candidate model answer the tasks and record what it did.

    python -m halfwatt.router_model.labelling.label local --model FILE.gguf --data-dir DIR --out FILE.jsonl
    python -m halfwatt.router_model.labelling.label endpoint --base-url URL --model NAME --data-dir DIR --out FILE.jsonl

Resumable: one JSON line per finished sample; a second run does what is missing. Judging by execution is stage 2
(`judge.py`). Joules are recorded only where the processor's counter can be read; elsewhere they are null.
"""

import argparse
import csv
import json
import os
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from halfwatt.daemon.models import catalog
from halfwatt.router_model.progress import tracked
from halfwatt.router_model.serving.draft_stats import draft_stats

from .batched_decode import BatchedDecoder, DecodeRequest, Generation
from .tasks import Task, load_tasks, task_prompt

_RAPL = Path("/sys/class/powercap/intel-rapl:0/energy_uj")


def main(argv: list[str] | None = None) -> int:
    """Entry point of the stage."""
    options = _arguments(argv)
    tasks = load_tasks(options.data_dir)
    if options.missing_in is not None:
        tasks = _missing(tasks, options.missing_in, options.missing_model)
    if options.tasks:
        tasks = [task for task in tasks if task.task_id in options.tasks.split(",")]
    if options.limit:
        tasks = tasks[: options.limit]
    finished = _finished(options.out)
    jobs = [
        (task, sample) for task in tasks for sample in range(options.samples) if (task.task_id, sample) not in finished
    ]
    options.out.parent.mkdir(parents=True, exist_ok=True)
    with options.out.open("a", encoding="utf-8") as out:
        rows = _label_local(options, jobs) if options.kind == "local" else _label_endpoint(options, jobs)
        for row in tracked(rows, "label", len(jobs)):
            out.write(json.dumps(row) + "\n")
            out.flush()
    return 0


def generation_row(generation: Generation, model: str, joules: float | None) -> dict[str, Any]:
    """The JSON line of one finished sample; the text stays in this file and never enters the outcome table."""
    task_id, _, sample = generation.key.rpartition("#")
    stats = draft_stats(generation.logprobs, generation.entropies, generation.margin_first)
    return {
        "task_id": task_id,
        "sample": int(sample),
        "model": model,
        "prompt_tokens": generation.prompt_tokens,
        "finish": generation.finish,
        "seconds": round(generation.seconds, 3),
        "energy_j": None if joules is None else round(joules, 3),
        "completion": generation.text.decode("utf-8", "replace"),
        **{name: round(value, 4) for name, value in stats.as_row().items()},
    }


def _label_local(options: argparse.Namespace, jobs: list[tuple[Task, int]]) -> Iterator[dict[str, Any]]:
    requests = [
        DecodeRequest(f"{task.task_id}#{sample}", task_prompt(task), options.temperature, sample)
        for task, sample in jobs
    ]
    openings = {f"{task.task_id}#{sample}": task_prompt(task).opening for task, sample in jobs}
    path = Path(options.model)
    spec = next((each for each in catalog.load().values() if each.file == path.name), None)
    name = options.name or path.name.removesuffix(".gguf")
    with BatchedDecoder(path, options.sequences, options.threads, spec) as decoder:
        meter = rapl_counter()
        before, before_s = meter(), time.perf_counter()
        for generation in decoder.decode(requests):
            after, after_s = meter(), time.perf_counter()
            watts = None if after is None or before is None else (after - before) / (after_s - before_s)
            generation.text = openings[generation.key].encode() + generation.text
            yield generation_row(generation, name, None if watts is None else watts * generation.seconds)


def _label_endpoint(options: argparse.Namespace, jobs: list[tuple[Task, int]]) -> Iterator[dict[str, Any]]:
    for task, sample in jobs:
        started = time.perf_counter()
        answer = _ask(options, task, sample)
        choice = answer["choices"][0]
        entries = (choice.get("logprobs") or {}).get("content") or []
        generation = Generation(
            key=f"{task.task_id}#{sample}",
            prompt_tokens=answer.get("usage", {}).get("prompt_tokens", 0),
            text=(choice["message"]["content"] or "").encode(),
            logprobs=[entry["logprob"] for entry in entries],
            finish=choice.get("finish_reason") or "",
            seconds=time.perf_counter() - started,
        )
        row = generation_row(generation, options.name or options.model, None)
        row["n_tokens"] = answer.get("usage", {}).get("completion_tokens", row["n_tokens"])
        yield row


def _ask(options: argparse.Namespace, task: Task, sample: int) -> dict[str, Any]:
    body = {
        "model": options.model,
        "messages": task_prompt(task).messages,
        "temperature": options.temperature,
        "max_tokens": 512,
        "seed": sample,
        "logprobs": True,
    }
    return chat_completion(options.base_url, body, os.environ.get(options.key_variable, "none"))


def chat_completion(base_url: str, body: dict[str, Any], key: str) -> dict[str, Any]:
    """What an OpenAI-compatible API whose address ends in /v1 replies. Raises `urllib.error.URLError`."""
    request = urllib.request.Request(
        base_url.rstrip("/") + "/chat/completions",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json", "Authorization": f"Bearer {key}"},
    )
    with urllib.request.urlopen(request, timeout=600) as reply:
        answer: dict[str, Any] = json.load(reply)
    return answer


def rapl_counter() -> Callable[[], float | None]:
    """A reader of joules so far, or of None where the processor's counter is not readable."""
    if not os.access(_RAPL, os.R_OK):
        return lambda: None
    return lambda: int(_RAPL.read_text()) / 1e6


def _finished(path: Path) -> set[tuple[str, int]]:
    if not path.exists():
        return set()
    rows = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    return {(row["task_id"], row["sample"]) for row in rows}


def _missing(tasks: list[Task], table: Path, model: str) -> list[Task]:
    """Only the tasks for which an outcome table has no row of this model."""
    with table.open(newline="", encoding="utf-8") as lines:
        present = {row["task_id"] for row in csv.DictReader(lines) if row["model"] == model}
    return [task for task in tasks if task.task_id not in present]


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Label tasks with a candidate model's answers.")
    parser.add_argument("kind", choices=["local", "endpoint"])
    parser.add_argument("--model", required=True, help="GGUF file, or the endpoint's model name")
    parser.add_argument("--name", default="", help="name written to the table (default: the file's)")
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--samples", type=int, default=1)
    parser.add_argument("--temperature", type=float, default=0.0)
    parser.add_argument("--sequences", type=int, default=16)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--limit", type=int, default=0, help="first N tasks only")
    parser.add_argument("--tasks", default="", help="only these task ids, separated by commas")
    parser.add_argument("--missing-in", type=Path, help="outcome table; do only what it lacks")
    parser.add_argument("--missing-model", default="", help="the model's name in that table")
    parser.add_argument("--base-url", default="", help="OpenAI-compatible endpoint, ending in /v1")
    parser.add_argument("--key-variable", default="OPENAI_API_KEY", help="environment variable with the key")
    return parser.parse_args(argv)


if __name__ == "__main__":
    raise SystemExit(main())
