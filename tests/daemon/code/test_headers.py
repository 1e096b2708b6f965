"""C and C++ headers are told apart by what is in them."""

from __future__ import annotations

import pytest

from halfwatt.daemon.code import languages
from halfwatt.daemon.code.headers import language_of

C = "#ifndef A_H\n#define A_H\nstruct a { int class_; };\nint f(struct a *it);\n#endif\n"
CPP = "#pragma once\n\nnamespace geo {\nclass Vec {\n public:\n  double length() const {\n    // TODO\n  }\n};\n}\n"
BOTH = '#ifdef __cplusplus\nextern "C" {\n#endif\nint f(int a);\n#ifdef __cplusplus\n}\n#endif\n'


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        (C, "a.h", "c"),
        (CPP, "vec.h", "cpp"),
        (CPP, "VEC.H", "cpp"),
        (BOTH, "a.h", "c"),
        (CPP, "a.c", "c"),
        ("", "a.h", "c"),
    ],
)
def test_header_speaks_the_language_that_reads_it_best(text: str, path: str, expected: str) -> None:
    known = languages.for_id("c")
    assert known is not None
    assert language_of(text, path, known).id == expected
