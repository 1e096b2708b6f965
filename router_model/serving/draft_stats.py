"""Statistics of a draft's token log-probabilities, from which stage 2 judges it.

The same function makes the columns of the outcome table and the input at serving time. It knows nothing of
models, thresholds or text.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class DraftStats:
    """Natural log-probabilities of the chosen tokens (`lp_*`), entropies in nats (`ent_*`).

    `lp_p10` is the tenth percentile, `lp_worst5_mean` the mean of the five lowest, `lp_first16_mean` the mean of
    the first sixteen, `n_lp_below_minus_0_7` a count, `margin_first` the first token's probability lead.
    """

    n_tokens: int
    lp_sum: float
    lp_mean: float
    lp_min: float
    lp_p10: float
    lp_worst5_mean: float
    lp_first16_mean: float
    n_lp_below_minus_0_7: int
    ent_mean: float
    ent_max: float
    margin_first: float

    def as_row(self) -> dict[str, float | int]:
        """Column name → value, in the table's order."""
        return asdict(self)


def draft_stats(logprobs: Sequence[float], entropies: Sequence[float] = (), margin_first: float = 0.0) -> DraftStats:
    """Summarise one draft; an empty draft has zeros everywhere."""
    ordered = sorted(logprobs)
    n_tokens = len(ordered)
    if n_tokens == 0:
        return DraftStats(0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0, 0.0, 0.0, margin_first)
    first = logprobs[:16]
    return DraftStats(
        n_tokens=n_tokens,
        lp_sum=sum(ordered),
        lp_mean=sum(ordered) / n_tokens,
        lp_min=ordered[0],
        lp_p10=_percentile(ordered, 0.10),
        lp_worst5_mean=sum(ordered[:5]) / len(ordered[:5]),
        lp_first16_mean=sum(first) / len(first),
        n_lp_below_minus_0_7=sum(value < -0.7 for value in ordered),
        ent_mean=sum(entropies) / len(entropies) if entropies else 0.0,
        ent_max=max(entropies, default=0.0),
        margin_first=margin_first,
    )


def _percentile(ordered: Sequence[float], share: float) -> float:
    """Linear interpolation between the two nearest ranks."""
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])
