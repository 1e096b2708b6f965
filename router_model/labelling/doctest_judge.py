"""Whether a module's text passes the doctests of one function: one process in the sandbox for each judgement.

The module is the real one in its real package; only its text is another. The examples see its names and that of the
package. They are those of the original docstring, so that a text without them cannot pass. Nothing of a package is
imported outside the sandbox.
"""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

from halfwatt.router_model.sandbox.sandbox import SandboxFiles, SandboxLimits, SandboxRun, run_beside

LIMITS = SandboxLimits(wall_s=20.0, cpu_s=10)
_ROOT = "/packages"
_PROGRAM = """
import sys
sys.path[:0] = {folders!r}
import doctest, importlib
module = importlib.import_module({module!r})
package = {module!r}.partition(".")[0]
names = {{package: sys.modules[package], **vars(module)}}
for name, docstring in {documented!r}:
    examples = doctest.DocTestParser().get_doctest(docstring, dict(names), name, None, 0)
    runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    say("-" if runner.run(examples, out=lambda text: None).failed else "+")
"""


class DoctestVerdict(StrEnum):
    """`CRASHED`: the module could not be imported, or the process ended before its examples did."""

    PASSED = "passed"
    FAILED = "failed"
    CRASHED = "crashed"
    TIMED_OUT = "timed out"


def judge(folders: Sequence[Path], module_path: str, name: str, docstring: str, text: str) -> DoctestVerdict:
    """Run the examples in `docstring` against the module at `module_path` in the first folder, seen with this text.

    Raises `SandboxUnavailable`.
    """
    run = _run(folders, module_path, [(name, docstring)], text)
    if run.reached_end:
        return DoctestVerdict.PASSED if run.said == "+" else DoctestVerdict.FAILED
    return DoctestVerdict.TIMED_OUT if run.timed_out else DoctestVerdict.CRASHED


def passing(folders: Sequence[Path], module_path: str, documented: Sequence[tuple[str, str]]) -> list[bool]:
    """Which docstrings' examples pass against the module as it is, all in one process where none ends it.

    `documented` are names and docstrings. A process that does not reach its end fails the one that it was at. What one
    leaves behind the next one meets, so this is for sorting out and not for verdicts. Raises `SandboxUnavailable`.
    """
    found: list[bool] = []
    while len(found) < len(documented):
        run = _run(folders, module_path, documented[len(found) :], None)
        found += [each == "+" for each in run.said[: len(documented) - len(found)]]
        if not run.reached_end:
            n_lost = 1 if run.said else len(documented)  # without a word: the module cannot be imported
            found += [False] * min(n_lost, len(documented) - len(found))
    return found


def _run(
    folders: Sequence[Path], module_path: str, documented: Sequence[tuple[str, str]], text: str | None
) -> SandboxRun:
    seen = [f"{_ROOT}/{index}" for index in range(len(folders))]
    program = _PROGRAM.format(folders=seen, module=module_name(module_path), documented=list(documented))
    texts = {} if text is None else {f"{seen[0]}/{module_path}": text}
    return run_beside(program, SandboxFiles(dict(zip(seen, folders, strict=True)), texts), LIMITS)


def module_name(module_path: str) -> str:
    """`a/b/__init__.py` is `a.b`."""
    return module_path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
