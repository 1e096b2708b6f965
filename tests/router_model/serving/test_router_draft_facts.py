"""What a draft shows of itself: does it parse, do the docstring's examples hold in the sandbox?"""

from __future__ import annotations

import pytest
from sandboxed import needs_sandbox

from halfwatt.router_model.errors import SandboxUnavailable
from halfwatt.router_model.serving import draft_facts
from halfwatt.router_model.serving.draft_facts import DraftFacts, examples_of, examples_pass, facts_of, parses

STUB = (
    'def add(a, b):\n    """Sum.\n\n    >>> add(1, 2)\n    3\n    >>> add("a",\n    ...     "b")\n    \'ab\'\n    """\n'
)


@pytest.mark.parametrize("code", ["x = 1", "    return a + b", "return a", "def f():\n    pass", "async def f(): ..."])
def test_statements_and_bare_bodies_parse(code: str) -> None:
    assert parses(code)


@pytest.mark.parametrize("code", ["def f(:", "def f():\n    return (1", "Here is your code", "x" + "(" * 5000])
def test_cut_or_foreign_text_does_not_parse(code: str) -> None:
    assert not parses(code)


def test_of_other_languages_nothing_is_said() -> None:
    assert facts_of(STUB, "function add(a, b) {", "javascript", run_examples=True) == DraftFacts()


@needs_sandbox
@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("def add(a, b):\n    return a + b", True),
        ("    return a + b", True),
        ("return a + b", True),
        ("def add(a, b):\n    return a - b", False),
        ("def add(a, b):\n    import time\n    time.sleep(60)", False),
        ("def add(a, b):\n    return helper(a, b)", None),
        ("import missing_module\ndef add(a, b):\n    return a + b", False),
    ],
)
def test_examples_hold_fail_or_say_nothing(code: str, expected: bool | None) -> None:
    assert examples_pass(STUB, code) is expected


@needs_sandbox
@pytest.mark.parametrize(
    ("name", "value"),
    [("runner", "None"), ("failures", "[]"), ("doctest", "None"), ("any", "lambda each: False"), ("len", "None")],
)
def test_names_of_the_draft_do_not_reach_the_judge(name: str, value: str) -> None:
    assert examples_pass(STUB, f"{name} = {value}\ndef add(a, b):\n    return a - b") is False
    assert examples_pass(STUB, f"{name} = {value}\ndef add(a, b):\n    return a + b") is True


@needs_sandbox
@pytest.mark.parametrize(
    "last_words",
    ["raise SystemExit", "import os; os._exit(0)", "import sys; sys.exit(0)", "import os; os.kill(os.getpid(), 9)"],
)
def test_code_that_ends_before_its_examples_ran_does_not_pass(last_words: str) -> None:
    assert examples_pass(STUB, f"def add(a, b):\n    return a + b\n{last_words}") is False


@needs_sandbox
def test_skipped_examples_say_nothing() -> None:
    asked = 'def add(a, b):\n    """\n    >>> add(1, 2)  # doctest: +SKIP\n    3\n    """\n'
    assert examples_pass(asked, "def add(a, b):\n    return a + b") is None


def test_examples_that_expect_nothing_are_none() -> None:
    assert examples_of('def f():\n    """\n    >>> x = f()\n    """\n') == ""
    assert examples_of('def f():\n    """\n    >>> assert f() == 1\n    """\n') != ""


def test_one_lucky_run_is_no_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([True, False, False])
    monkeypatch.setattr(draft_facts, "runs_to_its_end", lambda *_: next(answers))
    assert examples_pass(STUB, "def add(a, b):\n    return a + b") is False


@needs_sandbox
def test_examples_of_a_comment_count_too() -> None:
    asked = "# Sum of a and b.\n# >>> add(1, 2)\n# 3\ndef add(a, b):"
    assert examples_pass(asked, "def add(a, b):\n    return a + b") is True


@needs_sandbox
def test_examples_cannot_reach_files_of_the_user(tmp_path_factory: pytest.TempPathFactory) -> None:
    secret = tmp_path_factory.mktemp("home") / "secret"
    secret.write_text("x")
    asked = 'def look():\n    """\n    >>> look()\n    \'x\'\n    """\n'
    assert examples_pass(asked, f"def look():\n    return open({str(secret)!r}).read()") is False


def test_without_examples_nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draft_facts, "runs_to_its_end", lambda *_: pytest.fail("ran"))
    assert examples_pass("def add(a, b):", "def add(a, b): ...") is None


def test_without_a_sandbox_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> bool:
        raise SandboxUnavailable("none here")

    monkeypatch.setattr(draft_facts, "runs_to_its_end", refuse)
    assert examples_pass(STUB, "def add(a, b):\n    return a + b") is None


def test_examples_end_where_the_docstring_or_comment_ends() -> None:
    assert examples_of(STUB).splitlines()[-1] == "'ab'"
    assert "def" not in examples_of("# >>> f(1)\n# 2\ndef f(x):")
