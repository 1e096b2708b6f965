"""Stubs in texts that nobody meant to write: a right edit, or a sentence. Never a traceback, and never slow."""

from __future__ import annotations

import pytest

from halfwatt.daemon.code import languages
from halfwatt.daemon.code.edits import apply
from halfwatt.daemon.code.syntax import Source
from halfwatt.daemon.code.targets import stubs
from halfwatt.lsp.generate.fit import fit

CLASS = "class A:\n    x = 1\n\n    def f(self, a):\n        pass\n\n    def g(self):\n        return 1\n"
METHOD = "class A {\n  f(a: number) {\n    // TODO\n  }\n\n  g() { return 1; }\n}\n"
ANSWERS = {
    "python": "```python\ndef f(self, a):\n    if a:\n        return a + 1\n    return 2\n```",
    "typescript": "```ts\nf(a: number) {\n  if (a) {\n    return a + 1;\n  }\n  return 2;\n}\n```",
}
BODIES = {
    "python": "if a:\n            return a + 1\n        return 2",
    "typescript": "if (a) {\n      return a + 1;\n    }\n    return 2;",
}
# what is odd, language, text, what stands in the place of the body
FILLED = [
    ("byte order mark", "python", "\ufeff" + CLASS, "pass"),
    ("form feed", "python", "import os\n\f\n" + CLASS, "pass"),
    ("unclosed bracket above", "python", "x = (\n\n" + CLASS, "pass"),
    ("unclosed class above", "python", "class B(:\n    def h(self):\n        return 1\n\n" + CLASS, "pass"),
    ("broken below", "python", CLASS + "\n    def h(self:\n        return (\n", "pass"),
    ("unclosed string below", "python", CLASS + '\n    z = """abc\n', "pass"),
    ("merge conflict", "python", f"<<<<<<< HEAD\n{CLASS}=======\nx\n>>>>>>> b\n", "pass"),
    ("Python 2", "python", f"print 'a'\n{CLASS}exec 'x'\n", "pass"),
    ("half-typed signature", "python", CLASS.replace("self, a", "self, a, ="), "pass"),
    ("continued line", "python", CLASS.replace("self, a", "self, \\\n          a"), "pass"),
    ("two of one name", "python", CLASS + "\n    def f(self, a):\n        return 3\n", "pass"),
    ("only a comment", "python", CLASS.replace("pass", "# TODO: add"), "# TODO: add"),
    ("unclosed class", "typescript", METHOD[:-2], "// TODO"),
    ("broken class above", "typescript", "class B {\n  h() {\n    if (x) {\n  }\n}\n\n" + METHOD, "// TODO"),
    ("half-typed parameters", "typescript", METHOD.replace("number)", "number"), "// TODO"),
]


@pytest.mark.parametrize(("odd", "language", "text", "stub"), FILLED, ids=[row[0] for row in FILLED])
def test_stub_in_an_odd_text_is_filled_and_the_rest_stays(odd: str, language: str, text: str, stub: str) -> None:
    assert filled(text, language) == text.replace(stub, BODIES[language], 1)


@pytest.mark.parametrize(("language", "text"), [("python", CLASS), ("typescript", METHOD)])
@pytest.mark.parametrize("line_end", ["\r", "\r\n"])
def test_line_ends_of_the_file_are_kept(language: str, text: str, line_end: str) -> None:
    stub = "pass" if language == "python" else "// TODO"
    assert filled(text.replace("\n", line_end), language) == text.replace(stub, BODIES[language]).replace(
        "\n", line_end
    )


# text, text afterwards
ONE_LINE = [
    ('def f(self, a): "Doc."\n', 'def f(self, a):\n    "Doc."\n    if a:\n        return a + 1\n    return 2\n'),
    ("def f(self, a): pass; pass\n", "def f(self, a):\n    if a:\n        return a + 1\n    return 2\n"),
    ("def f(self, a):", "def f(self, a):\n    if a:\n        return a + 1\n    return 2"),
    ("def f(self, a):\n    # Adds.\n", "def f(self, a):\n    # Adds.\n    if a:\n        return a + 1\n    return 2\n"),
    (
        "class A:\n        def f(self, a):\n        \tpass\n",
        "class A:\n        def f(self, a):\n        \tif a:\n        \t    return a + 1\n        \treturn 2\n",
    ),
]


@pytest.mark.parametrize(("text", "expected"), ONE_LINE)
def test_body_gets_lines_of_its_own(text: str, expected: str) -> None:
    assert filled(text, "python") == expected


def test_method_of_a_class_with_5000_lines_is_filled() -> None:
    """The work grows with the text and not with its square: each part of the tree is walked a few times."""
    methods = "".join(f"    def m{n}(self, a):\n        # é {n}\n        return self.m{n}(a)\n\n" for n in range(1250))
    text = f"class A:\n{methods}    def f(self, a):\n        pass\n"
    assert filled(text, "python") == text.replace("        pass", "        " + BODIES["python"])


def filled(text: str, language: str) -> str:
    known = languages.for_id(language)
    assert known is not None
    source = Source(text, known)
    return apply(text, fit(source, stubs(source)[0], ANSWERS[language]).edits)
