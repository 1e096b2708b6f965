"""A home with the real model and a daemon that lives as long as a test module: starting one per test costs seconds."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from conftest import FOREIGN_KEYS, XDG_FOLDERS

from halfwatt.daemon.client import discovery
from halfwatt.daemon.paths import user_paths

SETTINGS = "[local]\nmax_tokens = 160\n"


@contextmanager
def user_home(folder: Path, model_path: Path | None) -> Iterator[dict[str, str]]:
    """The environment of a user with this model (None: without one); the daemon is ended behind the tests."""
    environ = {key: value for key, value in os.environ.items() if not key.startswith("HALFWATT_")}
    for name in FOREIGN_KEYS:
        environ.pop(name, None)
    home = folder / "home"
    for name in XDG_FOLDERS:
        (home / name.lower()).mkdir(parents=True, mode=0o700)
        environ[name] = str(home / name.lower())
    environ |= {"HOME": str(home), "HALFWATT_HOME": str(folder / "halfwatt")}
    environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
    (folder / "halfwatt" / "config").mkdir(parents=True)
    (folder / "halfwatt" / "config" / "config.toml").write_text(SETTINGS)
    if model_path is not None:
        (folder / "halfwatt" / "models").mkdir()
        (folder / "halfwatt" / "models" / model_path.name).symlink_to(model_path)
    try:
        yield environ
    finally:
        asyncio.run(discovery.stop(user_paths(environ)))


def halfwatt(environ: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the `halfwatt` command."""
    command = [sys.executable, "-m", "halfwatt.lsp.cli", *arguments]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120, check=False)
