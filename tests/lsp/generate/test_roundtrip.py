"""Real functions of the environment's own packages: taken out, given back as a model's answer, and compared.

`make bench-generate` does the same with thousands of functions in more languages.
"""

from __future__ import annotations

from functools import partial

import pytest
from bench.roundtrip import packages, report, selection, trial
from bench.roundtrip.judge import Verdict, judge, place
from bench.roundtrip.stubs import Stubbed

from halfwatt.daemon.code import languages
from halfwatt.daemon.code.edits import Edit
from halfwatt.daemon.code.syntax import Source

N_FUNCTIONS = 100
N_SHAPES = 4  # of all, others for each function
EQUAL_AT_LEAST = 0.97


def test_original_bodies_come_back_and_nothing_else_changes() -> None:
    read = partial(map, selection.functions_in)
    functions = selection.choose(packages.installed(), N_FUNCTIONS, read, most_bytes=16_000)
    outcomes = [outcome for it in functions for outcome in trial.run(it, trial.some_shapes(it, N_SHAPES))]
    assert len(outcomes) >= 300
    assert [(it.id, it.reason) for it in report.damaged(outcomes)] == []
    failed = [(it.id, it.verdict, it.reason) for it in outcomes if it.verdict != "equal"]
    assert report.share_equal(outcomes) >= EQUAL_AT_LEAST, failed


ORIGINAL = "import os\n\n\ndef f(a):\n    if a:\n        a += 1\n    return a\n\n\ndef g():\n    return os.sep\n"
STUB = "import os\n\n\ndef f(a):\n    pass\n\n\ndef g():\n    return os.sep\n"
BODY = "\n    if a:\n        a += 1\n    return a"
AT, END = STUB.index("\n    pass"), STUB.index("\n\n\ndef g")
FILLED = Edit(AT, END, BODY)
SEP = STUB.index("sep")

JUDGED: list[tuple[str, list[Edit], Verdict]] = [
    ("the body", [FILLED], "equal"),
    ("other layout", [Edit(AT, END, BODY.replace("    ", "  "))], "equal"),
    ("other words", [Edit(AT, END, BODY.replace("1", "2"))], "different"),
    ("other nesting", [Edit(AT, END, BODY.replace("    return", "        return"))], "different"),
    ("other line ends", [Edit(AT, END, BODY.replace("\n", "\r\n"))], "different"),
    ("a part", [Edit(AT, END, "\n    return a")], "different"),
    ("another function changed", [FILLED, Edit(SEP, SEP + 3, "curdir")], "damage"),
    ("the last line end taken away", [FILLED, Edit(SEP + 3, len(STUB), "")], "damage"),
    ("a function again", [FILLED, Edit(END, END, "\n\n\ndef g():\n    return os.sep")], "different"),
    ("a function again, elsewhere", [FILLED, Edit(len(STUB), len(STUB), "\n\ndef g():\n    return 1\n")], "damage"),
    ("a needless import", [FILLED, Edit(10, 10, "import re\n")], "extra import"),
    ("one edit that leaves the rest as it was", [Edit(0, len(STUB), ORIGINAL)], "equal"),
    ("one edit that does not", [Edit(0, len(STUB), ORIGINAL.replace("sep", "curdir"))], "damage"),
]


@pytest.mark.parametrize(("edits", "verdict"), [row[1:] for row in JUDGED], ids=[row[0] for row in JUDGED])
def test_bench_sees_what_an_edit_changed(edits: list[Edit], verdict: Verdict) -> None:
    python = languages.for_id("python")
    assert python is not None
    original = Source(ORIGINAL, python)
    body = (ORIGINAL.index(BODY), ORIGINAL.index(BODY) + len(BODY))
    placed = place(Stubbed(STUB, AT, END, AT, "pass"), tuple(edits))
    assert judge(original, body, placed).verdict == verdict
