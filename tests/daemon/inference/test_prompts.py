"""Code taken out of answers, and the order of a fill-in-the-middle prompt."""

from __future__ import annotations

import pytest

from halfwatt.daemon.inference.prompts import extract_code, fim_tokens, first_block

ANSWERS = {
    "block": ("```python\nx = 1\n```", "x = 1"),
    "block with prose around it": ("Here:\n\n```py\nx = 1\n```\nThat was it.", "x = 1"),
    "unclosed block": ("```python\ndef f():\n    return 1\n", "def f():\n    return 1"),
    "no block": ("def f():\n    return 1\n", "def f():\n    return 1"),
    "first of two blocks": ("```\na\n```\n```\nb\n```", "a"),
    "empty block is passed over": ("```\n\n```\n```\nb\n```", "b"),
    "indentation is kept": ("```\n    return 1\n```", "    return 1"),
    "fence in a docstring": ('```py\n"""\n    ```\n    x\n    ```\n"""\n```', '"""\n    ```\n    x\n    ```\n"""'),
    "longer fence": ('````py\n"""\n```\nx\n```\n"""\n````\nend', '"""\n```\nx\n```\n"""'),
    "only an opening fence": ("```python", ""),
    "nothing": ("", ""),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_code_is_taken_out_of_the_answer(name: str) -> None:
    answer, code = ANSWERS[name]
    assert extract_code(answer) == code


def test_block_that_still_grows_is_taken_as_far_as_it_goes() -> None:
    assert [first_block(text) for text in ("Sure", "```py", "```py\nx = ", "```py\nx = 1\n```\nDone")] == [
        None,
        None,
        "x = ",
        "x = 1\n",
    ]


def test_fim_order_is_prefix_suffix_middle() -> None:
    assert fim_tokens(([1], [2], [3]), [10, 11], [20]) == [1, 10, 11, 2, 20, 3]
