"""What is found at a position, language by language. `¦` marks the cursor."""

from __future__ import annotations

import dataclasses

import pytest

from halfwatt.daemon.code import languages
from halfwatt.daemon.code.languages import LANGUAGES, Language
from halfwatt.daemon.code.syntax import Source
from halfwatt.daemon.code.targets import Target, TargetRefusal, find, stubs
from halfwatt.daemon.inference.generation_prompt import generation_prompt

Found = tuple[Source, Target | TargetRefusal | None]


def look(marked: str, language: str, undefined: tuple[str, ...] = (), path: str = "") -> Found:
    offset = marked.index("¦")
    known = languages.for_id(language)
    assert known is not None
    source = Source(marked.replace("¦", "", 1), known)
    return source, find(source, offset, undefined, path)


# language, marked text, name, text that the edit replaces
STUBS = [
    ("python", "def f(a):¦\n    pass\n", "f", "\n    pass"),
    ("python", "def f(a): ¦...\n", "f", " ..."),
    ("python", "def f(a):\n    raise Not¦ImplementedError\n", "f", "\n    raise NotImplementedError"),
    ("python", "def f(a):\n    raise ValueError('to¦do')\n", "f", "\n    raise ValueError('todo')"),
    ("python", "def f(a):\n    raise NotImplementedError('¦')\n", "f", "\n    raise NotImplementedError('')"),
    ("python", 'def f(a):  # noqa\n    """Doc."""\n¦', "f", ""),
    (
        "python",
        'def f(a):\n    """Doc."""\n    # kept\n    # TODO: ¦sum\n    pass\n',
        "f",
        "\n    # TODO: sum\n    pass",
    ),
    ("python", "def f(a):\n    # TODO ¦one\n    # two\n\nx = 1\n", "f", "\n    # TODO one\n    # two"),
    ("python", "def f(a):\n    return None  # TODO¦\n", "f", "\n    return None  # TODO"),
    ("python", "@cache\n@ca¦che\n@functools.wraps(1)\nasync def f(a):\n    pass\n", "f", "\n    pass"),
    ("python", "class A:\n    def f(self):\n        pass¦\n    x = 1\n", "f", "\n        pass"),
    ("python", "def g():\n    def f():\n        pa¦ss\n    return f\n", "f", "\n        pass"),
    ("python", "def größe(ä):\n    # ¦TODO: Maß\n    pass\n", "größe", "\n    # TODO: Maß\n    pass"),
    ("python", "def f(a):\r\n    pass¦\r\n", "f", "\r\n    pass"),
    ("python", "class A:\n\tdef f(self):\n\t\t¦pass\n", "f", "\n\t\tpass"),
    ("python", "class A(asyncio.Protocol):\n    def f(self):\n        pass¦\n", "f", "\n        pass"),
    ("python", "x = (\n\ndef f(a):\n    pas¦s\n", "f", "\n    pass"),
    ("javascript", "function f(a) {¦}\n", "f", ""),
    ("javascript", "class A { async f(a) { /* TO¦DO */ } }\n", "f", " /* TODO */ "),
    ("javascript", "module.exports.f = function (a) {\n  // TODO¦\n};\n", "f", "\n  // TODO\n"),
    ("javascript", "// Doubles.\n¦const f = (a) => {};\n", "f", ""),
    ("javascriptreact", "const A = () => {\n  return null; // TODO¦\n};\n", "A", "\n  return null; // TODO\n"),
    (
        "typescript",
        "export function f(a: number): number {\n  throw new Error('Not im¦plemented');\n}\n",
        "f",
        "\n  throw new Error('Not implemented');\n",
    ),
    ("typescriptreact", "export const F = (p: P): JSX.Element => {¦ };\n", "F", " "),
    ("go", '// F does.\nfunc (s *S) F(a int) int {\n\tpanic("not ¦implemented")\n}\n', "F", None),
    ("rust", "impl A {\n    /// Doc.\n    pub fn f(&self) -> i32 {\n        to¦do!()\n    }\n}\n", "f", None),
    ("rust", 'fn f() -> i32 { unimplemented!("later")¦ }\n', "f", None),
    ("java", "class A {\n  int f(int a) {\n    throw new Unsupported¦OperationException();\n  }\n}\n", "f", None),
    ("c", "static int *f(int a)\n{\n    return 0; // TODO¦\n}\n", "f", None),
    ("cpp", 'int A::f(int a) const { throw std::logic_error("not ¦implemented"); }\n', "f", None),
    ("cpp", "template <class T>\nT f(T a) {¦}\n", "f", ""),
    ("go", '// Doubles.\n¦var F = func(a int) int {\n\tpanic("TODO")\n}\n', "F", None),
    ("go", 'func m() {\n\tf := func(a int) int {\n\t\tpanic("¦TODO")\n\t}\n}\n', "f", None),
    ("rust", "fn m() {\n    let f = |a: i32| -> i32 { to¦do!() };\n}\n", "f", " todo!() "),
    ("java", "class A {\n  Function<A, B> f¦ = a -> {\n    // TODO\n  };\n}\n", "f", "\n    // TODO\n  "),
    ("java", "class A {\n  void m() {\n    Runnable f = () -> {¦};\n  }\n}\n", "f", ""),
    ("cpp", "void m() {\n  auto f = [&](int a) -> int {¦ abort(); };\n}\n", "f", " abort(); "),
]


@pytest.mark.parametrize(("language", "marked", "name", "replaced"), STUBS)
def test_stub_is_found_at_cursor(language: str, marked: str, name: str, replaced: str | None) -> None:
    source, found = look(marked, language)
    assert isinstance(found, Target)
    assert (found.kind, found.name) == ("stub", name)
    if replaced is not None:
        assert source.text[found.start : found.end] == replaced
    assert found in stubs(source)


NOTHING = [
    ("python", "def f(a):\n    return a¦\n"),
    ("python", "def f(a):\n    return None¦\n"),
    ("python", "x = 1¦\n"),
    ("python", "def f(a):\n    # explain ¦the next three lines\n    return a\n"),
    ("python", '"""The module\'s ¦own long docstring."""\n'),
    ("python", "#!/usr/bin/env ¦python three words\n"),
    ("python", "# Copyright ¦2026 by the authors of it\n"),
    ("python", "# ¦short\n"),
    ("python", "¦"),
    ("typescript", "foo(() => {¦});\n"),
    ("typescript", "const f = (a: number) => a +¦ 1;\n"),
    ("go", "func F() int {\n\treturn 1¦\n}\n"),
]


@pytest.mark.parametrize(("language", "marked"), NOTHING)
def test_finished_code_is_left_alone(language: str, marked: str) -> None:
    assert look(marked, language)[1] is None


REFUSED = [
    ("python", "@overload\ndef f(a: int) -> int: ...¦\n", "", "overload"),
    ("python", "class A(ABC):\n    @abstractmethod\n    def f(self): ¦...\n", "", "abstract"),
    ("python", "class A(Protocol):\n    def f(self): ¦...\n", "", "protocol"),
    ("python", "def f(a: int) -> int: ...¦\n", "lib/a.pyi", "type stub"),
    ("typescript", "interface A { m(a: string): ¦void }\n", "", "without a body"),
    ("typescript", "declare function f(a: number): ¦string;\n", "", "without a body"),
    ("typescript", "class A {\n  constructor(private a: T) {¦}\n}\n", "", "complete"),
    ("java", "class A {\n  A() {¦}\n}\n", "", "complete"),
    ("cpp", "struct P {\n  explicit P(int a) : a_(a) {¦}\n  int a_;\n};\n", "", "complete"),
    ("cpp", "struct P {\n  virtual ~P() {¦}\n};\n", "", "complete"),
    ("cpp", "P<T>::P(int a) : a_(a) {¦}\n", "", "complete"),
]


@pytest.mark.parametrize(("language", "marked", "path", "reason"), REFUSED)
def test_bodiless_function_is_refused_with_its_reason(language: str, marked: str, path: str, reason: str) -> None:
    found = look(marked, language, path=path)[1]
    assert isinstance(found, TargetRefusal)
    assert reason in found.reason


COMMENTS = [
    ("python", "x = 1\n# Return the ¦mean\n# of a list.\n\ny = 2\n", "# Return the mean\n# of a list."),
    ("python", 'x = 1\n"""Return the ¦mean of a list."""\n', '"""Return the mean of a list."""'),
    ("python", "class A:\n    x = 1\n    # Return the ¦x times two.\n", "# Return the x times two."),
    ("javascript", "/**\n * Adds ¦two numbers.\n */\n\nlet a = 1;\n", "/**\n * Adds two numbers.\n */"),
    ("go", "package a\n\n// Add returns ¦the sum.\n", "// Add returns the sum."),
    ("rust", "/// Adds two ¦numbers.\n", "/// Adds two numbers."),
]


@pytest.mark.parametrize(("language", "marked", "text"), COMMENTS)
def test_comment_that_describes_a_function_is_a_target(language: str, marked: str, text: str) -> None:
    source, found = look(marked, language)
    assert isinstance(found, Target)
    assert (found.kind, found.documentation) == ("comment", text)
    assert source.text[: found.end].endswith(text)


CALLS = [
    ("python", "import os\n\ndef a(v):\n    return me¦an(v)\n", (), "def a"),
    ("python", "print(me¦an([1]))\n", (), "print"),
    ("typescript", "export function f(a: number) {\n  return dou¦ble(a);\n}\n", ("double",), "export"),
    ("java", "class A {\n  /** Doc. */\n  int f() { return hel¦per(1); }\n}\n", ("helper",), "  /** Doc. */"),
    ("rust", "fn a() -> i32 { dou¦ble(1) }\n", ("double",), "fn a"),
    ("c", "int x;\nint a(void) { return dou¦ble(1); }\n", ("double",), "int a"),
]


@pytest.mark.parametrize(("language", "marked", "undefined", "below"), CALLS)
def test_call_of_undefined_name_is_a_target(language: str, marked: str, undefined: tuple[str, ...], below: str) -> None:
    source, found = look(marked, language, undefined)
    assert isinstance(found, Target)
    assert found.kind == "call"
    assert found.start == found.end
    assert source.text[found.start :].startswith(below)


def test_call_without_diagnostics_is_left_alone_outside_python() -> None:
    assert look("let x = dou¦ble(1);\n", "typescript")[1] is None


def test_router_sees_signature_and_documentation_only() -> None:
    marked = (
        'import os\n\nclass A:\n    x = 1\n\n    def f(self, a: int) -> int:\n        """Twice a."""\n        ¦pass\n'
    )
    found = look(marked, "python")[1]
    assert isinstance(found, Target)
    assert found.router_text == 'def f(self, a: int) -> int:\n"""Twice a."""'


def test_prompt_holds_imports_class_and_signature_but_no_other_bodies() -> None:
    marked = (
        "import os\n\nclass A(B):\n    x = 1\n\n    def __init__(self, n):\n        self.n = n\n\n"
        "    def other(self):\n        return 'secret body'\n\n"
        '    def f(self, a):\n        """Twice a."""\n        ¦pass\n\ndef unrelated():\n    return 2\n'
    )
    source, found = look(marked, "python")
    assert isinstance(found, Target)
    message = generation_prompt(source, found).messages[-1]
    for wanted in ("import os", "class A(B):", "self.n = n", "def other(self): ...", "def f(self, a):", "Twice a."):
        assert wanted in message["content"]
    for unwanted in ("secret body", "unrelated", "pass"):
        assert unwanted not in message["content"]


def test_another_language_is_one_table_entry() -> None:
    """A language the project does not ship: Go's grammar under another name, with its own idea of a stub."""
    go = next(it for it in LANGUAGES if it.id == "go")
    entry: Language = dataclasses.replace(go, id="gox", name="Gox", extensions=(".gox",), stub=r"later\(\)")
    table = (*LANGUAGES, entry)
    known = languages.for_path("a/b.gox", table)
    assert known is entry
    text = "func F(a int) int {\n\tlater()\n}\n"
    found = find(Source(text, entry), text.index("later"))
    assert isinstance(found, Target)
    assert found.name == "F"
    assert languages.for_path("a/b.gox") is None


def test_every_language_has_its_own_ids_and_extensions() -> None:
    ids = [name for it in LANGUAGES for name in (it.id, *it.aliases)]
    extensions = [name for it in LANGUAGES for name in it.extensions]
    assert len(ids) == len(set(ids))
    assert len(extensions) == len(set(extensions))
    for it in LANGUAGES:
        assert Source("", it).parses
