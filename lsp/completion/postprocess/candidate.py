"""One suggestion in its place: the value that every post-processing step takes and returns.

It holds text only; chain.py says which steps run and in which order.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class PostprocessCandidate:
    """A suggestion at the cursor between `prefix` and `suffix`. Empty text means: offer nothing.

    `multiline`: whether more than one statement may be offered. `truncated`: the model was cut off by length or time.
    `n_replaced`: how many characters right of the cursor, on its line, `text` replaces."""

    text: str
    prefix: str
    suffix: str
    language: str = ""
    multiline: bool = True
    truncated: bool = False
    n_replaced: int = 0

    @property
    def line_before(self) -> str:
        """The cursor's line, left of the cursor."""
        return self.prefix[self.prefix.rfind("\n") + 1 :]

    @property
    def line_after(self) -> str:
        """The cursor's line, right of the cursor, without its line end."""
        return self.suffix.partition("\n")[0].removesuffix("\r")

    @property
    def lines_below(self) -> str:
        """Everything after the cursor's line."""
        return self.suffix.partition("\n")[2]

    def with_text(self, text: str) -> PostprocessCandidate:
        return replace(self, text=text)

    def dropped(self) -> PostprocessCandidate:
        return replace(self, text="")
