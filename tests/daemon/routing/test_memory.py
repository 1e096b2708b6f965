"""The small file in which the router's measurements of this machine survive."""

from __future__ import annotations

from pathlib import Path

from halfwatt.daemon.routing import memory as router_memory
from halfwatt.daemon.routing.memory import ModelMeasurement, RouterMemory


def test_what_the_router_remembers_survives_and_a_broken_file_counts_as_empty(tmp_path: Path) -> None:
    file = tmp_path / "state" / "router.json"
    memory = router_memory.with_model(
        RouterMemory(feedback_since_s=5.0), "small", ModelMeasurement(20.0, None, "unknown")
    )
    router_memory.write(file, memory)
    assert router_memory.read(file) == memory
    file.write_text("{broken")
    assert router_memory.read(file) == RouterMemory()
