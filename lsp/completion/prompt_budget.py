"""How much prompt this machine can afford, learned from how fast the model read the prompts before.

The budget moves in big steps, because each change moves the window on the document and costs the cached prefix. This
module measures nothing itself.
"""

from __future__ import annotations

from dataclasses import dataclass

LEVELS = (384, 768, 1536)  # prompt tokens
READ_S = 3.0  # a whole prompt, nothing of it cached, may take this long
MIN_READ = 48  # fewer newly read tokens say nothing about the speed
MIN_READINGS = 3  # the first ones after a start are slow
_WEIGHT = 0.3


@dataclass(frozen=True)
class PromptBudget:
    """Running mean of prompt tokens read per second; None until one was seen."""

    tokens_per_s: float | None = None
    budget_tokens: int = LEVELS[1]
    n_readings: int = 0

    def read(self, n_tokens: int, took_ms: float) -> PromptBudget:
        """After a prompt of which `n_tokens` were not cached. A level is left only when it is off by a quarter."""
        if n_tokens < MIN_READ or took_ms <= 0:
            return self
        now = 1000 * n_tokens / took_ms
        mean = now if self.tokens_per_s is None else self.tokens_per_s + _WEIGHT * (now - self.tokens_per_s)
        wanted = max((level for level in LEVELS if level <= mean * READ_S), default=LEVELS[0])
        off = wanted > 1.25 * self.budget_tokens or mean * READ_S < 0.75 * self.budget_tokens
        n_readings = self.n_readings + 1
        budget = wanted if off and n_readings >= MIN_READINGS else self.budget_tokens
        return PromptBudget(mean, budget, n_readings)
