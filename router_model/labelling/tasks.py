"""The benchmark tasks, HumanEval and MBPP, and the texts made from them.

Reads `HumanEval.jsonl.gz` and `mbpp.jsonl` from a data folder. It neither downloads anything nor judges
answers (`judge.py`), and keeps no copy of the data.
"""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SYSTEM_TEXT = "You are a code generator and only respond with code without explanations."
_INSTRUCTION = "Please only respond with a codeblock and do not explain anything. Complete the following task:\n"


@dataclass(frozen=True)
class Task:
    """One benchmark task. `router_text` is what a router sees, `model_text` what a model is asked."""

    task_id: str
    router_text: str
    model_text: str
    program_head: str
    canonical: str
    test_code: str


def load_tasks(data_dir: Path) -> list[Task]:
    """HumanEval (164) and MBPP (974) in file order; `FileNotFoundError` names the file that is missing."""
    return [*_human_eval(data_dir / "HumanEval.jsonl.gz"), *_mbpp(data_dir / "mbpp.jsonl")]


def chat_prompt(task: Task) -> str:
    """The task in the ChatML template of the Qwen2.5 family, generation prompt included."""
    user = f"{_INSTRUCTION}```python\n{task.model_text}\n```"
    return f"<|im_start|>system\n{SYSTEM_TEXT}<|im_end|>\n<|im_start|>user\n{user}<|im_end|>\n<|im_start|>assistant\n"


def chat_messages(task: Task) -> list[dict[str, str]]:
    """The same request as messages of the OpenAI chat API."""
    user = f"{_INSTRUCTION}```python\n{task.model_text}\n```"
    return [{"role": "system", "content": SYSTEM_TEXT}, {"role": "user", "content": user}]


def _human_eval(path: Path) -> Iterator[Task]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            row: dict[str, Any] = json.loads(line)
            yield Task(
                task_id=row["task_id"],
                router_text=row["prompt"],
                model_text=row["prompt"],
                program_head=row["prompt"],
                canonical=row["prompt"] + row["canonical_solution"],
                test_code=f"{row['test']}\ncheck({row['entry_point']})\n",
            )


def _mbpp(path: Path) -> Iterator[Task]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            row: dict[str, Any] = json.loads(line)
            asserts = "\n".join(row["test_list"])
            yield Task(
                task_id=f"mbpp/{row['task_id']}",
                router_text=row["text"],
                model_text=f"{row['text']} Your code should satisfy these tests:\n\n{asserts}",
                program_head="",
                canonical=row["code"],
                test_code=f"{row['test_setup_code']}\n{asserts}\n",
            )
