"""The values that the parts of inline completion hand to each other. They have no behaviour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Trigger = Literal["automatic", "invoked"]


@dataclass(frozen=True)
class Query:
    """One question for ghost text. `uri` names the document, `path` is its file (None: unsaved)."""

    uri: str
    prefix: str
    suffix: str
    language: str
    trigger: Trigger = "automatic"
    path: str | None = None
    editor: str = "lsp"

    @property
    def line_before(self) -> str:
        return self.prefix[self.prefix.rfind("\n") + 1 :]

    @property
    def line_after(self) -> str:
        return self.suffix.partition("\n")[0].removesuffix("\r")


@dataclass(frozen=True)
class Offer:
    """Ghost text to show. `id` is the ledger's request id; `cached`: no model was called for it."""

    id: str
    text: str
    n_replaced: int = 0
    cached: bool = False


@dataclass(frozen=True)
class Nothing:
    """No suggestion. `reason` is a clause for people and a key for counting."""

    reason: str


@dataclass(frozen=True)
class Superseded:
    """A newer question for the same document took over; what is shown stays."""


Answer = Offer | Nothing | Superseded
