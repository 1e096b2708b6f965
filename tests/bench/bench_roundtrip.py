"""Round trips of real functions through generating: `make bench-generate`. No model is needed.

The body of a function of an installed or fetched package is replaced by a stub. The original is given back as a model's
answer in many shapes. The product's edits are applied, and the result is compared with the original.

`python -m bench.bench_roundtrip --limit 300 --language go --show "ID"` runs part of it, and shows one case.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from bench.roundtrip import packages, report, selection, trial
from bench.roundtrip.functions import RealFunction
from bench.roundtrip.packages import PACKAGES
from bench.roundtrip.trial import SHAPE_NAMES, Outcome

N_FUNCTIONS = 3600


def main() -> int:
    arguments = parse_arguments()
    if arguments.show:
        return show(arguments.show)
    with ProcessPoolExecutor(arguments.processes) as pool:
        functions = chosen(arguments, pool)
        outcomes = all_outcomes(pool, functions, arguments.shapes)
    shown = report.as_json(functions, outcomes) if arguments.json else report.text(functions, outcomes)
    print(json.dumps(shown, indent=1) if arguments.json else shown)
    return 0 if report.goals_met(outcomes, arguments.equal / 100) else 1


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=int, default=N_FUNCTIONS, help="so many functions, over all languages")
    parser.add_argument("--language", action="append", help="only this languageId; may be given several times")
    parser.add_argument("--shapes", type=int, default=len(SHAPE_NAMES), help="so many of the shapes for each function")
    parser.add_argument("--small", action="store_true", help="only the few small packages that CI fetches")
    parser.add_argument("--show", metavar="ID", help="print one case of the list of failures")
    parser.add_argument("--equal", type=float, default=100 * report.EQUAL_AT_LEAST, help="exit 1 below this percentage")
    parser.add_argument("--json", action="store_true", help="print one JSON object with every failure")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    return parser.parse_args()


def chosen(arguments: argparse.Namespace, pool: ProcessPoolExecutor) -> list[RealFunction]:
    """The functions of this run, from what is there and what can be fetched."""
    wanted = [it for it in PACKAGES if it.small or not arguments.small]
    for failure in packages.fetch(wanted):
        print(f"not fetched: {failure}. Install what is missing, or run this where it can be had.", file=sys.stderr)
    roots = [*packages.fetched(wanted), *([] if arguments.small else packages.installed())]
    read = partial(pool.map, selection.functions_in, chunksize=8)
    return selection.choose(roots, arguments.limit, read, arguments.language)


def show(case_id: str) -> int:
    """One case by its id, read from its package alone."""
    name, _, shape = case_id.partition(" · ")
    for root in [*packages.fetched(PACKAGES), *packages.installed()]:
        for file in selection.named(root, name.rpartition(":")[0]):
            for function in selection.functions_in(file):
                if function.id == name:
                    print(trial.show(function, shape))
                    return 0
    print(f"There is no case {case_id!r} in the sources that are here.", file=sys.stderr)
    return 1


def all_outcomes(pool: ProcessPoolExecutor, functions: Sequence[RealFunction], n_shapes: int) -> list[Outcome]:
    """Each function in this many shapes, others for each, so that all are tried equally often."""
    found = pool.map(trial.run, functions, [trial.some_shapes(it, n_shapes) for it in functions], chunksize=8)
    return [outcome for outcomes in found for outcome in outcomes]


if __name__ == "__main__":
    sys.exit(main())
