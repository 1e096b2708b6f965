"""Judging a module's text by the doctests of one function, on packages that are installed here."""

from __future__ import annotations

from pathlib import Path

import more_itertools
import pytest
from sandboxed import needs_sandbox

from halfwatt.router_model.labelling.doctest_functions import DoctestFunction, doctest_functions
from halfwatt.router_model.labelling.doctest_judge import DoctestVerdict, module_name
from halfwatt.router_model.labelling.doctest_tasks import DoctestTask, passes
from halfwatt.router_model.sandbox.sandbox import SandboxFiles, SandboxLimits, run_beside

FOLDER = Path(str(more_itertools.__file__)).parent.parent
MODULE = "more_itertools/recipes.py"
ORIGINAL = (FOLDER / MODULE).read_text(encoding="utf-8")


def functions() -> dict[str, DoctestFunction]:
    return {function.name: function for function in doctest_functions(ORIGINAL)}


@pytest.fixture
def task() -> DoctestTask:
    """`quantify` of more-itertools: how many elements fulfil a condition."""
    function = functions()["quantify"]
    return DoctestTask("more-itertools/quantify", "more-itertools", "train", (FOLDER,), MODULE, ORIGINAL, function)


@needs_sandbox
def test_original_passes_and_its_stub_fails(task: DoctestTask) -> None:
    assert passes(task, task.original) is DoctestVerdict.PASSED
    assert passes(task, task.text) is DoctestVerdict.FAILED


@needs_sandbox
@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        ("    return len([each for each in iterable if pred(each)])", DoctestVerdict.PASSED),
        ("    return 0", DoctestVerdict.FAILED),
        ("    raise SystemExit(0)", DoctestVerdict.FAILED),
        ("    import os\n    os._exit(0)", DoctestVerdict.CRASHED),
        ("    return [each for", DoctestVerdict.CRASHED),
        ("    import ctypes\n    ctypes.string_at(0)", DoctestVerdict.CRASHED),
        ("    import socket\n    socket.create_connection(('127.0.0.1', 9), 1)", DoctestVerdict.FAILED),
        ("    open(__file__, 'w')", DoctestVerdict.FAILED),
        ("    return bytearray(4 << 30)", DoctestVerdict.FAILED),
    ],
    ids=["another right one", "wrong", "exit", "early end", "no Python", "signal", "network", "write", "memory"],
)
def test_verdict_says_how_a_body_did(task: DoctestTask, body: str, verdict: DoctestVerdict) -> None:
    assert passes(task, task.with_body(body)) is verdict


@needs_sandbox
def test_endless_loop_times_out() -> None:
    for limits in (SandboxLimits(cpu_s=1), SandboxLimits(wall_s=1)):
        run = run_beside("while True: pass", SandboxFiles(), limits)
        assert (run.reached_end, run.timed_out) == (False, True)


@needs_sandbox
def test_text_without_the_examples_cannot_pass(task: DoctestTask) -> None:
    assert passes(task, "def quantify(iterable, pred=bool):\n    return 0\n") is not DoctestVerdict.PASSED


@needs_sandbox
def test_other_text_is_seen_only_by_its_own_run(task: DoctestTask, tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("X = 1\n")
    program = "import sys\nsys.path.insert(0, '/packages')\nimport one\nassert one.X == {}"
    folders = {"/packages": tmp_path}
    assert run_beside(program.format(2), SandboxFiles(folders, {"/packages/one.py": "X = 2\n"})).reached_end
    assert run_beside(program.format(1), SandboxFiles(folders)).reached_end
    assert (tmp_path / "one.py").read_text() == "X = 1\n"


def test_module_name_is_that_of_an_import() -> None:
    assert [module_name(each) for each in ("a/b.py", "a/__init__.py", "a.py")] == ["a.b", "a", "a"]
