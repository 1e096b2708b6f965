"""The tasks from real packages: pin wheels, collect functions, check the collection.

    python -m halfwatt.router_model.commands.collect pin NAME... [--family NAME]
    python -m halfwatt.router_model.commands.collect functions --cache DIR
    python -m halfwatt.router_model.commands.collect verify --cache DIR [--only NAME...]

`pin` adds the newest versions to the table of packages. `functions` makes the table of functions anew from them all.
`verify` runs every task of that table: the original must pass and the stub must fail. The tables are
`data/doctest_packages.csv` and `data/doctest_functions.csv`; packages are fetched by pip into the cache folder.
"""

import argparse
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from halfwatt.router_model.errors import DataMissing, RouterModelError, SandboxUnavailable
from halfwatt.router_model.labelling.collect_doctests import Candidate, collect, write_functions
from halfwatt.router_model.labelling.doctest_judge import DoctestVerdict
from halfwatt.router_model.labelling.doctest_tasks import FUNCTIONS_TABLE, DoctestTask, Half, load_doctest_tasks, passes
from halfwatt.router_model.labelling.packages import PACKAGES_TABLE, load_packages
from halfwatt.router_model.labelling.pin_packages import merged, pin, write_packages
from halfwatt.router_model.progress import tracked
from halfwatt.router_model.sandbox.sandbox import sandbox_available


def main(argv: list[str] | None = None) -> int:
    """Entry point; 1 when a package could not be pinned or a task is not as the table says."""
    options = _arguments(argv)
    try:
        if options.stage == "pin":
            return _pin(options)
        if not sandbox_available():
            raise SandboxUnavailable("bubblewrap cannot run here, so no function can be judged; install it.")
        return _functions(options) if options.stage == "functions" else _verify(options)
    except RouterModelError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _pin(options: argparse.Namespace) -> int:
    packages = dict(load_packages()) if PACKAGES_TABLE.exists() else {}
    failed = 0
    for name in tracked(options.names, "pin", len(options.names)):
        try:
            added = pin(name, options.family)
        except DataMissing as error:
            sys.stderr.write(f"{error}\n")
            failed = 1
            continue
        packages = {package.key: package for package in merged(packages, added)}
        write_packages(packages.values(), PACKAGES_TABLE)
    return failed


def _functions(options: argparse.Namespace) -> int:
    reasons: Counter[str] = Counter()
    started = time.monotonic()

    def done(candidate: Candidate, reason: str) -> None:
        reasons[reason] += 1
        if sum(reasons.values()) % 100 == 0:
            sys.stderr.write(f"{sum(reasons.values())} tried, {reasons['taken']} taken\n")

    taken = collect(load_packages(), options.cache, options.workers, done)
    write_functions(taken, FUNCTIONS_TABLE)
    print(f"{len(taken)} functions taken in {time.monotonic() - started:.0f} s")
    for reason, count in reasons.most_common():
        print(f"  {reason}: {count}")
    return 0


def _verify(options: argparse.Namespace) -> int:
    started = time.monotonic()
    halves: tuple[Half, ...] = ("train", "test")
    tasks = [task for half in halves for task in load_doctest_tasks(half, options.cache, distributions=options.only)]
    wrong = 0
    with ThreadPoolExecutor(options.workers) as pool:
        for task, (original, stub) in zip(tasks, tracked(pool.map(_both, tasks), "verify", len(tasks)), strict=True):
            if original is not DoctestVerdict.PASSED or stub is DoctestVerdict.PASSED:
                wrong += 1
                print(f"{task.task_id}: original {original}, stub {stub}")
    for half in halves:
        names = Counter(task.distribution for task in tasks if task.half == half)
        print(f"{half}: {names.total()} functions of {len(names)} packages; largest {names.most_common(3)}")
    print(f"{len(tasks) - wrong} of {len(tasks)} as the table says, {time.monotonic() - started:.0f} s")
    return 1 if wrong else 0


def _both(task: DoctestTask) -> tuple[DoctestVerdict, DoctestVerdict]:
    return passes(task, task.original), passes(task, task.text)


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Collect functions with doctests from pinned packages.")
    stages = parser.add_subparsers(dest="stage", required=True)
    pin_stage = stages.add_parser("pin", help="add packages to the table")
    pin_stage.add_argument("names", nargs="+")
    pin_stage.add_argument("--family", default="", help="the project that they belong to (default: the package's name)")
    for name in ("functions", "verify"):
        stage = stages.add_parser(name)
        stage.add_argument("--cache", type=Path, required=True, help="folder for unpacked packages")
        stage.add_argument("--workers", type=int, default=2)
        if name == "verify":
            stage.add_argument("--only", nargs="*", default=[], help="distributions (default: all)")
    return parser.parse_args(argv)


if __name__ == "__main__":
    raise SystemExit(main())
