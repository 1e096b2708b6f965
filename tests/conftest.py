"""What every test shares: a home of its own, an environment without the user's, and the real small model.

A test that takes `paths` or `clean_environ` reads and writes none of the user's folders. HALFWATT_HOME, HOME and the
XDG folders point below its temporary folder, also for the processes that it starts.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cloud_server import cloud_server as cloud_server  # a fixture for every test
from missing import missing
from repository import ROOT

from halfwatt.daemon.paths import Paths, user_paths

SMALL_MODEL_FILE = "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"
SMALL_MODEL_BYTES = 491_400_064
MODELS_DIR = Path(os.environ.get("HALFWATT_MODELS_DIR") or ROOT / ".cache" / "models").absolute()
XDG_FOLDERS = ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR")
FOREIGN_KEYS = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "ANTHROPIC_API_KEY", "MISTRAL_API_KEY", "HF_ENDPOINT")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what takes the real model, itself or through a fixture: `-m "not model"` then needs no download."""
    for item in items:
        if "model_path" in getattr(item, "fixturenames", ()):
            item.add_marker("model")


@pytest.fixture
def clean_environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A copy of this process's environment for `subprocess`: with a temporary home, without HALFWATT_* settings and
    API keys. `os.environ` is the same until the test ends."""
    for name in [name for name in os.environ if name.startswith("HALFWATT_")] + [*FOREIGN_KEYS]:
        monkeypatch.delenv(name, raising=False)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    for name in XDG_FOLDERS:
        folder = home / name.lower()
        folder.mkdir(mode=0o700)
        monkeypatch.setenv(name, str(folder))
    monkeypatch.setenv("HALFWATT_HOME", str(tmp_path / "halfwatt"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    return dict(os.environ)


@pytest.fixture
def paths(clean_environ: dict[str, str]) -> Paths:
    """halfwatt's folders below the temporary HALFWATT_HOME; none exists yet."""
    return user_paths(clean_environ)


@pytest.fixture(scope="session")
def model_path() -> Path:
    """The real 0.5B model: from the run's own HALFWATT_MODELS_DIR, else from the checkout's cache."""
    path = MODELS_DIR / SMALL_MODEL_FILE
    if not path.is_file() or path.stat().st_size != SMALL_MODEL_BYTES:
        missing("the 0.5B model is missing: run `make model`, or set HALFWATT_MODELS_DIR to a folder that has it")
    return path


@pytest.fixture
def installed_model(paths: Paths, model_path: Path) -> Path:
    """The real 0.5B model, and no other, linked into the temporary models folder; its path there."""
    paths.models.mkdir(parents=True)
    link = paths.models / SMALL_MODEL_FILE
    link.symlink_to(model_path)
    return link
