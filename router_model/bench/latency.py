"""How long a decision takes on one core, and how many joules that is."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from halfwatt.router_model.serving.router import Router

from .table import CPU_WATTS_PER_CORE

_N_RUNS = 150
_MEDIAN_LOCAL_TOKENS = 66
_LOCAL_TOKENS_PER_S = 22.0
_LOCAL_CORES = 2


def measure_latency(router: Router, texts: list[str]) -> dict[str, Any]:
    """Figures of one decision: `latency_ms` (p50 at 64 tokens, p99 at 256), `cpu_ms` and `router_energy`.

    `cpu_ms` leaves out waiting for a busy core; its `encoder_…` is the encoder alone. Joules are modelled: processor
    seconds × 8 W a core. The local generation beside them is 66 tokens of the 0.5B model at 22 tokens/s on two such
    cores.
    """
    long_text = " ".join(texts)
    figures: dict[str, Any] = {"latency_ms": {}, "cpu_ms": {}}
    for n_tokens, percentile in ((64, 50), (256, 99)):
        text = _text_of(router, long_text, n_tokens)
        wall, cpu = _times(router.estimate, text)
        figures["latency_ms"][f"p{percentile}_{n_tokens}"] = round(float(np.percentile(wall, percentile)), 2)
        figures["cpu_ms"][f"p50_{n_tokens}"] = round(float(np.percentile(cpu, 50)), 2)
        figures["cpu_ms"][f"encoder_{n_tokens}"] = round(float(np.percentile(_times(router.meaning, text)[1], 50)), 2)
    router_j = figures["cpu_ms"]["p50_64"] / 1000 * CPU_WATTS_PER_CORE
    local_j = _MEDIAN_LOCAL_TOKENS / _LOCAL_TOKENS_PER_S * _LOCAL_CORES * CPU_WATTS_PER_CORE
    figures["router_energy"] = {
        "router_j": round(router_j, 4),
        "local_generation_j": round(local_j, 1),
        "share_pct": round(100 * router_j / local_j, 3),
        "method": "modelled",
    }
    return figures


def _times(work: Callable[[str], object], text: str) -> tuple[list[float], list[float]]:
    wall, cpu = [], []
    for _ in range(_N_RUNS):
        started, started_cpu = time.perf_counter(), time.process_time()
        work(text)
        wall.append(1000 * (time.perf_counter() - started))
        cpu.append(1000 * (time.process_time() - started_cpu))
    return wall[10:], cpu[10:]


def _text_of(router: Router, text: str, n_tokens: int) -> str:
    """The longest head of a text with at most this many tokens."""
    low, high = 1, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if router.estimate(text[:middle]).n_tokens <= n_tokens:
            low = middle
        else:
            high = middle - 1
    return text[:low]
