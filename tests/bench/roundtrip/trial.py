"""Running cases: have the product find each stub and place each answer, judge the result, and show one to people."""

from __future__ import annotations

import difflib
import re
import tempfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from halfwatt.daemon.code.syntax import Source
from halfwatt.daemon.code.targets import Target

from .answers import SHAPES, Original
from .cases import BOM_FILE, BROKEN_FILE, FILE_SHAPES, Case, cases_of, original_of
from .functions import RealFunction
from .judge import Judged, Placed, Verdict, judge, place
from .needs import HELPER, IMPORT, helper_case, import_case
from .product import Refused, edits_for, saved, target_at

SHAPE_NAMES = (*(it.name for it in SHAPES), *FILE_SHAPES, HELPER, IMPORT)
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Outcome:
    """What became of one function in one shape. `broken_file`: there is a syntax error elsewhere in the file."""

    function_id: str
    language_id: str
    positions: tuple[str, ...]
    broken_file: bool
    form: str
    shape: str
    verdict: Verdict
    reason: str

    @property
    def id(self) -> str:
        return f"{self.function_id} · {self.shape}"


def run(function: RealFunction, shapes: Collection[str]) -> list[Outcome]:
    """The outcomes for those of the shapes that exist for this function."""
    trial = Trial(function)
    return [trial.outcome(case) for case in _all_cases(original_of(function), shapes)]


def some_shapes(function: RealFunction, n: int) -> list[str]:
    """So many of the shapes, others for each function, so that all are tried equally often."""
    first = function.choice("shape", len(SHAPE_NAMES))
    return [(SHAPE_NAMES * 2)[first + at] for at in range(min(n, len(SHAPE_NAMES)))]


def _all_cases(original: Original, shapes: Collection[str]) -> Iterator[Case]:
    yield from cases_of(original, shapes)
    for name, make in ((HELPER, helper_case), (IMPORT, import_case)):
        case = make(original) if name in shapes else None
        if case is not None:
            yield case


class Trial:
    """One function's cases. What several share is parsed once: files with a stub, and equal results."""

    def __init__(self, function: RealFunction) -> None:
        self.function = function
        self._targets: dict[str, tuple[Source, Target | Judged]] = {}
        self._judged: dict[tuple[str, str], Judged] = {}

    def outcome(self, case: Case) -> Outcome:
        judged = self._of_placing(case)
        return Outcome(
            function_id=self.function.id,
            language_id=self.function.language_id,
            positions=self.function.positions,
            broken_file=self.function.in_broken_file or case.shape == BROKEN_FILE,
            form=case.stub.form,
            shape=case.shape,
            verdict=judged.verdict,
            reason=judged.reason,
        )

    def placed(self, case: Case) -> Placed | Judged:
        """The file after the product's edits, or why there are none."""
        try:
            source, target = self._target(case)
            if isinstance(target, Judged):
                return target
            return place(case.stub, edits_for(source, target, case.answer, case.continued))
        except Refused as error:
            return Judged("refused", str(error))
        except Exception as error:  # noqa: BLE001 - whatever the product raises is a finding of the bench
            return Judged("crash", f"{type(error).__name__}: {error}"[:120])

    def _target(self, case: Case) -> tuple[Source, Target | Judged]:
        if case.stub.text not in self._targets:
            source = Source(case.stub.text, case.original.language)
            self._targets[case.stub.text] = (source, _target_or_verdict(source, case, self.function.path.name))
        return self._targets[case.stub.text]

    def _of_placing(self, case: Case) -> Judged:
        placed = self.placed(case)
        if isinstance(placed, Judged):
            return Judged("equal") if placed.verdict == "refused" and not case.holds else placed
        if placed.outside or case.brings:
            judged = judge(case.original, case.body, placed, case.brings)
        else:
            key = (case.original.text, placed.text)
            judged = self._judged[key] if key in self._judged else judge(case.original, case.body, placed)
            self._judged[key] = judged
        if judged.verdict == "equal" and not case.holds:
            return Judged("different", "a body was placed that the answer does not hold")
        if judged.verdict == "equal" and case.shape == BOM_FILE:
            return self._of_bytes(case, placed)
        return judged

    def _of_bytes(self, case: Case, placed: Placed) -> Judged:
        """Read and written as the command line does: the byte order mark and every other byte stays."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / self.function.path.name
            path.write_bytes(_BOM + case.stub.text.encode())
            if saved(path, placed.text) != _BOM + placed.text.encode():
                return Judged("damage", "the byte order mark or other bytes changed")
        return Judged("equal")


def _target_or_verdict(source: Source, case: Case, file_name: str) -> Target | Judged:
    try:
        target = target_at(source, case.stub.cursor, file_name)
    except Refused as error:
        return Judged("not found", f"{case.stub.form}: {error}")
    if target.kind != "stub":
        return Judged("wrong target", f"a {target.kind} instead of the stub")
    if case.stub.start <= target.start <= target.end <= case.stub.end:
        return target
    touches = target.start <= case.stub.end and target.end >= case.stub.start
    return Judged("wrong target", "it reaches beyond the body" if touches else "another function")


def show(function: RealFunction, shape: str) -> str:
    """One case for people: the answer, the verdict and what the edits make of the stub."""
    parts = []
    trial = Trial(function)
    for case in _all_cases(original_of(function), [shape]):
        outcome = trial.outcome(case)
        parts.append(f"{outcome.id}\nstub: {outcome.form}; {outcome.verdict}: {outcome.reason}")
        parts.append(f"-- the answer\n{case.answer}")
        parts.append("-- from the original to the stub\n" + _diff(case.original.text, case.stub.text))
        placed = trial.placed(case)
        if isinstance(placed, Placed):
            parts.append("-- from the stub to the file afterwards\n" + _diff(case.stub.text, placed.text))
            parts.append("-- from the original to the file afterwards\n" + _diff(case.original.text, placed.text))
    return "\n\n".join(parts)


def _diff(before: str, after: str) -> str:
    lines = difflib.unified_diff(re.split("\n", before), re.split("\n", after), lineterm="", n=2)
    return "\n".join(lines)
