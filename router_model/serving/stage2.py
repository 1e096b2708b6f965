"""Stage 2: is the local draft good enough to keep? Pure arithmetic on a draft's statistics and exported tables.

After a whole draft, `check` reads its log-probabilities, whether it parses and, if the user allows it, whether its
docstring examples passed. During a stream, `check_start` reads the first sixteen tokens, before anything is shown.
It neither generates nor runs anything. The caller books a draft that is thrown away as wasted.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from .decide import TierCandidate
from .draft_stats import DraftStats
from .estimates import model_key

START_TOKENS = 16
_PARSE_FAILS = 0.15
_EXAMPLES_FAIL = 0.05
_EXAMPLES_PASS_LOGIT = 1.5


@dataclass(frozen=True)
class Regression:
    """A logistic regression over standardised inputs: the intercept, then one weight per input."""

    weights: tuple[float, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]


@dataclass(frozen=True)
class DraftTable:
    """What was learned for one model's drafts at one quantization and template, on one kind of tier.

    `whole` reads `whole_inputs`, `start` reads `start_inputs`. `others`: for another labelled model (by key), its
    own probability of passing given this draft, from `whole_inputs` and its first estimate.
    """

    quantization: str
    template: str
    whole: Regression
    start: Regression
    others: dict[str, Regression]
    tier: str = "local"


@dataclass(frozen=True)
class DraftCheck:
    """Keep or escalate, with the probability that the draft passes and a reason a person can read."""

    action: Literal["keep", "escalate"]
    p_pass: float
    reason: str
    calibrated: bool


def check(
    table: DraftTable | None,
    stats: DraftStats,
    p_before: float,
    alternative: TierCandidate | None,
    lambda_per_j: float,
    leaving_price: float,
    parses: bool = True,
    examples_pass: bool | None = None,
) -> DraftCheck:
    """Judge a whole draft. `alternative` is the best other tier that consent allows, or None.

    Escalate when p(alternative) − price − λ·Ê(alternative) exceeds the draft's own probability: the draft's joules
    are spent either way. Without a table the first estimate stands and is marked as uncalibrated. The effects of a
    failed parse and of examples are stated priors, not measurements.
    """
    p_pass = p_before if table is None else apply(table.whole, whole_inputs(stats, p_before))
    if stats.n_tokens == 0 or not parses:
        p_pass = min(p_pass, _PARSE_FAILS)
    if examples_pass is False:
        p_pass = min(p_pass, _EXAMPLES_FAIL)
    elif examples_pass:
        p_pass = sigmoid(logit(p_pass) + _EXAMPLES_PASS_LOGIT)
    informed = _given_the_draft(table, stats, p_before, alternative)
    return _checked(p_pass, table is not None, informed, lambda_per_j, leaving_price)


def check_start(
    table: DraftTable | None,
    logprobs: Sequence[float],
    margin_first: float,
    p_before: float,
    alternative: TierCandidate | None,
    lambda_per_j: float,
    leaving_price: float,
) -> DraftCheck:
    """Judge a stream by its first tokens (at most sixteen are read), before anything is shown."""
    if table is None or not logprobs:
        return _checked(p_before, False, alternative, lambda_per_j, leaving_price)
    p_pass = apply(table.start, start_inputs(logprobs, margin_first, p_before))
    return _checked(p_pass, True, alternative, lambda_per_j, leaving_price)


def table_for(
    tables: Mapping[str, DraftTable], model: str, quantization: str, template: str, tier: str = "local"
) -> DraftTable | None:
    """The table learned for exactly this model, quantization, template and kind of tier, or None."""
    table = tables.get(model_key(model))
    if table is None or (table.quantization, table.template, table.tier) != (quantization, template, tier):
        return None
    return table


def whole_inputs(stats: DraftStats, p_before: float) -> list[float]:
    """Inputs of the regression over a whole draft."""
    return [
        math.log1p(stats.n_tokens),
        math.log1p(max(0.0, -stats.lp_sum)),
        stats.lp_mean,
        stats.lp_min,
        stats.lp_p10,
        stats.lp_worst5_mean,
        stats.lp_first16_mean,
        math.log1p(stats.n_lp_below_minus_0_7),
        stats.ent_mean,
        stats.ent_max,
        stats.margin_first,
        logit(p_before),
    ]


def start_inputs(logprobs: Sequence[float], margin_first: float, p_before: float) -> list[float]:
    """Inputs of the regression over the first tokens."""
    first = logprobs[:START_TOKENS]
    return [sum(first) / len(first), margin_first, logit(p_before)]


def logit(p: float) -> float:
    """Log-odds, bounded at probabilities of one in a thousand."""
    bounded = min(0.999, max(0.001, p))
    return math.log(bounded / (1 - bounded))


def sigmoid(x: float) -> float:
    """Probability of log-odds."""
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, x))))


def apply(regression: Regression, inputs: Sequence[float]) -> float:
    """Probability; inputs further than four deviations from the mean count as four."""
    total = regression.weights[0]
    parts = zip(inputs, regression.weights[1:], regression.mean, regression.scale, strict=True)
    for value, weight, centre, spread in parts:
        total += weight * max(-4.0, min(4.0, (value - centre) / spread))
    return sigmoid(total)


def _given_the_draft(
    table: DraftTable | None, stats: DraftStats, p_before: float, alternative: TierCandidate | None
) -> TierCandidate | None:
    """The alternative with its probability given the draft: a draft in doubt is a hard task for others too."""
    if table is None or alternative is None:
        return alternative
    regression = table.others.get(model_key(alternative.model))
    if regression is None:
        return alternative
    inputs = [*whole_inputs(stats, p_before), logit(alternative.p_pass)]
    return replace(alternative, p_pass=apply(regression, inputs))


def _checked(
    p_pass: float, calibrated: bool, alternative: TierCandidate | None, lambda_per_j: float, price: float
) -> DraftCheck:
    doubt = "" if calibrated else " (uncalibrated)"
    seen = f"the draft is {100 * p_pass:.0f} % likely to pass{doubt}"
    if alternative is None:
        return DraftCheck("keep", p_pass, f"{seen}; no other tier may answer", calibrated)
    paid = price if alternative.kind != "local" else 0.0
    offer = alternative.p_pass - paid - lambda_per_j * (alternative.energy_j or 0.0)
    other = f"{alternative.tier} {100 * alternative.p_pass:.0f} %"
    if offer > p_pass:
        return DraftCheck("escalate", p_pass, f"{seen}; {other} is worth its price and joules", calibrated)
    return DraftCheck("keep", p_pass, f"{seen}; {other} is not worth its price and joules", calibrated)
