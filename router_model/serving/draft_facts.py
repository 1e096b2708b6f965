"""Facts about a finished draft beyond its log-probabilities: whether it parses, and whether the examples hold.

Examples are the `>>>` lines of the request's docstring or comment. They run only in the sandbox, and only when the
caller asks for it. Without a sandbox the result is unknown, and so it is where an example needs the file around the
draft. Only Python is examined. It decides nothing (`stage2.py`).
"""

import ast
import doctest
import re
import textwrap
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

from halfwatt.router_model.errors import SandboxUnavailable
from halfwatt.router_model.sandbox.sandbox import SandboxLimits, runs_to_its_end

MAX_EXAMPLES = 20
_LIMITS = SandboxLimits(wall_s=3.0, cpu_s=3, memory_bytes=512 << 20)
_COMMENT = re.compile(r"[ \t]*#[ \t]?")
_DEFINED = re.compile(r"^[ \t]*(?:async[ \t]+)?def[ \t]+(\w+)", re.MULTILINE)
_QUOTES = re.compile(r"[\"']{3}")
_N_RUNS = 2  # processes that must agree: the order of sets, and chance, differ between them
_CHECK = """
import doctest
space = {{"__name__": "__main__"}}
exec(compile({code!r}, "draft", "exec"), space)
failures = []
runner = doctest.DocTestRunner(verbose=False)
runner.run(doctest.DocTestParser().get_doctest({examples!r}, space, "examples", None, 0), out=failures.append)
foreign = any(name in text for text in failures for name in ("NameError", "ImportError", "ModuleNotFoundError"))
if not ({condition}):
    raise SystemExit(1)
"""
_ALL_HOLD = "runner.tries > 0 and runner.failures == 0"
_UNKNOWN = "runner.tries == 0 or foreign"


@dataclass(frozen=True)
class DraftFacts:
    """`parses` is False only for Python that does not parse; `examples_pass` is None where that is unknown."""

    parses: bool = True
    examples_pass: bool | None = None


def facts_of(stub: str, code: str, language: str, run_examples: bool) -> DraftFacts:
    """Facts about the code of a draft. Blocks, with examples for up to ten seconds.

    `stub` is the signature with its docstring or comment, as the router saw it.
    """
    if language != "python":
        return DraftFacts()
    if not parses(code):
        return DraftFacts(parses=False)
    return DraftFacts(True, examples_pass(stub, code) if run_examples else None)


def parses(code: str) -> bool:
    """True for whole statements and for the bare body of a function."""
    body = textwrap.dedent(code)
    return _is_python(body) or _is_python("def _():\n" + textwrap.indent(body, "    "))


def examples_pass(stub: str, code: str) -> bool | None:
    """Run the stub's examples against the code, in the sandbox only; None without examples or sandbox.

    True only where at least one example ran and none failed, in each of `_N_RUNS` processes. False only where the
    failure is the code's own: an unknown name or module may be defined in the user's file.
    """
    examples = examples_of(stub)
    if not examples:
        return None
    code = _program(stub, code)
    try:
        if all(_is_true(_ALL_HOLD, code, examples) for _ in range(_N_RUNS)):
            return True
        return None if _is_true(_UNKNOWN, code, examples) else False
    except (SandboxUnavailable, OSError):
        return None


def _is_true(condition: str, code: str, examples: str) -> bool:
    """Whether a condition on the runner holds after the examples ran in a process of their own."""
    return runs_to_its_end(_CHECK.format(code=code, examples=examples, condition=condition), _LIMITS)


def examples_of(stub: str) -> str:
    """The first `MAX_EXAMPLES` examples of a docstring or a comment as plain text.

    Empty where no example has an expected output or an assertion: such examples cannot fail by their value.
    """
    text = _QUOTES.sub("\n", "\n".join(_uncommented(stub)))
    try:
        found = doctest.DocTestParser().get_examples(text)
    except ValueError:
        return ""
    first = found[:MAX_EXAMPLES]
    if not any(each.want or each.source.startswith("assert") for each in first):
        return ""
    return "\n".join(f">>> {_continued(each.source)}{each.want}" for each in first)


def _continued(source: str) -> str:
    return source.rstrip("\n").replace("\n", "\n... ") + "\n"


def _uncommented(stub: str) -> Iterator[str]:
    """Lines without comment signs. An empty line ends each comment, so that no example runs on into the code."""
    commented = False
    for line in stub.split("\n"):
        bare = _COMMENT.sub("", line, count=1) if _COMMENT.match(line) else None
        if commented and bare is None:
            yield ""
        commented = bare is not None
        yield line if bare is None else bare


def _program(stub: str, code: str) -> str:
    """Stub and code as one program. The stub stays in front where it is valid, because it may hold imports.

    Code that does not define the stub's function is taken for its body.
    """
    stub, body = stub.rstrip() + "\n", textwrap.dedent(code) + "\n"
    wanted = _DEFINED.findall(stub)
    if wanted and wanted[-1] not in _DEFINED.findall(body):
        return stub + textwrap.indent(body, "    ")
    return stub + body if _is_python(stub) else body


def _is_python(text: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compile(text, "draft", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False
    return True
