"""Descriptions of functions: what two texts of one function share, and what tells overloads and accessors apart."""

from __future__ import annotations

import pytest

from halfwatt.daemon.code import languages
from halfwatt.daemon.code.functions import functions_in
from halfwatt.daemon.code.signature import Signature, distance, signature_of
from halfwatt.daemon.code.syntax import Source


def signatures(language: str, text: str) -> list[Signature]:
    known = languages.for_id(language)
    assert known is not None
    source = Source(text, known)
    return [signature_of(source, it) for it in functions_in(source, source.root)]


# language, text, for each function: owners, name, kind, static, parameters
DESCRIBED = [
    ("python", "class A:\n    @property\n    def x(self) -> int:\n        return 1\n", ["A|x|getter||self"]),
    ("python", "class A:\n    @x.setter\n    def x(self, v: int = 1):\n        pass\n", ["A|x|setter||self,v:int"]),
    ("python", "class A:\n    @staticmethod\n    def f(*a, b):\n        pass\n", ["A|f|function|static|*a,b"]),
    ("python", "def f():\n    def g():\n        pass\n", ["|f|function||", "f|g|function||"]),
    ("typescript", "class A { static get v(): T { return 1; } }", ["A|v|getter|static|"]),
    ("typescript", "class A { constructor(private a: T) {} }", ["A|constructor|constructor||a:T"]),
    ("typescript", "namespace N { export const f = (a: T) => { g(); }; }", ["N|f|function||a:T"]),
    ("typescript", "class A { [Symbol.iterator]() {} }", ["A|[Symbol.iterator]|function||"]),
    ("javascript", "const api = { get(x) {}, b: x => {} };", ["api|get|function||x", "api|b|function||x"]),
    ("javascript", "A.prototype.f = function ({a, b}) {};", ["A|f|function||{a,b}"]),
    ("go", "package a\nfunc (s *S[T]) F(a, b int, c ...string) {}\n", ["S|F|function||a:int,b:int,c:string"]),
    ("rust", "impl<T> Display for V<T> { fn f(&self, a: &str) {} }", ["V as Display|f|function||&self,a:&str"]),
    ("rust", "mod m { trait T { fn f() {} } }", ["m,T|f|function||"]),
    (
        "java",
        "class A { A(final int a) {} static int f(List<T> s) {} }",
        ["A|A|constructor||a:int", "A|f|function|static|s:List<T>"],
    ),
    ("java", "class A { Object o = new B() { void g() {} }; }", ["A,B|g|function||"]),
    ("cpp", "template <class T> T a::S<T>::f(const T& x, T* y) const {}", ["a,S|f|function||x:T&,y:T*"]),
    (
        "cpp",
        "struct P { operator bool() const {} bool operator()(int a) {} ~P() {} };",
        ["P|operator bool|function||", "P|operator()|function||a:int", "P|~P|function||"],
    ),
    ("c", "static int f(void) {}", ["|f|function|static|"]),
]


@pytest.mark.parametrize(("language", "text", "expected"), DESCRIBED)
def test_function_is_described_in_full(language: str, text: str, expected: list[str]) -> None:
    assert [_line(it) for it in signatures(language, text)] == expected


def _line(it: Signature) -> str:
    parameters = ",".join(f"{one.name}:{one.type}".rstrip(":") for one in it.parameters)
    return f"{','.join(it.owners)}|{it.name}|{it.kind}|{'static' if it.is_static else ''}|{parameters}"


# language, the wanted function, candidates from the best to those that cannot be meant (after None)
RANKED: list[tuple[str, str, list[str | None]]] = [
    (
        "java",
        "class A { int f(int a, String b) {} }",
        [
            "class A { int f(int a, String b) {} }",
            "int f(int a, String b) {}",
            "class A { int f(int a, int b) {} }",
            "class Main { int f(int a, String b) {} }",
            None,
            "class A { int f(int a) {} }",
            "class B { int f(int a, String b) {} }",
            "class A { int g(int a, String b) {} }",
        ],
    ),
    (
        "python",
        "class A:\n    @x.setter\n    def x(self, v):\n        pass\n",
        [
            "class A:\n    @x.setter\n    def x(self, v):\n        pass\n",
            "def x(self, v):\n    pass\n",
            None,
            "class A:\n    @property\n    def x(self):\n        pass\n",
        ],
    ),
    (
        "rust",
        "impl A for V { fn f(&self) {} }",
        ["impl A for V { fn f(&self) {} }", "fn f(&self) {}", None, "impl B for V { fn f(&self) {} }"],
    ),
]


@pytest.mark.parametrize(("language", "wanted", "candidates"), RANKED)
def test_nearer_descriptions_come_first(language: str, wanted: str, candidates: list[str | None]) -> None:
    known = frozenset({"A", "B", "V", "V as A", "V as B"})
    target = signatures(language, wanted)[0]
    cut = candidates.index(None)
    found = [distance(target, signatures(language, it)[0], known) for it in candidates if it is not None]
    assert found[0] == 0
    ranks = [it for it in found[:cut] if it is not None]
    assert len(ranks) == cut
    assert ranks == sorted(ranks)
    assert all(it is None for it in found[cut:])
