"""Every shape that the daemon and its clients exchange over HTTP, as msgspec structs, and defined only here.

Unknown numbers are null, never 0. Nothing here reads a file, a clock or the network.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

Route = Literal["auto", "local", "cloud"]
RequestKind = Literal["generate", "complete", "chat"]
Consent = Literal["never", "ask", "auto"]  # to cloud tiers
TierKind = Literal["local", "edge", "cloud", "none"]
Method = Literal["measured", "modelled", "estimated"]
Outcome = Literal["offered", "accepted", "partially_accepted", "rejected", "undone", "ignored", "cancelled", "failed"]
StopRule = Literal["body", "function", "code_block", "repeated_lines", "trailing", "line", "statement", "block"]
State = Literal["ready", "loading", "busy", "paused", "no_model", "offline", "error"]


def says(sentence: str) -> Meta:
    """What a field means, beside its type. packaging/docs/api.md and settings.md show it."""
    return Meta(description=sentence)


class SecretFound(Struct, frozen=True):
    """A possible secret in a document: what it may be and the line it begins in, never the secret itself."""

    kind: Annotated[str, Meta(pattern="^[A-Za-z0-9 -]{1,60}$", description="As the daemon names it.")]
    line: Annotated[int, Meta(ge=1)]


class RequestOptions(Struct, frozen=True, omit_defaults=True):
    """The `halfwatt` object that our own clients put beside an OpenAI request's fields. Every field is optional."""

    kind: Annotated[RequestKind, says("What the answer is for; `complete` is ghost text.")] = "chat"
    route: Annotated[
        Route | None, says("A pin for this request. The model name auto, local or cloud says the same.")
    ] = None
    dial: Annotated[str | float | None, says("`routing.dial` for this request.")] = None
    editor: Annotated[str, says("The ledger groups requests by it.")] = "api"
    language: Annotated[str | None, says("The id of the code's language.")] = None
    path: Annotated[str | None, says("For the rules of excluded files only; never stored, logged or sent on.")] = None
    document_secrets: Annotated[
        tuple[SecretFound, ...],
        Meta(max_length=100, description="Found by the client in the whole document; with one the request stays here."),
    ] = ()
    router_text: Annotated[
        str | None,
        says("What the router judges, as a signature with its docstring. Null: the last user message, or the prompt."),
    ] = None
    stop_rules: Annotated[tuple[StopRule, ...], says("Where the answer ends, beside the texts in `stop`.")] = ()
    opening: Annotated[
        str, says("Of a chat: how the answer begins. A model that can continues it; `continued` says whether it did.")
    ] = ""
    document: Annotated[
        str | None, says("An id without meaning: a newer `complete` request for it cancels the older one.")
    ] = None
    warm: Annotated[bool, says("Reads ahead for a question that may come; every other request ends it.")] = False
    dry_run: Annotated[bool, says("Decides and explains, and calls no model.")] = False


class TierScore(Struct, frozen=True):
    """What the router expects of one tier."""

    p_pass: Annotated[float | None, says("The chance that its answer is right.")] = None
    tokens: float | None = None
    energy_j: float | None = None


class RouteDecision(Struct, frozen=True):
    """Which tier answers and why."""

    tier: str
    kind: TierKind
    model: str
    reason: str
    scores: dict[str, TierScore] = {}
    calibrated: Annotated[bool, says("False where the scores rest on a prior.")] = False
    offer_cloud: Annotated[
        bool, says("Consent is `ask` and the answer is doubtful: the editor may offer the cloud.")
    ] = False


class TokenCounts(Struct, frozen=True, omit_defaults=True):
    """Tokens of one request."""

    prompt: int
    completion: int
    cached: Annotated[
        int | None, says("Prompt tokens that were not read anew; left out where the tier does not say.")
    ] = None


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
    """How a request ended: the `halfwatt` object of the API's last message, and `--json` of `halfwatt generate`."""

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
    continued: Annotated[bool, says("Whether `code` is what follows the request's `opening`.")] = False


# what a streamed answer consists of, in order: the decision, pieces of text, the result
AnswerItem = RouteDecision | str | Result


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
    method_shares: Annotated[dict[str, float], says("Shares of the requests; `unknown` where no joules are known.")]
    saved_vs_local: Annotated[Saved | None, says("Against the local model alone, without a router.")] = None
    j_per_accepted_char: float | None = None


class Status(Struct, frozen=True):
    """One look at the daemon; also each event on `/halfwatt/v1/events`."""

    state: State
    message: str
    version: str
    model: str | None = None
    route: Route = "auto"
    dial: str | float = "balanced"
    escalation: Consent = "never"
    queue_length: int = 0
    today: EnergySummary | None = None
    last: Annotated[Result | None, says("With `code` left empty.")] = None
    warnings: tuple[str, ...] = ()
    progress: Annotated[float | None, says("From 0 to 1 while a model is being fetched.")] = None


class ErrorBody(Struct, frozen=True):
    """OpenAI's error object."""

    message: str
    type: str = "halfwatt_error"
    code: str = "error"


class ErrorReply(Struct, frozen=True):
    """The body of every answer whose HTTP status is 400 or more."""

    error: ErrorBody


def encode(value: object) -> bytes:
    """JSON bytes of any struct above or of plain data."""
    return msgspec.json.encode(value)
