"""Record, once, the generations that published routers of the table need, for a fixed random part of the tasks.

    python -m halfwatt.router_model.recording.record KIND --model FILE.gguf --data-dir DIR --work DIR [--tasks N]

Kinds, in this order. By the weak model: `drafts` (greedy), `tests` (up to seven assertions for the draft's function in
one generation) and `samples` (five at temperature 0.7). By the strong model: `strong` (greedy, for `judge_llm.py`;
lines of `labelling/label.py` do as well). Resumable: one JSON line per finished generation in `DIR/KIND.jsonl`. Those
files hold texts and stay out of the project; `outcomes.py` makes text-free tables.
"""

import argparse
import ast
import json
import re
import signal
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from halfwatt.router_model.labelling.batched_decode import BatchedDecoder, DecodeRequest, Generation
from halfwatt.router_model.labelling.judge import extract_code
from halfwatt.router_model.labelling.labels import ADDED_OUTCOMES, read_rows
from halfwatt.router_model.labelling.tasks import Task, load_tasks
from halfwatt.router_model.progress import tracked

SEED = 7
N_TASKS = 120
N_SAMPLES = 5
N_TESTS = 7
TEMPERATURE = 0.7
_STRONG = "qwen2.5-coder-1.5b-instruct-q4_k_m"
_FENCE = b"```"
_SYSTEM_TEXT = "You are a code generator and only respond with code without explanations."
_INSTRUCTION = "Please only respond with a codeblock and do not explain anything. Complete the following task:\n"


class LineCounter:
    """Counts the tokens until each assertion is complete, and says when to stop; called after every token."""

    def __init__(self, n_lines: int) -> None:
        self.tokens_at: list[int] = []
        self._n_lines = n_lines
        self._n_tokens = 0

    def __call__(self, text: bytes) -> bool:
        """True when all lines are there or the code block closes."""
        self._n_tokens += 1
        n_complete = text.count(b"\nassert") + (_FENCE in text)
        while len(self.tokens_at) < min(n_complete, self._n_lines):
            self.tokens_at.append(self._n_tokens)
        return len(self.tokens_at) >= self._n_lines or _FENCE in text


def main(argv: list[str] | None = None) -> int:
    """Entry point of the stage. SIGTERM ends it in order: finished lines stay in the file."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    options = _arguments(argv)
    tasks = recorded_tasks(load_tasks(options.data_dir), options.tasks)
    options.work.mkdir(parents=True, exist_ok=True)
    out_path = options.work / f"{options.kind}.jsonl"
    finished = {(row["task_id"], row["sample"]) for row in read_lines(out_path)}
    requests = [p for p in _requests(options, tasks) if _place(p.key) not in finished]
    if not requests:
        return 0
    with out_path.open("a", encoding="utf-8") as out:
        for generation, stop in tracked(_decoded(options, requests), options.kind, len(requests)):
            out.write(json.dumps(_row(generation, stop)) + "\n")
            out.flush()
    return 0


def recorded_tasks(tasks: list[Task], n_tasks: int = N_TASKS) -> list[Task]:
    """The first `n_tasks` in a seeded order of the tasks that the reference table lacks for the strong model.

    Those are a random part of all tasks.
    """
    known = {row["task_id"] for row in read_rows(ADDED_OUTCOMES) if row["model"] == _STRONG}
    chosen = [task for task in tasks if task.task_id in known]
    order = np.random.default_rng(SEED).permutation(len(chosen))
    return [chosen[place] for place in order[:n_tasks]]


def signature(code: str) -> str:
    """The first line of the last top-level function of an answer, or an empty string when it has none."""
    try:
        functions = [node for node in ast.parse(code).body if isinstance(node, ast.FunctionDef)]
    except SyntaxError:
        found = re.findall(r"^def .*$", code, re.MULTILINE)
        return found[-1].strip() if found else ""
    if not functions:
        return ""
    function = functions[-1]
    return f"def {function.name}({ast.unparse(function.args)}):"


def chat_prompt(task: Task) -> str:
    """The published request for a whole answer, in the ChatML template of the Qwen2.5 family."""
    user = f"{_INSTRUCTION}```python\n{task.model_text}\n```"
    return f"<|im_start|>system\n{_SYSTEM_TEXT}<|im_end|>\n<|im_start|>user\n{user}<|im_end|>\n<|im_start|>assistant\n"


def prompt_for_tests(task: Task, code: str) -> str:
    """Chat text that asks for assertions, the first one begun; it shows the task's text and the draft's signature.

    The data set's own tests are not shown, so that none can be copied.
    """
    head = signature(code)
    name = head.removeprefix("def ").partition("(")[0]
    described = task.router_text if task.program_head else f'{head}\n    """{task.router_text}"""'
    user = (
        f"Please only respond with a codeblock and do not explain anything. Write {N_TESTS} different assert "
        f"statements, one per line, that test the following function:\n```python\n{described}\n```"
    )
    return (
        f"<|im_start|>system\n{_SYSTEM_TEXT}<|im_end|>\n<|im_start|>user\n{user}<|im_end|>\n"
        f"<|im_start|>assistant\n```python\nassert {name}("
    )


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Rows of a recording, none when it does not exist yet."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _requests(options: argparse.Namespace, tasks: list[Task]) -> list[DecodeRequest]:
    if options.kind in ("drafts", "strong"):
        return [DecodeRequest(f"{task.task_id}#0", chat_prompt(task)) for task in tasks]
    if options.kind == "samples":
        return [
            DecodeRequest(f"{task.task_id}#{sample}", chat_prompt(task), TEMPERATURE, seed=1000 * place + sample)
            for place, task in enumerate(tasks)
            for sample in range(N_SAMPLES)
        ]
    drafts = {row["task_id"]: extract_code(row["completion"]) for row in read_lines(options.work / "drafts.jsonl")}
    return [
        DecodeRequest(
            f"{task.task_id}#0", prompt_for_tests(task, drafts[task.task_id]), 0.0, 0, 320, LineCounter(N_TESTS)
        )
        for task in tasks
        if signature(drafts.get(task.task_id, ""))
    ]


def _decoded(options: argparse.Namespace, requests: list[DecodeRequest]) -> Iterator[tuple[Generation, Any]]:
    stops = {request.key: request.stop for request in requests}
    for generation in _generations(options, requests):
        yield generation, stops[generation.key]


def _generations(options: argparse.Namespace, requests: list[DecodeRequest]) -> Iterable[Generation]:
    if options.engine == "llama":
        with BatchedDecoder(options.model, options.rows, options.threads) as decoder:
            yield from decoder.decode(requests)
        return
    from .torch_decode import TorchDecoder

    yield from TorchDecoder.read(options.model, options.rows, options.threads).decode(requests)


def _row(generation: Generation, stop: Any) -> dict[str, Any]:
    task_id, sample = _place(generation.key)
    row = {
        "task_id": task_id,
        "sample": sample,
        "prompt_tokens": generation.prompt_tokens,
        "n_tokens": len(generation.logprobs),
        "lp_mean": round(float(np.mean(generation.logprobs)), 4),
        "finish": generation.finish,
        "completion": generation.text.decode("utf-8", "replace"),
    }
    return {**row, "tokens_at": stop.tokens_at} if isinstance(stop, LineCounter) else row


def _place(key: str) -> tuple[str, int]:
    task_id, _, sample = key.rpartition("#")
    return task_id, int(sample)


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Record what published routers need.")
    parser.add_argument("kind", choices=["drafts", "tests", "samples", "strong"])
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True, help="folder of the recordings (texts)")
    parser.add_argument("--tasks", type=int, default=N_TASKS)
    parser.add_argument("--engine", choices=["torch", "llama"], default="torch")
    parser.add_argument("--rows", type=int, default=40, help="sequences at a time")
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args(argv)


if __name__ == "__main__":
    raise SystemExit(main())
