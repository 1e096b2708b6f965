"""Stage *mask and fill*: one copy of each task's prompt with some words masked and filled in by a language model.

    python -m halfwatt.router_model.recording.mask_fill --data-dir DIR --out FILE.jsonl --model \
        FILE.gguf|--masked-model FOLDER

The data augmentation of the edge-cloud study (Mohd Pozi and Sato, 2025): every word is masked with a fixed
probability and replaced by the model's most probable filling. With `--masked-model` (Hugging Face layout) all masks of
a prompt are filled in one pass, one token each, as published. Else the local model fills in the middle: neighbouring
masks are one hole, and each hole is filled with the other words in place and with little context.

Lines of code stay as they are, since the copy keeps the label of its task. Resumable: one JSON line per task, in seeded
order, so that a part is a random part. The file holds the tasks' text and stays local; `finetune.py --fills` reads it.
"""

import argparse
import json
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from halfwatt.router_model.labelling.batched_decode import BatchedDecoder, DecodeRequest
from halfwatt.router_model.labelling.tasks import Task, load_tasks
from halfwatt.router_model.progress import tracked

from .record import read_lines

RATE = 0.15  # published: 0.10, 0.15 and 0.20
_SEED = 0
_BEFORE, _AFTER = 160, 80  # characters around a hole that the local model reads
_WORD = re.compile(r"\w+(?:['’-]\w+)*")
_CODE = re.compile(r"\s*(?:def|class|from|import|@|>>>)")
_N_SEQUENCES = 16
_N_TASKS = 32
_MOST_TOKENS = 512


@dataclass(frozen=True)
class Hole:
    """Characters `start` to `end` of a text, `n_words` masked words that follow each other."""

    start: int
    end: int
    n_words: int


Filled = tuple[Task, list[Hole], list[str]]


def main(argv: list[str] | None = None) -> int:
    """Entry point of the stage."""
    options = _arguments(argv)
    done = {row["task_id"] for row in read_lines(options.out)}
    chosen = _ordered(load_tasks(options.data_dir))[: options.limit or None]
    work = [(task, holes(task.router_text, options.rate)) for task in chosen if task.task_id not in done]
    fill = fill_masked if options.masked_model else fill_in_the_middle
    options.out.parent.mkdir(parents=True, exist_ok=True)
    with options.out.open("a", encoding="utf-8") as out:
        for task, found, words in tracked(fill(work, options), "mask and fill", len(work)):
            out.write(json.dumps(copy_row(task, found, words, options.rate)) + "\n")
            out.flush()
    return 0


def holes(text: str, rate: float) -> list[Hole]:
    """The masked words of a text, neighbours joined; the same text has the same masks."""
    random = np.random.default_rng((_SEED, zlib.crc32(text.encode())))
    code = code_lines(text)
    found: list[Hole] = []
    for word in _WORD.finditer(text):
        if random.random() > rate or any(start <= word.start() < end for start, end in code):
            continue
        if found and text[found[-1].end : word.start()] == " ":
            found[-1] = Hole(found[-1].start, word.end(), found[-1].n_words + 1)
        else:
            found.append(Hole(word.start(), word.end(), 1))
    return found


def code_lines(text: str) -> list[tuple[int, int]]:
    """Character ranges of the lines that are code: signatures, imports, calls of what is defined, doctest results."""
    names = re.findall(r"def (\w+)", text)
    ranges, at, in_example = [], 0, False
    for line in text.splitlines(keepends=True) if names else []:
        in_example = line.lstrip().startswith(">>>") or (in_example and line.strip() not in ("", '"""', "'''"))
        if in_example or _CODE.match(line) or any(f"{name}(" in line for name in names):
            ranges.append((at, at + len(line)))
        at += len(line)
    return ranges


def filled(text: str, found: Sequence[Hole], words: Sequence[str]) -> str:
    """The text with its holes replaced; an empty filling leaves the word that was there."""
    parts, at = [], 0
    for hole, word in zip(found, words, strict=True):
        parts += [text[at : hole.start], word or text[hole.start : hole.end]]
        at = hole.end
    return "".join([*parts, text[at:]])


def middle_prompt(text: str, hole: Hole) -> str:
    """The hole in Qwen2.5-Coder's fill-in-the-middle format; the blank before it is the model's to write."""
    before = text[: hole.start].rstrip(" ")[-_BEFORE:]
    after = text[hole.end :][:_AFTER]
    return f"<|fim_prefix|>{before}<|fim_suffix|>{after}<|fim_middle|>"


def first_words(answer: str, n_words: int) -> str:
    """The first words of an answer's first line, at most as many as were masked."""
    line = answer.strip().partition("\n")[0]
    return " ".join(_WORD.findall(line)[:n_words])


def fill_in_the_middle(work: Sequence[tuple[Task, list[Hole]]], options: argparse.Namespace) -> Iterator[Filled]:
    """Every hole by the local model, greedily, many at once; some dozens of tasks after the other."""
    with BatchedDecoder(options.model, _N_SEQUENCES, options.threads) as decoder:
        for start in range(0, len(work), _N_TASKS):
            yield from _fill_some(work[start : start + _N_TASKS], decoder)


def _fill_some(work: Sequence[tuple[Task, list[Hole]]], decoder: BatchedDecoder) -> Iterator[Filled]:
    requests = [
        DecodeRequest(
            key=f"{row}#{place}",
            text=middle_prompt(task.router_text, hole),
            max_new_tokens=3 * hole.n_words + 2,
            stop=_has_words(hole.n_words),
        )
        for row, (task, found) in enumerate(work)
        for place, hole in enumerate(found)
    ]
    words = [[""] * len(found) for _, found in work]
    for generation in decoder.decode(requests):
        row, place = (int(part) for part in generation.key.split("#"))
        answer = generation.text.decode("utf-8", "replace")
        words[row][place] = first_words(answer, work[row][1][place].n_words)
    yield from ((task, found, words[row]) for row, (task, found) in enumerate(work))


def fill_masked(work: Sequence[tuple[Task, list[Hole]]], options: argparse.Namespace) -> Iterator[Filled]:
    """Every masked word as one token of a masked language model, all masks of a prompt at once."""
    import torch
    from transformers import AutoModelForMaskedLM, AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(str(options.masked_model))
    model: Any = AutoModelForMaskedLM.from_pretrained(str(options.masked_model)).eval()
    torch.set_num_threads(options.threads)
    for task, found in work:
        masks = [" ".join([tokenizer.mask_token] * hole.n_words) for hole in found]
        text = filled(task.router_text, found, masks)
        inputs = tokenizer(text, return_tensors="pt", truncation=True, max_length=_MOST_TOKENS)
        with torch.no_grad():
            likeliest = model(**inputs).logits[0].argmax(dim=-1)
        tokens = iter(likeliest[inputs["input_ids"][0] == tokenizer.mask_token_id].tolist())
        yield task, found, [_decoded(tokenizer, tokens, hole.n_words) for hole in found]


def copy_row(task: Task, found: Sequence[Hole], words: Sequence[str], rate: float) -> dict[str, Any]:
    """The JSON line of one copy; `n_changed` counts the holes whose words are others now."""
    text = task.router_text
    changed = sum(word not in ("", text[hole.start : hole.end]) for hole, word in zip(found, words, strict=True))
    return {
        "task_id": task.task_id,
        "rate": rate,
        "n_masked": sum(hole.n_words for hole in found),
        "n_holes": len(found),
        "n_changed": changed,
        "text": filled(text, found, words),
    }


def _decoded(tokenizer: Any, tokens: Iterator[int], n_words: int) -> str:
    known = [token for token, _ in zip(tokens, range(n_words), strict=False)]
    return " ".join(tokenizer.decode([token]).strip() for token in known)


def _has_words(n_words: int) -> Callable[[bytes], bool]:
    def enough(answer: bytes) -> bool:
        text = answer.decode("utf-8", "ignore").lstrip()
        found = list(_WORD.finditer(text))
        return "\n" in text or len(found) > n_words or (len(found) == n_words and found[-1].end() < len(text))

    return enough


def _ordered(tasks: Sequence[Task]) -> list[Task]:
    return [tasks[row] for row in np.random.default_rng(_SEED).permutation(len(tasks))]


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Copies of the prompts with some words masked and filled in.")
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    model = parser.add_mutually_exclusive_group(required=True)
    model.add_argument("--model", type=Path, help="GGUF file of a Qwen2.5-Coder model, fills in the middle")
    model.add_argument("--masked-model", type=Path, help="folder of a masked language model, fills as published")
    parser.add_argument("--rate", type=float, default=RATE, help="probability that a word is masked")
    parser.add_argument("--limit", type=int, default=0, help="first N tasks of the seeded order only")
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args(argv)


if __name__ == "__main__":
    raise SystemExit(main())
