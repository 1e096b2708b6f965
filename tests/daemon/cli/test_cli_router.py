"""`halfwatt router`: facts without a model, a reset, and refusals that cost nothing."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from halfwatt.daemon.cli.router import app
from halfwatt.daemon.paths import user_paths
from halfwatt.daemon.routing import memory as router_memory


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HALFWATT_HOME", str(tmp_path))
    for name in ("HALFWATT_DATA", "HALFWATT_MODELS_DIR"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_info_names_models_and_the_dial_of_each_target() -> None:
    text = CliRunner().invoke(app, ["info"]).stdout
    facts = json.loads(CliRunner().invoke(app, ["info", "--json"]).stdout)
    assert "drafts are checked (q4_k_m, chatml)" in text
    assert "95% of the strong model's accuracy: dial " in text
    assert facts["artifact_bytes"] <= 25_000_000


def test_reset_feedback_remembers_when(home: Path) -> None:
    before = time.time()
    assert CliRunner().invoke(app, ["reset-feedback"]).exit_code == 0
    memory = router_memory.read(user_paths({"HALFWATT_HOME": str(home)}).router_memory_file)
    assert before <= memory.feedback_since_s <= time.time()


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["calibrate", "--label", "4"], 2, "--data-dir"),
        (["calibrate"], 1, "halfwatt models pull"),
        (["calibrate", "--model", "missing.gguf"], 1, "missing.gguf cannot be read"),
        (["bench"], 1, "HALFWATT_DATA"),
    ],
)
def test_what_is_missing_is_said_in_a_sentence(home: Path, arguments: list[str], code: int, sentence: str) -> None:
    done = CliRunner().invoke(app, arguments)
    assert (done.exit_code, "Traceback" in done.output) == (code, False)
    assert sentence in done.stderr
