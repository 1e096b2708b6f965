"""The bench of functions sees damage: what a written file may differ in, and what not."""

from __future__ import annotations

from pathlib import Path

import more_itertools
import pytest
from bench.functions.attempts import parses, rest_is_kept, workspace

from halfwatt.router_model.labelling.doctest_functions import doctest_functions
from halfwatt.router_model.labelling.doctest_tasks import DoctestTask

MODULE = "more_itertools/recipes.py"


@pytest.fixture
def task(tmp_path: Path) -> DoctestTask:
    """`quantify` of the more-itertools that is installed here, in a folder of its own."""
    installed = Path(str(more_itertools.__file__)).parent
    (tmp_path / "package" / "more_itertools").mkdir(parents=True)
    for path in installed.glob("*.py"):
        (tmp_path / "package" / "more_itertools" / path.name).write_bytes(path.read_bytes())
    original = (installed / "recipes.py").read_text(encoding="utf-8")
    function = next(each for each in doctest_functions(original) if each.name == "quantify")
    return DoctestTask("quantify", "more-itertools", "train", (tmp_path / "package",), MODULE, original, function)


@pytest.mark.parametrize(
    ("old", "new", "kept"),
    [
        ("raise NotImplementedError", "return 1", True),
        ("\nfrom itertools import", "\nimport json\nfrom itertools import", True),
        ("\ndef quantify(", "\ndef counted(xs):\n    return 1\n\n\ndef quantify(", True),
        ("\ndef quantify(", "\ndef take(n, iterable):\n    return 1\n\n\ndef quantify(", False),
        ("def quantify(iterable, ", "def quantify(items, ", False),
        ("return list(islice(iterable, n))", "...", False),
        ("\n    return list(islice(iterable, n))", "\n    pass\n    return list(islice(iterable, n))", False),
    ],
    ids=["body", "import", "helper", "second of a name", "signature", "other body", "statement added"],
)
def test_only_body_imports_and_new_names_may_differ(task: DoctestTask, old: str, new: str, kept: bool) -> None:
    assert old in task.text
    text = task.text.replace(old, new, 1)
    assert parses(text)
    assert rest_is_kept(task, text) is kept


def test_workspace_has_the_stub_and_leaves_the_package_as_it_is(task: DoctestTask, tmp_path: Path) -> None:
    with workspace(task, tmp_path) as folder:
        (folder / MODULE).write_text("changed")
        (folder / "more_itertools" / "__init__.py").unlink()
    assert (task.folders[0] / MODULE).read_text(encoding="utf-8") == task.original
    assert (task.folders[0] / "more_itertools" / "__init__.py").exists()
