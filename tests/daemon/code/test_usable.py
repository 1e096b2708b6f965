"""What counts as a usable body: real work in any form, and no placeholder in any form."""

from __future__ import annotations

import sysconfig
from pathlib import Path

import pytest

from halfwatt.daemon.code import languages
from halfwatt.daemon.code.functions import body_of, functions_in, is_stub
from halfwatt.daemon.code.syntax import Source
from halfwatt.daemon.code.usable import body_fault, function_fault

USABLE = [
    ("python", "    return a + b"),
    ("python", "        yield from self.items\n"),
    ("python", "    raise ValueError('negative')"),
    ("python", "    while True:\n        await tick()"),
    ("python", "    return NotImplemented"),
    ("python", "    return 1\n\n# The end.\n"),
    ("python", "    raise HTTPException(404, 'Todo not found')"),
    ("python", "    return [todo for todo in todos if not todo.done]"),
    ("python", '    """Doc."""\n    self.n = 1\n'),
    ("python", '    text = """\nat the margin\n"""\n    return text'),
    ("rust", "    if a > b { a } else { b }\n"),
    ("rust", "    loop {}\n"),
    ("javascript", "  return todos.filter((todo) => !todo.done);\n"),
    ("typescript", "  throw new RangeError('too large');\n"),
    ("typescriptreact", "  return <p>{children}</p>;\n"),
    ("java", "        super(x);\n        this.y = y;\n"),
    ("go", "\treturn errors.New(\"no such todo\")\n"),
    ("c", "    for (;;) { poll(); }\n"),
    ("cpp", "  co_await next();\n"),
]  # fmt: skip
UNUSABLE = [
    ("python", "", "empty"),
    ("python", "    # Adds.\n", "empty"),
    ("python", "    pass", "stub"),
    ("python", '    """Doc."""\n', "stub"),
    ("python", "    ...  # TODO", "stub"),
    ("python", "    raise NotImplementedError('later')", "stub"),
    ("python", "    raise Exception('TODO')", "stub"),
    ("python", "    # TODO: write\n    return None", "stub"),
    ("python", "    return (1\n", "syntax"),
    ("python", "    x = 1\n  y = 2\n", "syntax"),
    ("python", "    return 1 +", "syntax"),
    ("python", "    return 1\nprint(f())\n", "syntax"),
    ("go", "\treturn 1\n}\n\nfunc g() {\n", "syntax"),
    ("rust", "    todo!()\n", "stub"),
    ("rust", "    unimplemented!(\"later\");\n", "stub"),
    ("javascript", "  throw new Error('not implemented');\n", "stub"),
    ("javascript", "  // TODO\n", "empty"),
    ("javascript", "  return foo(1;\n", "syntax"),
    ("java", "        throw new UnsupportedOperationException(\"Not implemented\");\n", "stub"),
    ("go", "\tpanic(\"TODO\")\n", "stub"),
    ("go", "\treturn nil, errors.New(\"not implemented\")\n", "stub"),
    ("c", "    abort();\n", "stub"),
    ("cpp", "  return (1;\n", "syntax"),
]  # fmt: skip


def language(language_id: str) -> languages.Language:
    found = languages.for_id(language_id)
    assert found is not None
    return found


@pytest.mark.parametrize(("language_id", "body"), USABLE)
def test_body_that_does_something_is_usable(language_id: str, body: str) -> None:
    assert body_fault(body, language(language_id)) is None


@pytest.mark.parametrize(("language_id", "body", "fault"), UNUSABLE)
def test_body_that_does_nothing_or_does_not_parse_is_none(language_id: str, body: str, fault: str) -> None:
    assert body_fault(body, language(language_id)) == fault


def test_function_that_only_declares_itself_again_is_a_stub() -> None:
    source = Source("class A:\n    def f(self):\n        def f(self):\n            return 1\n", language("python"))
    assert [function_fault(source, it) for it in functions_in(source, source.root)] == ["stub", None]


def test_functions_of_the_standard_library_are_usable_in_place_and_by_their_bodies_alone() -> None:
    python, n_functions, wrong = language("python"), 0, []
    for path in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))[::8]:
        source = Source(path.read_text(encoding="utf-8"), python)
        for function in functions_in(source, source.root)[:12]:
            body = body_of(source, function)
            if body is None or is_stub(source, function):
                continue
            n_functions += 1
            alone = body_fault(source.text[body.opening : body.end], python)
            if alone or function_fault(source, function):
                wrong.append(f"{path.name}:{function.start_point.row + 1} {alone}")
    assert n_functions > 150
    assert wrong == []
