"""The prompts that a model gets, and the code taken out of what it answers.

The wording of a generation is the published one, because the router's outcome data were made with it. Changing it
makes the router's estimates wrong. Chat templates are not filled in here: the worker does that.
"""

from __future__ import annotations

import re

SYSTEM_PROMPT = "You are a code generator and only respond with code without explanations."
INSTRUCTION = "Please only respond with a codeblock and do not explain anything. Complete the following task:"
_BLOCK = re.compile(r"^ {0,3}```[^\n`]*\n(.*?)(?:^ {0,3}```|\Z)", re.DOTALL | re.MULTILINE)


def generation_messages(task: str, language: str = "python", system: str = SYSTEM_PROMPT) -> list[dict[str, str]]:
    """The chat that asks for code: `task` is the stub with its context, or a comment. No system text, no message."""
    user = f"{INSTRUCTION}\n```{language}\n{task}\n```"
    messages = [{"role": "system", "content": system}] if system else []
    return [*messages, {"role": "user", "content": user}]


def extract_code(answer: str) -> str:
    """The first code block that is not empty, an unclosed one to its end; without any fence the answer itself.

    Indentation is kept, blank lines around the code are not."""
    blocks = [block for block in _BLOCK.findall(answer) if block.strip()]
    code = blocks[0] if blocks else re.sub(r"^ {0,3}```[^\n]*$", "", answer, flags=re.MULTILINE)
    return code.strip("\n").rstrip()


def fim_tokens(
    marks: tuple[list[int], list[int], list[int]], prefix_tokens: list[int], suffix_tokens: list[int]
) -> list[int]:
    """A fill-in-the-middle prompt in the order prefix, suffix, middle, which every known family is trained on."""
    prefix_mark, suffix_mark, middle_mark = marks
    return [*prefix_mark, *prefix_tokens, *suffix_mark, *suffix_tokens, *middle_mark]
