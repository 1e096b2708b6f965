"""The judge and its sandbox: what passes, what does not, and what generated code cannot do."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from router_data import data_dir as data_dir
from sandboxed import needs_sandbox

from halfwatt.router_model.errors import SandboxUnavailable
from halfwatt.router_model.labelling.judge import canonical_program, extract_code, judged_program, outcome_rows
from halfwatt.router_model.labelling.tasks import Task, load_tasks
from halfwatt.router_model.sandbox.sandbox import SandboxLimits, runs_to_its_end
from halfwatt.router_model.sandbox.seccomp import deny_new_processes

SHORT = SandboxLimits(wall_s=5, cpu_s=1)


@needs_sandbox
@pytest.mark.parametrize(
    ("program", "passes"),
    [
        ("assert 1 + 1 == 2", True),
        ("assert 1 + 1 == 3", False),
        ("def f(:", False),
        ("import sys; sys.exit(0)", False),
        ("import os; os._exit(0)", False),
        ("import atexit, os; atexit.register(os._exit, 3)", False),
        ("print('x' * 10_000_000)", True),
        ("while True: pass", False),
        ("x = bytearray(4 << 30)", False),
    ],
)
def test_only_a_program_that_reaches_its_end_passes(program: str, passes: bool) -> None:
    assert runs_to_its_end(program, SHORT) is passes


@needs_sandbox
@pytest.mark.parametrize(
    "program",
    [
        "open('/usr/halfwatt-was-here', 'w')",
        "import os; assert os.listdir(os.path.expanduser('~'))",
        "import os; assert os.listdir('/home')",
        "import os\nfor _ in range(200): os.fork() or __import__('time').sleep(9)",
        "open('/tmp/big', 'wb').write(b'x' * (1 << 27))",
        "import os; assert len(os.environ) > 3",
    ],
    ids=["write system", "read home", "read /home", "fork", "fill disk", "read environment"],
)
def test_generated_code_cannot(program: str) -> None:
    assert not runs_to_its_end(program, SHORT)


@needs_sandbox
def test_generated_code_cannot_reach_the_network() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        program = f"import socket; socket.create_connection(('127.0.0.1', {port}), 2)"
        assert not runs_to_its_end(program, SHORT)


@needs_sandbox
def test_what_one_program_writes_the_next_does_not_see() -> None:
    assert runs_to_its_end("open('/tmp/left', 'w').write('x')", SHORT)
    assert not runs_to_its_end("open('/tmp/left')", SHORT)


def test_without_a_sandbox_it_refuses_unless_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SandboxUnavailable, match="bubblewrap"):
        runs_to_its_end("pass", SHORT)
    assert runs_to_its_end("pass", SHORT, allow_unsafe=True)


@pytest.mark.skipif(deny_new_processes() is None, reason="no filter for this processor")
@pytest.mark.parametrize("script", ["exit 0", "cat", "kill -9 $$", "exec sleep 60"])
def test_a_sandbox_that_does_not_run_the_program_is_no_pass(
    script: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "bwrap"
    broken.write_text(f"#!/bin/sh\n{script}\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not runs_to_its_end("pass", SandboxLimits(wall_s=0.5))


@needs_sandbox
def test_canonical_solutions_pass(data_dir: Path) -> None:
    tasks = load_tasks(data_dir)
    assert len(tasks) == 1138
    failed = [task.task_id for task in tasks[::40] if not runs_to_its_end(canonical_program(task))]
    assert failed == []


@needs_sandbox
def test_wrong_answer_fails_and_bare_body_is_joined_to_the_prompt(data_dir: Path) -> None:
    task = next(task for task in load_tasks(data_dir) if task.task_id == "HumanEval/23")
    assert runs_to_its_end(judged_program(task, "    return len(string)"))
    assert runs_to_its_end(judged_program(task, "```python\ndef strlen(string):\n    return len(string)\n```"))
    assert not runs_to_its_end(judged_program(task, "```python\ndef strlen(string):\n    return 1\n```"))


@pytest.mark.parametrize(
    ("completion", "code"),
    [
        ("```python\nx = 1\n```", "x = 1\n"),
        ("Sure!\n```\nx = 1\n```\nDone.", "x = 1\n"),
        ("```py\nx = 1\n", "x = 1\n"),
        ("x = 1", "x = 1"),
    ],
)
def test_first_code_block_is_judged_closed_or_not(completion: str, code: str) -> None:
    assert extract_code(completion) == code


def test_strict_label_needs_every_sample_and_soft_label_is_their_share() -> None:
    base = dict.fromkeys(
        ("lp_sum", "lp_mean", "lp_min", "lp_p10", "lp_worst5_mean", "lp_first16_mean", "n_lp_below_minus_0_7",
         "ent_mean", "ent_max", "margin_first"), 0.0,
    )  # fmt: skip
    rows = [
        {**base, "task_id": "mbpp/1", "model": "m", "prompt_tokens": 9, "n_tokens": 10 + sample, "finish": "block",
         "seconds": 1.0, "energy_j": None}
        for sample in range(4)
    ]  # fmt: skip
    (row,) = outcome_rows(rows, [True, True, False, True])
    assert (row["passed"], row["pass_share"], row["n_samples"], row["energy_j"]) == (0, 0.75, 4, "")


def test_task_texts_hold_no_tests_where_the_router_looks(data_dir: Path) -> None:
    task: Task = next(task for task in load_tasks(data_dir) if task.task_id == "mbpp/11")
    assert "assert" not in task.router_text
    assert "assert" in task.model_text
