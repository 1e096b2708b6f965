"""JSON without a type in the protocol: arguments of commands, params of our notifications, `experimental`.

pygls hands it over as dictionaries or as named tuples, depending on where it stood in the message.
"""

from __future__ import annotations

from typing import Any


def fields(value: object) -> dict[str, Any]:
    """The members of a JSON object; none for anything else."""
    if isinstance(value, dict):
        return value
    as_dict = getattr(value, "_asdict", None)
    return as_dict() if as_dict is not None else {}
