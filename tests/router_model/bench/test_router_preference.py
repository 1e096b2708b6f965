"""A language model as a judge: what it is asked, how its verdicts become a table, and what they say of a router."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_api import Answer, serving
from router_data import data_dir as data_dir

from halfwatt.router_model.bench.judged_pairs import (
    JUDGE_TABLE,
    JudgedPairs,
    measure,
    nearest_half,
    preference,
    read_judged_pairs,
    reliability,
    signal,
)
from halfwatt.router_model.bench.report_published import draft_tables_text
from halfwatt.router_model.labelling.batched_decode import BatchedDecoder
from halfwatt.router_model.labelling.labels import read_rows
from halfwatt.router_model.labelling.tasks import Task, load_tasks
from halfwatt.router_model.measures.evaluation import Array
from halfwatt.router_model.measures.spending import Spending
from halfwatt.router_model.recording.judge_llm import LocalJudge, letter_of, main, pairs, question
from halfwatt.router_model.recording.outcomes import judged_row
from halfwatt.router_model.recording.record import recorded_tasks

TASK = Task("mbpp/x", "Double a number.", "Double a number.", "", "", "", "", "assert double(3) == 6\n")
RIGHT, WRONG = "def double(x):\n    return 2 * x", "def double(x):\n    return x"
N = 40
STRONG_ONLY = np.arange(N) % 4 == 0  # one answer in four passes by the strong model alone, the others pass twice


def made(verdicts: Array, leans: Array | None = None) -> JudgedPairs:
    passed = np.column_stack([~STRONG_ONLY, np.ones(N)]).astype(float)
    known = np.full(N, leans is not None)
    leans = np.zeros((N, 2)) if leans is None else leans
    return JudgedPairs(np.arange(N), verdicts.astype(float), leans, known, passed, np.zeros(N))


def right_judge() -> JudgedPairs:
    """Prefers the strong answer exactly where it alone passes, in both orders."""
    return made(np.column_stack([STRONG_ONLY, STRONG_ONLY]))


def first_place_judge() -> JudgedPairs:
    """Always says A, but leans less to it where the strong answer alone passes and the weak one is A."""
    leans = np.column_stack([np.where(STRONG_ONLY, -0.5, -1.5), np.ones(N)])
    return made(np.tile([-1.0, 1.0], (N, 1)), leans)


def spent(*weak: float | None) -> Spending:
    """Shares on the weak model; None where a router has no recordings."""
    known = np.array([share is not None for share in weak])
    return Spending(np.ones(len(weak)), np.ones(len(weak)), np.array([share or 0.0 for share in weak]), known)


def mean(text: str) -> float:
    return float(text.split(" ")[0])


def test_both_orders_ask_the_same_and_share_their_beginning() -> None:
    one, other = (question(TASK, *each) for each in ((RIGHT, WRONG), (WRONG, RIGHT)))
    assert one != other
    assert one[0] == other[0]
    assert one[1]["content"].partition("Answer A")[0] == other[1]["content"].partition("Answer A")[0]


@pytest.mark.parametrize(
    ("reply", "letter"),
    [("A", "A"), ("**B**", "B"), ("Answer B.", "B"), (" C\n", "C"), ("Better: A", "A"), ("", "C"), ("dunno", "C")],
)
def test_verdict_is_the_first_letter_that_stands_alone(reply: str, letter: str) -> None:
    assert letter_of(reply) == letter


def test_verdicts_name_the_side_and_not_the_place() -> None:
    said = {"weak first": {"letter": "B", "lean_first": -2.0}, "strong first": {"letter": "A", "lean_first": 3.0}}
    row = judged_row(TASK, (WRONG, RIGHT), said, lambda program: RIGHT in program)
    assert (row["weak_first"], row["strong_first"]) == ("strong", "strong")
    assert (row["lean_weak_first"], row["lean_strong_first"]) == (2.0, 3.0)
    assert (row["weak_passed"], row["strong_passed"], row["same_answer"]) == (0, 1, 0)


def test_judge_who_is_right_prefers_the_router_that_escalates_the_failures() -> None:
    found = right_judge()
    perfect = preference(found, STRONG_ONLY.astype(float))
    idle = preference(found, np.zeros(N))
    assert mean(perfect["over always-weak % (95 %)"]) == pytest.approx(50 + 50 / 4)
    assert mean(perfect["over always-strong % (95 %)"]) == pytest.approx(50)
    assert mean(idle["over always-weak % (95 %)"]) == pytest.approx(50)
    assert mean(idle["over always-strong % (95 %)"]) == pytest.approx(50 - 50 / 4)
    assert (perfect["same verdict swapped %"], idle["same verdict swapped %"]) == (100, None)
    assert (perfect["passed %"], idle["passed %"]) == (100, 75)


def test_judge_who_is_right_is_called_right() -> None:
    said = reliability(right_judge())
    assert (said["pairs where one passes"], said["strong passes in"]) == (10, 10)
    assert mean(said["single verdicts right % (95 %)"]) == 100
    assert mean(said["both orders right % (95 %)"]) == 100
    assert said["tie said %"] == 75


def test_liking_for_the_first_place_is_a_tie_and_its_leaning_is_read_out() -> None:
    found = first_place_judge()
    said = reliability(found)
    assert (said["first place chosen %"], said["same verdict swapped %"]) == (100, 0)
    assert mean(said["single verdicts right % (95 %)"]) == 50
    assert mean(said["both orders right % (95 %)"]) == 0
    assert mean(said["leaning right % (95 %)"]) == 100
    everything = preference(found, np.ones(N))
    assert mean(everything["over always-weak % (95 %)"]) == 50
    assert mean(everything["by leaning % (95 %)"]) == pytest.approx(25)  # wins 10 of 40, loses 30
    assert signal(found)[STRONG_ONLY, 1].max() < signal(found)[~STRONG_ONLY, 1].min()


def test_one_text_is_asked_about_by_nobody_and_counts_for_no_consistency() -> None:
    found = right_judge()
    nothing, known = np.zeros((N, 2)), np.ones(N, dtype=bool)
    same = JudgedPairs(found.tasks, nothing, nothing, known, found.passed, np.ones(N))
    assert reliability(same)["pairs where one passes"] == 0
    assert preference(same, np.ones(N))["same verdict swapped %"] is None


def test_pairs_without_a_routers_recording_are_left_out_of_its_row() -> None:
    assert preference(right_judge(), np.ones(N), np.arange(N) >= 10)["pairs"] == 30


def test_row_of_a_router_is_its_setting_nearest_to_half() -> None:
    assert nearest_half({"a": spent(0.9, 0.9, 0.9), "b": spent(None, 1, 0, 0.4), "c": spent(0, 0, 0)}) == "b"
    settings = {f"{name} {share}": spent(*[share] * N) for name in "xy" for share in (1, 0)}
    found = measure(right_judge(), {"r": settings}, [("r", "y"), ("never recorded", "")])
    assert [(row["router"], row["setting"]) for row in found["routers"]] == [("chance", "50% weak"), ("r", "y 1")]


def recordings(folder: Path, tasks: list[Task]) -> None:
    """Answers of both models to two tasks; to the second they are one text."""
    for name, codes in (("drafts", (WRONG, RIGHT)), ("strong", (RIGHT, RIGHT))):
        rows = [
            {"task_id": task.task_id, "sample": 0, "completion": f"```python\n{code}\n```"}
            for task, code in zip(tasks, codes, strict=True)
        ]
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_judging_goes_on_where_it_stopped(data_dir: Path, tmp_path: Path) -> None:
    tasks = recorded_tasks(load_tasks(data_dir), 2)
    recordings(tmp_path, tasks)
    with serving() as api:
        reply = {"choices": [{"message": {"content": "B"}}]}
        api.answers = [Answer(json.dumps(reply), headers={"Content-Type": "application/json"})]
        asked = ["--url", f"http://127.0.0.1:{api.port}/v1", "--model", "m"]
        asked += ["--data-dir", str(data_dir), "--work", str(tmp_path), "--tasks", "2"]
        assert main(asked) == 0
        assert len(api.seen) == 2  # both orders of one pair, nothing about one text
        assert main(asked) == 0
        assert len(api.seen) == 2
    rows: list[dict[str, Any]] = [json.loads(line) for line in (tmp_path / "judge.jsonl").read_text().splitlines()]
    assert [row["letter"] for row in rows] == ["B", "B", "C", "C"]
    assert [row["order"] for row in rows[:2]] == ["weak first", "strong first"]
    assert [each[2:] for each in pairs(tasks, tmp_path)][:2] == [(WRONG, RIGHT), (RIGHT, WRONG)]


def test_local_judge_reads_probabilities_that_do_not_depend_on_what_was_read_before(model_path: Path) -> None:
    questions = [question(TASK, RIGHT, WRONG), question(TASK, WRONG, RIGHT)]
    with BatchedDecoder(model_path, n_sequences=2) as decoder:
        judge = LocalJudge(decoder)
        first = [judge(each) for each in questions]
        again = judge(questions[0])
    assert all(said.letter in "ABC" for said in first)
    assert first[0].lean_first == pytest.approx(again.lean_first, abs=0.2)
    assert first[0].lean_first != first[1].lean_first


def test_committed_verdicts_hold_no_text() -> None:
    for row in read_rows(JUDGE_TABLE):
        assert row.pop("task_id").startswith(("HumanEval/", "mbpp/"))
        assert {row.pop("weak_first"), row.pop("strong_first")} <= {"weak", "strong", "tie"}
        assert all(value == "" or np.isfinite(float(value)) for value in row.values())


def test_printed_table_thins_a_long_dial_and_keeps_its_ends() -> None:
    figures = [
        "n_tasks", "accuracy_pct", "energy_j", "weak_share_pct", "reduction_pct", "low", "high", "accuracy_per_s",
        "ours_pct", "ours_low", "ours_high",
    ]  # fmt: skip
    rows = [{"router": "dial", "setting": f"λ={n}", **dict.fromkeys(figures, 0.0)} for n in range(13)]
    rows += [{"router": "fixed", "setting": "", **dict.fromkeys(figures, 0.0)}]
    table = {"strong_factor": 1, "weak_j": 1, "strong_j": 2, "routers": rows}
    preferred = measure(right_judge(), {}, [])
    text = draft_tables_text({"tables": [table], "joined": [], "preference": preferred})
    assert text.count("| dial |") == 8
    assert "λ=0 " in text
    assert "λ=12 " in text
    assert text.count("| fixed |") == 1
    assert "| chance | 50% weak | 40 |" in text


def test_too_few_verdicts_make_no_row(tmp_path: Path) -> None:
    assert read_judged_pairs(["mbpp/1"], tmp_path / "none.csv") is None
    columns = "task_id,weak_passed,strong_passed,same_answer,weak_first,lean_weak_first,strong_first,lean_strong_first"
    rows = "".join(f"mbpp/{n},0,1,0,weak,,strong,\n" for n in range(40))
    (tmp_path / "t.csv").write_text(f"{columns}\n{rows}")
    assert read_judged_pairs([f"mbpp/{n}" for n in range(20)], tmp_path / "t.csv") is None
    found = read_judged_pairs([f"mbpp/{n}" for n in range(39)], tmp_path / "t.csv")
    assert found is not None
    assert found.agreed.tolist() == found.leaning.tolist() == [0.0] * 39
