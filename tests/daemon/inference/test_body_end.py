"""Where a continued function ends, on every language's traps and on functions that nobody here wrote."""

from __future__ import annotations

import random
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from halfwatt.daemon.code import languages
from halfwatt.daemon.code.functions import body_of, functions_in
from halfwatt.daemon.code.syntax import Source
from halfwatt.daemon.inference.stops import Stopper
from halfwatt.daemon.wire import StopRule

# name: (language, opened code, what the model writes, what is kept, why it ended)
BODIES: dict[str, tuple[str, str, str, str, str | None]] = {
    "dedent": ("python", "def f():\n", "    return 1\n\n\ndef g():\n", "    return 1\n\n\n", "body"),
    "method's dedent": ("python", "    def f(self):\n", "        return 1\n    def g", "        return 1\n", "body"),
    "fence": ("python", "def f():\n", "    return 1\n```\nThis", "    return 1\n", "body"),
    "end of the answer": ("python", "def f():\n", "    return 1\n", "    return 1\n", None),
    "string at the margin": (
        "python",
        "def f():\n",
        '    return """\nx\n```\n# y\n"""\nz = 1',
        '    return """\nx\n```\n# y\n"""\n',
        "body",
    ),
    "bracket at the margin": ("python", "def f():\n", "    return g(\n1,\n)\nz", "    return g(\n1,\n)\n", "body"),
    "comment at the margin belongs to what follows": (
        "python",
        "def f():\n",
        "    a()\n# inside\n    b()\n# outside\nz",
        "    a()\n# inside\n    b()\n",
        "body",
    ),
    "line that goes on": (
        "python",
        "def f():\n",
        "    x = 1 + \\\n2\n    return x\nz",
        "    x = 1 + \\\n2\n    return x\n",
        "body",
    ),
    "decorator of the next function": ("python", "def f():\n", "    pass\n\n@g\ndef h", "    pass\n\n", "body"),
    "longer fence": ("python", '"""\n```\n"""\n', "x\n", "", "body"),
    "brace": ("javascript", "function f() {\n", "  return 1;\n}\nf();", "  return 1;\n", "body"),
    "brace of an inner function": (
        "javascript",
        "  m() {\n",
        "    a.map((x) => {\n      return x;\n    });\n  }\n  n() {",
        "    a.map((x) => {\n      return x;\n    });\n  ",
        "body",
    ),
    "braces in strings, templates, regexes and comments": (
        "typescript",
        "f(): string {\n",
        "  // }\n  /* } */\n  const a = '}', b = /[}]/, c = `}${`}`}}`;\n  return a + b + c }\nx",
        "  // }\n  /* } */\n  const a = '}', b = /[}]/, c = `}${`}`}}`;\n  return a + b + c ",
        "body",
    ),
    "template over lines": (
        "javascript",
        "function f() {\n",
        "  return `\n}\n  ${x}\n}`\n}\nf()",
        "  return `\n}\n  ${x}\n}`\n",
        "body",
    ),
    "jsx": (
        "typescriptreact",
        "function F() {\n",
        "  return <p a={x}>{'}'}</p>;\n}\n",
        "  return <p a={x}>{'}'}</p>;\n",
        "body",
    ),
    "go raw string and rune": (
        "go",
        "func f() string {\n",
        "\treturn `}\n}` + string('}')\n}\n",
        "\treturn `}\n}` + string('}')\n",
        "body",
    ),
    "rust raw string, lifetime and char": (
        "rust",
        "    fn f<'a>(&'a self) -> String {\n",
        '        let c = \'}\';\n        format!(r#"}"{}"#, c)\n    }\n',
        '        let c = \'}\';\n        format!(r#"}"{}"#, c)\n    ',
        "body",
    ),
    "java constructor": (
        "java",
        "    A(int x) {\n",
        '        super(x);\n        s = "}";\n    }\n',
        '        super(x);\n        s = "}";\n    ',
        "body",
    ),
    "c character": (
        "c",
        "int f(char c)\n{\n",
        "    if (c == '}') { return 1; }\n    return 0;\n}\n",
        "    if (c == '}') { return 1; }\n    return 0;\n",
        "body",
    ),
    "cpp raw string and lambda": (
        "cpp",
        "void f() const {\n",
        '  auto g = [&] { return R"(})"; };\n  g();\n}\n\nvoid h() {',
        '  auto g = [&] { return R"(})"; };\n  g();\n',
        "body",
    ),
    "syntax error ends at the margin": (
        "javascript",
        "function f() {\n",
        "  return foo(1;;\n}\nfunction g() {",
        "  return foo(1;;\n",
        "body",
    ),
    "language that nobody knows": ("cobol", "f {\n", "  x }\n}\n```\n", "  x }\n}\n", "body"),
}
FUNCTIONS: dict[str, tuple[str, str, str, str, str | None]] = {
    "python": (
        "python",
        "# Doubles x.\ndef",
        " f(\n    x,\n):\n    return 2 * x\n\n\nprint(f(1))",
        " f(\n    x,\n):\n    return 2 * x\n\n\n",
        "function",
    ),
    "python method": (
        "python",
        "    # Doubles x.\n    def",
        " f(self):\n        return 2\n    def g",
        " f(self):\n        return 2\n",
        "function",
    ),
    "javascript": (
        "javascript",
        "function f",
        "(a) {\n  return { b: a };\n}\nf(1)",
        "(a) {\n  return { b: a };\n}",
        "function",
    ),
    "member without a keyword": (
        "typescript",
        "  // Doubles.\n",
        "  f(a: number) {\n    return { a };\n  }\n  g() {",
        "  f(a: number) {\n    return { a };\n  }",
        "function",
    ),
    "go": ("go", "func f", "(a int) int {\n\treturn a\n}\n\nfunc g", "(a int) int {\n\treturn a\n}", "function"),
    "rust": (
        "rust",
        "fn f",
        "(a: i32) -> i32 {\n    if a > 0 { a } else { 0 }\n}\n\nfn g",
        "(a: i32) -> i32 {\n    if a > 0 { a } else { 0 }\n}",
        "function",
    ),
    "java": (
        "java",
        "",
        "public static int f(int a) {\n    return a;\n}\nint g",
        "public static int f(int a) {\n    return a;\n}",
        "function",
    ),
    "c after a struct": (
        "c",
        "",
        "struct p { int x; };\nint f(struct p a) {\n    return a.x;\n}\nint g",
        "struct p { int x; };\nint f(struct p a) {\n    return a.x;\n}",
        "function",
    ),
    "cpp after a class": (
        "cpp",
        "",
        "class A {\n  int f() { return 1; }\n};\nint g() {\n  return 2;\n}\nint h",
        "class A {\n  int f() { return 1; }\n};\nint g() {\n  return 2;\n}",
        "function",
    ),
}


def ended(rule: StopRule, language: str, opened: str, text: str, sizes: Iterator[int]) -> tuple[str, str | None]:
    fence = "````" if "```" in opened else "```"
    stopper = Stopper((rule, "code_block", "trailing"), opening=f"{fence}{language}\n{opened}", language=language)
    shown, at = "", 0
    while at < len(text):
        size = next(sizes)
        shown += stopper.feed(text[at : at + size])
        at += size
    return shown + stopper.finish(), stopper.reason


def random_sizes(seed: str, most: int = 6) -> Iterator[int]:
    chance = random.Random(seed)  # noqa: S311 - not for secrets
    while True:
        yield chance.randint(1, most)


@pytest.mark.parametrize("name", BODIES)
def test_body_ends_where_its_function_does(name: str) -> None:
    language, opened, text, kept, reason = BODIES[name]
    for seed in range(20):
        assert ended("body", language, opened, text, random_sizes(f"{seed}")) == (kept, reason)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_ends_with_its_body(name: str) -> None:
    language, opened, text, kept, reason = FUNCTIONS[name]
    for seed in range(20):
        assert ended("function", language, opened, text, random_sizes(f"{seed}")) == (kept, reason)


def test_functions_of_the_standard_library_end_where_they_do() -> None:
    """Given a function's own beginning, then its body and what follows it in its file."""
    python = languages.for_id("python")
    assert python is not None
    n_functions, wrong = 0, []
    for path in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))[::4]:
        source = Source(path.read_text(encoding="utf-8"), python)
        for function in functions_in(source, source.root)[:6]:
            body = body_of(source, function)
            start = source.line_start(source.start(function))
            if body is None or source.text[body.opening] != "\n":
                continue
            text = source.text[body.opening + 1 : body.end]
            below = source.text[body.end : body.end + 300]
            found, _ = ended("body", "python", source.text[start : body.opening + 1], text + below, random_sizes(text))
            n_functions += 1
            if found.rstrip() != text.rstrip():
                wrong.append(f"{path.name}:{source.text[: body.opening].count(chr(10)) + 1}")
    assert n_functions > 150
    assert wrong == []
