"""Tasks from real packages: a function's body is missing in its module, and passing means that its doctests pass.

    tasks = load_doctest_tasks("test", cache_dir)
    passes(tasks[0], tasks[0].with_body("    return 1\\n")) is DoctestVerdict.PASSED

`data/doctest_functions.csv` names the functions by package, module and line, with a digest of the body and no text.
They were found and checked by `collect_doctests.py`. Packages are split into halves by a digest of their family's
name, once for all: nothing of a family in the test half may be trained on.
"""

import csv
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from halfwatt.daemon.code.languages import for_id
from halfwatt.daemon.code.syntax import Source
from halfwatt.daemon.code.targets import Target, find
from halfwatt.router_model.errors import DataMissing

from .doctest_functions import DoctestFunction, doctest_functions, stubbed
from .doctest_judge import DoctestVerdict, judge
from .packages import Package, folders_of, load_packages

FUNCTIONS_TABLE = Path(__file__).parent.parent / "data" / "doctest_functions.csv"
COLUMNS = ("package", "half", "module", "name", "line", "body_hash", "n_statements", "n_examples")
Half = Literal["train", "test"]


@dataclass(frozen=True)
class DoctestTask:
    """One function of one pinned package.

    `module_path` is relative to the first of `folders`, which are the unpacked package and what it needs. `original` is
    the module's own text; `text` is what an editor would show, with the stub.
    """

    task_id: str
    distribution: str
    half: Half
    folders: tuple[Path, ...]
    module_path: str
    original: str
    function: DoctestFunction

    @property
    def name(self) -> str:
        return self.function.name

    @property
    def text(self) -> str:
        return stubbed(self.original, self.function)

    @property
    def line(self) -> int:
        """The line of `def`, from 1; the stub's text has it at the same place."""
        return self.function.line

    @property
    def router_text(self) -> str:
        """What a router sees: signature and docstring, as serving takes them."""
        return target_in(self.text, self.function).router_text

    def with_body(self, body: str) -> str:
        """The module's text with these lines for the missing body."""
        function = self.function
        return f"{self.original[: function.body_start]}\n{body.rstrip()}{self.original[function.body_end :]}"


def half_of(family: str) -> Half:
    """The half of all packages of this family. Fixed: neither the text in front nor the rule may ever change."""
    digest = hashlib.sha256(f"halfwatt doctests/{family}".encode()).digest()
    return "test" if digest[0] % 2 else "train"


def load_doctest_tasks(
    half: Half, cache_dir: Path, table: Path = FUNCTIONS_TABLE, distributions: Sequence[str] = ()
) -> tuple[DoctestTask, ...]:
    """The tasks of one half in the table's order; packages that are not in the cache are fetched.

    `distributions`: only those. Raises `DataMissing` where a package cannot be had or is not as the table says.
    """
    return tuple(_tasks(half, cache_dir, table, distributions))


def passes(task: DoctestTask, module_text: str) -> DoctestVerdict:
    """Whether the function's doctests pass when the module has this text; blocks for up to 20 seconds."""
    function = task.function
    return judge(task.folders, task.module_path, function.name, function.docstring, module_text)


def target_in(text: str, function: DoctestFunction) -> Target:
    """The stub as the product finds it at the function's line. Raises `DataMissing` where it finds none."""
    language = for_id("python")
    assert language is not None  # noqa: S101  # the table of languages has Python
    target = find(Source(text, language), function.offset)
    if not isinstance(target, Target) or target.name != function.name.rpartition(".")[2]:
        raise DataMissing(f"The product finds no stub of {function.name} at its line.")
    return target


def _tasks(half: Half, cache_dir: Path, table: Path, distributions: Sequence[str]) -> Iterator[DoctestTask]:
    packages = load_packages()
    with table.open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            package = packages[row["package"]]
            if row["half"] == half and (not distributions or package.distribution in distributions):
                yield _task(row, package, half, folders_of(package, packages, cache_dir))


def _task(row: Mapping[str, str], package: Package, half: Half, folders: tuple[Path, ...]) -> DoctestTask:
    original, functions = _module(folders[0] / row["module"])
    function = functions.get(int(row["line"]))
    if function is None or (function.name, function.body_hash) != (row["name"], row["body_hash"]):
        raise DataMissing(f"{row['module']} of {package.key} has no function {row['name']} as the table has it.")
    task_id = f"{package.distribution}/{row['module']}:{row['name']}"
    return DoctestTask(task_id, package.distribution, half, folders, row["module"], original, function)


@cache
def _module(path: Path) -> tuple[str, Mapping[int, DoctestFunction]]:
    """A module's text and its functions by line."""
    text = read_module(path)
    return text, {function.line: function for function in doctest_functions(text or "")}


def read_module(path: Path) -> str:
    """A module's text with its own line ends; "" for what is not UTF-8."""
    try:
        return path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
