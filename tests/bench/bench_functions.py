"""Functions of real packages, written by the real model: `make bench BENCHES=functions`.

A task is a function of a pinned package of the test half, with a stub for its body; it passes when its doctests do. The
product writes the body with `halfwatt generate --apply`. Beside it stands a plain fill-in-the-middle request with the
file around the body to the same model. Further checkouts, as one of an older commit, can be measured in the same run:

    make bench BENCHES=functions BENCH_ARGS="--tasks 40 --checkout ../older"

Speed counts only on an idle machine; pass rates and tokens do not depend on that.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, fields
from pathlib import Path

import running_daemon
from bench import figures
from bench.figures import Figure
from bench.functions.attempts import Attempt, by_fill_in, by_product, product_environ
from generate_home import user_home
from repository import ROOT

from halfwatt.router_model.labelling.calibrate import wilson
from halfwatt.router_model.labelling.doctest_tasks import DoctestTask, load_doctest_tasks
from halfwatt.router_model.progress import tracked

MODEL_FILE = "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"
SETTINGS = "[local]\nmax_tokens = 512\n"


def main() -> int:
    options = arguments()
    tasks = evenly(load_doctest_tasks("test", options.cache), options.tasks)
    attempts = measured(tasks, options)
    for way in dict.fromkeys(attempt.way for attempt in attempts):
        report(way, [attempt for attempt in attempts if attempt.way == way])
    return 0


def measured(tasks: Sequence[DoctestTask], options: argparse.Namespace) -> list[Attempt]:
    """Every way on one task before the next task, so that all meet the same state of the machine."""
    model = Path(os.environ["HALFWATT_MODELS_DIR"]).absolute() / options.model
    found: list[Attempt] = []
    with ExitStack() as stack:
        environs = {checkout: _home(stack, model) for checkout in (ROOT, *options.checkout)}
        daemon = running_daemon.start(product_environ(ROOT, environs[ROOT]))
        for task in tracked(tasks, "functions", len(tasks)):
            found += [by_product(task, checkout, environ, options.cache) for checkout, environ in environs.items()]
            found.append(by_fill_in(task, daemon))
            for attempt in found[-len(environs) - 1 :]:
                print(f"{attempt.task_id}, {attempt.way}: {attempt.outcome}, {attempt.n_tokens}", file=sys.stderr)
            if options.out is not None:
                write(found, options.out)
    return found


def _home(stack: ExitStack, model: Path) -> dict[str, str]:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    environ = stack.enter_context(user_home(folder, model))
    (folder / "halfwatt" / "config" / "config.toml").write_text(SETTINGS)
    return environ


def evenly(tasks: Sequence[DoctestTask], n_tasks: int) -> list[DoctestTask]:
    """N tasks at even distances; 0 means all."""
    count = min(n_tasks or len(tasks), len(tasks))
    return [tasks[index * len(tasks) // count] for index in range(count)]


def report(way: str, attempts: Sequence[Attempt]) -> None:
    outcomes = Counter(attempt.outcome for attempt in attempts)
    low, high = wilson(outcomes["passed"], len(attempts))
    share = outcomes["passed"] / len(attempts)
    print(f"== {way}: {dict(outcomes.most_common())}")
    print(Figure("passed", 100 * share, "%", 100 * low, 100 * high, len(attempts)).line())
    print(Figure("faults", sum(attempt.is_fault for attempt in attempts), n=len(attempts)).line())
    for name, unit in (("n_tokens", "tokens"), ("energy_j", "J"), ("seconds", "s")):
        known = [value for attempt in attempts if (value := getattr(attempt, name)) is not None]
        print(figures.of(name, known, unit).line())
        if known:
            print(Figure(f"{name}, mean", sum(known) / len(known), unit, n=len(known)).line())
    for attempt in attempts:
        if attempt.is_fault:
            print(f"  {attempt.outcome}: {attempt.task_id} {attempt.sentence}")


def write(attempts: Sequence[Attempt], path: Path) -> None:
    """One row per attempt, for comparisons in pairs later; no text of a package or a model."""
    with path.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, [field.name for field in fields(Attempt)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(map(asdict, attempts))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=40, help="how many of the test half, at even distances; 0: all")
    parser.add_argument("--checkout", type=Path, nargs="*", default=[], help="further checkouts to measure")
    parser.add_argument("--model", default=MODEL_FILE, help="file in HALFWATT_MODELS_DIR")
    parser.add_argument("--cache", type=Path, default=ROOT / ".cache" / "doctests", help="folder for packages")
    parser.add_argument("--out", type=Path, help="CSV file with a row for each attempt")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
