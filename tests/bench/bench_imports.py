"""Measures lsp/imports on files that nobody here wrote: an import is taken out, and a body that uses it is "generated".

usage, in tests/: python -m bench.bench_imports LANGUAGE FOLDER … [--files N] [--show KIND]

Each function's own body stands for the new text. Three questions are asked of each file. Does anything come where
nothing was taken out? Does the import come back from the body alone (standard libraries only)? Does it where the
answer brings the statement along? Nothing is written.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.import_removal import READERS, Removal

from halfwatt.daemon.code import languages
from halfwatt.daemon.code.edits import Edit, apply
from halfwatt.daemon.code.functions import body_of, functions_in
from halfwatt.daemon.code.syntax import Source
from halfwatt.lsp.imports.needed import import_edits

MAX_CHARS = 100_000
PER_FILE = 3  # functions, and imports taken out


@dataclass(frozen=True)
class Outcome:
    question: str  # "nothing removed", "body alone", "offered"
    kind: str  # "nothing", "exact", "other", "missed", "WRONG …"
    detail: str


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("language")
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--show", default="", help="print cases whose kind begins so")
    options = parser.parse_args()
    counts: Counter[tuple[str, str]] = Counter()
    n_files = 0
    for path in _files(options.language, options.folders):
        outcomes = list(_measured(path, options.language))
        n_files += bool(outcomes)
        for outcome in outcomes:
            counts[outcome.question, outcome.kind] += 1
            if options.show and outcome.kind.startswith(options.show):
                print(f"{path}: {outcome.question}: {outcome.kind}: {outcome.detail}", flush=True)
        if n_files % 100 == 0 and outcomes:
            print(f"{n_files} files", file=sys.stderr, flush=True)
        if n_files >= options.files:
            break
    print(f"{options.language}: {n_files} files")
    for question in dict.fromkeys(it for it, _ in sorted(counts)):
        total = sum(n for (of, _), n in counts.items() if of == question)
        parts = [f"{kind} {n} ({n / total:.1%})" for (of, kind), n in sorted(counts.items()) if of == question]
        print(f"  {question} ({total}): {', '.join(parts)}")


def _files(language_id: str, folders: list[Path]) -> list[Path]:
    known = languages.for_id(language_id)
    assert known is not None, f"no language {language_id}"
    found = sorted(path for folder in folders for path in folder.rglob("*") if path.suffix in known.extensions)
    found = [it for it in found if it.is_file() and not it.name.endswith(".d.ts")]
    random.Random(1).shuffle(found)  # noqa: S311 - a fixed order, no secret
    return found


def _measured(path: Path, language_id: str) -> Iterator[Outcome]:
    known = languages.for_id(language_id)
    try:
        text = path.read_bytes().decode("utf-8")
    except (UnicodeDecodeError, OSError):
        return
    if known is None or len(text) > MAX_CHARS:
        return
    source = Source(text, known)
    if not source.parses:
        return
    bodies = _bodies(source)
    order = random.Random(len(text))  # noqa: S311 - a fixed order, no secret
    for start, end in order.sample(bodies, min(PER_FILE, len(bodies))):
        added = import_edits(source, source, (Edit(start, end, text[start:end]),), (), path.parent)
        yield Outcome("nothing removed", "WRONG added" if added else "nothing", "".join(it.text for it in added))
    reader = READERS[language_id]
    found = [(it, _sole_user(source, bodies, it)) for it in reader.removals(source)]
    removals = [(removal, span) for removal, span in found if span is not None]
    for removal, span in order.sample(removals, min(PER_FILE, len(removals))):
        if reader.is_standard(removal):
            yield _outcome(path, source, removal, span, "body alone", ())
        yield _outcome(path, source, removal, span, "offered", (removal.statement,))


def _bodies(source: Source) -> list[tuple[int, int]]:
    """The spans of the bodies of functions that stand in no other."""
    spans = []
    end_of_last = -1
    for function in functions_in(source, source.root):
        body = body_of(source, function)
        if body is None or not body.parts or function.start_byte < end_of_last:
            continue
        end_of_last = function.end_byte
        spans.append((body.opening, max(body.end, body.opening)))
    return spans


def _sole_user(source: Source, bodies: list[tuple[int, int]], removal: Removal) -> tuple[int, int] | None:
    """The one body that holds all uses of the name."""
    uses = sorted(removal.uses)
    if not uses:
        return None
    return next(((start, end) for start, end in bodies if start <= uses[0] and uses[-1] < end), None)


def _outcome(
    path: Path, source: Source, removal: Removal, span: tuple[int, int], question: str, offered: tuple[str, ...]
) -> Outcome:
    start, end = span
    without = source.text[: removal.start] + removal.instead + source.text[removal.end :]
    shift = len(without) - len(source.text) if removal.start < start else 0
    base = Source(without, source.language)
    main = Edit(start + shift, end + shift, source.text[start:end])
    added = import_edits(base, base, (main,), offered, path.parent)
    shown = f"{removal.statement!r} -> {[it.text for it in added]}"
    if not base.parses:
        return Outcome(question, "skipped", shown)
    if not added:
        return Outcome(question, "missed", shown)
    joined = "".join(it.text for it in added if it.start == main.start) + main.text
    others = tuple(it for it in added if it.start != main.start)
    after = Source(apply(without, (*others, Edit(main.start, main.end, joined))), source.language)
    reader = READERS[source.language.id]
    before, now = Counter(reader.bound(base)), Counter(reader.bound(after))
    new = now - before
    if not after.parses:
        return Outcome(question, "WRONG parse", shown)
    is_name = reader.is_header or [it[-1] for it in new] == [removal.binding[-1]]
    if before - now or sum(new.values()) != 1 or not is_name:
        return Outcome(question, "WRONG binding", f"{shown} {list(new)} {list(before - now)}")
    if any(now[it] > 1 for it in new):
        return Outcome(question, "WRONG twice", shown)
    if not reader.is_well_placed(after, next(iter(new))):
        return Outcome(question, "WRONG place", shown)
    return Outcome(question, "exact" if removal.binding in new else "other", shown)


if __name__ == "__main__":
    main()
