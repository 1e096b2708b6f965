"""Checkpoints: the finished units of a long run, each in a file named by what the unit depends on.

A stopped run goes on where it was, and a unit whose code, data or settings changed is measured anew. A file appears
whole or not at all. This module knows nothing of what a unit measures.
"""

import hashlib
import inspect
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike


def key(label: str, arrays: Iterable[ArrayLike], modules: Iterable[ModuleType]) -> str:
    """A name for a unit: 24 hexadecimal digits of its settings, its data and the source of the code that makes it."""
    digest = hashlib.sha256(label.encode())
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    for module in modules:
        digest.update(inspect.getsource(module).encode())
    return digest.hexdigest()[:24]


def module_of(function: Callable[..., object]) -> ModuleType:
    """The module that defines a router's function, also one with arguments filled in (`functools.partial`)."""
    module = inspect.getmodule(getattr(function, "func", function))
    assert module is not None  # noqa: S101  # a router is written in a file
    return module


def save(path: Path, **arrays: ArrayLike) -> None:
    """Write the arrays of a unit; folders are made. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(f".{os.getpid()}.part")
    with unfinished.open("wb") as stream:
        np.savez(stream, allow_pickle=False, **arrays)
    unfinished.replace(path)


def read(path: Path) -> dict[str, Any]:
    """The arrays of a unit by name. Raises OSError and ValueError."""
    with np.load(path, allow_pickle=False) as stored:
        return dict(stored)
