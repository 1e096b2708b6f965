"""What is remembered of the fallbacks."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from halfwatt.daemon.models import catalog
from halfwatt.daemon.worker.fallbacks import FALLBACKS, FallbackMemory, memory_key


def test_fallback_is_remembered(tmp_path: Path) -> None:
    memory = FallbackMemory(tmp_path / "new" / "worker.json")
    assert memory.first_to_try("model") == 0
    assert memory.remember("model", 2)
    assert (memory.first_to_try("model"), memory.first_to_try("other")) == (2, 0)


def test_fastest_is_tried_again_after_a_week_and_after_a_jump_of_the_clock(tmp_path: Path) -> None:
    now = 1e9
    memory = FallbackMemory(tmp_path / "worker.json", clock=lambda: now)
    memory.remember("model", 2)
    for later, expected in ((6 * 86400, 2), (8 * 86400, 0), (-3600, 0)):
        now = 1e9 + later
        assert memory.first_to_try("model") == expected
    now = 1e9 + 8 * 86400
    memory.remember("model", 2)
    assert memory.first_to_try("model") == 2


def test_damaged_memory_starts_from_the_top(tmp_path: Path) -> None:
    file = tmp_path / "worker.json"
    for damage in (b"", b"{", b'{"model": "x"}', b"[1]"):
        file.write_bytes(damage)
        assert FallbackMemory(file).first_to_try("model") == 0


def test_fallback_that_no_longer_exists_is_the_safest(tmp_path: Path) -> None:
    memory = FallbackMemory(tmp_path / "worker.json")
    memory.remember("model", 99)
    assert memory.first_to_try("model") == len(FALLBACKS) - 1


def test_memory_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert not FallbackMemory(tmp_path / "file" / "worker.json").remember("model", 1)


def test_another_model_library_or_processor_starts_anew() -> None:
    spec = next(iter(catalog.load().values()))
    key = memory_key(spec)
    assert memory_key(spec) == key
    assert memory_key(replace(spec, sha256="0" * 64)) != key
    assert memory_key(spec, "another processor") != key


def test_every_fallback_is_safer_than_the_one_before() -> None:
    dangers = [(fallback.extra_buffers, fallback.memory_map, fallback.max_threads == 0) for fallback in FALLBACKS]
    assert all(sum(upper) > sum(lower) for upper, lower in pairwise(dangers))
