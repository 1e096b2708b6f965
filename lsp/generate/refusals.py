"""Why an answer cannot be used, as sentences."""

from __future__ import annotations

_NEXT = "nothing was changed. Try again, or ask another model."
UNPARSABLE = f"The model's answer does not parse; {_NEXT}"
EMPTY = f"The model left the body empty; {_NEXT}"
OTHER = f"The model answered with another function than the one asked for; {_NEXT}"
ONLY_REASONING = f"The model's answer ended inside its reasoning; {_NEXT}"
ELSEWHERE = f"The model's answer would change more of the file than was asked for; {_NEXT}"
REPEATED = f"The model's answer declares again what the file has already; {_NEXT}"


def renamed(parameters: list[str]) -> str:
    """The parameters that the answer uses and the file's signature does not have."""
    return f"The model renamed parameters ({', '.join(parameters)}); {_NEXT}"
