"""Taking a model's reasoning away from its answer. Drafts in it look like answers and are none."""

from __future__ import annotations

import re

_WORDS = r"(think|thinking|thought|reasoning|reflection|analysis)"
_OPENED = re.compile(rf"\s*(?:<{_WORDS}(?:\s[^>]*)?>|\[THINK\])", re.IGNORECASE)
_CLOSED = re.compile(rf"^[^\n]*(?:</{_WORDS}>|\[/THINK\])", re.IGNORECASE | re.MULTILINE)
_CLOSED_ALONE = re.compile(rf"^[ \t]*(?:</{_WORDS}>|\[/THINK\])[ \t]*$", re.IGNORECASE | re.MULTILINE)
_FINAL = "<|channel|>final<|message|>"  # the channels of gpt-oss, where a server passes them on


def without_reasoning(text: str) -> str:
    """The answer behind the reasoning that it begins with; "" where the reasoning never ends.

    Chat templates may open the reasoning themselves. Then only its end, on a line of its own, is in the text."""
    if _FINAL in text:
        return text.rsplit(_FINAL, 1)[1]
    while opened := _OPENED.match(text):
        closed = _CLOSED.search(text, opened.end())
        if closed is None:
            return ""
        text = text[closed.end() :]
    alone = list(_CLOSED_ALONE.finditer(text))
    behind = text[alone[-1].end() :] if alone else ""
    return behind if behind.strip() else text
