"""How child processes are started: with no code and no program from the folder that the user happens to be in.

That folder may be a cloned repository with a `pip/` or `json.py` of its own.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from .paths import FOLDER_VARIABLES


def python_command(module: str, *arguments: str) -> list[str]:
    """`python -m module …`; Python's safe path (-P) keeps the working folder out of the module search."""
    return [sys.executable, "-P", "-m", module, *arguments]


def working_folder() -> Path:
    """Where children run: the root, and on Windows, where users may write to that, the folder of this Python."""
    return Path(sys.prefix) if os.name == "nt" else Path("/")


def child_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment with its folders in full, because a child runs in another folder than we do."""
    folders = {name: str(Path(environ[name]).expanduser().absolute()) for name in FOLDER_VARIABLES if environ.get(name)}
    return {**environ, **folders}
