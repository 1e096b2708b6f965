"""A loaded model's vocabulary: from text to tokens and back. Names of control tokens in a user's text stay text.

Serving and the labels of router_model read their prompts here, so that both read the same tokens.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import llama_cpp

from halfwatt.daemon.errors import WorkerError

from .chat_template import ChatTemplate, Message


class Vocabulary:
    """The vocabulary of a native model, which must outlive it. `stops` are texts that end an answer, too.

    Only those count that are one control token: such a token has no text that a stop rule could see.
    """

    def __init__(self, model: Any, stops: Sequence[str] = ()) -> None:
        self._model = model
        self._vocab = llama_cpp.llama_model_get_vocab(model)
        self.size: int = llama_cpp.llama_vocab_n_tokens(self._vocab)
        found = [self.tokenize(text, special=True) for text in stops]
        self._stops = frozenset(tokens[0] for tokens in found if len(tokens) == 1)

    def chat_template(self, template: str | None) -> ChatTemplate | None:
        """This template, or for None the model file's own; None where that has none."""
        if template is None:
            found = llama_cpp.llama_model_chat_template(self._model, None)
            template = found.decode("utf-8", "replace") if found else None
        if template is None:
            return None
        begin, end = llama_cpp.llama_vocab_bos(self._vocab), llama_cpp.llama_vocab_eos(self._vocab)
        return ChatTemplate(template, begin=self._name(begin), end=self._name(end))

    def chat_tokens(self, template: ChatTemplate, messages: Sequence[Message], opening: str = "") -> list[int]:
        """The tokens of a chat whose answer begins with `opening`. UsageError where the template refuses it.

        Control tokens are the template's own alone: their names in the messages and the opening are read as text.
        """
        hidden = _HiddenNames(self._control_names, [opening, *(each["content"] for each in messages)])
        masked = [{**each, "content": hidden.hide(each["content"])} for each in messages]
        tokens: list[int] = []
        for text, is_name in hidden.split(template.render(masked, hidden.hide(opening))):
            tokens += self.tokenize(text, special=not is_name)
        return tokens

    def tokenize(self, text: str, special: bool) -> list[int]:
        """Token ids without a begin token; `special` also reads the names of control tokens in the text."""
        raw = text.encode("utf-8", "replace")
        buffer = (llama_cpp.llama_token * (len(raw) + 16))()
        count = llama_cpp.llama_tokenize(self._vocab, raw, len(raw), buffer, len(buffer), False, special)
        if count < 0:
            raise WorkerError("The local model could not split the prompt into tokens. Shorten it.")
        return list(buffer[:count])

    def token_bytes(self, token: int) -> bytes:
        """The token's bytes, perhaps only a part of a character; none for control tokens."""
        size = 64
        while True:
            buffer = ctypes.create_string_buffer(size)
            count = llama_cpp.llama_token_to_piece(self._vocab, token, buffer, size, 0, False)
            if count >= 0:
                return buffer.raw[:count]
            size = -count

    def is_end_token(self, token: int) -> bool:
        """Whether the model ends its answer with this token."""
        return token in self._stops or bool(llama_cpp.llama_vocab_is_eog(self._vocab, token))

    def begin(self) -> list[int]:
        """The begin token, where a plain text takes one."""
        adds = llama_cpp.llama_vocab_get_add_bos(self._vocab)
        return [llama_cpp.llama_vocab_bos(self._vocab)] if adds else []

    def fim_marks(self) -> tuple[list[int], list[int], list[int]] | None:
        """The file's own marks before the prefix, the suffix and the middle; None where it has none."""
        ids = [getattr(llama_cpp, f"llama_vocab_fim_{name}")(self._vocab) for name in ("pre", "suf", "mid")]
        return None if min(ids) < 0 else ([ids[0]], [ids[1]], [ids[2]])

    @cached_property
    def _control_names(self) -> re.Pattern[str]:
        """Matches the name of any control token; takes some tens of milliseconds once."""
        control = llama_cpp.LLAMA_TOKEN_ATTR_CONTROL | llama_cpp.LLAMA_TOKEN_ATTR_UNKNOWN
        of = llama_cpp.llama_vocab_get_attr
        names = {self._name(token) for token in range(self.size) if of(self._vocab, token) & control}
        longest_first = sorted(names - {""}, key=lambda name: (-len(name), name))
        return re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")

    def _name(self, token: int) -> str:
        return "" if token < 0 else llama_cpp.llama_vocab_get_text(self._vocab, token).decode("utf-8", "replace")


class _HiddenNames:
    """Takes names out of texts before a template joins them, and finds their places in the joined text.

    A place holder is a number between two marks that occur in none of the texts.
    """

    def __init__(self, names: re.Pattern[str], texts: Sequence[str]) -> None:
        self._names = names
        self._hidden: list[str] = []
        self._mark = "\ue000"
        while any(self._mark in text for text in texts):
            self._mark += "\ue000"

    def hide(self, text: str) -> str:
        return self._names.sub(self._place, text)

    def split(self, text: str) -> list[tuple[str, bool]]:
        """The parts of the text that are not empty, and whether each is a name that was hidden."""
        parts = re.split(f"{self._mark}(\\d+){self._mark}", text)
        named = [(self._hidden[int(part)], True) if at % 2 else (part, False) for at, part in enumerate(parts)]
        return [(part, is_name) for part, is_name in named if part]

    def _place(self, name: re.Match[str]) -> str:
        self._hidden.append(name[0])
        return f"{self._mark}{len(self._hidden) - 1}{self._mark}"
