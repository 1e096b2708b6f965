"""What a server gets of a request: the fields of the body that hold text of the user.

The body that is sent and the text that is searched for secrets are both made from this one value, so a field that
leaves the machine is always searched. It does no searching and no sending.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .request import CHARS_PER_TOKEN, GenerationRequest


@dataclass(frozen=True)
class Outgoing:
    """`fields`: names and values of the body, all that the tier's own settings do not say. `is_chat`: the endpoint."""

    fields: Mapping[str, Any]
    is_chat: bool

    @property
    def before(self) -> str:
        """The text that the answer continues, "" in a conversation."""
        return "" if self.is_chat else str(self.fields["prompt"])

    def texts(self) -> tuple[str, ...]:
        """Every text in the body, field by field: those of one field, or of neighbours, are next to each other."""
        by_field: dict[str, list[str]] = {}
        for name, text in _texts("", self.fields):
            by_field.setdefault(name, []).append(text)
        return tuple(text for texts in by_field.values() for text in texts)

    def about_n_tokens(self) -> int:
        """The tokens by their length, where no tokenizer has counted them."""
        return round(sum(map(len, self.texts())) / CHARS_PER_TOKEN)


def outgoing(request: GenerationRequest) -> Outgoing:
    """Of this request, to whatever server."""
    settings = {"temperature": request.temperature} | ({"stop": list(request.stop)} if request.stop else {})
    if request.shape == "chat":
        return Outgoing({"messages": [dict(each) for each in request.messages], **settings}, is_chat=True)
    between = {} if request.suffix is None else {"suffix": request.suffix}
    return Outgoing({"prompt": request.prompt, **between, **settings}, is_chat=False)


def _texts(name: str, value: object) -> Iterator[tuple[str, str]]:
    """(field, text) for each text in a value; a list's items share the field's name."""
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _texts(f"{name}.{key}", inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(name, inner)
