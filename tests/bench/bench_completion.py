"""The figures of inline completion: speed, a typing trace against the naive client, calls avoided, holes.

    make bench BENCHES=completion BENCH_ARGS="[--only ghost,trace,holes] [--quick] [--json FILE]"

The parts:

ghost     speed against plain llama-cpp-python
along     typing along a suggestion
windows   two windows of one project
cancel    cancelling a request
busy      speed beside two busy processes
trace     a typing trace against the naive client
calls     the calls avoided
programs  the calls avoided on made traces of small programs
passages  the calls avoided on made traces of passages of packages
filter    the learned filter
holes     holes against raw answers
sources   the sources of context
edits     recent edits as context

It needs the 0.5B model (HALFWATT_MODELS_DIR), `llama-cpp-python[server]`, and for the trace its folder (--data-dir or
HALFWATT_DATA). Everything is a ratio within one run, on the same machine and model; medians with quartiles. From
`programs` on nothing depends on speed. `--kept FILE` and `--raw FILE` let those parts go on where they were stopped.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import tempfile
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import cloud_server
import running_daemon
from bench import figures, plain_llama
from bench.completion import calls as completion_calls
from bench.completion import hole_run, typing_trace
from bench.completion import speed as completion_speed
from bench.completion.edit_holes import edit_holes
from bench.completion.holes import TEST_PACKAGES, TRAIN_PACKAGES, Hole, holes
from bench.completion.kept_answers import KeptAnswers
from bench.completion.made_traces import made_traces, program_traces
from bench.figures import Figure
from conftest import MODELS_DIR, SMALL_MODEL_FILE
from lsp_session import Session, session
from repository import ROOT
from running_daemon import RunningDaemon

from halfwatt.daemon.client.client import Client
from halfwatt.daemon.meters.cpu_model import this_processor, thread_power
from halfwatt.daemon.settings.schema import ContextSource
from halfwatt.lsp.completion import filter as completion_filter
from halfwatt.lsp.completion.features import features
from halfwatt.lsp.completion.values import Query

N_THREADS = 2
CONTEXTS: tuple[tuple[ContextSource, ...], ...] = (("declarations",), ("ring",), ("declarations", "ring"))
Figures = AsyncGenerator[Figure, None]


@dataclass(frozen=True)
class Bench:
    """What every part needs. `n`: how many holes; `seed` and `packages`: which ones."""

    daemon: RunningDaemon
    model: Path
    trace: Path
    n: int
    rounds: int
    seed: int
    packages: tuple[str, ...]
    n_traces: int
    raw: Path | None
    kept: Path | None
    repository: Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(PARTS))
    parser.add_argument("--quick", action="store_true", help="few repetitions: to see that it works")
    parser.add_argument("--data-dir", type=Path, default=Path(os.environ.get("HALFWATT_DATA", "data")))
    parser.add_argument("--trace", type=Path, help="another typing trace")
    parser.add_argument("--holes", type=int, default=60, help="how many holes")
    parser.add_argument("--seed", type=int, default=1, help="which holes")
    parser.add_argument("--packages", choices=["test", "train"], default="test", help="where the holes are")
    parser.add_argument("--rounds", type=int, default=3, help="how often the trace is typed")
    parser.add_argument("--traces", type=int, default=4, help="how many traces are made")
    parser.add_argument("--kept", type=Path, help="file that keeps the answers to made traces and sources")
    parser.add_argument("--raw", type=Path, help="file that keeps the raw answers to the holes")
    parser.add_argument("--repository", type=Path, default=ROOT, help="git repository for `edits`")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    trace = given.trace or given.data_dir / "typing_trace.jsonl"
    with tempfile.TemporaryDirectory() as folder:
        environ = running_daemon.environ_for(Path(folder), HALFWATT_MODELS_DIR=str(MODELS_DIR))
        environ |= {"HALFWATT_LOCAL_MODEL": "qwen2.5-coder-0.5b", "HALFWATT_COMPLETION_TIME_BOX_MS": "60000"}
        with running_daemon.running(environ) as daemon:
            n, rounds, n_traces = (6, 1, 1) if given.quick else (given.holes, given.rounds, given.traces)
            packages = TEST_PACKAGES if given.packages == "test" else TRAIN_PACKAGES
            which = (n, rounds, given.seed, packages, n_traces, given.raw, given.kept, given.repository)
            bench = Bench(daemon, MODELS_DIR / SMALL_MODEL_FILE, trace, *which)
            found = asyncio.run(run(bench, given.only.split(",")))
    if given.json:
        given.json.write_text(json.dumps([asdict(each) for each in found], indent=1))


async def run(bench: Bench, parts: list[str]) -> list[Figure]:
    found: list[Figure] = []
    for name in parts:
        print(f"== {name}", flush=True)
        started = time.monotonic()
        async for figure in PARTS[name](bench):
            print(figure.line(), flush=True)
            found.append(figure)
        print(f"({time.monotonic() - started:.0f} s)", flush=True)
    return found


async def ghost(bench: Bench) -> Figures:
    async with await _client(bench) as client, session(bench.daemon.environ) as editor:
        with plain_llama.running(bench.model, N_THREADS) as plain:
            some = holes(bench.packages, max(4, bench.n // 3), bench.seed)
            for figure in await completion_speed.against_plain(client, editor, plain, some):
                yield figure


async def along(bench: Bench) -> Figures:
    async with session(bench.daemon.environ) as editor:
        start = "import csv\n\n\ndef read_rows(path):\n    with open(path) as handle:\n        return list("
        for figure in await completion_speed.along_a_suggestion(editor, "file:///bench/rows.py", start):
            yield figure


async def windows(bench: Bench) -> Figures:
    text = holes(bench.packages, 1, bench.seed)[0].prefix[-1500:]
    async with (
        await _client(bench) as client,
        session(bench.daemon.environ) as first,
        session(bench.daemon.environ) as second,
    ):
        for figure in await completion_speed.second_window(
            client, first, second, "file:///b/a.py", text, bench.daemon.pid
        ):
            yield figure


async def cancel(bench: Bench) -> Figures:
    long_text = "".join(hole.prefix[:2500] for hole in holes(bench.packages, 4, bench.seed))[:5000]
    async with await _client(bench) as client:
        for figure in await completion_speed.after_cancel(client, long_text):
            yield figure


async def busy(bench: Bench) -> Figures:
    async with await _client(bench) as client:
        for figure in await completion_speed.beside_busy_processes(client):
            yield figure


async def trace(bench: Bench) -> Figures:
    """Both clients in turns, as often as there are rounds."""
    edits = typing_trace.read(bench.trace)
    ours: list[typing_trace.Replay] = []
    theirs: list[typing_trace.Replay] = []
    with cloud_server.running(bench.model) as server:
        for n in range(bench.rounds):
            async with session(bench.daemon.environ) as editor:
                pids = _serving_pids(bench, editor)
                await completion_speed.ask(editor, _opened(editor), 4)
                ours.append(await typing_trace.halfwatt(edits, editor, f"file:///bench/trace{n}.py", pids))
            theirs.append(await typing_trace.naive(edits, server))
    for figure in compared(ours, theirs):
        yield figure


def compared(ours: list[typing_trace.Replay], theirs: list[typing_trace.Replay]) -> list[Figure]:
    watts = thread_power(this_processor(), None).watts
    cpu = [mine.cpu_s / other.cpu_s for mine, other in zip(ours, theirs, strict=True)]
    our_shown = [each for replay in ours for each in replay.fresh()]
    their_shown = [each for replay in theirs for each in replay.fresh()]
    waits = [figures.of("", [each.waited_ms for each in shown], "ms") for shown in (our_shown, their_shown)]
    rates = [100 * sum(each.exact for each in shown) / max(1, len(shown)) for shown in (our_shown, their_shown)]
    faster = waits[0].value is not None and (waits[1].value is None or waits[0].value <= waits[1].value)
    return [
        figures.of("halfwatt: CPU seconds", [each.cpu_s for each in ours], "s"),
        figures.of("naive client: CPU seconds", [each.cpu_s for each in theirs], "s"),
        figures.of("CPU seconds, halfwatt ÷ naive", cpu, most=0.5),
        figures.of("halfwatt: joules (CPU model)", [each.cpu_s * watts for each in ours], "J"),
        figures.of("naive client: joules (CPU model)", [each.cpu_s * watts for each in theirs], "J"),
        Figure("naive client: time to a shown suggestion", *_spread(waits[1])),
        Figure("halfwatt: time to a newly shown suggestion", *_spread(waits[0]), goal="≤ naive", met=faster),
        Figure("naive client: exact first lines of those shown", rates[1], "%", n=len(their_shown)),
        Figure(
            "halfwatt: exact first lines of those newly shown",
            rates[0],
            "%",
            n=len(our_shown),
            goal="≥ naive",
            met=rates[0] >= rates[1],
        ),
        Figure("halfwatt: shown along with typing", float(sum(len(each.shown) - len(each.fresh()) for each in ours))),
    ]


async def calls(bench: Bench) -> Figures:
    async for figure in _calls(bench, [typing_trace.read(bench.trace)], None):
        yield figure


async def programs(bench: Bench) -> Figures:
    made = program_traces(bench.n_traces, bench.seed)
    async for figure in _calls(bench, [each.edits for each in made], bench.kept):
        yield figure


async def passages(bench: Bench) -> Figures:
    made = made_traces(bench.packages, bench.n_traces, bench.seed)
    async for figure in _calls(bench, [each.edits for each in made], bench.kept):
        yield figure


async def _calls(bench: Bench, traces: list[list[typing_trace.Edit]], kept: Path | None) -> Figures:
    tallies = []
    async with await _client(bench) as client:
        answers = KeptAnswers(client, kept)
        for edits in traces:
            found = await completion_calls.opportunities(answers.ask, edits)
            tallies.append(completion_calls.tallied(found, typing_trace.final_text(edits)))
    for figure in completion_calls.avoided(tallies):
        yield figure


async def filtered(bench: Bench) -> Figures:
    """What asking the filter costs; what it is worth is `calls`, and train_filter.py's report on unseen packages."""
    query = Query("file:///f.py", *long_document(), "python")
    model, taken = completion_filter.load(), list[float]()
    for _ in range(50):
        started = time.perf_counter()
        completion_filter.estimate(model, features(query), completion_filter.PersonalWeights())
        taken.append(1000 * (time.perf_counter() - started))
    yield figures.of("filter: one decision in a document of 300,000 characters", taken, "ms", most=2)
    size = (ROOT / "lsp" / "completion" / completion_filter.FILE).stat().st_size / 1e6
    yield Figure("filter: size", size, "MB", goal="≤ 3", met=size <= 3)


def long_document() -> tuple[str, str]:
    """Text before and after a cursor in the middle of much code."""
    text = Path(completion_speed.__file__).read_text() * 40
    return text[:150_000], text[150_000:300_000]


async def punched(bench: Bench) -> Figures:
    unprocessed = hole_run.raw_answers(bench.model, sample(bench), bench.raw)
    ours = [hole_run.processed(each) for each in unprocessed]
    found = {
        "raw": hole_run.summary("raw", unprocessed),
        "first": hole_run.summary("raw, first line", unprocessed, first_line_only=True)[:1],
        "ours": hole_run.summary("halfwatt", ours, parsed_least=98),
    }
    for figure in (each for part in found.values() for each in part):
        yield figure
    for name, key in (("raw answers", "raw"), ("their first lines", "first")):
        yield hole_run.better(f"exact single-line match, halfwatt ÷ {name}", found["ours"][0], found[key][0])


async def sources(bench: Bench) -> Figures:
    """Each source alone on top of the document; only the holes where it has something to say are asked again."""
    some = [hole for hole in sample(bench) if hole.kind in ("line", "rest")]
    async with await _client(bench) as connected:
        client = KeptAnswers(connected, bench.kept)
        without = [await hole_run.with_context(client, hole, "") for hole in some]
        for names in CONTEXTS:
            contexts = [hole_run.context(hole, names) for hole in some]
            with_it = [
                await hole_run.with_context(client, hole, context) if context else plain
                for hole, context, plain in zip(some, contexts, without, strict=True)
            ]
            for figure in hole_run.gained(" and ".join(names), without, with_it):
                yield figure


async def edits(bench: Bench) -> Figures:
    async with await _client(bench) as client:
        some = [each for each in edit_holes(bench.repository, bench.n, bench.seed) if each.context()]
        without = [await hole_run.with_context(client, each.hole, "") for each in some]
        with_it = [await hole_run.with_context(client, each.hole, each.context()) for each in some]
    for figure in hole_run.gained("edits", without, with_it):
        yield figure


def sample(bench: Bench) -> list[Hole]:
    """Holes in an order that a larger sample begins with, too."""
    found = holes(bench.packages, bench.n, bench.seed)
    random.Random(bench.seed).shuffle(found)  # noqa: S311 - a sample, not a secret
    return found


def _spread(figure: Figure) -> tuple[float | None, str, float | None, float | None, int]:
    return figure.value, figure.unit, figure.low, figure.high, figure.n


async def _client(bench: Bench) -> Client:
    return await Client.connect(bench.daemon.paths, bench.daemon.environ)


def _serving_pids(bench: Bench, editor: Session) -> Callable[[], list[int]]:
    """The daemon with its worker, and the language server."""
    return lambda: [bench.daemon.pid, editor.process.pid]


def _opened(editor: Session) -> str:
    uri = "file:///bench/warm.py"
    editor.open(uri, "x = \n")
    return uri


PARTS: dict[str, Callable[[Bench], Figures]] = {
    "ghost": ghost,
    "along": along,
    "windows": windows,
    "cancel": cancel,
    "busy": busy,
    "trace": trace,
    "calls": calls,
    "programs": programs,
    "passages": passages,
    "filter": filtered,
    "holes": punched,
    "sources": sources,
    "edits": edits,
}


if __name__ == "__main__":
    main()
