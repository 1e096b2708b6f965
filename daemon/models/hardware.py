"""This machine's memory and cores for a local model, as far as a container's limits allow.

It measures no load and no energy.
"""

from __future__ import annotations

import os
from pathlib import Path

import psutil

CGROUP_MEMORY_FILES = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def memory_bytes(limit_files: tuple[str, ...] = CGROUP_MEMORY_FILES) -> int:
    """The most memory that this process may use: the machine's, or its control group's where that is less."""
    limits = [int(psutil.virtual_memory().total)]
    for name in limit_files:
        try:
            text = Path(name).read_text().strip()
        except OSError:
            continue
        if text.isdigit():
            limits.append(int(text))
    return min(limits)


def cores() -> int:
    """Cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
