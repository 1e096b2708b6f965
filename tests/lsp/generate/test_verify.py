"""The invariant: what an edit may do to a file, whatever the answer was. `¦` marks the cursor in the file.

The edits are written by hand here: most are such as no reader of answers should make.
"""

from __future__ import annotations

import pytest

from halfwatt.daemon.code import languages
from halfwatt.daemon.code.edits import Edit
from halfwatt.daemon.code.syntax import Source
from halfwatt.daemon.code.targets import Target, find
from halfwatt.daemon.errors import AnswerError
from halfwatt.lsp.generate import refusals
from halfwatt.lsp.generate.verify import verify

PYTHON = "import os\n\n\nclass A:\n    def f(self):\n        pass¦\n\n    def g(self):\n        return 1\n"
JAVA = "class A {\n  int n = 1;\n  int f(int a) {\n    // TODO¦\n  }\n  int f(String a) { return 2; }\n}\n"
CLOSES_CLASS = "\n    return a;\n  }\n}\nclass B {\n  int f(int a) {\n  return 1;\n"
BROKEN = PYTHON + "\nx = (\n"


def verified(language: str, marked: str, body: str, *others: tuple[str, str]) -> str:
    """The text after the body has been put in and each of `others` (before what, text) has been inserted."""
    known = languages.for_id(language)
    assert known is not None
    source = Source(marked.replace("¦", "", 1), known)
    target = find(source, marked.index("¦"))
    assert isinstance(target, Target)
    main = Edit(target.start, target.end, body)
    places = [(source.text.index(before) if before else len(source.text), text) for before, text in others]
    edits = sorted([main, *(Edit(at, at, text) for at, text in places)], key=lambda it: it.start)
    return verify(source, target, tuple(edits), main).text


ALLOWED = [
    ("python", PYTHON, "\n        return 2", []),
    ("python", PYTHON, "\n        return sys.path", [("\n\n\nclass", "\nimport sys")]),
    ("python", PYTHON, "\n        return h()", [("class A", "def h():\n    return 1\n\n\n")]),
    ("python", PYTHON, "\n        return self._h()", [("    def f", "    def _h(self):\n        return 1\n\n")]),
    ("python", PYTHON, "\n        def g():\n            return 1\n\n        return g()", []),
    ("python", BROKEN, "\n        return 2", []),
    ("java", JAVA, "\n    return a + n;\n  ", []),
    ("java", JAVA, "\n    return f(a, 1);\n  ", [("  int f(String", "  int f(int a, int b) { return a + b; }\n")]),
    ("go", 'package a\n\nimport (\n\t"fmt"\n)\n\nfunc F() {¦}\n', "\n\tfmt.Print(os.Args)\n", [(")\n", '\t"os"\n')]),
]


@pytest.mark.parametrize(("language", "marked", "body", "others"), ALLOWED)
def test_body_imports_and_new_names_are_allowed(
    language: str, marked: str, body: str, others: list[tuple[str, str]]
) -> None:
    text = verified(language, marked, body, *others)
    assert body in text
    assert all(other in text for _, other in others)


# what is wrong, language, marked file, body, other insertions, sentence
BREACHES = [
    ("no body", "python", PYTHON, "\n        ...", [], refusals.EMPTY),
    ("only a comment", "python", PYTHON, "\n        # TODO: do it\n        pass", [], refusals.EMPTY),
    ("syntax", "python", PYTHON, "\n        return (", [], refusals.UNPARSABLE),
    ("only Python itself objects", "python", PYTHON, "\n        x = yield = 2", [], refusals.UNPARSABLE),
    ("body ends too early", "python", PYTHON, "\n        return 2\n\n    def h(self):\n        return 3", [], None),
    ("body closes the class", "java", JAVA, CLOSES_CLASS, [], None),
    (
        "method twice",
        "python",
        PYTHON,
        "\n        return 2",
        [("    def f", "    def g(self):\n        return 3\n\n")],
        refusals.REPEATED,
    ),
    (
        "overload twice",
        "java",
        JAVA,
        "\n    return a;\n  ",
        [("  int f(String", "  int f(String a) { return 3; }\n")],
        refusals.REPEATED,
    ),
    ("field twice", "java", JAVA, "\n    return a;\n  ", [("  int f(String", "  int n = 2;\n")], refusals.REPEATED),
    (
        "class twice",
        "python",
        PYTHON,
        "\n        return 2",
        [("class A", "class A:\n    x = 1\n\n\n")],
        refusals.REPEATED,
    ),
    ("new stub", "python", PYTHON, "\n        return h()", [("class A", "def h():\n    ...\n\n\n")], refusals.EMPTY),
    ("statement", "python", PYTHON, "\n        return 2", [("class A", "print(1)\n")], refusals.ELSEWHERE),
    (
        "other method changed",
        "python",
        PYTHON,
        "\n        return 2",
        [("        return 1", "        x = 1\n")],
        refusals.ELSEWHERE,
    ),
    (
        "broken file, stubs added",
        "python",
        BROKEN,
        "\n        return 2",
        [("class A", "def h(a):\n    ...\n\n\n")],
        refusals.EMPTY,
    ),
    (
        "broken file, method twice",
        "python",
        BROKEN,
        "\n        return 2",
        [("    def f", "    def g(self):\n        return 3\n\n")],
        refusals.REPEATED,
    ),
    ("broken file, syntax", "python", BROKEN, "\n        return 2 +", [], refusals.UNPARSABLE),
    ("broken file, only Python objects", "python", BROKEN, "\n        x = yield = 2", [], refusals.UNPARSABLE),
]


@pytest.mark.parametrize(
    ("wrong", "language", "marked", "body", "others", "sentence"), BREACHES, ids=[row[0] for row in BREACHES]
)
def test_breach_is_refused_with_a_sentence(
    wrong: str, language: str, marked: str, body: str, others: list[tuple[str, str]], sentence: str | None
) -> None:
    with pytest.raises(AnswerError) as caught:
        verified(language, marked, body, *others)
    assert sentence in (None, str(caught.value))
    assert "nothing was changed" in str(caught.value)


def test_edit_outside_the_target_is_refused() -> None:
    python = languages.for_id("python")
    assert python is not None
    source = Source(PYTHON.replace("¦", ""), python)
    target = find(source, PYTHON.index("¦"))
    assert isinstance(target, Target)
    at = source.text.index("return 1")
    main = Edit(at, at + len("return 1"), "return 2")
    with pytest.raises(AnswerError, match="more of the file"):
        verify(source, target, (main,), main)
