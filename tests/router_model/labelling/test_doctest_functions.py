"""Which functions with doctests are tasks, on small texts and on packages that are installed here."""

from __future__ import annotations

import ast
from pathlib import Path
from textwrap import indent

import more_itertools
import pyparsing
import pytest

from halfwatt.router_model.errors import DataMissing
from halfwatt.router_model.labelling.doctest_functions import doctest_functions, stubbed
from halfwatt.router_model.labelling.doctest_tasks import target_in

INSTALLED = sorted(
    path for module in (more_itertools, pyparsing) for path in Path(str(module.__file__)).parent.rglob("*.py")
)
DOCUMENTED = '    """Doubles.\n\n    >>> f(2)\n    4\n    """\n'


def names(text: str) -> list[str]:
    return [function.name for function in doctest_functions(text)]


@pytest.mark.parametrize(
    ("body", "counts"),
    [
        ("return 2 * x", True),
        ("return sum(map(int, [x, x]))", True),
        ("y = x\n    return y + x", True),
        ("for y in [x]:\n        return 2 * y", True),
        ("yield from (x for _ in range(2))", True),
        ("return g(x, 2, scale=self.scale)", False),
        ("return super().f(x)", False),
        ("yield from g(x)", False),
        ("return self.doubled", False),
        ("return 4", False),
        ("raise NotImplementedError", False),
        ("pass", False),
        ("return x * datetime.now().year", False),
        ("\n    ".join(f"a{n} = {n}" for n in range(41)), False),
    ],
)
def test_function_counts_when_its_body_does_something_of_its_own(body: str, counts: bool) -> None:
    assert names(f"def f(x):\n{DOCUMENTED}    {body}\n") == (["f"] if counts else [])


@pytest.mark.parametrize(
    "text",
    [
        "def f(x):\n    return 2 * x\n",
        'def f(x):\n    """Doubles."""\n    return 2 * x\n',
        'def f(x): """\n    >>> f(2)\n    4\n    """; return 2 * x\n',
        f"def f(x):\n{DOCUMENTED}    return 2 * x\n\ndef f(x):\n{DOCUMENTED}    return x + x\n",
        f"def g():\n    def f(x):\n{DOCUMENTED.replace('    ', '        ')}        return 2 * x\n    return f\n",
        f"def f(x):\n{DOCUMENTED}    return 2 * x\n\ndef broken(:\n",
    ],
    ids=["no docstring", "no examples", "one line", "two of a name", "inner function", "no Python"],
)
def test_function_without_examples_or_place_of_its_own_is_left_out(text: str) -> None:
    assert names(text) == []


def test_methods_have_qualified_names_also_under_conditions() -> None:
    method = indent(f"def f(self, x):\n{DOCUMENTED}    return 2 * x\n", "    ")
    assert names(f"class C:\n{method}\nif True:\n    class D:\n{indent(method, '    ')}") == [
        "C.f",
        "D.f",
    ]


def test_copies_with_other_comments_and_documentation_have_one_hash() -> None:
    one = f"def f(x):\n{DOCUMENTED}    return 2 * x\n"
    other = f"def g(x):\n{DOCUMENTED.replace('Doubles', 'Twice')}    # twice\n    return (2 * x)  # so\n"
    third = f"def g(x):\n{DOCUMENTED}    return 3 * x\n"
    hashes = [doctest_functions(text)[0].body_hash for text in (one, other, third)]
    assert hashes[0] == hashes[1] != hashes[2]


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_stub_keeps_the_line_ends_of_its_file(line_end: str) -> None:
    text = f"def f(x):\n{DOCUMENTED}    return 2 * x  # twice\n\n\nY = 1\n".replace("\n", line_end)
    (function,) = doctest_functions(text)
    stub = stubbed(text, function)
    assert stub.count("\n") == stub.count(line_end) == text.count(line_end)
    assert stub.endswith(f'"""{line_end}    raise NotImplementedError{line_end * 3}Y = 1{line_end}')


def test_product_finds_every_stub_in_installed_packages_and_the_body_fits_back() -> None:
    n_functions = 0
    for path in INSTALLED:
        text = path.read_bytes().decode()
        for function in doctest_functions(text)[::4]:
            stub = stubbed(text, function)
            ast.parse(stub)
            target = target_in(stub, function)
            assert target.documentation.count(">>>") >= function.n_examples
            assert f"def {target.name}(" in target.router_text
            at = function.body_start
            assert (
                text
                == stub[:at]
                + text[at : function.body_end]
                + stub[at + len(stub) - len(text) + function.body_end - at :]
            )
            n_functions += 1
    assert n_functions > 40


def test_complete_function_is_no_stub() -> None:
    text = f"def f(x):\n{DOCUMENTED}    return 2 * x\n"
    (function,) = doctest_functions(text)
    with pytest.raises(DataMissing, match="no stub"):
        target_in(text, function)
