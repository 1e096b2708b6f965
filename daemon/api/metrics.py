"""The daemon's numbers in Prometheus' text format. No label carries a path, a prompt or what a model wrote."""

from __future__ import annotations

from halfwatt.daemon.wire import EnergySummary, Status

_STATES = ("ready", "loading", "busy", "paused", "no_model", "offline", "error")


def exposition(status: Status, all_time: EnergySummary, n_running: int) -> str:
    """Gauges for now, counters for the ledger's sums over all time. Unknown joules are left out, not 0."""
    queue: list[tuple[str, float]] = [("", status.queue_length)]
    lines = [
        *_family("halfwatt_info", "gauge", "The running version.", [(f'version="{status.version}"', 1)]),
        *_family("halfwatt_state", "gauge", "1 for the state that the daemon is in.", _state(status)),
        *_family("halfwatt_running_requests", "gauge", "Requests being answered.", [("", n_running)]),
        *_family("halfwatt_queue_length", "gauge", "Requests waiting for the local model.", queue),
        *_family("halfwatt_requests_total", "counter", "Requests in the ledger.", [("", all_time.requests)]),
        *_family("halfwatt_energy_joules_total", "counter", "Joules used, by component.", _energy(all_time)),
    ]
    return "\n".join(lines) + "\n"


def _family(name: str, kind: str, help_text: str, samples: list[tuple[str, float]]) -> list[str]:
    head = [f"# HELP {name} {help_text}", f"# TYPE {name} {kind}"]
    return head + [f"{name}{{{labels}}} {value}" if labels else f"{name} {value}" for labels, value in samples]


def _state(status: Status) -> list[tuple[str, float]]:
    return [(f'state="{state}"', int(state == status.state)) for state in _STATES]


def _energy(summary: EnergySummary) -> list[tuple[str, float]]:
    energy = summary.energy
    parts = {
        "router": energy.router_j,
        "local": energy.local_j,
        "cloud": energy.cloud_j,
        "wasted": energy.wasted_j,
        "total": energy.total_j,
    }
    return [(f'component="{name}"', value) for name, value in parts.items() if value is not None]
