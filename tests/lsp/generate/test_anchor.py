"""Finding the target again after edits; `¦` marks the cursor in the older text."""

from __future__ import annotations

import pytest

from halfwatt.daemon.code import languages
from halfwatt.daemon.code.edits import Edit, apply
from halfwatt.daemon.code.syntax import Source
from halfwatt.daemon.code.targets import Target, find
from halfwatt.lsp.generate.anchor import diff, reanchor
from halfwatt.lsp.generate.fit import fit

OLD = "import os\n\ndef a():\n    return 1\n\ndef f(x):\n    pass¦\n\ndef b():\n    return 2\n"
ANSWER = "```python\ndef f(x):\n    return x\n```"
TWICE = "class A:\n    def f(self):\n        pass\n\nclass B:\n    def f(self):\n        pass¦\n"
COMMENT = "x = 1\n\n# Add one to¦ a number.\n\ny = 2\n"
CALL = "def a():\n    return f¦(1)\n"


def parse(text: str) -> Source:
    python = languages.for_id("python")
    assert python is not None
    return Source(text, python)


def moved(marked: str, new_text: str) -> tuple[Source, Target | None]:
    old = parse(marked.replace("¦", "", 1))
    target = find(old, marked.index("¦"))
    assert isinstance(target, Target)
    new = parse(new_text)
    return new, reanchor(old, target, new)


# older text, newer text
KEPT = [
    (OLD, OLD.replace("¦", "")),
    (OLD, "# typed above\n" + OLD.replace("¦", "")),
    (OLD, OLD.replace("¦", "") + "# typed below\n"),
    (OLD, "# both\n" + OLD.replace("¦", "") + "# sides\n"),
    (OLD, OLD.replace("¦", "").replace("return 1", "return 11").replace("return 2", "return (")),
    (TWICE, TWICE.replace("¦", "").replace("class A:", "class A:\n    x = 1")),
    (COMMENT, "z = 0\n" + COMMENT.replace("¦", "")),
    (CALL, "z = 0\n" + CALL.replace("¦", "")),
]


@pytest.mark.parametrize(("old", "new"), KEPT)
def test_text_typed_elsewhere_moves_the_target_and_is_kept(old: str, new: str) -> None:
    source, target = moved(old, new)
    assert target is not None
    result = apply(source.text, fit(source, target, ANSWER).edits) if old is OLD else new
    for line in new.splitlines():
        assert line in result or line == "    pass"


def test_same_function_in_another_class_is_not_taken() -> None:
    source, target = moved(TWICE, TWICE.replace("¦", "").replace("class A:", "class A:\n    y = 1"))
    assert target is not None
    assert target.owners == ("B",)
    assert source.text[target.outer_start :].startswith("def f(self):\n        pass\n")
    assert target.outer_start > source.text.index("class B")


# older text, newer text: the target itself was touched
LOST = [
    (OLD, OLD.replace("¦", "").replace("    pass", "    pass  # mine")),
    (OLD, OLD.replace("¦", "").replace("    pass", "    return x")),
    (OLD, OLD.replace("¦", "").replace("def f(x)", "def f(x, y)")),
    (OLD, OLD.replace("¦", "").replace("def f(x):\n    pass\n", "")),
    (OLD, OLD.replace("¦", "") + "\n\ndef f(x):\n    pass\n"),
    (OLD, ""),
    (COMMENT, COMMENT.replace("¦", "").replace("one", "two")),
    (CALL, CALL.replace("¦", "") + "def f(x): return x\n"),
]


@pytest.mark.parametrize(("old", "new"), LOST)
def test_touched_target_is_not_guessed(old: str, new: str) -> None:
    assert moved(old, new)[1] is None


def test_diff_shows_what_would_have_changed() -> None:
    text = diff("a b.py", "x = 1\ny = 2\n", (Edit(4, 5, "3"),))
    assert text == "--- a/a b.py\n+++ b/a b.py\n@@ -1,2 +1,2 @@\n-x = 1\n+x = 3\n y = 2\n"
