"""`halfwatt router calibrate` with the real worker: figures with their spread, verdicts kept, and a clean stop."""

from __future__ import annotations

import gzip
import json
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from conftest import SMALL_MODEL_BYTES
from sandboxed import needs_sandbox
from typer.testing import CliRunner

from halfwatt.daemon.cli import calibration
from halfwatt.daemon.cli import router as cli_router
from halfwatt.daemon.cli.calibration import CalibrationResult
from halfwatt.daemon.paths import Paths
from halfwatt.daemon.routing import memory as router_memory

WEIGHTS = f"qwen2.5-coder-0.5b, {SMALL_MODEL_BYTES} bytes"
SPEED = CalibrationResult(20.0, 18.0, 22.0, 0.5, 0.2, 1.5, "modelled", 160, 0.0)
FEEDBACK = {"outcomes": {}, "shift_logit": 0.0, "limit": 0.5}


@pytest.fixture
def data_sets(tmp_path: Path) -> Path:
    """Two tasks in the data sets' form: one that any answer passes, and one that none does."""
    easy = {
        "task_id": "HumanEval/0",
        "prompt": 'def zero():\n    """Zero."""\n',
        "canonical_solution": "    return 0\n",
    }
    easy |= {"test": "def check(found): pass\n", "entry_point": "zero"}
    (tmp_path / "HumanEval.jsonl.gz").write_bytes(gzip.compress(json.dumps(easy).encode() + b"\n"))
    hard = {"task_id": 11, "text": "Write a function one() that returns 1.", "code": "def one():\n    return 1\n"}
    hard |= {"test_list": ["assert False"], "test_setup_code": ""}
    (tmp_path / "mbpp.jsonl").write_text(json.dumps(hard) + "\n")
    return tmp_path


def test_figures_come_from_the_serving_worker_with_their_spread(paths: Paths, model_path: Path) -> None:
    before = set(psutil.Process().children(recursive=True))
    done = CliRunner().invoke(cli_router.app, ["calibrate", "--model", str(model_path), "--json"])
    assert done.exit_code == 0, done.stderr
    said = json.loads(done.stdout)["measured"]
    n_answers = len(calibration.TEXTS) - 1
    assert 0 < said["slowest_tokens_per_s"] <= said["tokens_per_s"] <= said["fastest_tokens_per_s"]
    assert 0 < said["low_j"] <= said["joules_per_token"] <= said["high_j"]
    assert n_answers < said["n_tokens"] <= n_answers * calibration.MAX_TOKENS
    assert f"answer {n_answers} of {n_answers}" in done.stderr
    kept = router_memory.read(paths.router_memory_file).models["qwen2.5-coder-0.5b"]
    assert (kept.tokens_per_s, kept.joules_per_token) == (said["tokens_per_s"], said["joules_per_token"])
    left = set(psutil.Process().children(recursive=True)) - before
    assert [child for child in left if child.is_running() and child.status() != psutil.STATUS_ZOMBIE] == []


@needs_sandbox
def test_verdicts_are_kept_and_not_asked_for_again(
    paths: Paths, model_path: Path, data_sets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calibration, "TEXTS", calibration.TEXTS[:2])
    monkeypatch.setattr(calibration, "LABEL_TOKENS", 24)
    memory = router_memory.with_label(router_memory.RouterMemory(), WEIGHTS, "mbpp/11", True)
    router_memory.write(paths.router_memory_file, memory)
    command = ["calibrate", "--model", str(model_path), "--label", "2", "--data-dir", str(data_sets)]
    done = CliRunner().invoke(cli_router.app, command)
    assert done.exit_code == 0, done.stderr
    assert "task 2 of 2, mbpp/11: passed, known from before" in done.stderr
    assert "task 2 of 2, mbpp/11: writing" not in done.stderr
    labels = router_memory.read(paths.router_memory_file).labels[WEIGHTS]
    assert set(labels) == {"HumanEval/0", "mbpp/11"}
    assert "of 2 tasks pass: so many labels allow to say" in done.stdout


def test_stop_from_the_keyboard_ends_the_worker_without_a_traceback(
    paths: Paths, clean_environ: dict[str, str], model_path: Path
) -> None:
    command = [sys.executable, "-m", "halfwatt.lsp.cli", "router", "calibrate", "--model", str(model_path)]
    with subprocess.Popen(
        command, env=clean_environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stderr is not None
        while "answer 1 of" not in process.stderr.readline():
            assert process.poll() is None
        workers = psutil.Process(process.pid).children(recursive=True)
        for each in [*workers, psutil.Process(process.pid)]:  # as a terminal does: the whole group gets it
            each.send_signal(signal.SIGINT)
        said = process.stderr.read()
    assert workers
    assert psutil.wait_procs(workers, timeout=10)[1] == []
    assert (process.returncode, "Traceback" in said) == (130, False)
    assert said.splitlines()[-1] == "Stopped on request."


def test_busy_machine_is_said_plainly() -> None:
    busy = CalibrationResult(1.8, 1.5, 2.0, None, None, None, "unknown", 160, 0.63)
    said = "\n".join(cli_router.report_lines({"model": "small", "measured": busy, "feedback": FEEDBACK}))
    assert "other programs used 63 % of the processors just before" in said
    assert "unknown joules per token" in said
    quiet = "\n".join(cli_router.report_lines({"model": "small", "measured": SPEED, "feedback": FEEDBACK}))
    assert "other programs" not in quiet
    assert "20.0 tokens/s (18.0 to 22.0), 0.500 J per token (0.200 to 1.500 J)" in quiet
