"""What halfwatt adds to the Language Server Protocol: names of commands and notifications, and shapes of the latter.

PROTOCOL.md describes them for people; tests/rules/test_protocol.py compares it and both clients with this file. What
the commands do stands in commands.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypedDict

if TYPE_CHECKING:
    from halfwatt.daemon.wire import Method, State

# command without "halfwatt.": the method of `Commands` that runs it
COMMANDS: dict[str, str] = {
    "generate": "generate",
    "accept": "accept",
    "cancel": "cancel",
    "explain": "explain",
    "why": "why",
    "energy": "energy",
    "status": "status",
    "pause": "pause",
    "resume": "resume",
    "setDial": "set_dial",
    "dashboard": "dashboard",
    "logs": "logs",
    "doctor": "doctor",
    "setCloudKey": "set_cloud_key",
    "pullModel": "pull_model",
}
COMPLETION_ACCEPTED = "halfwatt.completionAccepted"  # run by the editor itself, when a suggestion was taken

DID_CHANGE_STATUS = "halfwatt/didChangeStatus"
GENERATE_DELTA = "halfwatt/generateDelta"
SHOW_DIFF = "halfwatt/showDiff"
DID_SHOW_COMPLETION = "halfwatt/didShowCompletion"
DID_PARTIALLY_ACCEPT_COMPLETION = "halfwatt/didPartiallyAcceptCompletion"

Ability = Literal["status", "generateDelta", "review", "showDiff"]  # what a client says that it understands
JobState = Literal["running", "ready", "applied", "failed", "cancelled"]
ResultObject = dict[str, Any]  # the daemon's `Result` as plain JSON


class LinePosition(TypedDict):
    line: int
    character: int


class LineRange(TypedDict):
    start: LinePosition
    end: LinePosition


class StatusEnergy(TypedDict):
    """Joules of today; null where they are unknown."""

    today_j: float | None
    saved_j: float | None
    saved_low_j: float | None
    saved_high_j: float | None
    method: Method | None
    reference: str | None
    last: ResultObject | None


class StatusNote(TypedDict):
    """The params of DID_CHANGE_STATUS."""

    busy: bool
    kind: State
    message: str
    energy: StatusEnergy
    paused: bool
    warnings: list[str]
    progress: float | None


class DeltaNote(TypedDict):
    """The params of GENERATE_DELTA."""

    job: str
    uri: str
    range: LineRange
    text: str
    state: JobState
    message: str


class DiffNote(TypedDict):
    """The params of SHOW_DIFF."""

    title: str
    uri: str
    text: str
