"""The post-processing chain, by example: what the model said, in its place, and what may be shown."""

# ruff: noqa: E501 - a table, one case a line

from __future__ import annotations

from dataclasses import dataclass

import pytest

from halfwatt.daemon.code.languages import for_id
from halfwatt.lsp.completion.postprocess.brackets import NEAR_CHARS
from halfwatt.lsp.completion.postprocess.candidate import PostprocessCandidate
from halfwatt.lsp.completion.postprocess.chain import clean
from halfwatt.lsp.completion.postprocess.syntax import adds_errors, n_errors


@dataclass(frozen=True)
class Case:
    """`document` has the cursor as `‸`."""

    name: str
    language: str
    document: str
    raw: str
    shown: str
    multiline: bool = False
    truncated: bool = False
    n_replaced: int = 0


# fmt: off
CASES = (
    # A line is completed and the rest of what the model says goes.
    Case("rest of a line", "python", "def add(a, b):\n    return ‸\n", "a + b\n\n\ndef sub(a, b):\n    return a - b", "a + b"),
    Case("statement over several lines", "python", "x = ‸\n", "dict(\n    a=1,\n    b=2,\n)\ny = 3", "dict(\n    a=1,\n    b=2,\n)"),
    Case("opened block brings its body", "python", "def f(xs):\n    ‸\n", "for x in xs:\n        print(x)\n    return xs", "for x in xs:\n        print(x)"),
    Case("opened block over a body that is there", "python", "def f(xs):\n    ‸\n        print(x)\n", "for x in xs:\n        print(x)", "for x in xs:"),
    Case("complete line needs nothing", "python", "import csv‸\n", "\nimport json\n", ""),
    Case("rest of a line", "typescript", "function add(a: number, b: number) {\n  return ‸\n}\n", "a + b;\n}\n\nfunction sub() {", "a + b;"),
    Case("rest of a line", "go", "package p\n\nfunc add(a, b int) int {\n\treturn ‸\n}\n", "a + b\n}\n\nfunc sub", "a + b"),
    Case("rest of a line", "rust", "fn add(a: i32, b: i32) -> i32 {\n    let c = ‸\n}\n", "a + b;\n    c\n}", "a + b;"),
    Case("rest of a line", "java", "class A {\n    int add(int a, int b) {\n        return ‸\n    }\n}\n", "a + b;\n    }\n\n    int sub", "a + b;"),
    Case("rest of a line", "cpp", "int add(int a, int b) {\n    return ‸\n}\n", "a + b;\n}\n\nint sub", "a + b;"),
    # Text right of the cursor.
    Case("bracket that is there stays alone", "python", "foo(‸)\n", "a, b)", "a, b"),
    Case("bracket with a semicolon", "typescript", "foo(‸);\n", "a, b);", "a, b"),
    Case("only one line left of other text", "python", "x = ‸ + 1\n", "total\ny = 2", "total"),
    Case("rest of the line is not said twice", "python", "value = ‸ if ok else None\n", "compute(x) if ok else None", "compute(x)"),
    Case("text that goes on after the bracket replaces it", "python", "if check(‸)\n    pass\n", "value):", "value):", n_replaced=1),
    Case("bracket that is there stays alone", "go", "package p\n\nfunc f() {\n\tfmt.Println(‸)\n}\n", "\"hello\")\n}", "\"hello\""),
    Case("bracket that is there stays alone", "rust", "fn f() {\n    println!(‸);\n}\n", "\"{}\", x);", "\"{}\", x"),
    Case("bracket that is there stays alone", "java", "class A { void f() {\n    System.out.println(‸);\n} }\n", "value);\n}", "value"),
    Case("bracket that is there stays alone", "cpp", "void f() {\n    run(‸);\n}\n", "first, second);", "first, second"),
    # Echoes and duplicates of what is there.
    Case("echo of the cursor's line", "python", "def mean(xs):\n    total = ‸\n", "    total = sum(xs)", "sum(xs)"),
    Case("what stands below is not offered", "python", "def f(x):\n    ‸\n    return x * 2\n", "return x * 2", ""),
    Case("what stands below ends the offer", "python", "def mean(xs):\n    total = 0\n    for x in xs:\n        ‸\n    return total / len(xs)\n", "total += x\n    return total / len(xs)\n\ndef f", "total += x", multiline=True),
    Case("what stands above is not offered again", "python", "import os\nimport sys\n‸\n", "import sys\n", ""),
    Case("what stands below is not offered", "typescript", "function f() {\n  ‸\n  return value.trim();\n}\n", "return value.trim();\n}", ""),
    Case("what stands below ends the offer", "typescript", "for (const x of xs) {\n  ‸\n  log(total);\n}\n", "total += x;\n  log(total);\n}", "total += x;", multiline=True),
    Case("what stands below ends the offer", "go", "package p\n\nfunc f(xs []int) int {\n\tt := 0\n\tfor _, x := range xs {\n\t\t‸\n\t}\n\treturn t\n}\n", "t += x\n\t}\n\treturn t\n}", "t += x", multiline=True),
    Case("what stands below ends the offer", "rust", "fn f(xs: &[i32]) -> i32 {\n    ‸\n    xs.iter().sum::<i32>() + 1\n}\n", "let n = xs.len();\n    xs.iter().sum::<i32>() + 1", "let n = xs.len();", multiline=True),
    Case("what stands below ends the offer", "java", "class A {\n    int f(int x) {\n        ‸\n        return x + offset;\n    }\n}\n", "int offset = 3;\n        return x + offset;\n    }", "int offset = 3;", multiline=True),
    Case("what stands below ends the offer", "cpp", "int f(int x) {\n    ‸\n    return x + offset;\n}\n", "int offset = 3;\n    return x + offset;\n}", "int offset = 3;", multiline=True),
    # Repetition.
    Case("same line over and over", "python", "def f():\n    ‸\n", "print(x)\n    print(x)\n    print(x)", "print(x)", multiline=True),
    Case("same group over and over", "python", "def f():\n    ‸\n", "a = g()\n    b = h(a)\n    a = g()\n    b = h(a)\n    a = g()\n    b = h(a)", "a = g()\n    b = h(a)", multiline=True),
    Case("same paragraph over and over", "python", "def f():\n    ‸\n", "load(path)\n    check(path)\n\n    load(path)\n    check(path)\n", "load(path)\n    check(path)", multiline=True),
    Case("line that ends in a loop", "python", "x = ‸\n", "a.b.b.b.b.b.b.b.b.b", ""),
    Case("row of signs", "python", "# ‸\n", "----------------------------", ""),
    Case("same line over and over", "typescript", "function f() {\n  ‸\n}\n", "go(x);\n  go(x);\n  go(x);", "go(x);", multiline=True),
    Case("same line over and over", "go", "package p\n\nfunc f() {\n\t‸\n}\n", "run(x)\n\trun(x)\n\trun(x)", "run(x)", multiline=True),
    Case("same line over and over", "rust", "fn f() {\n    ‸\n}\n", "run(x);\n    run(x);\n    run(x);", "run(x);", multiline=True),
    Case("closing line of an outer block is not offered", "cpp", "void f() {\n    if (a) {\n        ‸\n}\n", "if (b) {\n            go();\n        }\n    }", "if (b) {\n            go();\n        }", multiline=True),
    # Spaces and minimum length.
    Case("no second space", "python", "x = ‸\n", "  compute(y)", "compute(y)"),
    Case("missing space is kept", "python", "x =‸\n", " compute(y)", " compute(y)"),
    Case("no space at the end", "python", "x = ‸\n", "compute(y)   ", "compute(y)"),
    Case("three characters are too few", "python", "x = ‸\n", "abc", ""),
    Case("four characters are enough", "python", "x = ‸\n", "abcd", "abcd"),
    Case("white space is nothing", "go", "package p\n‸", "\n\n\t\n", ""),
    Case("too few", "java", "class A { int f() { return ‸ } }\n", "1;", ""),
    # Scope and dedent.
    Case("stop at the dedent", "python", "def f():\n    ‸\n", "a = load()\n    return a\n\n\ndef g():\n    pass", "a = load()\n    return a", multiline=True),
    Case("body of a function", "python", "def f(xs):‸\n", "\n    for x in xs:\n        go(x)\n    return xs\n\nprint(f([]))", "\n    for x in xs:\n        go(x)\n    return xs", multiline=True),
    Case("else belongs to its if", "python", "if a:‸\n", "\n    go()\nelse:\n    stop()\nprint(a)", "\n    go()\nelse:\n    stop()", multiline=True),
    Case("stop at the dedent", "typescript", "function f() {\n  if (a) {\n    ‸\n  }\n}\n", "go(a);\n    stop(b);\n  }\n  more();\n}", "go(a);\n    stop(b);", multiline=True),
    Case("body with its closing bracket", "typescript", "function f(a: number) {‸\n", "\n  return a + 1;\n}\n\nfunction g() {", "\n  return a + 1;\n}", multiline=True),
    Case("else belongs to its if", "java", "class A { void f() {\n    if (a) {‸\n} }\n", "\n        go();\n    } else {\n        stop();\n    }\n    more();", "\n        go();\n    } else {\n        stop();\n    }", multiline=True),
    Case("stop at the dedent", "go", "package p\n\nfunc f() error {\n\tif err != nil {\n\t\t‸\n\t}\n\treturn nil\n}\n", "log.Print(err)\n\t\treturn err\n\t}\n\treturn nil", "log.Print(err)\n\t\treturn err", multiline=True),
    Case("stop at the dedent", "rust", "fn f() {\n    loop {\n        ‸\n    }\n}\n", "step();\n        break;\n    }\n}", "step();\n        break;", multiline=True),
    Case("stop at the dedent", "cpp", "void f() {\n    while (a) {\n        ‸\n    }\n}\n", "step();\n        --a;\n    }\n}", "step();\n        --a;", multiline=True),
    # Closing lines.
    Case("closing line that is there", "typescript", "function f(a: number) {‸\n}\n", "\n  return a + 1;\n}", "\n  return a + 1;", multiline=True),
    Case("closing line that is there", "go", "package p\n\nfunc f(a int) int {‸\n}\n", "\n\treturn a + 1\n}", "\n\treturn a + 1", multiline=True),
    Case("closing line that is there", "rust", "fn f(a: i32) -> i32 {‸\n}\n", "\n    a + 1\n}", "\n    a + 1", multiline=True),
    Case("closing line that is there", "java", "class A {\n    int f(int a) {‸\n    }\n}\n", "\n        return a + 1;\n    }", "\n        return a + 1;", multiline=True),
    Case("closing line that is there", "cpp", "int f(int a) {‸\n}\n", "\n    return a + 1;\n}", "\n    return a + 1;", multiline=True),
    # Indentation.
    Case("no second indentation", "python", "def f():\n    ‸\n", "    return compute()", "return compute()"),
    Case("deeper than the cursor", "python", "class A:\n    def f(self):\n    ‸\n", "    return compute()", "    return compute()"),
    Case("tabs become the document's spaces", "python", "def f():\n    if a:\n        b()\n\ndef g():\n    ‸\n", "if a:\n\t\tb(2)", "if a:\n        b(2)"),
    Case("spaces become the document's tabs", "go", "package p\n\nfunc f() {\n\tgo()\n}\n\nfunc g() {\n\t‸\n}\n", "if a {\n        b(2)\n    }", "if a {\n\t\tb(2)\n\t}", multiline=True),
    Case("first line from column 0", "python", "def f():\n‸", "    return compute()", "    return compute()"),
    # Brackets.
    Case("missing bracket is closed", "python", "x = ‸\n", "compute(a, [b, c", "compute(a, [b, c])"),
    Case("bracket that closes nothing goes", "python", "x = ‸\n", "compute(a))", "compute(a)"),
    Case("bracket open before is closed", "python", "x = compute(‸", "a, b)", "a, b)"),
    Case("brackets in strings are text", "python", "x = ‸\n", "call(\"(\", '[')", "call(\"(\", '[')"),
    Case("missing brace is closed on a line of its own", "typescript", "function f() {\n  ‸\n}\n", "if (a) {", "if (a) {\n  }"),
    Case("missing brace is closed on a line of its own", "go", "package p\n\nfunc f() {\n\t‸\n}\n", "if a {", "if a {\n\t}"),
    Case("bracket that closes nothing goes", "rust", "fn f() {\n    let a = ‸\n}\n", "compute(b));", "compute(b)"),
    Case("lifetime is no string", "rust", "fn f<‸\n", "'a>(x: &'a str) -> &'a str {\n    x\n}", "'a>(x: &'a str) -> &'a str {\n    x\n}"),
    Case("character is no bracket", "java", "class A { char f() {\n    return pick(‸\n} }\n", "'(', ')');", "'(', ')');"),
    Case("missing bracket is closed", "cpp", "void f() {\n    go(‸);\n}\n", "first(a, b", "first(a, b)"),
    Case("inner bracket is closed before the one that is closed below", "python", "x = ‸\n    1,\n)\n", "pack([", ""),
    # Noise.
    Case("remark that nobody began", "python", "def f():\n    ‸\n    return 1\n", "# nothing to do here", ""),
    Case("remark that was begun", "python", "def f():\n    # noth‸\n    return 1\n", "ing to do here", "ing to do here"),
    Case("remark that nobody began", "go", "package p\n\nfunc f() {\n\t‸\n}\n", "// nothing to do here", ""),
    Case("statement over a body", "python", "def f():\n    if self.‸\n        return 1\n", "close()", ""),
    Case("opening line over a body", "python", "def f():\n    if self.‸\n        return 1\n", "closed:", "closed:"),
    Case("statement over the rest of a list", "python", "‸\n    1,\n    2,\n]\n", "class Names(Protocol):", ""),
    Case("opener of the rest of a list", "python", "‸\n    1,\n    2,\n]\n", "names = [", "names = ["),
    Case("statement over the rest of an object", "typescript", "‸\n  a: 1,\n};\n", "import x from 'x';", ""),
    Case("statement over the rest of a mapping", "python", "try:\n    a()\nexcept OSError:\n    ‸\n        'system': 1,\n    }\n", "return platform.system()", ""),
    Case("statement that leaves an error below", "python", "def f(x):\n    try:\n        go()\n    ‸\n        stop()\n", "return x", ""),
    Case("argument over more arguments", "python", "x = f(\n    ‸\n      second,\n)\n", "first,", "first,"),
    # Parsing.
    Case("what does not parse goes", "python", "x = 1\n‸\ny = 2\n", "return return x", ""),
    Case("lines that do not parse are cut", "python", "def f():\n    ‸\n\ndef g():\n    pass\n", "a = load()\n    b = a +\n    c = 3 3", "a = load()", multiline=True),
    Case("what does not parse goes", "typescript", "const a = 1;\n‸\nconst b = 2;\n", "const const x;", ""),
    Case("what does not parse goes", "go", "package p\n\nfunc f() {\n\t‸\n}\n", "if if a", ""),
    Case("what does not parse goes", "rust", "fn f() {\n    ‸\n}\n", "let let = = 3;", ""),
    Case("what does not parse goes", "java", "class A {\n    ‸\n}\n", "int int f( {", ""),
    Case("what does not parse goes", "cpp", "int f() {\n    ‸\n    return 1;\n}\n", "return = = 3;", ""),
    # What models add.
    Case("special token ends the text", "python", "x = ‸\n", "compute(y)<|fim_pad|>z = 3", "compute(y)"),
    Case("code fence ends the text", "python", "def f():\n    ‸\n", "return compute()\n```\nThis returns", "return compute()", multiline=True),
    Case("Windows line ends", "python", "def f():\n    ‸\n", "a = load()\r\n    return a\r\n", "a = load()\n    return a", multiline=True),
    # Cut answers.
    Case("cut line goes", "python", "def f():\n    ‸\n", "a = load()\n    return compute(a, ver", "a = load()", multiline=True, truncated=True),
    Case("cut word goes", "python", "x = ‸\n", "compute(alpha, be", "compute(alpha,)", truncated=True),
    Case("cut line goes", "typescript", "function f() {\n  ‸\n}\n", "const a = load();\n  return comp", "const a = load();", multiline=True, truncated=True),
)
# fmt: on


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.language}: {case.name}")
def test_chain_shows_what_the_table_says(case: Case) -> None:
    shown = clean(_candidate(case))
    assert (shown.text, shown.n_replaced) == (case.shown, case.n_replaced)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.language}: {case.name}")
def test_chain_adds_no_syntax_error(case: Case) -> None:
    candidate, language = _candidate(case), for_id(case.language)
    shown = clean(candidate)
    assert language is not None
    after = shown.prefix + shown.text + shown.suffix[shown.n_replaced :]
    assert not adds_errors(n_errors(shown.prefix + shown.suffix, language), n_errors(after, language))


def _candidate(case: Case) -> PostprocessCandidate:
    prefix, suffix = case.document.split("‸")
    return PostprocessCandidate(case.raw, prefix, suffix, case.language, case.multiline, case.truncated)


def test_long_docstring_above_is_no_code() -> None:
    """The text looked at begins in the middle of it."""
    prose = "It's a (long) story [of lists.\n" * (NEAR_CHARS // 20)
    prefix = f'def told():\n    """{prose}"""\n\n\ndef mean(xs):\n    n = len('
    shown = clean(PostprocessCandidate("list(xs))", prefix, "\n    return n\n", "python", multiline=False))
    assert shown.text == "list(xs))"


def test_all_six_languages_have_cases() -> None:
    assert {case.language for case in CASES} == {"python", "typescript", "go", "rust", "java", "cpp"}
    assert len(CASES) >= 60
