"""Real functions' bodies by the rules for generated ones: `make bench-bodies`. No model is needed.

Each body of an installed or fetched package is written on behind its own opening, with what follows it in its file. The
figures say how often it ended elsewhere than the original does, and how often it was not called usable.

`python -m bench.bench_bodies --limit 300 --language go` measures part of it; failures are named on stderr.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial

from bench.roundtrip import packages, selection
from bench.roundtrip.functions import RealFunction, read_text
from bench.roundtrip.packages import PACKAGES
from bench.roundtrip.product import Refused, target_at
from bench.roundtrip.stubs import stubbed

from halfwatt.daemon.code import languages
from halfwatt.daemon.code.syntax import Source
from halfwatt.daemon.code.usable import body_fault
from halfwatt.daemon.inference.generation_prompt import generation_prompt
from halfwatt.daemon.inference.stops import Stopper

N_FUNCTIONS = 4000
N_CHARS_BEHIND = 300
TOKEN_CHARS = 4
MOST_FALSE_ALARMS = 0.005


@dataclass(frozen=True)
class Judged:
    """`end`: "right", the reason of a wrong one, or "" where the body does not begin on a line of its own."""

    function: RealFunction
    end: str
    fault: str


def main() -> int:
    arguments = parse_arguments()
    wanted = [it for it in PACKAGES if it.small or not arguments.small]
    roots = [*packages.fetched(wanted), *packages.installed()]
    with ProcessPoolExecutor(arguments.processes) as pool:
        read = partial(pool.map, selection.functions_in, chunksize=8)
        functions = selection.choose(roots, arguments.limit, read, arguments.language)
        judged = list(pool.map(judge, functions, chunksize=8))
    for it in judged:
        if it.fault or it.end not in ("right", ""):
            print(f"{it.function.language_id} {it.function.id}: {it.end} {it.fault}".rstrip(), file=sys.stderr)
    print("\n".join(table(judged)))
    return 0 if goals_met(judged) else 1


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=int, default=N_FUNCTIONS, help="so many functions, over all languages")
    parser.add_argument("--language", action="append", help="only this languageId; may be given several times")
    parser.add_argument("--small", action="store_true", help="only the few small packages that CI fetches")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    return parser.parse_args()


def judge(function: RealFunction) -> Judged:
    """One original body by both rules."""
    text = read_text(function.path) or ""
    language = languages.for_id(function.language_id)
    assert language is not None
    body = text[function.body_start : function.body_end]
    return Judged(function, end_of(text, function), body_fault(body, language) or "")


def end_of(text: str, function: RealFunction) -> str:
    """Whether the body, written on behind its opening, ends where the original does."""
    stub = stubbed(text, function)
    language = languages.for_id(function.language_id)
    assert language is not None
    source = Source(stub.text, language)
    try:
        prompt = generation_prompt(source, target_at(source, stub.cursor, str(function.path)))
    except Refused:
        return ""
    first, line_end, rest = _unified(text[function.body_start :]).partition("\n")
    if first.strip() or not line_end:
        return ""
    body = _unified(text[function.body_start : function.body_end]).partition("\n")[2].rstrip()
    stopper = Stopper(prompt.stop_rules, opening=prompt.opening, language=prompt.language)
    written = "".join(stopper.feed(piece) for piece in _tokens(rest[: len(body) + N_CHARS_BEHIND])) + stopper.finish()
    kept = written.rstrip()
    return "right" if kept == body else stopper.reason or ("" if kept.startswith(body) else "other text")


def _tokens(text: str) -> Iterable[str]:
    return (text[at : at + TOKEN_CHARS] for at in range(0, len(text), TOKEN_CHARS))


def _unified(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def goals_met(judged: list[Judged]) -> bool:
    ends = [it for it in judged if it.end]
    n_wrong, n_alarms = sum(it.end != "right" for it in ends), sum(bool(it.fault) for it in judged)
    return n_wrong <= MOST_FALSE_ALARMS * len(ends) and n_alarms <= MOST_FALSE_ALARMS * len(judged)


def table(judged: list[Judged]) -> list[str]:
    """A line for each language and one for all."""
    by_language = sorted(Counter(it.function.language_id for it in judged))
    lines = [f"{'':16} {'bodies':>7} {'ends':>6} {'wrong':>6} {'not usable':>11}"]
    for name in [*by_language, ""]:
        those = [it for it in judged if name in ("", it.function.language_id)]
        ends = [it for it in those if it.end]
        wrong, alarms = sum(it.end != "right" for it in ends), sum(bool(it.fault) for it in those)
        share = f"{alarms} ({100 * alarms / max(1, len(those)):.2f} %)"
        lines.append(f"{name or 'all':16} {len(those):>7} {len(ends):>6} {wrong:>6} {share:>11}")
    return lines


if __name__ == "__main__":
    sys.exit(main())
