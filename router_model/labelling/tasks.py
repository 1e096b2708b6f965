"""The benchmark tasks, HumanEval and MBPP, and how a model is asked for them: as serving asks for a stub.

Reads `HumanEval.jsonl.gz` and `mbpp.jsonl` from a data folder. It neither downloads anything nor judges
answers (`judge.py`), and keeps no copy of the data.
"""

import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from halfwatt.daemon.code import languages
from halfwatt.daemon.code.functions import body_of, functions_in, name_of
from halfwatt.daemon.code.syntax import Source
from halfwatt.daemon.code.targets import Target, find
from halfwatt.daemon.inference.generation_prompt import GenerationPrompt, generation_prompt

_PYTHON = next(each for each in languages.LANGUAGES if each.id == "python")


@dataclass(frozen=True)
class Task:
    """One benchmark task. `router_text` is what a router sees.

    `file` is a file whose last function `name` is the stub to fill. `model_text` is the published wording.
    """

    task_id: str
    router_text: str
    model_text: str
    file: str
    name: str
    program_head: str
    canonical: str
    test_code: str


def load_tasks(data_dir: Path) -> list[Task]:
    """HumanEval (164) and MBPP (974) in file order; `FileNotFoundError` names the file that is missing."""
    return [*_human_eval(data_dir / "HumanEval.jsonl.gz"), *_mbpp(data_dir / "mbpp.jsonl")]


def task_prompt(task: Task) -> GenerationPrompt:
    """The request that serving would make for the task's stub. ValueError where the file has no such stub."""
    source = Source(task.file, _PYTHON)
    found = find(source, task.file.rindex(f"def {task.name}"))
    if not isinstance(found, Target) or found.name != task.name:
        raise ValueError(f"The task {task.task_id} has no stub that could be filled.")
    return generation_prompt(source, found)


def _human_eval(path: Path) -> Iterator[Task]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            row: dict[str, Any] = json.loads(line)
            yield Task(
                task_id=row["task_id"],
                router_text=row["prompt"],
                model_text=row["prompt"],
                file=_only_documented(row["prompt"]),
                name=row["entry_point"],
                program_head=row["prompt"],
                canonical=row["prompt"] + row["canonical_solution"],
                test_code=f"{row['test']}\ncheck({row['entry_point']})\n",
            )


def _mbpp(path: Path) -> Iterator[Task]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            row: dict[str, Any] = json.loads(line)
            asserts = "\n".join(row["test_list"])
            name, signature = _mbpp_signature(row["code"], asserts)
            yield Task(
                task_id=f"mbpp/{row['task_id']}",
                router_text=row["text"],
                model_text=f"{row['text']} Your code should satisfy these tests:\n\n{asserts}",
                file=_mbpp_stub(signature, row["text"], asserts),
                name=name,
                program_head="",
                canonical=row["code"],
                test_code=f"{row['test_setup_code']}\n{asserts}\n",
            )


def _only_documented(prompt: str) -> str:
    """The file without statements before the docstring of its last function; one task has an import there."""
    source = Source(prompt, _PYTHON)
    body = body_of(source, functions_in(source, source.root)[-1])
    first = next((part for part in (body.parts if body else ()) if part.type != "comment"), None)
    if first is None or first.type == "expression_statement":
        return prompt
    return prompt[: source.line_start(source.start(first))] + prompt[source.line_end(source.end(first)) + 1 :]


def _mbpp_signature(code: str, asserts: str) -> tuple[str, str]:
    """Name and signature of the solution's function that the tests call first."""
    source = Source(code.replace("\r", ""), _PYTHON)
    found = {name_of(source, it): it for it in functions_in(source, source.root)}
    called = [name for name in re.findall(r"\w+", asserts) if name in found]
    function = found[called[0] if called else next(reversed(found))]
    body = body_of(source, function)
    end = body.opening if body is not None else source.end(function)
    return name_of(source, function), source.text[source.start(function) : end]


def _mbpp_stub(signature: str, text: str, asserts: str) -> str:
    """The task as a stub: MBPP's prompt is the docstring."""
    described = f"{text} Your code should satisfy these tests:\n\n{asserts}".replace('"""', "'''")
    quotes = 'r"""' if "\\" in described else '"""'
    lines = "\n".join(line and f"    {line}" for line in described.split("\n")).strip()
    return f'{signature}\n    {quotes}{lines}\n    """\n'
