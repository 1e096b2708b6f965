"""Record the verdicts of a language model as a judge: pairs of answers, each pair in both orders.

    python -m halfwatt.router_model.recording.judge_llm --weights FILE.gguf --data-dir DIR --work DIR [--tasks N]
    python -m halfwatt.router_model.recording.judge_llm --url URL --model NAME --data-dir DIR --work DIR [--tasks N]

The idea is the Confidence-Driven LLM Router's (2025), the swapped order that of Zheng et al. (2023). The pairs are the
weak and the strong model's greedy answers to the first N tasks of the seeded order, read from `drafts.jsonl` and
`strong.jsonl` in `DIR`. One letter per question. Resumable: one JSON line per question in `DIR/judge.jsonl`;
`outcomes.py` makes the text-free table. It executes nothing.
"""

import argparse
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from halfwatt.router_model.labelling.batched_decode import BatchedDecoder
from halfwatt.router_model.labelling.judge import extract_code
from halfwatt.router_model.labelling.label import chat_completion
from halfwatt.router_model.labelling.tasks import Task, load_tasks
from halfwatt.router_model.progress import tracked

from .record import N_TASKS, read_lines, recorded_tasks

ORDERS = ("weak first", "strong first")
_LETTERS = ("A", "B", "C")
_SYSTEM = "You are a strict reviewer of Python code."
Message = dict[str, str]


@dataclass(frozen=True)
class JudgeReply:
    """One answer of a judge: its letter, and log p(A) − log p(B) where it gives its probabilities."""

    letter: str
    lean_first: float | None = None


Judge = Callable[[list[Message]], JudgeReply]


def main(argv: list[str] | None = None) -> int:
    """Entry point of the stage."""
    options = _arguments(argv)
    tasks = recorded_tasks(load_tasks(options.data_dir), options.tasks)
    out_path = options.work / "judge.jsonl"
    finished = {(row["task_id"], row["order"]) for row in read_lines(out_path)}
    questions = [each for each in pairs(tasks, options.work) if (each[0].task_id, each[1]) not in finished]
    if not questions:
        return 0
    with out_path.open("a", encoding="utf-8") as out:
        for row in tracked(_rows(questions, options), "judge", len(questions)):
            out.write(json.dumps(row) + "\n")
            out.flush()
    return 0


def pairs(tasks: list[Task], work: Path) -> Iterator[tuple[Task, str, str, str]]:
    """Task, order, first and second answer, for every task with both answers."""
    weak, strong = (answers(work / f"{name}.jsonl") for name in ("drafts", "strong"))
    for task in tasks:
        one, other = weak.get(task.task_id), strong.get(task.task_id)
        if one is not None and other is not None:
            yield task, ORDERS[0], one, other
            yield task, ORDERS[1], other, one


def answers(path: Path) -> dict[str, str]:
    """Code of each task's recorded greedy answer."""
    return {row["task_id"]: extract_code(row["completion"]).strip() for row in read_lines(path) if row["sample"] == 0}


def question(task: Task, first: str, second: str) -> list[Message]:
    """The judge's messages. What both orders share stands in front, so that it is read once."""
    text = (
        f"Programming task:\n```python\n{task.model_text.strip()}\n```\n\n"
        f"Answer A:\n```python\n{first}\n```\n\nAnswer B:\n```python\n{second}\n```\n\n"
        "Which answer solves the task correctly? If both do or neither does, which is the better one? "
        "Reply with one letter: A, B, or C if they are equally good."
    )
    return [{"role": "system", "content": _SYSTEM}, {"role": "user", "content": text}]


def letter_of(reply: str) -> str:
    """The first letter that is a verdict on its own; C when there is none."""
    words = "".join(each if each.isalnum() else " " for each in reply).split()
    return next((word for word in words if word in _LETTERS), "C")


class LocalJudge:
    """The most probable of the three letters by a model file, through llama.cpp."""

    def __init__(self, decoder: BatchedDecoder) -> None:
        """The decoder's owner closes it."""
        self._decoder = decoder

    def __call__(self, messages: list[Message]) -> JudgeReply:
        """One pass over the question, no generation."""
        text = "".join(f"<|im_start|>{each['role']}\n{each['content']}<|im_end|>\n" for each in messages)
        scores = self._decoder.next_scores(f"{text}<|im_start|>assistant\n", _LETTERS)
        best = max(range(len(_LETTERS)), key=scores.__getitem__)
        return JudgeReply(_LETTERS[best], round(scores[0] - scores[1], 4))


class EndpointJudge:
    """The letter that a model behind an OpenAI-compatible API replies with."""

    def __init__(self, base_url: str, model: str, key: str) -> None:
        """`base_url` ends in /v1."""
        self._url, self._model, self._key = base_url, model, key

    def __call__(self, messages: list[Message]) -> JudgeReply:
        """Raises `urllib.error.URLError` when the endpoint does not answer."""
        body = {"model": self._model, "messages": messages, "temperature": 0.0, "max_tokens": 4}
        reply = chat_completion(self._url, body, self._key)
        return JudgeReply(letter_of(reply["choices"][0]["message"]["content"] or ""))


def _rows(questions: list[tuple[Task, str, str, str]], options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    if options.url:
        judge = EndpointJudge(options.url, options.model, os.environ.get(options.key_variable, "none"))
        yield from _verdicts(questions, judge)
        return
    with BatchedDecoder(options.weights, n_sequences=2, n_threads=options.threads) as decoder:
        yield from _verdicts(questions, LocalJudge(decoder))


def _verdicts(questions: list[tuple[Task, str, str, str]], judge: Judge) -> Iterator[dict[str, Any]]:
    for task, order, first, second in questions:
        same = first == second  # nobody is asked about one text
        reply = JudgeReply("C", 0.0) if same else judge(question(task, first, second))
        yield {"task_id": task.task_id, "order": order, "letter": reply.letter, "lean_first": reply.lean_first}


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Record the verdicts of a language model on pairs of answers.")
    chosen = parser.add_mutually_exclusive_group(required=True)
    chosen.add_argument("--weights", type=Path, help="GGUF file of a model with the ChatML template")
    chosen.add_argument("--url", help="OpenAI-compatible endpoint, ending in /v1")
    parser.add_argument("--model", default="", help="the endpoint's model name")
    parser.add_argument("--key-variable", default="OPENAI_API_KEY", help="environment variable with the key")
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True, help="folder of the recordings (texts)")
    parser.add_argument("--tasks", type=int, default=N_TASKS)
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args(argv)


if __name__ == "__main__":
    raise SystemExit(main())
