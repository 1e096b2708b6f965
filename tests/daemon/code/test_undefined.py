"""Undefined names: which Python calls no scope binds, and what editors' diagnostics say."""

from __future__ import annotations

import pytest

from halfwatt.daemon.code import languages
from halfwatt.daemon.code.syntax import Source
from halfwatt.daemon.code.undefined import diagnosed_names, undefined_calls

# text, undefined calls
SCOPES = [
    ("f()\n", ["f"]),
    ("def f(): pass\nf()\n", []),
    ("f()\ndef f(): pass\n", []),
    ("def g():\n    def f(): pass\nf()\n", ["f"]),
    ("def g():\n    f()\n    def h():\n        f()\n", ["f", "f"]),
    ("def g(f, *h, k=1, **i):\n    f(), h(), i(), k()\n", []),
    ("def g(f: T = 1, h: int = 2): f(); h(); T()\n", ["T"]),
    ("g = lambda f: f()\n", []),
    ("g = lambda f: h()\n", ["h"]),
    ("import f, a.b\nfrom c import d as e\nf(); a(); e(); d()\n", ["d"]),
    ("from x import *\nf()\n", []),
    ("exec('f = 1')\nf()\n", []),
    ("[f() for f in fs]\n", []),
    ("[f for f in fs]\nf()\n", ["f"]),
    ("for f, (g, *h) in x:\n    f(), g(), h()\n", []),
    ("with a as f, b as (g, h): f(), g(), h()\n", []),
    ("try: pass\nexcept E as f: f()\n", []),
    ("if (f := 1): f()\n", []),
    ("f: int\nf()\n", []),
    ("def g():\n    global f\n    f = 1\ndef h(): f()\n", ["f"]),
    ("match x:\n    case [f, *g]: f(), g()\n    case {'k': h}: h()\n", []),
    ("class A:\n    def f(self): pass\n    def g(self): f()\n", []),
    ("class A[T]:\n    def f(self) -> T: return T()\n", []),
    ("print(len(x))\n", []),
    ("a.f()\n", []),
    ("a(b(c()))\n", ["a", "b", "c"]),
]


@pytest.mark.parametrize(("text", "expected"), SCOPES)
def test_only_names_that_no_scope_binds_are_undefined(text: str, expected: list[str]) -> None:
    python = languages.for_id("python")
    assert python is not None
    source = Source(text, python)
    names = [source.text_of(call.children[0]) for call in undefined_calls(source)]
    assert sorted(names) == sorted(expected)


# message, the name that it calls undefined
MESSAGES = [
    ('"mean" is not defined', "mean"),
    ("undefined name 'mean'", "mean"),
    ("Undefined name `mean`", "mean"),
    ('Name "mean" is not defined', "mean"),
    ("Cannot find name 'mean'.", "mean"),
    ("Cannot find name 'mean'. Did you mean 'median'?", "mean"),
    ("'mean' is not defined.", "mean"),
    ("undefined: mean", "mean"),
    ("cannot find function `mean` in this scope", "mean"),
    ("The method mean(int) is undefined for the type A", "mean"),
    ("use of undeclared identifier 'mean'", "mean"),
    ("call to undeclared function 'mean'; ISO C99 and later do not support it", "mean"),
    ("'mean' was not declared in this scope", "mean"),
]


@pytest.mark.parametrize(("message", "name"), MESSAGES)
def test_diagnostics_of_usual_tools_name_the_undefined(message: str, name: str) -> None:
    assert name in diagnosed_names([message])


@pytest.mark.parametrize("message", ["'mean' is assigned but never used", "Missing docstring in 'mean'", ""])
def test_other_diagnostics_name_nothing(message: str) -> None:
    assert diagnosed_names([message]) == []
