"""The tables of packages and functions: pinned, open, split by family, and free of text. Nothing is fetched."""

from __future__ import annotations

import csv
import zipfile
from collections import Counter
from pathlib import Path

import pytest

from halfwatt.router_model.errors import DataMissing
from halfwatt.router_model.labelling.collect_doctests import LARGEST_SHARE, MOST_PER_FAMILY
from halfwatt.router_model.labelling.doctest_functions import MOST_STATEMENTS
from halfwatt.router_model.labelling.doctest_tasks import FUNCTIONS_TABLE, half_of, load_doctest_tasks
from halfwatt.router_model.labelling.packages import Package, folders_of, load_packages, unpack
from halfwatt.router_model.labelling.pin_packages import merged

ABSENT = Package("halfwatt-is-not-there", "1.0", "0" * 64, "MIT", "absent", ())


def rows() -> list[dict[str, str]]:
    with FUNCTIONS_TABLE.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def families_of(half: str) -> Counter[str]:
    return Counter(load_packages()[row["package"]].family for row in rows() if row["half"] == half)


def test_there_are_enough_functions_in_both_halves() -> None:
    assert sum(map(len, map(families_of, ("train", "test")))) > 60
    assert families_of("test").total() >= 200
    assert families_of("train").total() + families_of("test").total() >= 600


@pytest.mark.parametrize("half", ["train", "test"])
def test_no_family_is_more_than_its_share_of_a_half(half: str) -> None:
    families = families_of(half)
    largest = families.most_common(1)[0][1]
    assert largest <= min(MOST_PER_FAMILY, LARGEST_SHARE * families.total())


def test_half_is_that_of_the_familys_name() -> None:
    assert [row["name"] for row in rows() if row["half"] != half_of(load_packages()[row["package"]].family)] == []


@pytest.mark.parametrize(
    ("family", "half"),
    [("more-itertools", "train"), ("babel", "train"), ("sympy", "test"), ("glom", "test"), ("jaraco", "test")],
)
def test_split_never_changes(family: str, half: str) -> None:
    assert half_of(family) == half


def test_no_function_and_no_body_stands_twice() -> None:
    assert max(Counter((row["package"], row["module"], row["name"]) for row in rows()).values()) == 1
    assert max(Counter(row["body_hash"] for row in rows()).values()) == 1


def test_table_of_functions_holds_names_and_numbers_only() -> None:
    for row in rows():
        assert 1 <= int(row["n_statements"]) <= MOST_STATEMENTS
        assert int(row["n_examples"]) >= 1
        assert int(row["line"]) >= 1
        assert int(row["body_hash"], 16) >= 0
        assert all(part.isidentifier() for part in row["name"].split("."))
        assert all(part.isidentifier() for part in row["module"].removesuffix(".py").split("/"))


def test_every_package_is_pinned_used_and_open() -> None:
    packages = load_packages()
    needed = {key for package in packages.values() for key in package.needs}
    collected = {package.key for package in packages.values() if package.family}
    assert collected == {row["package"] for row in rows()}
    assert needed <= packages.keys()
    assert packages.keys() == collected | needed
    assert {len(package.sha256) for package in packages.values()} == {64}
    assert [package.key for package in packages.values() if package.family and not package.licence] == []


def test_package_of_the_collection_keeps_version_and_family() -> None:
    old, new = Package("a", "1", "0", "MIT", "f", ("b-1",)), Package("a", "2", "1", "MIT", "a", ())
    needed = Package("b", "1", "2", "MIT", "", ())
    assert merged({old.key: old, needed.key: needed}, [new]) == [old, needed]
    assert merged({needed.key: needed}, [Package("b", "1", "2", "MIT", "b", ())])[0].family == "b"


def test_package_that_cannot_be_fetched_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(DataMissing, match=r"pip could not fetch halfwatt-is-not-there 1\.0: "):
        folders_of(ABSENT, {ABSENT.key: ABSENT}, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_function_that_is_not_as_the_table_says_is_a_sentence(tmp_path: Path) -> None:
    row = rows()[0]
    package = load_packages()[row["package"]]
    for key in (package.key, *package.needs):
        (tmp_path / key).mkdir()
    half = half_of(package.family)
    with pytest.raises(DataMissing, match="has no function"):
        load_doctest_tasks(half, tmp_path, distributions=[package.distribution])


def test_wheel_is_unpacked_below_its_folder_only_and_compiled(tmp_path: Path) -> None:
    wheel = tmp_path / "a.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("a/__init__.py", "raise SystemExit('was run')\n")
        archive.writestr("../../outside.py", "X = 1\n")
    unpack(wheel, tmp_path / "deep" / "er" / "a-1")
    assert not (tmp_path / "outside.py").exists()
    assert len(list((tmp_path / "deep" / "er" / "a-1").rglob("__init__*.pyc"))) == 1


def test_broken_wheel_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "a.whl").write_bytes(b"no archive")
    with pytest.raises(DataMissing, match=r"a\.whl could not be unpacked"):
        unpack(tmp_path / "a.whl", tmp_path / "a-1")
    assert not (tmp_path / "a-1").exists()
