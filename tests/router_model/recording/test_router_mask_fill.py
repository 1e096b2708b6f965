"""Mask and fill: what may be masked, what a filling may be, and that the files hold what was asked for."""

from __future__ import annotations

import json
import re
from argparse import Namespace
from pathlib import Path

import pytest

from halfwatt.router_model.labelling.batched_decode import DecodeRequest, Generation
from halfwatt.router_model.labelling.tasks import Task
from halfwatt.router_model.recording import mask_fill
from halfwatt.router_model.recording.mask_fill import (
    Hole,
    code_lines,
    copy_row,
    filled,
    first_words,
    holes,
    middle_prompt,
)

STUB = '''from typing import List

def first_even(numbers: List[int]) -> int:
    """Return the first even number of the list.
    The result of first_even([]) is minus one.
    >>> first_even([1, 4])
    4

    Numbers can be negative.
    """
'''
PROSE = "Write a function to find the first repeated character in a given string."


def task(task_id: str, text: str) -> Task:
    return Task(task_id, text, text, "", "", "", "", "")


def test_share_of_masked_words_is_the_rate() -> None:
    text = " ".join(f"word{number}" for number in range(20_000))
    for rate in (0.10, 0.15, 0.20):
        assert sum(hole.n_words for hole in holes(text, rate)) / 20_000 == pytest.approx(rate, abs=0.01)


def test_same_text_has_the_same_masks_and_neighbours_are_one_hole() -> None:
    assert holes(PROSE, 0.3) == holes(PROSE, 0.3)
    assert holes("one two, three\nfour", 1.0) == [Hole(0, 7, 2), Hole(9, 14, 1), Hole(15, 19, 1)]
    assert holes(PROSE, 0.0) == []


def test_code_lines_are_never_masked() -> None:
    kept = [STUB[start:end].strip() for start, end in code_lines(STUB)]
    assert kept == [
        "from typing import List", "def first_even(numbers: List[int]) -> int:",
        "The result of first_even([]) is minus one.", ">>> first_even([1, 4])", "4",
    ]  # fmt: skip
    masked = [STUB[hole.start : hole.end] for hole in holes(STUB, 1.0)]
    assert masked == ["Return the first even number of the list", "Numbers can be negative"]
    assert code_lines("from a list of words, find the longest") == []


def test_filling_replaces_the_holes_and_nothing_else() -> None:
    found = [Hole(8, 16, 1), Hole(20, 24, 1)]
    assert filled(PROSE, found, ["method", "count"]) == PROSE.replace("function", "method").replace("find", "count")
    assert filled(PROSE, found, ["", "count"]) == PROSE.replace("find", "count")
    row = copy_row(task("mbpp/1", PROSE), found, ["function", "count"], 0.15)
    assert (row["n_masked"], row["n_holes"], row["n_changed"]) == (2, 2, 1)


def test_local_model_sees_both_sides_of_a_hole_but_not_the_hole() -> None:
    prompt = middle_prompt(PROSE, Hole(8, 16, 1))
    assert prompt == f"<|fim_prefix|>Write a<|fim_suffix|>{PROSE[16:]}<|fim_middle|>"
    far = middle_prompt("a " * 500 + "hidden" + " b" * 500, Hole(1000, 1006, 1))
    assert "hidden" not in far
    assert len(far) < 400


def test_filling_is_at_most_as_many_words_of_one_line() -> None:
    assert first_words(" the largest\nnumber", 3) == "the largest"
    assert first_words(" the largest number of", 2) == "the largest"
    assert first_words("\n\n", 2) == ""


class UpperCase:
    """Stands for the local model: its answer is what the prompt ends on, in capitals; the last comes first."""

    def __init__(self, *_: object) -> None:
        self.asked: list[DecodeRequest] = []

    def __enter__(self) -> UpperCase:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def decode(self, prompts: list[DecodeRequest]) -> list[Generation]:
        before = [re.findall(r"\w+", str(prompt.text).partition("<|fim_suffix|>")[0])[-1] for prompt in prompts]
        return [
            Generation(prompt.key, 1, f" {word.upper()}\n".encode())
            for prompt, word in reversed(list(zip(prompts, before, strict=True)))
        ]


def test_stage_writes_one_copy_per_task_and_goes_on_where_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = [task(f"mbpp/{number}", f"{PROSE} Number{number}") for number in range(70)]
    monkeypatch.setattr(mask_fill, "load_tasks", lambda folder: tasks)
    monkeypatch.setattr(mask_fill, "BatchedDecoder", UpperCase)
    out = tmp_path / "fills.jsonl"
    arguments = ["--data-dir", str(tmp_path), "--out", str(out), "--model", "m.gguf", "--rate", "0.3"]
    mask_fill.main([*arguments, "--limit", "40"])
    first = out.read_text()
    mask_fill.main(arguments)
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert out.read_text().startswith(first)
    assert first.count("\n") == 40
    assert sorted(row["task_id"] for row in rows) == sorted(one.task_id for one in tasks)
    of = {row["task_id"]: row["text"] for row in rows}
    for one in tasks:
        found = holes(one.router_text, 0.3)
        words = [_before(one.router_text, hole) for hole in found]
        assert of[one.task_id] == filled(one.router_text, found, words)


def _before(text: str, hole: Hole) -> str:
    words = re.findall(r"\w+", text[: hole.start])
    return words[-1].upper() if words else "FIM_PREFIX".upper()


def test_masked_language_model_fills_each_word_with_its_likeliest_token(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="needs the extra [train]")
    transformers = pytest.importorskip("transformers", reason="needs the extra [train]")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "write", "a", "function", "cat", "."]
    (tmp_path / "vocab.txt").write_text("\n".join(words))
    transformers.BertTokenizerFast(str(tmp_path / "vocab.txt")).save_pretrained(tmp_path)
    config = transformers.BertConfig(
        vocab_size=len(words), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16
    )
    model = transformers.BertForMaskedLM(config)
    with torch.no_grad():
        model.cls.predictions.decoder.weight.zero_()
        model.cls.predictions.decoder.bias[words.index("cat")] = 5.0
    model.save_pretrained(tmp_path)
    text = "write a function."
    found = [Hole(6, 16, 2)]
    work = [(task("mbpp/1", text), found)]
    [(_, _, fillings)] = mask_fill.fill_masked(work, Namespace(masked_model=tmp_path, threads=1))
    assert fillings == ["cat cat"]
    assert filled(text, found, fillings) == "write cat cat."
