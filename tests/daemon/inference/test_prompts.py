"""The published wording of a generation, and code taken out of answers."""

from __future__ import annotations

import pytest

from halfwatt.daemon.inference.prompts import SYSTEM_PROMPT, extract_code, fim_tokens, generation_messages
from halfwatt.router_model.labelling.tasks import SYSTEM_TEXT, Task, chat_messages

ANSWERS = {
    "block": ("```python\nx = 1\n```", "x = 1"),
    "block with prose around it": ("Here:\n\n```py\nx = 1\n```\nThat was it.", "x = 1"),
    "unclosed block": ("```python\ndef f():\n    return 1\n", "def f():\n    return 1"),
    "no block": ("def f():\n    return 1\n", "def f():\n    return 1"),
    "first of two blocks": ("```\na\n```\n```\nb\n```", "a"),
    "empty block is passed over": ("```\n\n```\n```\nb\n```", "b"),
    "indentation is kept": ("```\n    return 1\n```", "    return 1"),
    "fence in a docstring": ('```py\n"""\n    ```\n    x\n    ```\n"""\n```', '"""\n    ```\n    x\n    ```\n"""'),
    "only an opening fence": ("```python", ""),
    "nothing": ("", ""),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_code_is_taken_out_of_the_answer(name: str) -> None:
    answer, code = ANSWERS[name]
    assert extract_code(answer) == code


def test_generation_is_worded_like_the_outcome_data() -> None:
    text = 'def f(x):\n    """Doc."""\n'
    task = Task("t", text, text, "", "", "")
    assert generation_messages(text) == chat_messages(task)


def test_system_prompt_is_that_of_the_routers_labels() -> None:
    assert SYSTEM_PROMPT == SYSTEM_TEXT


def test_empty_system_prompt_sends_no_system_message() -> None:
    assert [message["role"] for message in generation_messages("x", system="")] == ["user"]


def test_language_names_the_block() -> None:
    assert "```typescript\nx\n```" in generation_messages("x", "typescript")[-1]["content"]


def test_fim_order_is_prefix_suffix_middle() -> None:
    assert fim_tokens(([1], [2], [3]), [10, 11], [20]) == [1, 10, 11, 2, 20, 3]
