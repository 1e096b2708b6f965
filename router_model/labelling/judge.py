"""Stage 2, *judge*: run the tests of HumanEval and MBPP on recorded answers, in the sandbox.

    python -m halfwatt.router_model.labelling.judge canonical --data-dir DIR
    python -m halfwatt.router_model.labelling.judge outcomes --data-dir DIR --labels FILE.jsonl ... --out TABLE.csv

`canonical` is the check of the judge itself: the data sets' own solutions must all pass. `outcomes` writes one row
per task and model, free of text: `passed` is the strict label (all samples pass), `pass_share` the soft one.
"""

import argparse
import csv
import json
import re
import statistics
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from halfwatt.router_model.errors import SandboxUnavailable
from halfwatt.router_model.progress import tracked
from halfwatt.router_model.sandbox.sandbox import runs_to_its_end, sandbox_available
from halfwatt.router_model.serving.draft_stats import DraftStats

from .tasks import Task, load_tasks

_FENCE = re.compile(r"```(?:[A-Za-z0-9_+-]*)\n(.*?)(?:```|\Z)", re.DOTALL)
_STATISTICS = list(DraftStats.__annotations__)[1:]
COLUMNS = ["task_id", "model", "passed", "pass_share", "n_samples", "prompt_tokens", "completion_tokens"]
COLUMNS += ["finish", *_STATISTICS, "seconds", "energy_j"]


def main(argv: list[str] | None = None) -> int:
    """Entry point of the stage; 1 when a canonical solution fails."""
    options = _arguments(argv)
    if not options.without_sandbox and not sandbox_available():
        raise SandboxUnavailable("bubblewrap cannot run here; install it, or pass --without-sandbox.")
    tasks = {task.task_id: task for task in load_tasks(options.data_dir)}
    if options.kind == "canonical":
        return _check_canonical(tasks, options)
    rows = [json.loads(line) for path in options.labels for line in path.read_text().splitlines()]
    programs = [judged_program(tasks[row["task_id"]], row["completion"]) for row in rows]
    verdicts = _judge_all(programs, options)
    with options.out.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(outcome_rows(rows, verdicts))
    return 0


def extract_code(completion: str) -> str:
    """The first fenced block, closed or not; the whole text when there is none."""
    match = _FENCE.search(completion)
    return match.group(1) if match else completion


def judged_program(task: Task, completion: str) -> str:
    """The program whose end means "passed".

    HumanEval's prompt stays in front, because it holds imports and helper functions. A function of only a docstring is
    complete, so both a whole function and a bare body may follow.
    """
    return f"{task.program_head}\n{extract_code(completion)}\n{task.test_code}"


def canonical_program(task: Task) -> str:
    """The data set's own solution with its tests."""
    return f"{task.canonical}\n{task.test_code}"


def outcome_rows(rows: Sequence[dict[str, Any]], verdicts: Sequence[bool]) -> list[dict[str, Any]]:
    """One row per task and model: means over the samples, `passed` only if all pass."""
    groups: dict[tuple[str, str], list[tuple[dict[str, Any], bool]]] = defaultdict(list)
    for row, verdict in zip(rows, verdicts, strict=True):
        groups[row["task_id"], row["model"]].append((row, verdict))
    return [_outcome(key, group) for key, group in sorted(groups.items(), key=_by_task)]


def _outcome(key: tuple[str, str], group: list[tuple[dict[str, Any], bool]]) -> dict[str, Any]:
    rows = [row for row, _ in group]
    means = {name: round(statistics.fmean(row[name] for row in rows), 4) for name in _STATISTICS}
    joules = [row["energy_j"] for row in rows if row["energy_j"] is not None]
    return {
        "task_id": key[0],
        "model": key[1],
        "passed": int(all(verdict for _, verdict in group)),
        "pass_share": round(sum(verdict for _, verdict in group) / len(group), 4),
        "n_samples": len(group),
        "prompt_tokens": rows[0]["prompt_tokens"],
        "completion_tokens": round(statistics.fmean(row["n_tokens"] for row in rows)),
        "finish": rows[0]["finish"],
        **means,
        "seconds": round(statistics.fmean(row["seconds"] for row in rows), 3),
        "energy_j": round(statistics.fmean(joules), 3) if joules else "",
    }


def _by_task(item: tuple[tuple[str, str], Any]) -> tuple[str, int, str]:
    (task_id, model), _ = item
    family, _, number = task_id.partition("/")
    return family, int(number), model


def _judge_all(programs: Sequence[str], options: argparse.Namespace) -> list[bool]:
    with ThreadPoolExecutor(options.workers) as pool:
        verdicts = pool.map(lambda text: runs_to_its_end(text, None, options.without_sandbox), programs)
        return list(tracked(verdicts, "judge", len(programs)))


def _check_canonical(tasks: dict[str, Task], options: argparse.Namespace) -> int:
    verdicts = _judge_all([canonical_program(task) for task in tasks.values()], options)
    failed = [name for name, verdict in zip(tasks, verdicts, strict=True) if not verdict]
    print(f"canonical solutions: {len(tasks) - len(failed)} of {len(tasks)} pass {failed}")
    return 1 if failed else 0


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Judge recorded answers by running the tests.")
    parser.add_argument("kind", choices=["canonical", "outcomes"])
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--labels", type=Path, nargs="*", default=[])
    parser.add_argument("--out", type=Path)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--without-sandbox", action="store_true", help="run untrusted code unprotected")
    return parser.parse_args(argv)


if __name__ == "__main__":
    raise SystemExit(main())
