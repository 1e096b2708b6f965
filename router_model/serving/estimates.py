"""What the router expects of each model for one request: plain values, no model, no decision."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_SUFFIXES = ("instruct", "base", "chat", "gguf", "q4_k_m", "q4", "fp16", "it")


@dataclass(frozen=True)
class ModelEstimate:
    """`p_pass` in 0…1, `tokens` expected new tokens; `low`/`high` bound the middle 80 %."""

    p_pass: float
    p_low: float
    p_high: float
    tokens: float
    tokens_low: float
    tokens_high: float


@dataclass(frozen=True)
class Estimates:
    """Estimates by model key (see `model_key`).

    `n_tokens` counts the whole text; `over_window` says that only its head and tail were judged.
    """

    by_model: Mapping[str, ModelEstimate]
    n_tokens: int
    over_window: bool

    def of(self, model: str) -> ModelEstimate | None:
        """The estimate for a model under any of its usual names, or None when it has no labels."""
        return self.by_model.get(model_key(model))


def model_key(model: str) -> str:
    """One spelling for a model: no publisher, no folder, no "-instruct", no quantization suffix, lower case."""
    name = re.split(r"[/\\]", model.strip().lower())[-1].removesuffix(".gguf").replace("meta-", "")
    parts = [part for part in name.replace(":", "-").split("-") if part and part not in _SUFFIXES]
    return "-".join(parts)
