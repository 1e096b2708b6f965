"""From recorded texts to text-free tables: who passed, at how many tokens, which answers behave alike.

    python -m halfwatt.router_model.recording.outcomes [tests] [samples] [judge] --data-dir DIR --work DIR

It reads what `record.py` and `judge_llm.py` wrote, runs answers and self-written tests in the sandbox, and writes
`data/published_*.csv`. Two answers are one cluster when their syntax trees are equal, or when they return the same on
the visible examples. Those are the calls in HumanEval's docstring, and the calls (not the expected values) of the tests
that MBPP's prompt shows. It asks no model.
"""

import argparse
import ast
import csv
import doctest
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from halfwatt.router_model.bench.judged_pairs import JUDGE_TABLE
from halfwatt.router_model.errors import SandboxUnavailable
from halfwatt.router_model.labelling.judge import extract_code, judged_program
from halfwatt.router_model.labelling.tasks import Task, load_tasks
from halfwatt.router_model.measures.draft_data import SAMPLES_TABLE, TEST_COUNTS, TESTS_TABLE
from halfwatt.router_model.progress import tracked
from halfwatt.router_model.sandbox.sandbox import SandboxLimits, runs_to_its_end, sandbox_available

from .judge_llm import ORDERS, answers
from .record import N_SAMPLES, read_lines

_LIMITS = SandboxLimits(wall_s=20.0, cpu_s=4)
Runs = Callable[[str], bool]
Tasks = Mapping[str, Task]
Table = list[dict[str, Any]]


def main(argv: list[str] | None = None) -> int:
    """Entry point of the stage."""
    parser = argparse.ArgumentParser(description="Make text-free tables from recordings.")
    parser.add_argument("kinds", nargs="*", choices=list(_TABLES), default=list(_TABLES))
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True, help="folder of the recordings (texts)")
    options = parser.parse_args(argv)
    if not sandbox_available():
        raise SandboxUnavailable("bubblewrap cannot run here; install it.")
    tasks = {task.task_id: task for task in load_tasks(options.data_dir)}
    for kind in options.kinds:
        path, made = _TABLES[kind]
        _write(path, made(tasks, options.work))
    return 0


def _self_tests(tasks: Tasks, work: Path) -> Table:
    drafts = {row["task_id"]: row for row in read_lines(work / "drafts.jsonl")}
    rows = [row for row in read_lines(work / "tests.jsonl") if row["task_id"] in drafts]
    done = tracked(rows, "tests", len(rows))
    return [self_tests_row(tasks[row["task_id"]], drafts[row["task_id"]], row, _run) for row in done]


def _samples(tasks: Tasks, work: Path) -> Table:
    groups = _complete(read_lines(work / "samples.jsonl"))
    done = tracked(groups, "samples", len(groups))
    return [row for name in done for row in samples_rows(tasks[name], groups[name], _run)]


def _judge(tasks: Tasks, work: Path) -> Table:
    pairs = _judged_pairs(work)
    done = tracked(pairs.items(), "judged pairs", len(pairs))
    return [judged_row(tasks[name], pair, replies, _run) for name, (pair, replies) in done]


def self_tests_row(task: Task, draft: dict[str, Any], row: dict[str, Any], runs: Runs) -> dict[str, Any]:
    """Whether the draft passes the data set's tests and the first k of its own; without a test it fails them."""
    code = extract_code(draft["completion"])
    lines = assertions(code, row["completion"])
    out: dict[str, Any] = {
        "task_id": task.task_id,
        "draft_passed": int(runs(judged_program(task, draft["completion"]))),
        "n_tests": len(lines),
        "prompt_tokens": row["prompt_tokens"],
    }
    passes = bool(lines)
    for place in range(max(TEST_COUNTS)):
        if passes and place < len(lines):
            passes = runs(f"{task.program_head}\n{code}\n{lines[place]}\n")
        if place + 1 in TEST_COUNTS:
            out[f"passes_{place + 1}"] = int(passes)
            out[f"tokens_{place + 1}"] = _tokens(row, place + 1)
    return out


def assertions(code: str, completion: str) -> list[str]:
    """The assertions that parse, in order; the answer goes on from a begun one, so that is put back in front."""
    name = next((line.split("def ")[1].partition("(")[0] for line in _heads(code)), "")
    body, fence, _ = f"assert {name}({completion}".partition("```")
    lines = body.splitlines() if fence else body.splitlines()[:-1]  # the last one was cut
    return [line for line in lines if line.startswith("assert ") and _parses(line)][: max(TEST_COUNTS)]


def samples_rows(task: Task, rows: Sequence[dict[str, Any]], runs: Runs) -> list[dict[str, Any]]:
    """One row per sample: passed, tokens, number of its cluster."""
    codes = [extract_code(row["completion"]) for row in rows]
    clusters = clustered(codes, lambda one, other: _alike(task, one, other, runs))
    return [
        {
            "task_id": task.task_id,
            "sample": row["sample"],
            "passed": int(runs(judged_program(task, row["completion"]))),
            "n_tokens": row["n_tokens"],
            "cluster": cluster,
        }
        for row, cluster in zip(rows, clusters, strict=True)
    ]


def judged_row(task: Task, pair: tuple[str, str], replies: Mapping[str, dict[str, Any]], runs: Runs) -> dict[str, Any]:
    """Who passed and whom the judge preferred, in each order."""
    weak, strong = (int(runs(judged_program(task, f"```python\n{code}\n```"))) for code in pair)
    row: dict[str, Any] = {"task_id": task.task_id, "weak_passed": weak, "strong_passed": strong}
    row["same_answer"] = int(pair[0] == pair[1])
    for order, sides in zip(ORDERS, (("weak", "strong"), ("strong", "weak")), strict=True):
        lean = replies[order]["lean_first"]
        toward_strong = lean if lean is None or sides[0] == "strong" else -lean
        name = order.replace(" ", "_")
        row[name] = {"A": sides[0], "B": sides[1]}.get(replies[order]["letter"], "tie")
        row[f"lean_{name}"] = "" if toward_strong is None else round(toward_strong, 4)
    return row


def clustered(codes: Sequence[str], alike: Callable[[str, str], bool]) -> list[int]:
    """Each answer joins the first cluster whose first answer it is alike."""
    firsts: list[str] = []
    labels = []
    for code in codes:
        found = next((place for place, first in enumerate(firsts) if alike(first, code)), len(firsts))
        if found == len(firsts):
            firsts.append(code)
        labels.append(found)
    return labels


def visible_calls(task: Task) -> list[str]:
    """Expressions that the prompt shows being called."""
    if task.program_head:
        examples = doctest.DocTestParser().get_examples(task.program_head)
        return [example.source.strip() for example in examples if _is_expression(example.source)]
    calls = []
    for line in task.test_code.splitlines():
        if line.startswith("assert ") and _parses(line):
            (statement,) = ast.parse(line).body
            if isinstance(statement, ast.Assert) and isinstance(statement.test, ast.Compare):
                calls.append(ast.unparse(statement.test.left))
    return calls


def same_behaviour_program(head: str, one: str, other: str, calls: Sequence[str]) -> str:
    """A program that ends only when both answers give the same value, or the same kind of error, for every call."""
    return f"""
def behaviour(code):
    space = {{}}
    try:
        exec(code, space)
    except BaseException as error:
        return [type(error).__name__]
    results = []
    for call in {list(calls)!r}:
        try:
            results.append(repr(eval(call, space)))
        except BaseException as error:
            results.append(type(error).__name__)
    return results
assert behaviour({head + chr(10) + one!r}) == behaviour({head + chr(10) + other!r})
"""


def _alike(task: Task, one: str, other: str, runs: Runs) -> bool:
    if _tree(one) is not None and _tree(one) == _tree(other):
        return True
    calls = visible_calls(task)
    return bool(calls) and runs(same_behaviour_program(task.program_head, one, other, calls))


def _tree(code: str) -> str | None:
    """The syntax tree without positions and docstrings' whereabouts; None when it does not parse."""
    try:
        return ast.dump(ast.parse(code))
    except (SyntaxError, ValueError):
        return None


def _heads(code: str) -> list[str]:
    from .record import signature

    head = signature(code)
    return [head] if head else []


def _tokens(row: dict[str, Any], count: int) -> int:
    at = row["tokens_at"]
    return int(at[count - 1] if count <= len(at) else row["n_tokens"])


def _parses(line: str) -> bool:
    try:
        ast.parse(line)
    except (SyntaxError, ValueError):
        return False
    return True


def _is_expression(source: str) -> bool:
    try:
        ast.parse(source.strip(), mode="eval")
    except (SyntaxError, ValueError):
        return False
    return True


def _complete(rows: Iterable[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    groups: dict[str, dict[int, dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(row["task_id"], {})[row["sample"]] = row
    return {name: [by[n] for n in sorted(by)] for name, by in sorted(groups.items()) if len(by) == N_SAMPLES}


def _judged_pairs(work: Path) -> dict[str, tuple[tuple[str, str], dict[str, dict[str, Any]]]]:
    """By task: both answers and the judge's reply in each order; tasks with one order alone are left out."""
    replies: dict[str, dict[str, dict[str, Any]]] = {}
    for row in read_lines(work / "judge.jsonl"):
        replies.setdefault(row["task_id"], {})[row["order"]] = row
    weak, strong = answers(work / "drafts.jsonl"), answers(work / "strong.jsonl")
    return {name: ((weak[name], strong[name]), by) for name, by in replies.items() if len(by) == len(ORDERS)}


def _run(program: str) -> bool:
    return runs_to_its_end(program, _LIMITS)


def _write(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    if not rows:
        return
    with path.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


_TABLES: dict[str, tuple[Path, Callable[[Tasks, Path], Table]]] = {
    "tests": (TESTS_TABLE, _self_tests),
    "samples": (SAMPLES_TABLE, _samples),
    "judge": (JUDGE_TABLE, _judge),
}


if __name__ == "__main__":
    raise SystemExit(main())
