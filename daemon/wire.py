"""Every shape that crosses the daemon's HTTP border, as msgspec structs. The only place that defines them.

Unknown numbers are null, never 0. Nothing here reads a file, a clock or the network.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

Route = Literal["auto", "local", "cloud"]
RequestKind = Literal["generate", "complete", "chat"]
TierKind = Literal["local", "edge", "cloud", "none"]
Method = Literal["measured", "modelled", "estimated"]
Outcome = Literal["offered", "accepted", "partially_accepted", "rejected", "undone", "ignored", "cancelled", "failed"]
StopRule = Literal["code_block", "repeated_lines", "trailing", "line", "statement", "block"]
State = Literal["ready", "loading", "busy", "paused", "no_model", "offline", "error"]

Probability = Annotated[float, Meta(ge=0, le=1)]


class RequestOptions(Struct, frozen=True, omit_defaults=True):
    """The `halfwatt` object that our own clients put beside an OpenAI request's fields. Every field is optional."""

    kind: RequestKind = "chat"
    route: Route | None = None  # None: the configured default; the model name auto|local|cloud says the same
    dial: str | float | None = None  # None: the configured one
    editor: str = "api"
    language: str | None = None
    path: str | None = None  # for the excluded-file rules only; never stored, logged or sent on
    router_text: str | None = None  # what the router judges: signature and docstring or comment
    stop_rules: tuple[StopRule, ...] = ()
    document: str | None = None  # opaque per-document id: a newer `complete` request cancels the older one
    trigger: Literal["automatic", "invoked"] = "invoked"
    warm: bool = False  # reading ahead for a question that may come: every other request ends it
    dry_run: bool = False  # decide and explain, call no model


class TierScore(Struct, frozen=True):
    """What the router expects of one tier."""

    p_pass: float | None = None
    tokens: float | None = None
    energy_j: float | None = None


class RouteDecision(Struct, frozen=True):
    """Which tier answers and why. `calibrated` is false where the scores rest on a prior."""

    tier: str
    kind: TierKind
    model: str
    reason: str
    scores: dict[str, TierScore] = {}
    calibrated: bool = False
    offer_cloud: bool = False  # consent is "ask" and the answer is doubtful: the editor may offer the cloud


class TokenCounts(Struct, frozen=True, omit_defaults=True):
    """`cached`: prompt tokens that were not read anew; null where the tier does not say."""

    prompt: int
    completion: int
    cached: int | None = None


class Latency(Struct, frozen=True):
    """Milliseconds; null where the request never got that far."""

    queue: float | None = None
    first_token: float | None = None
    total: float | None = None


class Energy(Struct, frozen=True):
    """Joules of one request or of a sum of them."""

    total_j: float | None = None
    low_j: float | None = None
    high_j: float | None = None
    method: Method | None = None
    router_j: float | None = None
    local_j: float | None = None
    cloud_j: float | None = None
    wasted_j: float | None = None


class Saved(Struct, frozen=True):
    """Reference model's joules minus ours: negative when the reference would have used less."""

    j: float | None = None
    low_j: float | None = None
    high_j: float | None = None
    reference: str = ""


class Result(Struct, frozen=True):
    """The answer of `generate`, `complete` and `explain`, and the `halfwatt` object of the API's last message."""

    code: str
    tier: str
    kind: TierKind
    model: str
    reason: str
    scores: dict[str, TierScore]
    stop: str
    tokens: TokenCounts
    latency_ms: Latency
    energy: Energy
    saved: Saved
    request_id: str = ""
    calibrated: bool = False
    offer_cloud: bool = False


class Feedback(Struct, frozen=True):
    """What became of an answer."""

    request_id: str
    outcome: Outcome
    n_chars: Annotated[int, Meta(ge=0)] | None = None


class Skipped(Struct, frozen=True):
    """Calls for ghost text that an editor's language server decided not to make, all for one reason."""

    editor: str
    language: str
    reason: str
    count: Annotated[int, Meta(ge=1, le=1000)]


class EnergySummary(Struct, frozen=True):
    """`halfwatt energy --json`: sums over the ledger since a moment (ISO 8601)."""

    since: str
    requests: int
    energy: Energy
    saved: Saved
    by_tier: dict[str, Energy]
    method_shares: dict[str, float]  # of requests; "unknown" where no joules are known
    saved_vs_local: Saved | None = None  # against the local model alone, without a router
    j_per_accepted_char: float | None = None


class Status(Struct, frozen=True):
    """One look at the daemon; also each event on `/halfwatt/v1/events`."""

    state: State
    message: str
    version: str
    model: str | None = None
    route: Route = "auto"
    dial: str | float = "balanced"
    escalation: Literal["never", "ask", "auto"] = "never"
    queue_length: int = 0
    today: EnergySummary | None = None
    last: Result | None = None  # with `code` left empty
    warnings: tuple[str, ...] = ()
    progress: float | None = None  # 0 to 1 while a model is being fetched


class ErrorBody(Struct, frozen=True):
    """OpenAI's error object."""

    message: str
    type: str = "halfwatt_error"
    code: str = "error"


class ErrorReply(Struct, frozen=True):
    error: ErrorBody


def encode(value: object) -> bytes:
    """JSON bytes of any struct above or of plain data."""
    return msgspec.json.encode(value)
