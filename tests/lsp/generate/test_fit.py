"""Model answers put into files. `¦` marks the cursor in the file; what the file holds is kept byte for byte."""

from __future__ import annotations

import pytest

from halfwatt.daemon.code import languages
from halfwatt.daemon.code.edits import apply
from halfwatt.daemon.code.syntax import Source
from halfwatt.daemon.code.targets import Target, find
from halfwatt.daemon.errors import AnswerError
from halfwatt.lsp.generate.fit import fit


def fitted(marked: str, language: str, answer: str, undefined: tuple[str, ...] = ()) -> str:
    known = languages.for_id(language)
    assert known is not None
    source = Source(marked.replace("¦", "", 1), known)
    target = find(source, marked.index("¦"), undefined)
    assert isinstance(target, Target)
    return apply(source.text, fit(source, target, answer).edits)


PLAIN = "```python\ndef f(a):\n    return a + 1\n```"

# what is special, language, marked file, answer, file afterwards
FITS = [
    ("plain", "python", "def f(a):\n    pass¦\n", PLAIN, "def f(a):\n    return a + 1\n"),
    ("one line", "python", "def f(a): ¦...\nx = 1\n", PLAIN, "def f(a):\n    return a + 1\nx = 1\n"),
    ("no fence", "python", "def f(a):\n    pass¦\n", "def f(a):\n    return a + 1\n", "def f(a):\n    return a + 1\n"),
    ("open fence", "python", "def f(a):\n    pass¦\n", PLAIN[:-4], "def f(a):\n    return a + 1\n"),
    ("closing fence only", "python", "def f(a):\n    ¦pass\n", PLAIN[10:], "def f(a):\n    return a + 1\n"),
    ("chatter", "python", "def f(a):\n    ¦pass\n", f"Sure!\n\n{PLAIN}\n\nIt adds.\n", "def f(a):\n    return a + 1\n"),
    ("body only", "python", "def f(a):\n    ¦pass\n", "```python\nreturn a + 1\n```", "def f(a):\n    return a + 1\n"),
    (
        "tests and prints are dropped",
        "python",
        "def f(a):\n    ¦pass\n",
        "```python\ndef f(a):\n    return a + 1\n\nassert f(1) == 2\nprint(f(1))\n\ndef test_f():\n    assert f(1)\n\n"
        "if __name__ == '__main__':\n    f(2)\n```",
        "def f(a):\n    return a + 1\n",
    ),
    (
        "docstring and comments kept byte for byte",
        "python",
        'def f( a ):  # odd  spacing\n    """Doc  é.\n\n       Odd.\n    """\n    # kept\n    # TODO: add\n    pass¦\n',
        '```python\ndef f(a):\n    """Other doc."""\n    # kept\n    # TODO: add\n    return a + 1\n```',
        'def f( a ):  # odd  spacing\n    """Doc  é.\n\n       Odd.\n    """\n    # kept\n    return a + 1\n',
    ),
    (
        "method in tabs, CRLF",
        "python",
        "class A:\r\n\tx = 1\r\n\r\n\tdef f(self, a):\r\n\t\t¦pass\r\n",
        "```python\ndef f(self, a):\n    if a:\n        return 1\n    return 2\n```",
        "class A:\r\n\tx = 1\r\n\r\n\tdef f(self, a):\r\n\t\tif a:\r\n\t\t\treturn 1\r\n\t\treturn 2\r\n",
    ),
    (
        "answer repeats the class",
        "python",
        "class A:\n  def f(self, a):\n    ¦pass\n",
        "```python\nclass A:\n    def f(self, a):\n        if a:\n            return 1\n        return 2\n```",
        "class A:\n  def f(self, a):\n    if a:\n      return 1\n    return 2\n",
    ),
    (
        "strings over several lines keep their content",
        "python",
        "def f():\n  pass¦\n\ndef g():\n  return 1\n",
        '```python\ndef f():\n    return """a\n    b\n        c"""\n```',
        'def f():\n  return """a\n    b\n        c"""\n\ndef g():\n  return 1\n',
    ),
    (
        "needed import is added, others are not",
        "python",
        '"""Doc."""\n\nimport os\n\n\ndef f(a):\n    ¦pass\n',
        "```python\nimport math\nimport os\nimport sys\n\ndef f(a):\n    return math.sqrt(a) + len(os.sep)\n```",
        '"""Doc."""\n\nimport math\nimport os\n\n\ndef f(a):\n    return math.sqrt(a) + len(os.sep)\n',
    ),
    (
        "first import goes below the docstring",
        "python",
        '"""Doc."""\n\ndef f(a):\n    ¦pass\n',
        "```python\nimport math\ndef f(a):\n    return math.sqrt(a)\n```",
        '"""Doc."""\n\nimport math\n\ndef f(a):\n    return math.sqrt(a)\n',
    ),
    (
        "first import of a file without anything above",
        "python",
        "def f(a):\n    ¦pass\n",
        "```python\nimport math\ndef f(a):\n    return math.sqrt(a)\n```",
        "import math\n\ndef f(a):\n    return math.sqrt(a)\n",
    ),
    (
        "first import goes below the shebang",
        "python",
        "#!/usr/bin/env python\ndef f(a):\n    ¦pass\n",
        "```python\nimport math\ndef f(a):\n    return math.sqrt(a)\n```",
        "#!/usr/bin/env python\n\nimport math\n\ndef f(a):\n    return math.sqrt(a)\n",
    ),
    (
        "helper is kept, unneeded one is not",
        "python",
        "X = 1\n\n\n# About f.\ndef f(a):\n    ¦pass\n",
        "```python\ndef helper(a):\n    return a\n\ndef unused():\n    return 0\n\n"
        "def f(a):\n    return helper(a)\n```",
        "X = 1\n\n\ndef helper(a):\n    return a\n\n\n# About f.\ndef f(a):\n    return helper(a)\n",
    ),
    (
        "helper that the file has is not repeated",
        "python",
        "def helper(a):\n    return 2\n\n\ndef f(a):\n    ¦pass\n",
        "```python\ndef helper(a):\n    return a\n\ndef f(a):\n    return helper(a)\n```",
        "def helper(a):\n    return 2\n\n\ndef f(a):\n    return helper(a)\n",
    ),
    (
        "helper of a method goes above the class",
        "python",
        "class A:\n    def f(self):\n        ¦pass\n",
        "```python\ndef helper():\n    return 1\n\nclass A:\n    def f(self):\n        return helper()\n```",
        "def helper():\n    return 1\n\n\nclass A:\n    def f(self):\n        return helper()\n",
    ),
    (
        "helper method stays in the class",
        "python",
        "class A:\n    def f(self):\n        ¦pass\n",
        "```python\nclass A:\n    def _g(self):\n        return 1\n\n    def f(self):\n        return self._g()\n```",
        "class A:\n    def _g(self):\n        return 1\n\n    def f(self):\n        return self._g()\n",
    ),
    (
        "decorated async nested",
        "python",
        "def g():\n    @deco\n    async def f(a):\n        ¦pass\n    return f\n",
        "```python\n@deco\nasync def f(a):\n    await a\n```",
        "def g():\n    @deco\n    async def f(a):\n        await a\n    return f\n",
    ),
    (
        "non-ASCII",
        "python",
        "# ünïcödé 😀\ndef größe(ä):\n    ¦pass\n# Ende 😀\n",
        "```python\ndef größe(ä):\n    return ä  # 😀\n```",
        "# ünïcödé 😀\ndef größe(ä):\n    return ä  # 😀\n# Ende 😀\n",
    ),
    (
        "file that did not parse",
        "python",
        "def f(a):\n    ¦pass\n\nx = (\n",
        PLAIN,
        "def f(a):\n    return a + 1\n\nx = (\n",
    ),
    ("no line end at the end", "python", "def f(a):\n    ¦pass", PLAIN, "def f(a):\n    return a + 1"),
    (
        "comment",
        "python",
        "x = 1\n\n# Add one to¦ a number.\n\n\ny = 2\n",
        PLAIN,
        "x = 1\n\n# Add one to a number.\ndef f(a):\n    return a + 1\n\n\ny = 2\n",
    ),
    (
        "call",
        "python",
        "import os\n\n\ndef g(v):\n    return f¦(v)\n",
        PLAIN + "\n",
        "import os\n\n\ndef f(a):\n    return a + 1\n\n\ndef g(v):\n    return f(v)\n",
    ),
    (
        "typescript",
        "typescript",
        "/** Doc. */\nexport const f = (a: number): number => {\n  throw new Error('not im¦plemented');\n};\n",
        "```typescript\nexport const f = (a: number): number => {\n    if (a) {\n        return 1;\n    }\n"
        "    return 2;\n};\n```",
        "/** Doc. */\nexport const f = (a: number): number => {\n  if (a) {\n    return 1;\n  }\n  return 2;\n};\n",
    ),
    (
        "arrow expression",
        "typescript",
        "function f(a: number) {¦}\n",
        "```ts\nconst f = (a: number) => a + 1;\n```",
        "function f(a: number) {\n  return a + 1;\n}\n",
    ),
    (
        "bare method",
        "javascript",
        "class A {\n\tf(a) {\n\t\t// TODO¦\n\t}\n}\n",
        "```js\nf(a) {\n  return a + 1;\n}\n\nconsole.log(new A().f(1));\n```",
        "class A {\n\tf(a) {\n\t\treturn a + 1;\n\t}\n}\n",
    ),
    (
        "template string",
        "javascript",
        "function f(a) {\n    ¦\n    // TODO\n}\n",
        "```js\nfunction f(a) {\n  return `x\n  ${a}`;\n}\n```",
        "function f(a) {\n    return `x\n  ${a}`;\n}\n",
    ),
    (
        "go import",
        "go",
        'package a\n\n// F joins.\nfunc F(a []string) string {\n\tpanic("TO¦DO")\n}\n',
        '```go\npackage main\n\nimport (\n\t"strings"\n)\n\n'
        'func F(a []string) string {\n\treturn strings.Join(a, "")\n}\n```',
        'package a\n\nimport "strings"\n\n// F joins.\nfunc F(a []string) string {\n\treturn strings.Join(a, "")\n}\n',
    ),
    (
        "rust method",
        "rust",
        "impl A {\n    fn f(&self) -> i32 { tod¦o!() }\n}\n",
        "```rust\nimpl A {\n    fn f(&self) -> i32 {\n        self.a + 1\n    }\n}\n```",
        "impl A {\n    fn f(&self) -> i32 {\n        self.a + 1\n    }\n}\n",
    ),
    (
        "java method",
        "java",
        "class A {\n  int f(int a) {\n    throw new UnsupportedOperation¦Exception();\n  }\n}\n",
        "```java\npublic int f(int a) {\n    return a + 1;\n}\n```",
        "class A {\n  int f(int a) {\n    return a + 1;\n  }\n}\n",
    ),
    (
        "c include",
        "c",
        "int f(int a)\n{\n    /* TO¦DO */\n}\n",
        "```c\n#include <stdlib.h>\n\nint f(int a) {\n    return abs(a);\n}\n\nint main(void) { return f(1); }\n```",
        "#include <stdlib.h>\n\nint f(int a)\n{\n    return abs(a);\n}\n",
    ),
    (
        "c++ template",
        "cpp",
        "template <class T>\nT f(T a) {¦}\n",
        "```cpp\ntemplate <class T>\nT f(T a) {\n  return a;\n}\n```",
        "template <class T>\nT f(T a) {\n    return a;\n}\n",
    ),
]


@pytest.mark.parametrize(("special", "language", "marked", "answer", "expected"), FITS, ids=[row[0] for row in FITS])
def test_answer_fits_the_file(special: str, language: str, marked: str, answer: str, expected: str) -> None:
    assert fitted(marked, language, answer) == expected


# language, marked file, answer, part of the reason
UNUSABLE = [
    ("python", "def f(a):\n    ¦pass\n", "I cannot do that.", "does not parse"),
    ("python", "def f(a):\n    ¦pass\n", "", "does not parse"),
    ("python", "def f(a):\n    ¦pass\n", "```python\ndef f(a):\n    return (a +\n```", "does not parse"),
    ("python", "def f(a):\n    ¦pass\n", "```python\ndef f(a):\n    x = yield = 2\n```", "does not parse"),
    ("python", "def f(a):\n    ¦pass\n", "```python\ndef f(a):\n    # TODO\n    pass\n```", "empty"),
    ("python", "def f(a):\n    ¦pass\n", "```python\ndef f(b):\n    return b + 1\n```", "renamed"),
    ("python", "def f(a):\n    ¦pass\n", "```python\ndef g(a):\n    return a\n```", "another function"),
    (
        "typescript",
        "function f(a: number) {¦}\n",
        "```ts\nfunction f(a: number) {\n  return a +\n```",
        "does not parse",
    ),
]


@pytest.mark.parametrize(("language", "marked", "answer", "reason"), UNUSABLE)
def test_unusable_answer_changes_nothing_and_says_why(language: str, marked: str, answer: str, reason: str) -> None:
    with pytest.raises(AnswerError, match=reason) as caught:
        fitted(marked, language, answer)
    assert "nothing was changed" in str(caught.value)


def test_code_is_the_whole_function_as_it_will_stand() -> None:
    python = languages.for_id("python")
    assert python is not None
    source = Source("class A:\n    @deco\n    def f(self):\n        pass\n\nx = 1\n", python)
    target = find(source, source.text.index("pass"))
    assert isinstance(target, Target)
    answer = "```python\nimport math\ndef f(self):\n    return math.pi\n```"
    assert fit(source, target, answer).code == "    @deco\n    def f(self):\n        return math.pi"
