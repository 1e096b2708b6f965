"""What is read out of an answer, whatever it looks like. `¦` marks the cursor in the file."""

from __future__ import annotations

import pytest

from halfwatt.daemon.code import languages
from halfwatt.daemon.code.edits import apply
from halfwatt.daemon.code.syntax import Source
from halfwatt.daemon.code.targets import Target, find
from halfwatt.daemon.errors import AnswerError
from halfwatt.lsp.generate import refusals
from halfwatt.lsp.generate.fit import fit

FUNCTION = "def f(a):\n    pass¦\n"
METHOD = "class A:\n    def f(self, a):\n        pass¦\n\n    def g(self):\n        return 1\n"
RIGHT = "def f(a):\n    return a + 1\n"
DRAFT = "def f(a):\n    return a - 1\n"
DOCUMENTED = '```\ndef f(a):\n    """Add.\n\n    {}\n    f(1)\n    ```\n    """\n    return a + 1\n```\n'
TYPESCRIPT = "class A {\n  f(a: number) {\n    // TODO¦\n  }\n\n  g() {\n    return 1;\n  }\n}\n"


def filled(marked: str, language: str, answer: str, continued: bool = False) -> str:
    known = languages.for_id(language)
    assert known is not None
    source = Source(marked.replace("¦", "", 1), known)
    target = find(source, marked.index("¦"))
    assert isinstance(target, Target)
    return apply(source.text, fit(source, target, answer, continued).edits)


# what the answer is like, the answer; the function in it is always the one with + 1
LIKE = {
    "reasoning": f"<think>\n```python\n{DRAFT}```\n</think>\n\n```python\n{RIGHT}```\n",
    "reasoning that the template opened": f"```python\n{DRAFT}```\n</think>\n```python\n{RIGHT}```\n",
    "reasoning of another name": f"<thinking>\n```\n{DRAFT}```\n</thinking>{RIGHT}",
    "channels": f"<|channel|>analysis<|message|>{DRAFT}<|end|><|start|>assistant<|channel|>final<|message|>{RIGHT}",
    "the last of several blocks": f"First:\n```python\n{DRAFT}```\nBetter:\n```python\n{RIGHT}```\n",
    "the last that is complete": f"```python\n{RIGHT}```\nShorter:\n```python\ndef f(a):\n    return (a +\n```\n",
    "longer fence": f"````python\n{RIGHT}````\n",
    "tildes": f"~~~python\n{RIGHT}~~~\n",
    "fence in a list": "1. Do this:\n\n   ```python\n   def f(a):\n       return a + 1\n   ```\n",
    "fence in a quotation": "> ```python\n> def f(a):\n>     return a + 1\n> ```\n",
    "fence in a docstring": DOCUMENTED.format("```python"),
    "bare fence in a docstring": DOCUMENTED.format("```"),
    "example behind": f"```python\n{RIGHT}```\n\nUse it:\n\n```python\nprint(f(2))\n```\n",
    "renamed copy behind": f"```python\n{RIGHT}\n\ndef g(a):\n    return a - 1\n```\n",
    "CRLF": f"```python\n{RIGHT}```\n".replace("\n", "\r\n"),
    "CR": f"```python\n{RIGHT}```\n".replace("\n", "\r"),
    "tabs": "```python\ndef f(a):\n\treturn a + 1\n```\n",
    "a class around it": "```python\nclass Solution:\n    def f(a):\n        return a + 1\n```\n",
    "body": "```python\nreturn a + 1\n```\n",
    "body, indented": "```python\n        return a + 1\n```\n",
    "body without a fence": "    return a + 1\n",
}


@pytest.mark.parametrize("answer", LIKE.values(), ids=LIKE.keys())
def test_function_is_found_in_whatever_surrounds_it(answer: str) -> None:
    assert filled(FUNCTION, "python", answer) == FUNCTION.replace("pass¦", "return a + 1")


# language, marked file, answer, what the stub becomes; what else the file holds must stay
GETTER = "class A:\n    @property\n    def x(self):\n        return self._x\n"
PROPERTY = GETTER + "\n    @x.setter\n    def x(self, v):\n        pass¦\n"
OVERLOADS = "class A {\n  int f(String a) { return 2; }\n  int f(int a) {\n    // TODO¦\n  }\n}\n"
BASE = "class B:\n    def _h(self):\n        return 1\n\n\nclass A(B):\n    def f(self):\n        pass¦\n"
CHOSEN = [
    ("python", PROPERTY, PROPERTY.replace("pass¦", "self._x = v"), "pass¦", "self._x = v"),
    ("java", OVERLOADS, OVERLOADS.replace("// TODO¦", "return a;"), "// TODO¦", "return a;"),
    ("java", OVERLOADS, "int f(int a) {\n  return a;\n}\nint f(String a) {\n  return 3;\n}\n", "// TODO¦", "return a;"),
    (
        "python",
        "class A:\n    def f(self):\n        pass¦\n\n\nclass B:\n    def f(self):\n        return 2\n",
        "class A:\n    def f(self):\n        return 1\n\n\nclass B:\n    def f(self):\n        return 2\n",
        "pass¦",
        "return 1",
    ),
    (
        "rust",
        "impl A for V {\n    fn f(&self) { todo!()¦ }\n}\nimpl B for V {\n    fn f(&self) { g(2) }\n}\n",
        "impl A for V {\n    fn f(&self) { g(1) }\n}\nimpl B for V {\n    fn f(&self) { g(2) }\n}\n",
        "{ todo!()¦ }",
        "{\n        g(1)\n    }",
    ),
    (
        "go",
        "package a\n\nfunc (t *T) F() int {\n\t// TODO¦\n}\n\nfunc (u U) F() int {\n\treturn 2\n}\n",
        "package a\n\nfunc (t *T) F() int {\n\treturn 1\n}\n\nfunc (u U) F() int {\n\treturn 2\n}\n",
        "// TODO¦",
        "return 1",
    ),
    (
        "cpp",
        "int A::f() {\n  // TODO¦\n}\nint B::f() {\n  return 2;\n}\n",
        "int A::f() {\n  return 1;\n}\nint B::f() {\n  return 2;\n}\n",
        "// TODO¦",
        "return 1;",
    ),
    (
        "javascript",
        "class A {\n  static of(a) {\n    // TODO¦\n  }\n  of(a) {\n    return 2;\n  }\n}\n",
        "class A {\n  static of(a) {\n    return 1;\n  }\n  of(a) {\n    return 2;\n  }\n}\n",
        "// TODO¦",
        "return 1;",
    ),
    (
        "python",
        BASE,
        "class A(B):\n    def _h(self):\n        return 2\n\n    def f(self):\n        return self._h()\n",
        "pass¦",
        "return self._h()",
    ),
    (
        "javascript",
        "const api = {\n  f: (a) => {\n    // TODO¦\n  },\n  g: 1,\n};\n",
        "f: (a) => {\n  return a;\n}\n\n\nfunction g(a) {\n  return 2;\n}\n",
        "// TODO¦",
        "return a;",
    ),
    (
        "javascript",
        "import b from 'b';\n\nclass A {\n  f(a) {\n    // TODO¦\n  }\n}\n",
        "import c from 'c';\n\n\nf(a) {\n  return a;\n}\n",
        "// TODO¦",
        "return a;",
    ),
    (
        "java",
        "class A {\n  native int h(int a);\n\n  int f(int a) {\n    // TODO¦\n  }\n}\n",
        "class A {\n  native int h(int a);\n\n  int f(int a) {\n    return h(a);\n  }\n}\n",
        "// TODO¦",
        "return h(a);",
    ),
    (
        "c",
        "#if A\nint f(void) {\n  // TODO¦\n}\n#else\nint f(void) {\n  return 2;\n}\n#endif\n",
        "#if A\nint f(void) {\n  return 1;\n}\n#else\nint f(void) {\n  return 2;\n}\n#endif\n",
        "// TODO¦",
        "return 1;",
    ),
    (
        "python",
        "class A:\n    def g(self):\n        n = 1\n\n        def f(a):\n            pass¦\n\n        return f(n)\n",
        "class A:\n    def h(self):\n        return 1\n\n    def g(self):\n        n = 1\n\n        def f(a):\n"
        "            return a + n\n\n        return f(n)\n",
        "pass¦",
        "return a + n",
    ),
    (
        "rust",
        "impl A for V {\n    fn f() -> bool {\n        todo!()¦\n    }\n}\n",
        "```rust\ntrue\n```",
        "todo!()¦",
        "true",
    ),
    (
        "python",
        FUNCTION,
        "def f(a):\n    n = a\n    return n\n\n\nn = f(3)\nprint(n)\n",
        "pass¦",
        "n = a\n    return n",
    ),
]


@pytest.mark.parametrize(("language", "marked", "answer", "stub", "body"), CHOSEN)
def test_declaration_that_is_the_target_is_taken_and_nothing_else(
    language: str, marked: str, answer: str, stub: str, body: str
) -> None:
    assert filled(marked, language, answer) == marked.replace(stub, body)


# language, marked file, continuation, what the stub becomes
CONTINUED = [
    ("python", METHOD, "        return a + 1\n", "return a + 1"),
    (
        "python",
        METHOD,
        "        if a:\n            return 1\n        return 2\n\n    def h(self):\n        return 3\n",
        "if a:\n            return 1\n        return 2",
    ),
    ("python", METHOD, "        return a + 1\n```\nThis adds one.", "return a + 1"),
    (
        "python",
        METHOD,
        '        s = """\n```\nx\n"""\n        return s\n```\n',
        's = """\n```\nx\n"""\n        return s',
    ),
    ("python", METHOD, "return a + 1", "return a + 1"),
    ("python", METHOD, "    return a + 1\n", "return a + 1"),
    ("typescript", TYPESCRIPT, "    return a + 1;\n", "return a + 1;"),
    ("typescript", TYPESCRIPT, "    return a + 1;\n  }\n\n  h() {\n    return 3;\n  }\n}\n", "return a + 1;"),
    (
        "typescript",
        TYPESCRIPT,
        "    if (a) {\n      return `}`;\n    }\n    return 2;\n  }\n```\n",
        "if (a) {\n      return `}`;\n    }\n    return 2;",
    ),
]


@pytest.mark.parametrize(("language", "marked", "answer", "body"), CONTINUED)
def test_continuation_ends_where_the_body_ends(language: str, marked: str, answer: str, body: str) -> None:
    stub = "pass¦" if language == "python" else "// TODO¦"
    assert filled(marked, language, answer, continued=True) == marked.replace(stub, body)


REFUSED = [
    ("python", FUNCTION, "<think>\nThe user wants", False, refusals.ONLY_REASONING),
    ("python", FUNCTION, "```python\ndef g(a):\n    return a + 1\n```", False, refusals.OTHER),
    ("python", FUNCTION, "```python\ndef f(a, b):\n    return a + b\n```", False, refusals.OTHER),
    ("python", METHOD, "class B:\n    def f(self, x, y):\n        return a\n", False, refusals.OTHER),
    ("python", FUNCTION, "```python\ndef g(a):\n    return a + 1\n\nprint(g(1))\n```", False, refusals.OTHER),
    ("python", PROPERTY, GETTER, False, refusals.OTHER),
    ("python", FUNCTION, "Sorry.", False, refusals.UNPARSABLE),
    ("python", FUNCTION, "Certainly", False, refusals.UNPARSABLE),
    ("python", METHOD, "", True, refusals.EMPTY),
    ("python", METHOD, "        # TODO\n", True, refusals.EMPTY),
    ("python", METHOD, "        return (a +\n", True, refusals.UNPARSABLE),
    ("typescript", TYPESCRIPT, "    if (a) {\n      return 1;\n", True, refusals.UNPARSABLE),
]


@pytest.mark.parametrize(("language", "marked", "answer", "continued", "sentence"), REFUSED)
def test_what_is_not_the_target_is_refused(
    language: str, marked: str, answer: str, continued: bool, sentence: str
) -> None:
    with pytest.raises(AnswerError) as caught:
        filled(marked, language, answer, continued)
    assert str(caught.value) == sentence
