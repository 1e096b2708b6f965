"""Make the table of functions from the packages: which of their doctests tell a right body from a missing one.

A function is taken when its examples pass with the original body in every run, fail with a stub in its place, and the
product finds the stub. Its body must stand in no other family's wheel. No family gives more than a fixed number and a
fixed share of its half; which ones is decided by digests, not by an order that a package chose.
"""

import csv
import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from halfwatt.router_model.errors import DataMissing

from .doctest_functions import DoctestFunction, doctest_functions, stubbed
from .doctest_judge import DoctestVerdict, judge, passing
from .doctest_tasks import COLUMNS, half_of, read_module, target_in
from .packages import Package, folders_of

N_RUNS = 3
MOST_PER_FAMILY = 40
LARGEST_SHARE = 0.06
_VENDORED = {"_vendor", "vendor", "vendored", "_vendored", "extern", "externals", "third_party", "_compat", "compat"}
_ASIDE = {"test", "tests", "testing", "docs", "examples", "conftest.py", "setup.py"}


@dataclass(frozen=True)
class Candidate:
    """A function with examples in an unpacked package."""

    package: Package
    folders: tuple[Path, ...]
    module_path: str
    text: str
    function: DoctestFunction

    @property
    def place(self) -> tuple[str, str]:
        return self.package.key, self.module_path

    @property
    def is_own(self) -> bool:
        """Whether the function belongs to the package itself, and not to its tests or to what it has copied."""
        return not (_VENDORED | _ASIDE) & set(self.module_path.split("/"))

    @property
    def order(self) -> str:
        """The place in the order in which candidates of a family are tried."""
        name = f"{self.package.distribution}/{self.module_path}:{self.function.name}"
        return hashlib.sha256(name.encode()).hexdigest()

    def passes(self, text: str) -> bool:
        """Whether the examples pass when the module has this text."""
        function = self.function
        return judge(self.folders, self.module_path, function.name, function.docstring, text) is DoctestVerdict.PASSED


def candidates_of(package: Package, packages: Mapping[str, Package], cache_dir: Path) -> list[Candidate]:
    """All functions with examples in a wheel, also those of vendored copies and tests."""
    folders = folders_of(package, packages, cache_dir)
    found = []
    for path in sorted(folders[0].rglob("*.py")):
        module_path = path.relative_to(folders[0]).as_posix()
        if all(part.isidentifier() for part in module_path.removesuffix(".py").split("/")):
            text = read_module(path)
            found += [Candidate(package, folders, module_path, text, each) for each in doctest_functions(text)]
    return found


def homes_of_bodies(candidates: Iterable[Candidate]) -> dict[str, set[str]]:
    """Hash of each body → the families in whose wheels it stands."""
    homes: dict[str, set[str]] = defaultdict(set)
    for candidate in candidates:
        homes[candidate.function.body_hash].add(candidate.package.family)
    return homes


def select(
    candidates: Sequence[Candidate], homes: Mapping[str, set[str]], done: Callable[[Candidate, str], None]
) -> list[Candidate]:
    """Up to `MOST_PER_FAMILY` candidates of one family that can be tasks. `done` hears what became of each."""
    modules: dict[tuple[str, str], list[Candidate]] = defaultdict(list)
    seen: set[str] = set()
    for candidate in candidates:
        function_hash = candidate.function.body_hash
        if function_hash in seen or len(homes[function_hash]) > 1:
            done(candidate, "copy")
        else:
            modules[candidate.place].append(candidate)
        seen.add(function_hash)
    return _first_good(candidates, modules, done)


def _first_good(
    candidates: Sequence[Candidate],
    modules: Mapping[tuple[str, str], list[Candidate]],
    done: Callable[[Candidate, str], None],
) -> list[Candidate]:
    """Modules are sorted out one at a time, when the first of their functions has its turn."""
    sorted_out: dict[tuple[str, str], list[Candidate]] = {}
    taken: list[Candidate] = []
    for candidate in candidates:
        if len(taken) == MOST_PER_FAMILY:
            break
        own = modules.get(candidate.place, [])
        if candidate not in own:
            continue
        if candidate.place not in sorted_out:
            sorted_out[candidate.place] = _passing(own)
        reason = _why_not(candidate) if candidate in sorted_out[candidate.place] else "original does not pass"
        done(candidate, reason or "taken")
        if not reason:
            taken.append(candidate)
    return taken


def _passing(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Those of one module whose examples pass in all runs but the last, which each has for itself."""
    left = list(candidates)
    for _ in range(N_RUNS - 1):
        documented = [(each.function.name, each.function.docstring) for each in left]
        good = passing(candidates[0].folders, candidates[0].module_path, documented)
        left = [candidate for candidate, is_good in zip(left, good, strict=True) if is_good]
    return left


def _why_not(candidate: Candidate) -> str:
    """Why a candidate is no task; "" for a task."""
    stub = stubbed(candidate.text, candidate.function)
    try:
        target_in(stub, candidate.function)
    except DataMissing:
        return "no target"
    if candidate.passes(stub):
        return "stub passes"
    return "" if candidate.passes(candidate.text) else "original does not always pass"


def collect(
    packages: Mapping[str, Package], cache_dir: Path, workers: int, done: Callable[[Candidate, str], None]
) -> list[Candidate]:
    """The functions of all families, in the order of the table."""
    candidates = [
        candidate
        for package in packages.values()
        if package.family
        for candidate in candidates_of(package, packages, cache_dir)
    ]
    homes = homes_of_bodies(candidates)
    families: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        if candidate.is_own:
            families[candidate.package.family].append(candidate)
    by_order = [sorted(each, key=lambda candidate: candidate.order) for each in families.values()]
    with ThreadPoolExecutor(workers) as pool:
        selected = list(pool.map(lambda candidates: select(candidates, homes, done), by_order))
    taken = [candidate for half in ("train", "test") for candidate in _within_share(selected, half)]
    return sorted(taken, key=lambda each: (each.package.key, each.module_path, each.function.line))


def _within_share(families: Sequence[list[Candidate]], half: str) -> list[Candidate]:
    """The first of each family of a half, as many as leave no family more than its share."""
    own = [each for each in families if each and half_of(each[0].package.family) == half]
    for most in range(MOST_PER_FAMILY, 0, -1):
        kept = [candidate for family in own for candidate in family[:most]]
        if most <= LARGEST_SHARE * len(kept):
            return kept
    return [candidate for family in own for candidate in family[:1]]


def write_functions(taken: Iterable[Candidate], table: Path) -> None:
    """Write the table of functions; it holds no text of theirs."""
    with table.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(COLUMNS)
        for each in taken:
            function = each.function
            row = [each.package.key, half_of(each.package.family), each.module_path, function.name, function.line]
            writer.writerow([*row, function.body_hash, function.n_statements, function.n_examples])
