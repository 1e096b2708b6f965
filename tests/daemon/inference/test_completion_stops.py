"""The `statement` stop: a ghost-text answer ends with the statement at the cursor, however the text arrives."""

from __future__ import annotations

import pytest

from halfwatt.daemon.inference.stops import Stopper

CASES = [
    ("x = ", "foo(a)\ny = 1\n", "foo(a)"),
    ("x = ", "dict(\n    a=1,\n)\ny = 2", "dict(\n    a=1,\n)"),
    ("import csv", "\nimport json\n", ""),
    ("    ", "return 1\n    y = 2", "return 1"),
    ("    ", "    return 1\n    y = 2", "    return 1"),
    ("    ", "for x in xs:\n        print(x)\n        y\n    return 1\n", "for x in xs:\n        print(x)\n        y"),
    ("    ", "if (a) {\n        b();\n    }\n    c();\n", "if (a) {\n        b();\n    }"),
    ("", "\n\ndef f(x):\n    return 1\n\ndef g", "\n\ndef f(x):\n    return 1"),
]


@pytest.mark.parametrize(("before", "answer", "expected"), CASES)
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_answer_ends_with_the_statement(before: str, answer: str, expected: str, size: int) -> None:
    stopper = Stopper(("statement",), before=before)
    shown = ""
    for at in range(0, len(answer), size):
        shown += stopper.feed(answer[at : at + size])
    assert stopper.reason == "statement"
    assert shown.rstrip("\n") == expected


def test_answer_that_ends_by_itself_is_whole() -> None:
    stopper = Stopper(("statement",), before="x = ")
    assert stopper.feed("foo(a)") + stopper.finish() == "foo(a)"
