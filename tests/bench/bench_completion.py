"""The figures of inline completion: speed, a typing trace against the naive client, calls avoided, holes.

    cd tests && python -m bench.bench_completion [--only speed,trace,calls,holes] [--quick] [--json FILE]

Needs the 0.5B model (HALFWATT_MODELS_DIR), `llama-cpp-python[server]`, and the trace's folder (--data-dir or
HALFWATT_DATA). Everything is a ratio within one run, on the same machine and model; medians with quartiles.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import tempfile
from collections.abc import AsyncGenerator, Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import cloud_server
import running_daemon
from bench import completion_calls, completion_speed, figures, hole_run, plain_llama, typing_trace
from bench.figures import Figure
from bench.holes import TEST_PACKAGES, Hole, holes
from conftest import MODELS_DIR, SMALL_MODEL_FILE
from lsp_session import Session, session
from running_daemon import RunningDaemon

from halfwatt.daemon.client import Client
from halfwatt.daemon.meter_model import this_processor, thread_power

PARTS = ("speed", "trace", "calls", "holes")
N_THREADS = 2
Figures = AsyncGenerator[Figure, None]


@dataclass(frozen=True)
class Bench:
    """What every part needs. `n`: how many of each thing; `seed`: which holes."""

    daemon: RunningDaemon
    model: Path
    trace: Path
    n: int
    rounds: int
    seed: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(PARTS))
    parser.add_argument("--quick", action="store_true", help="few repetitions: to see that it works")
    parser.add_argument("--data-dir", type=Path, default=Path(os.environ.get("HALFWATT_DATA", "data")))
    parser.add_argument("--trace", type=Path, help="another typing trace")
    parser.add_argument("--holes", type=int, default=60, help="how many holes")
    parser.add_argument("--seed", type=int, default=1, help="which holes")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    trace = given.trace or given.data_dir / "typing_trace.jsonl"
    with tempfile.TemporaryDirectory() as folder:
        environ = running_daemon.environ_for(Path(folder), HALFWATT_MODELS_DIR=str(MODELS_DIR))
        environ |= {"HALFWATT_LOCAL_MODEL": "qwen2.5-coder-0.5b", "HALFWATT_COMPLETION_TIME_BOX_MS": "60000"}
        with running_daemon.running(environ) as daemon:
            n, rounds = (6, 1) if given.quick else (given.holes, 3)
            bench = Bench(daemon, MODELS_DIR / SMALL_MODEL_FILE, trace, n, rounds, given.seed)
            found = asyncio.run(run(bench, given.only.split(",")))
    if given.json:
        given.json.write_text(json.dumps([asdict(each) for each in found], indent=1))


async def run(bench: Bench, parts: list[str]) -> list[Figure]:
    found: list[Figure] = []
    table: dict[str, Callable[[Bench], Figures]] = {"speed": speed, "trace": trace, "calls": calls, "holes": punched}
    for name in parts:
        print(f"== {name}", flush=True)
        async for figure in table[name](bench):
            print(figure.line(), flush=True)
            found.append(figure)
    return found


async def speed(bench: Bench) -> Figures:
    some = sample(bench, max(4, bench.n // 5))
    text = some[0].prefix[-1500:]
    async with await _client(bench) as client:
        with plain_llama.running(bench.model, N_THREADS) as plain:
            for figure in await completion_speed.against_plain(client, plain, some):
                yield figure
        async with session(bench.daemon.environ) as first, session(bench.daemon.environ) as second:
            start = "import csv\n\n\ndef read_rows(path):\n    with open(path) as handle:\n        return list("
            for figure in await completion_speed.along_a_suggestion(first, "file:///bench/rows.py", start):
                yield figure
            windows = completion_speed.second_window(client, first, second, "file:///b/a.py", text, bench.daemon.pid)
            for figure in await windows:
                yield figure
        long_text = "".join(hole.prefix[:2500] for hole in some)[:5000]
        for figure in await completion_speed.after_cancel(client, long_text):
            yield figure
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
    edits = typing_trace.read(bench.trace)
    async with await _client(bench) as client:
        found = await completion_calls.opportunities(client, edits)
    for figure in completion_calls.avoided(found, typing_trace.final_text(edits)):
        yield figure


async def punched(bench: Bench) -> Figures:
    some = sample(bench, bench.n)
    async with await _client(bench) as client:
        results = await hole_run.per_source(client, some)
    with plain_llama.running(bench.model, 1) as plain:  # for its text, not its speed
        unprocessed = [hole_run.raw(plain, hole) for hole in some]
    for figure in hole_run.summary("raw", unprocessed):
        yield figure
    for figure in hole_run.summary("raw, first line", unprocessed, first_line_only=True)[:1]:
        yield figure
    for name, filled in results.items():
        for figure in hole_run.summary(name, filled):
            yield figure


def sample(bench: Bench, n: int) -> list[Hole]:
    found = holes(TEST_PACKAGES, n, bench.seed)
    random.Random(bench.seed).shuffle(found)  # noqa: S311 - a sample, not a secret
    return found


def _spread(figure: Figure) -> tuple[float | None, str, float | None, float | None, int]:
    return figure.value, figure.unit, figure.low, figure.high, figure.n


async def _client(bench: Bench) -> Client:
    return await Client.connect(bench.daemon.paths, bench.daemon.environ)


def _serving_pids(bench: Bench, editor: Session) -> Callable[[], list[int]]:
    """The daemon with its worker, and the language server."""
    process = editor.client._server  # the session's only way to the process
    assert process is not None
    return lambda: [bench.daemon.pid, process.pid]


def _opened(editor: Session) -> str:
    uri = "file:///bench/warm.py"
    editor.open(uri, "x = \n")
    return uri


if __name__ == "__main__":
    main()
