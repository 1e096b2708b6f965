"""The stop rules as data: what is kept of an answer and why it ended, however the text was cut into pieces."""

from __future__ import annotations

import random

import pytest

from halfwatt.daemon.inference.stops import Stopper

BLOCK = "```python\ndef f():\n    return 1\n```"

# name: (rules, stop texts, text before the cursor, answer, kept, reason)
CASES: dict[str, tuple[tuple[str, ...], tuple[str, ...], str, str, str, str | None]] = {
    "no rules": ((), (), "", "a\nb\n", "a\nb\n", None),
    "code block ends at its closing fence": (
        ("code_block",),
        (),
        "",
        BLOCK + "\nThis returns one.",
        BLOCK,
        "code_block",
    ),
    "code block after prose": (("code_block",), (), "", "Sure:\n" + BLOCK + "\n", "Sure:\n" + BLOCK, "code_block"),
    "unclosed code block runs on": (("code_block",), (), "", "```py\nx = 1\n", "```py\nx = 1\n", None),
    "fence inside of a docstring is no end": (
        ("code_block",),
        (),
        "",
        '```py\ndef f():\n    """Doc.\n\n    ```\n    x\n    ```\n    """\n```\nend',
        '```py\ndef f():\n    """Doc.\n\n    ```\n    x\n    ```\n    """\n```',
        "code_block",
    ),
    "indented by up to three blanks is a fence": (
        ("code_block",),
        (),
        "",
        "```\nx\n  ```\ny",
        "```\nx\n  ```",
        "code_block",
    ),
    "run of two lines, third time": (("repeated_lines",), (), "", "a\nb\n" * 3, "a\nb\na\nb\na\n", "repeated_lines"),
    "one line six times": (("repeated_lines",), (), "", "x = f()\n" * 9, "x = f()\n" * 5, "repeated_lines"),
    "last line without newline counts": (
        ("repeated_lines",),
        (),
        "",
        "f()\n" * 5 + "f()",
        "f()\n" * 5,
        "repeated_lines",
    ),
    "one line five times may be meant": (
        ("repeated_lines",),
        (),
        "",
        "x = f()\n" * 5 + "y",
        "x = f()\n" * 5 + "y",
        None,
    ),
    "not right behind each other": (
        ("repeated_lines",),
        (),
        "",
        "a\nb\na\nc\na\nd\na\n",
        "a\nb\na\nc\na\nd\na\n",
        None,
    ),
    "three examples with one result": (
        ("repeated_lines",),
        (),
        "",
        ">>> f(1)\nTrue\n>>> f(2)\nTrue\n>>> f(3)\nTrue\n",
        ">>> f(1)\nTrue\n>>> f(2)\nTrue\n>>> f(3)\nTrue\n",
        None,
    ),
    "decorators may repeat": (("repeated_lines",), (), "", "@property\n" * 8, "@property\n" * 8, None),
    "rows of literals may repeat": (("repeated_lines",), (), "", "[0, 0, True],\n" * 8, "[0, 0, True],\n" * 8, None),
    "closing brackets may repeat": (("repeated_lines",), (), "", "}\n" * 8, "}\n" * 8, None),
    "blank lines may repeat": (("repeated_lines",), (), "", "a\n\n\n\n\n\n\n\nb", "a\n\n\n\n\n\n\n\nb", None),
    "indentation tells lines apart": (("repeated_lines",), (), "", "f()\n f()\n" * 2, "f()\n f()\n" * 2, None),
    "trailing blanks do not": (
        ("repeated_lines",),
        (),
        "",
        "f() \n" * 3 + "f()\n" * 4,
        "f() \n" * 3 + "f()\nf()\n",
        "repeated_lines",
    ),
    "longer line is no repeat": (("repeated_lines",), (), "", "f()\n" * 5 + "f(1)\n", "f()\n" * 5 + "f(1)\n", None),
    "trailing assert closes the block": (
        ("trailing",),
        (),
        "",
        "```python\ndef f():\n    return 1\nassert f() == 1\n```",
        "```python\ndef f():\n    return 1\n```",
        "trailing",
    ),
    "test cases comment": (
        ("trailing",),
        (),
        "",
        "```python\nx = 1\n# Test cases\nprint(x)\n```",
        "```python\nx = 1\n```",
        "trailing",
    ),
    "assert inside of a function stays": (
        ("trailing",),
        (),
        "",
        "```python\ndef f(x):\n    assert x\n    print(x)\n```",
        "```python\ndef f(x):\n    assert x\n    print(x)\n```",
        None,
    ),
    "assert before any code stays": (("trailing",), (), "", "```python\nassert 1\n", "```python\nassert 1\n", None),
    "name that begins like assert": (("trailing",), (), "", "x = 1\nassertion = 2\n", "x = 1\nassertion = 2\n", None),
    "print at the end": (("trailing",), (), "", "def f():\n    pass\nprint(f())\n", "def f():\n    pass\n", "trailing"),
    "console.log": (("trailing",), (), "", "function f() {}\nconsole.log(f())", "function f() {}\n", "trailing"),
    "main guard": (("trailing",), (), "", "def f(): ...\nif __name__ == '__main__':\n", "def f(): ...\n", "trailing"),
    "ordinary if stays": (("trailing",), (), "", "x = 1\nif x:\n    y = 2\n", "x = 1\nif x:\n    y = 2\n", None),
    "explanation after the block": (("trailing",), (), "", BLOCK + "\n\nIt returns 1.", BLOCK + "\n\n", "trailing"),
    "explanation without any block": (
        ("trailing",),
        (),
        "",
        "x = 1\n\nThis function returns one.",
        "x = 1\n\n",
        "trailing",
    ),
    "line": (("line",), (), "", "x = 1\ny = 2\n", "x = 1", "line"),
    "line after blank ones": (("line",), (), "", "\n  \n    x = 1\ny", "\n  \n    x = 1", "line"),
    "line that never ends": (("line",), (), "", "x = 1", "x = 1", "line"),
    "block at a blank line ends at the dedent": (
        ("block",),
        (),
        "def f():\n    ",
        "x = 1\n    return x\n\ndef g():\n",
        "x = 1\n    return x",
        "block",
    ),
    "block after a header takes what is deeper": (
        ("block",),
        (),
        "def f():",
        "\n    x = 1\n\n    return x\ny = 2\n",
        "\n    x = 1\n\n    return x",
        "block",
    ),
    "block in a statement ends at the next one": (("block",), (), "    x = ", "1\n    y = 2\n", "1", "block"),
    "block with brackets keeps the closing line": (
        ("block",),
        (),
        "function f() ",
        "{\n  return [\n    1,\n  ];\n}\nfunction g() {}\n",
        "{\n  return [\n    1,\n  ];\n}",
        "block",
    ),
    "bracket opened before the cursor is closed": (
        ("block",),
        (),
        "if (x) {",
        "\n  f();\n} else {\n  g();\n}\nh();",
        "\n  f();\n} else {\n  g();\n}",
        "block",
    ),
    "foreign closing bracket ends it": (("block",), (), "    ", "f();\n}\n", "f();", "block"),
    "bracket in a string does not count": (("block",), (), "x = ", "'('\ny = 2", "'('", "block"),
    "paragraph at the cursor's depth": (
        ("block",),
        (),
        "",
        "import a\nimport b\n\nimport c\n",
        "import a\nimport b",
        "block",
    ),
    "block may be all there is": (("block",), (), "    ", "return x", "return x", None),
    "stop text is dropped": ((), ("END",), "", "abc END def", "abc ", "stop_text"),
    "earliest stop text wins": ((), ("de", "c"), "", "abcdef", "ab", "stop_text"),
    "beginning of a stop text at the end is text": ((), ("END",), "", "abc EN", "abc EN", None),
    "stop text over a newline": ((), ("\n\n",), "", "a\nb\n\nc", "a\nb", "stop_text"),
    "rule before stop text": (("line",), ("z",), "", "a\nz", "a", "line"),
    "stop text before rule": (("line",), ("z",), "", "az\nb", "a", "line"),
    "earlier of two rules": (
        ("code_block", "trailing"),
        (),
        "",
        "```python\nx = 1\nprint(x)\n```\nmore",
        "```python\nx = 1\n```",
        "trailing",
    ),
}


def run(case: str, pieces: list[str]) -> tuple[str, str | None]:
    rules, stops, before, *_ = CASES[case]
    stopper = Stopper(rules, stops, before)  # type: ignore[arg-type]  # the table's rules are plain strings
    shown = "".join(stopper.feed(piece) for piece in pieces)
    return shown + stopper.finish(), stopper.reason


@pytest.mark.parametrize("case", CASES)
def test_answer_is_cut_where_its_rule_says(case: str) -> None:
    *_, answer, kept, reason = CASES[case]
    assert run(case, list(answer)) == (kept, reason)


@pytest.mark.parametrize("case", CASES)
def test_pieces_of_any_length_end_alike(case: str) -> None:
    chance = random.Random(case)  # noqa: S311 - not for secrets
    *_, answer, kept, reason = CASES[case]
    for _ in range(30):
        cuts = sorted(chance.sample(range(len(answer) + 1), min(len(answer), chance.randint(0, 6))))
        pieces = [answer[a:b] for a, b in zip([0, *cuts], [*cuts, len(answer)], strict=True)]
        assert run(case, pieces) == (kept, reason), pieces


def test_nothing_comes_after_a_stop() -> None:
    stopper = Stopper(("line",))
    assert stopper.feed("a\nb") == "a"
    assert (stopper.feed("c"), stopper.finish()) == ("", "")


def test_text_that_cannot_stop_is_shown_at_once() -> None:
    stopper = Stopper(("code_block", "repeated_lines", "trailing"))
    assert [stopper.feed(piece) for piece in ("```py\n", "def f", "():", "\n    return 1")] == [
        "```py\n",
        "def f",
        "():",
        "\n    return 1",
    ]


def test_line_that_may_be_a_test_is_held_until_clear() -> None:
    stopper = Stopper(("trailing",))
    assert stopper.feed("x = 1\nass") == "x = 1\n"
    assert stopper.feed("ociate()") == "associate()"


@pytest.mark.parametrize(
    ("language", "opening", "so_far", "text", "expected"),
    [
        ("python", "```python\ndef f():\n", "\n", "print", True),
        ("python", "```python\ndef f():\n", "\n", "    print", False),
        ("python", "```python\ndef f():\n", "    return 1\n", "print", False),
        ("go", "```go\nfunc f() {\n", "", "}", True),
        ("go", "```go\nfunc f() {\n", "\treturn\n", "}", False),
    ],
)
def test_text_that_would_end_a_blank_answer_is_told(
    language: str, opening: str, so_far: str, text: str, expected: bool
) -> None:
    stopper = Stopper(("body",), opening=opening, language=language)
    stopper.feed(so_far)
    assert stopper.would_end_blank(text) is expected
    assert stopper.reason is None
