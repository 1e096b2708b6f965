"""A model's chat template: messages, and the beginning of the answer, become the text that the model reads.

A template is a program that came with the model; it runs in llama-cpp-python's sandboxed environment. Tokens are
vocabulary.py's part.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from llama_cpp.llama_chat_format import Jinja2ChatFormatter

from halfwatt.daemon.errors import UsageError

_REASONING = re.compile(r"([<\[])(\w*(?:think|reason)\w*)([>\]])\s*\Z", re.IGNORECASE)
Message = Mapping[str, str]


class ChatTemplate:
    """One model's template (Jinja), with the texts of its begin and end tokens."""

    def __init__(self, template: str, begin: str, end: str) -> None:
        self._formatter = Jinja2ChatFormatter(template, eos_token=end, bos_token=begin)

    def render(self, messages: Sequence[Message], opening: str = "") -> str:
        """The text of the chat. With an opening, reasoning is closed before it begins.

        A template that knows no system message gets its text in front of the first message. UsageError where the
        template refuses the messages all the same.
        """
        text = self._try(messages, opening) or self._try(_folded(messages), opening)
        if text is None:
            raise UsageError("The local model's chat template refuses these messages.")
        begun = _REASONING.search(text) if opening else None
        if begun:
            text = f"{text.rstrip()}\n\n{begun[1]}/{begun[2]}{begun[3]}\n\n"
        return text + opening

    def _try(self, messages: Sequence[Message], opening: str) -> str | None:
        """The chat without the opening; None where the template refuses it."""
        options = {"enable_thinking": False} if opening else {}
        try:
            return str(self._formatter(messages=list(messages), **options).prompt)  # type: ignore[arg-type]  # roles are the caller's
        except Exception:  # noqa: BLE001 - a template is a program that came with the model
            return None


def _folded(messages: Sequence[Message]) -> list[Message]:
    """The messages without a system message; its text stands before that of the first other one."""
    system = [each["content"] for each in messages if each["role"] == "system"]
    others = [each for each in messages if each["role"] != "system"]
    if not system or not others:
        return list(messages)
    first = {**others[0], "content": "\n\n".join([*system, others[0]["content"]])}
    return [first, *others[1:]]
