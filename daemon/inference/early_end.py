"""An opened answer that would end before it has begun: the model closes the block where the body should be.

Small models do so when the function's name or comment says little. The token is not chosen then, and the next best is.
Serving and the labels of router_model decode by this rule.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from .stops import Stopper

TRIES = 20  # tokens passed over for one; then the answer may end


class Tokens(Protocol):
    """What the rule asks of a model's vocabulary."""

    def is_end_token(self, token: int) -> bool: ...

    def token_bytes(self, token: int) -> bytes: ...


def ends_too_early(token: int, tokens: Tokens, stopper: Stopper) -> bool:
    """Whether the token would end an answer that is blank yet: an end token, a fence, a dedent or a brace."""
    text = tokens.token_bytes(token).decode("utf-8", "replace")
    return tokens.is_end_token(token) or text.lstrip().startswith("`") or stopper.would_end_blank(text)


def first_allowed(token: int, refused: Callable[[int], bool] | None, scores: Any, choose: Callable[[], int]) -> int:
    """This token, or where it is refused the next that `choose` finds, once its score (an array's) is taken out."""
    for _ in range(TRIES):
        if refused is None or not refused(token):
            break
        scores[token] = float("-inf")
        token = choose()
    return token
