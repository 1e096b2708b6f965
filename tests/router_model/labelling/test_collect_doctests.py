"""Collecting functions: which candidates are taken, on a small package and on one that is installed here."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import more_itertools
import pytest
from sandboxed import needs_sandbox

from halfwatt.router_model.labelling.collect_doctests import Candidate, collect, write_functions
from halfwatt.router_model.labelling.doctest_judge import passing
from halfwatt.router_model.labelling.packages import Package

MODULE = '''
import os, random

def good(x):
    """
    >>> good(2)
    4
    """
    return 2 * x

def by_package(x):
    """
    >>> small.module.by_package(2)
    6
    """
    return 3 * x

def wrong(x):
    """
    >>> wrong(2)
    5
    """
    return 4 * x

def not_called(x):
    """
    >>> 1 + 1
    2
    """
    return 5 * x

def by_chance(x):
    """
    >>> by_chance(2) == by_chance(3)
    True
    """
    return random.random() * x

def ends_the_process(x):
    """
    >>> ends_the_process(0)
    """
    os._exit(0 * x)

def last(x):
    """
    >>> last(2)
    14
    """
    return 7 * x
'''
SMALL = Package("small", "1", "0" * 64, "MIT", "small", ())
OTHER = Package("other", "1", "1" * 64, "MIT", "other", ())
RECIPES = Package("more-itertools", "1", "2" * 64, "MIT", "more-itertools", ())


@pytest.fixture
def cache_dir(tmp_path: Path) -> Path:
    """A cache as if three wheels had been unpacked: one of ours, one with a copy of the third, and the third."""
    written = {
        "small-1/small/__init__.py": "",
        "small-1/small/module.py": MODULE,
        "small-1/small/broken.py": f"import not_there\n{MODULE}".replace("* x", "+ x"),
        "small-1/small/tests/test_it.py": MODULE.replace("* x", "- x"),
    }
    for name, text in written.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    installed = Path(str(more_itertools.__file__)).parent
    for name in ("more-itertools-1/more_itertools", "other-1/other/_vendor/more_itertools"):
        (tmp_path / name).mkdir(parents=True)
        shutil.copy(installed / "recipes.py", tmp_path / name / "recipes.py")
        (tmp_path / name / "__init__.py").write_text("")
    return tmp_path


def collected(cache_dir: Path, *packages: Package) -> tuple[list[Candidate], dict[str, list[str]]]:
    reasons: dict[str, list[str]] = {}

    def done(candidate: Candidate, reason: str) -> None:
        reasons.setdefault(reason, []).append(f"{candidate.module_path}:{candidate.function.name}")

    return collect({package.key: package for package in packages}, cache_dir, 2, done), reasons


@needs_sandbox
def test_taken_is_what_passes_as_it_is_and_fails_without_its_body(cache_dir: Path) -> None:
    _, reasons = collected(cache_dir, SMALL)
    assert set(reasons["taken"]) == {f"small/module.py:{name}" for name in ("good", "by_package", "last")}
    assert reasons["stub passes"] == ["small/module.py:not_called"]
    lost = {name.rpartition(":")[2] for name in reasons["original does not pass"] if name.startswith("small/module")}
    assert lost == {"wrong", "by_chance", "ends_the_process"}
    assert {name.partition(":")[0] for names in reasons.values() for name in names} == {
        "small/module.py",
        "small/broken.py",
    }


@needs_sandbox
def test_body_that_stands_in_two_families_is_in_neither_half(cache_dir: Path) -> None:
    taken, reasons = collected(cache_dir, OTHER, RECIPES)
    assert taken == []
    assert set(reasons) == {"copy"}
    assert len(reasons["copy"]) > 20


@needs_sandbox
def test_table_has_a_row_for_each_function_taken(cache_dir: Path) -> None:
    taken, _ = collected(cache_dir, SMALL)
    write_functions(taken, cache_dir / "functions.csv")
    with (cache_dir / "functions.csv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    assert rows
    assert [row["name"] for row in rows] == [each.function.name for each in taken]


@needs_sandbox
def test_process_that_ends_early_costs_one_function(cache_dir: Path) -> None:
    documented = [("a", ">>> 1\n1"), ("b", ">>> import os; os._exit(0)"), ("c", ">>> 2\n2"), ("d", ">>> 2\n3")]
    assert passing((cache_dir / "small-1",), "small/module.py", documented) == [True, False, True, False]
    assert passing((cache_dir / "small-1",), "small/broken.py", documented) == [False] * 4
