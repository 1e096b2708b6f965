"""Accuracy and cost of the energy figures: `make bench BENCHES=energy`.

It measures meters on simulated counters whose integrals are known, the ledger with 1,000,000 rows, and the overhead
per request. With HALFWATT_MODELS_DIR set, it also measures eight concurrent clients of a real daemon with the real
model. `--quick` uses less.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import numpy as np
import psutil
from bench.figures import Figure
from bench.ledger_filling import fill
from energy_simulation import SimulatedDevice, SimulatedMachine, SimulatedPower, random_trace
from meter_runs import Verdict, judge, run_job
from running_daemon import environ_for, running, until

from halfwatt.daemon.energy import readings as energy
from halfwatt.daemon.energy import remote_estimates
from halfwatt.daemon.ledger.ledger import Ledger
from halfwatt.daemon.ledger.rows import LedgerRow, answer_columns
from halfwatt.daemon.meters import rapl
from halfwatt.daemon.meters.base import SystemCpuClock
from halfwatt.daemon.meters.cpu_model import ThreadPower
from halfwatt.daemon.meters.sampled import SampledMeter
from halfwatt.daemon.wire import Feedback, Latency, Result, TokenCounts

POWER = ThreadPower(5.0, 2.5, 10.0, "a benchmark")
N_TRACES = 1000


def _fast_counter(machine: SimulatedMachine, faults: dict[str, object]) -> SimulatedDevice:
    return SimulatedDevice(machine, **faults)  # type: ignore[arg-type]


def _slow_counter(machine: SimulatedMachine, faults: dict[str, object]) -> SimulatedDevice:
    return SimulatedDevice(machine, update_s=0.1, look_s=0.02, **faults)  # type: ignore[arg-type]


def _power_samples(machine: SimulatedMachine, faults: dict[str, object]) -> SimulatedDevice:
    missed = faults.get("missed", frozenset())
    return SimulatedPower(machine, update_s=0.02, look_s=0.02, missed=missed)  # type: ignore[arg-type]


DEVICES = {
    "counter renewed every 1 ms": _fast_counter,
    "counter renewed every 100 ms": _slow_counter,
    "power samples": _power_samples,
}
N_CLIENTS = 8
N_CALLS = 9
WATTS = 2.0


def main() -> int:
    quick = "--quick" in sys.argv
    figures = list(accuracy(60 if quick else N_TRACES))
    figures += coverage(100 if quick else N_TRACES)
    figures += overhead()
    figures.append(shared_out())
    figures += ledger(20_000 if quick else 1_000_000)
    if os.environ.get("HALFWATT_MODELS_DIR"):
        figures += concurrent_clients()
    else:
        print("eight clients of a real daemon: left out, because HALFWATT_MODELS_DIR is not set")
    load, n_cpus = os.getloadavg()[0], psutil.cpu_count()
    print(f"other programs were running: load {load:.1f} on {n_cpus} processors")
    for figure in figures:
        print(figure.line())
    return 0 if all(figure.met is not False for figure in figures) else 1


def accuracy(n_traces: int) -> Iterator[Figure]:
    """Error of the energy of one job's window (1 to 15 s), in three cases.

    The first is an undisturbed machine. The second has other programs, wrap-around and missing looks. The third has
    all that and a counter that starts at zero again within the trace.
    """
    for kind, make in DEVICES.items():
        for faults, name in (("none", "undisturbed"), ("some", "disturbed"), ("reset", "disturbed and reset")):
            if faults == "reset" and make is _power_samples:
                continue  # there is nothing to reset
            errors = [100 * verdict.gross_error for verdict in _runs(make, n_traces, faults)]
            label = f"integral error, {kind}, {name}"
            if faults == "reset":  # it takes knowledge away
                below = float(np.quantile(errors, 0.99))
                yield _figure(f"{label}, 99 in 100 traces below", below, "%", most=2.0, n=len(errors))
            limit = None if faults == "reset" else 2.0
            yield _figure(f"{label}, worst trace", max(errors), "%", most=limit, n=len(errors))


def coverage(n_traces: int) -> Iterator[Figure]:
    """How often the stated range contains what the job really used, on random disturbed traces, some with a reset."""
    for kind, make in DEVICES.items():
        verdicts = list(_runs(make, n_traces, "any"))
        share = 100 * statistics.mean(verdict.covered for verdict in verdicts)
        yield _figure(f"truth within the range, {kind}", share, "%", least=95.0, n=n_traces)


def _runs(make: Callable[..., SimulatedDevice], n_traces: int, faults: str) -> Iterator[Verdict]:
    for seed in range(n_traces):
        rng = np.random.default_rng(seed)
        trace = random_trace(rng, noisy=faults != "none")
        machine = SimulatedMachine(trace)
        device = make(machine, {} if faults == "none" else _faults(rng, trace.start_s, trace.end_s, faults))
        meter = SampledMeter(device, POWER, machine, lambda: [1], machine.clock, background=False)
        yield judge(run_job(meter, device, trace), trace)


def _faults(rng: np.random.Generator, start_s: float, end_s: float, which: str) -> dict[str, object]:
    """`which`: "some" without a reset, "reset" always with one, "any" with one now and then."""
    faults: dict[str, object] = {}
    if which == "reset" or (which == "any" and rng.random() < 0.3):
        faults["reset_at_s"] = float(rng.uniform(start_s, end_s))
    elif rng.random() < 0.5:
        range_j = float(rng.uniform(2000, 8000))
        faults |= {"range_j": range_j, "offset_j": float(rng.uniform(0, range_j))}
    if rng.random() < 0.5:
        faults["missed"] = frozenset(rng.integers(1, 200, 8).tolist())
    return faults


def overhead() -> list[Figure]:
    """Cost of metering with real files and real processor times: per request, and per second of a job."""
    with tempfile.TemporaryDirectory() as folder:
        meter = SampledMeter(
            _rapl_files(Path(folder)), POWER, SystemCpuClock(), lambda: [os.getpid()], background=False
        )
        remote_estimates.warm("gpt-4o-mini")
        requests_ms = [_one_request_ms(meter) for _ in range(2000)]
        looks_ms = [_elapsed_ms(meter.look) for _ in range(2000)]
    share = 100 * statistics.median(looks_ms) / 1000 / rapl.RaplDevice.look_s
    return [
        _figure("metering and booking one request, median", statistics.median(requests_ms), "ms", most=1.0, n=2000),
        _figure("looking at two sockets while a job runs", share, "% of a job's time", most=0.5, n=2000),
    ]


def _one_request_ms(meter: SampledMeter) -> float:
    window = meter.begin()
    started = time.perf_counter()
    _book(meter, meter.end(window, cpu_s=0.5))
    return 1000 * (time.perf_counter() - started) + _elapsed_ms(meter.look)  # a look is what `begin` mostly does


def _book(meter: SampledMeter, local: energy.Reading) -> LedgerRow:
    booked = energy.book(router=meter.cpu_reading(0.01), local=local)
    reference = remote_estimates.estimate("gpt-4o-mini", 200, 60)
    result = Result(
        "", "local", "local", "qwen", "reason", {}, "stop", TokenCounts(200, 60), Latency(), booked.energy,
        energy.saved(booked, reference, "gpt-4o-mini"), "id",
    )  # fmt: skip
    columns = answer_columns(result, booked)
    return LedgerRow(time=0.0, editor="bench", language=None, kind="generate", route="auto", **columns)


def _rapl_files(folder: Path) -> rapl.RaplDevice:
    for socket in (0, 1):
        zone = folder / f"intel-rapl:{socket}"
        zone.mkdir()
        (zone / "name").write_text(f"package-{socket}\n")
        (zone / "energy_uj").write_text("123456789\n")
        (zone / "max_energy_range_uj").write_text("262143328850\n")
    device, _ = rapl.find(folder)
    assert device is not None
    return device


def shared_out() -> Figure:
    """Eight jobs in turns on a simulated counter: the sum of their joules against one measurement of it all."""
    errors = []
    for seed in range(20):
        readings = []
        for pieces in (1, N_CLIENTS):
            trace = random_trace(np.random.default_rng(seed), noisy=False)
            machine = SimulatedMachine(trace)
            device = SimulatedDevice(machine)
            meter = SampledMeter(device, POWER, machine, lambda: [1], machine.clock, background=False)
            readings.append(run_job(meter, device, trace, pieces=pieces).j or 0.0)
        errors.append(100 * abs(readings[1] / readings[0] - 1))
    return _figure("sum over eight jobs against the whole, measured, worst", max(errors), "%", most=3.0, n=20)


def ledger(n_rows: int) -> list[Figure]:
    """Latencies with ten years of requests in the file."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        path = home / "data" / "ledger.sqlite3"
        path.parent.mkdir()
        now_s = time.time()
        migration_s = fill(path, n_rows, now_s)
        opened = Ledger(path)
        inserts, outcomes, own = _insert_latencies(opened, now_s)
        statuses = [_elapsed_ms(lambda: opened.summary(now_s // 3600 * 3600 - 8 * 3600)) for _ in range(300)]
        sums = [_elapsed_ms(lambda: [opened.summary(since) for since in (0.0, now_s - 7 * 86400)]) for _ in range(10)]
        opened.close()
        commands = [_command_s(environ_for(home)) for _ in range(N_CALLS)]
        wall_s, own_s = zip(*commands, strict=True)
        size = path.stat().st_size / 1e6
    rows = f"with {n_rows:,} rows"
    return [
        _figure(f"insert {rows}, 99 in 100 below", _p99(inserts), "ms", most=1.0, n=len(inserts)),
        _figure(f"insert {rows}, median", statistics.median(inserts), "ms", n=len(inserts)),
        _figure(f"insert {rows}, processor time alone, 99 in 100 below", _p99(own), "ms", n=len(own)),
        _figure(f"outcome of an answer {rows}, 99 in 100 below", _p99(outcomes), "ms", n=len(outcomes)),
        _figure(f"status {rows}, 99 in 100 below", _p99(statuses), "ms", most=5.0, n=len(statuses)),
        _figure(f"sums of all time and seven days {rows}", statistics.median(sums), "ms", most=300.0, n=len(sums)),
        _figure(f"`halfwatt energy` as a process {rows}, median", statistics.median(wall_s), "s", most=0.3, n=N_CALLS),
        _figure(f"`halfwatt energy` as a process {rows}, slowest", max(wall_s), "s", n=N_CALLS),
        _figure(f"`halfwatt energy` {rows}, processor time alone, median", statistics.median(own_s), "s", n=N_CALLS),
        _figure(f"file {rows}", size, "MB"),
        _figure(f"migration to the sums {rows}", migration_s, "s"),
    ]


def _insert_latencies(opened: Ledger, now_s: float) -> tuple[list[float], list[float], list[float]]:
    """Milliseconds of inserts, of outcomes, and of the inserts' own processor time, whatever else runs."""
    inserts, outcomes, own = [], [], []
    template = opened.recent(1)[0]
    for i in range(3000):
        row = msgspec.structs.replace(template, request_id=f"bench-{os.urandom(12).hex()}", time=now_s + i * 0.2)
        own_before_s = time.thread_time()
        inserts.append(_elapsed_ms(lambda row=row: opened.insert(row)))  # type: ignore[misc]
        own.append(1000 * (time.thread_time() - own_before_s))
        outcomes.append(_elapsed_ms(lambda row=row: opened.record_outcome(Feedback(row.request_id, "accepted", 9))))  # type: ignore[misc]
    return inserts, outcomes, own


def _command_s(environ: dict[str, str]) -> tuple[float, float]:
    """Wall-clock and processor seconds of one call."""
    command = [str(Path(sys.executable).parent / "halfwatt"), "energy"]
    own_before, started = os.times(), time.perf_counter()
    subprocess.run(command, env=environ, stdout=subprocess.DEVNULL, check=True)
    own = os.times()
    own_s = own.children_user + own.children_system - own_before.children_user - own_before.children_system
    return time.perf_counter() - started, own_s


def concurrent_clients() -> list[Figure]:
    """Eight clients at once on a real daemon: the joules of all requests against the worker's whole CPU time."""
    with tempfile.TemporaryDirectory() as folder:
        environ = environ_for(
            Path(folder), HALFWATT_MODELS_DIR=os.environ["HALFWATT_MODELS_DIR"],
            HALFWATT_LOCAL_MODEL="qwen2.5-coder-0.5b", HALFWATT_ENERGY_METER="model",
            HALFWATT_ENERGY_WATTS_PER_THREAD=str(WATTS),
        )  # fmt: skip
        with running(environ) as daemon:
            client = daemon.http()
            until(lambda: client.get("/halfwatt/v1/status").json()["state"] == "ready", limit_s=120)
            worker = max(psutil.Process(daemon.pid).children(), key=lambda child: child.memory_info().rss)
            before_s = _cpu_s(worker)
            gate = threading.Barrier(N_CLIENTS)
            with ThreadPoolExecutor(N_CLIENTS) as pool:
                replies = list(pool.map(lambda i: _ask(daemon.http(), gate, i), range(N_CLIENTS)))
            whole_s = _cpu_s(worker) - before_s
            client.close()
    booked_s = sum(reply["halfwatt"]["energy"]["local_j"] for reply in replies) / WATTS
    label = "sum over eight concurrent clients against the worker's CPU time, real daemon"
    return [_figure(label, 100 * abs(booked_s / whole_s - 1), "%", most=3.0, n=N_CLIENTS)]


def _ask(client: httpx2.Client, gate: threading.Barrier, number: int) -> dict[str, Any]:
    """One answer of 32 tokens, asked for at the same moment as all others."""
    messages = [{"role": "user", "content": f"Write a Python function that adds {number} to each item of a list."}]
    gate.wait()
    with client:
        reply = client.post("/v1/chat/completions", json={"model": "local", "messages": messages, "max_tokens": 32})
    reply.raise_for_status()
    found: dict[str, Any] = reply.json()
    return found


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _figure(
    name: str, value: float, unit: str = "", most: float | None = None, least: float | None = None, n: int = 1
) -> Figure:
    """One number that is not a median of repetitions."""
    if most is not None:
        return Figure(name, value, unit, n=n, goal=f"≤ {most:g}", met=value <= most)
    if least is not None:
        return Figure(name, value, unit, n=n, goal=f"≥ {least:g}", met=value >= least)
    return Figure(name, value, unit, n=n)


def _elapsed_ms(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - started)


def _p99(values: list[float]) -> float:
    return float(np.quantile(values, 0.99))


if __name__ == "__main__":
    raise SystemExit(main())
