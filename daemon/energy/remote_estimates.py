"""Joules of a request to a server that we cannot measure, from the model's name and the token counts.

The method is "estimated". The model is EcoLogits': GPU and server energy per output token, and data-centre overhead.
We evaluate it at batch sizes 8, 64 and 128 instead of 64 alone, and add a term for reading the prompt, which EcoLogits
leaves out. Figures that the user or the provider states go first. This module does not use the network. The first
estimate imports ecologits, which takes 0.4 s: call `warm` from a thread before that.
"""

from __future__ import annotations

import logging
import math
import re
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from typing import Any

from halfwatt.daemon.settings.schema import Config, TierConfig

from .readings import Reading, unknown

JOULES_PER_KWH = 3.6e6
NAME = "ecologits"
DEFAULT_REFERENCE = "gpt-4o-mini"
BATCH_LOW, BATCH_MID, BATCH_HIGH = (
    128,
    64,
    8,
)  # requests that share the server: many for the low figure, few for the high
EDGE_BATCHES = (16, 4, 1)  # a server on the LAN is seldom full
CLOUD_PUE, EDGE_PUE = (1.1, 1.2, 1.4), (1.0, 1.0, 1.1)
# Reading a prompt: 2 operations per active parameter and token, on an accelerator with this peak and power.
PEAK_FLOPS, ACCELERATOR_W = 989e12, 700.0  # NVIDIA H100 SXM data sheet, dense BF16
UTILISATION = (0.6, 0.4, 0.2)  # best, typical and poor; the low figure counts a cached prompt: 0 J
OWN_LOW, OWN_HIGH = 0.7, 1.4  # around a joules-per-token figure that the user states
REPORTED_HIGH = 1.5  # a reported figure may leave out the server around the accelerator and the data centre


@dataclass(frozen=True)
class EnergyCoefficients:
    """Joules = start + per_output·outputs + per_input·inputs. Each coefficient is (low, middle, high)."""

    start: tuple[float, float, float]
    per_output: tuple[float, float, float]
    per_input: tuple[float, float, float]


@dataclass(frozen=True)
class ModelSize:
    """A model's parameters in billions, low and high, and EcoLogits' measured speeds where it has them."""

    active: tuple[float, float]
    total: tuple[float, float]
    pue: tuple[float, float, float]
    tokens_per_s: float | None = None
    first_token_s: float | None = None


def estimate(
    model: str, prompt_tokens: int | None, completion_tokens: int | None, tier: TierConfig | None = None
) -> Reading:
    """Joules of one answer: by the tier's joules per token, else EcoLogits by name, else the tier's parameters."""
    if prompt_tokens is None or completion_tokens is None:
        return unknown("the server did not say how many tokens it used", NAME)
    if tier is not None and tier.joules_per_token is not None:
        return _from_own_figure(tier.joules_per_token * completion_tokens)
    batches = EDGE_BATCHES if tier is not None and tier.kind == "edge" else (BATCH_LOW, BATCH_MID, BATCH_HIGH)
    found = _coefficients(
        model,
        None if tier is None else tier.active_parameters_b,
        None if tier is None else tier.total_parameters_b,
        batches,
    )
    if found is None:
        return unknown(
            f"EcoLogits {version()} does not know this model; set joules_per_token or active_parameters_b for its tier",
            NAME,
        )
    low, middle, high = (
        found.start[i] + found.per_output[i] * completion_tokens + found.per_input[i] * prompt_tokens for i in range(3)
    )
    return Reading(middle, low, high, "estimated", NAME, version())


def reference(config: Config) -> tuple[str, TierConfig | None]:
    """The model that savings are counted against, and its tier where it has one.

    It is the setting's, else the configured cloud model, else gpt-4o-mini."""
    name = config.energy.reference
    clouds = [tier for tier in config.tiers if tier.kind == "cloud"]
    if name:
        return name, next((tier for tier in config.tiers if name in (tier.model, tier.name)), None)
    return (clouds[0].model, clouds[0]) if clouds else (DEFAULT_REFERENCE, None)


def reported(joules: float) -> Reading:
    """The provider's own figure for a request. Its range is one-sided: the figure may leave parts of the server out."""
    return Reading(joules, joules, joules * REPORTED_HIGH, "measured", "provider", "1")


def warm(model: str) -> None:
    """Load the estimator and this model's figures, so that the first request does not wait for them."""
    estimate(model, 1, 1)


@lru_cache(maxsize=1)
def version() -> str:
    """EcoLogits' version; each row of the ledger stores it."""
    return metadata.version("ecologits")


def name_variants(model: str) -> tuple[str, ...]:
    """A model's name as a server reports it, then without the provider's prefix, the tag and the date."""
    bare = model.split("/", 1)[1] if "/" in model else model
    untagged = bare.split(":", 1)[0]
    undated = re.sub(r"[-@](\d{4}-\d{2}-\d{2}|\d{8}|latest)$", "", untagged)
    return tuple(dict.fromkeys((model, bare, untagged, undated)))


def _from_own_figure(joules: float) -> Reading:
    return Reading(joules, joules * OWN_LOW, joules * OWN_HIGH, "estimated", "user", "1")


@lru_cache(maxsize=64)
def _coefficients(
    model: str, active_b: float | None, total_b: float | None, batches: tuple[int, int, int]
) -> EnergyCoefficients | None:
    size = _known_size(model)
    if size is None and active_b is not None:
        whole = total_b or active_b
        size = ModelSize((active_b, active_b), (whole, whole), EDGE_PUE if batches == EDGE_BATCHES else CLOUD_PUE)
    if size is None:
        return None
    sizes = [(size.active[0], size.total[0]), _middle(size), (size.active[1], size.total[1])]
    points = [(*sizes[i], size.pue[i], batches[i]) for i in range(3)]
    start, outputs = zip(*(_start_and_slope(*point, size) for point in points), strict=True)
    inputs = [_prefill(sizes[i][0], size.pue[i], UTILISATION[i]) for i in range(3)]
    return EnergyCoefficients(_low_middle_high(start), _low_middle_high(outputs), (0.0, inputs[1], inputs[2]))


def _start_and_slope(active_b: float, total_b: float, pue: float, batch: int, size: ModelSize) -> tuple[float, float]:
    """EcoLogits' joules for no output token, and per output token; it is linear in their number."""
    one, many = (_ecologits(n, active_b, total_b, pue, batch, size) for n in (1, 1001))
    slope = (many - one) / 1000
    return one - slope, slope


def _ecologits(n_tokens: int, active_b: float, total_b: float, pue: float, batch: int, size: ModelSize) -> float:
    from ecologits.impacts.llm import compute_llm_impacts_dag

    # EcoLogits answers with a range only where it gets one; our PUE is a number, so the answer is a number, too.
    results = compute_llm_impacts_dag(
        model_active_parameter_count=active_b,
        model_total_parameter_count=total_b,
        output_token_count=n_tokens,
        request_latency=math.inf,
        if_electricity_mix_adpe=0.0,
        if_electricity_mix_pe=0.0,
        if_electricity_mix_gwp=0.0,
        if_electricity_mix_wue=0.0,
        datacenter_pue=pue,
        datacenter_wue=0.0,
        batch_size=batch,
        tps=size.tokens_per_s,
        ttft=size.first_token_s,
    )
    return float(results["request_energy"]) * JOULES_PER_KWH  # type: ignore[arg-type]  # a number, as above


def _prefill(active_b: float, pue: float, utilisation: float) -> float:
    return pue * 2 * active_b * 1e9 / (PEAK_FLOPS * utilisation) * ACCELERATOR_W


def _known_size(model: str) -> ModelSize | None:
    logger_class = logging.getLoggerClass()
    try:
        from ecologits.model_repository import Providers, models
        from ecologits.tracers.utils import PROVIDER_CONFIG_MAP
    finally:
        logging.setLoggerClass(logger_class)  # importing ecologits replaces it for the whole process
    for name in name_variants(model):
        for provider in Providers:
            found = models.find_model(provider=provider.value, model_name=name)
            if found is not None:
                return _size(found, PROVIDER_CONFIG_MAP[provider.value].datacenter_pue)
    return None


def _size(model: Any, pue: Any) -> ModelSize:
    parameters = model.architecture.parameters
    low_pue, high_pue = _low_and_high(pue)
    deployment = model.deployment
    return ModelSize(
        active=_low_and_high(getattr(parameters, "active", parameters)),
        total=_low_and_high(getattr(parameters, "total", parameters)),
        pue=(low_pue, (low_pue + high_pue) / 2, high_pue),
        tokens_per_s=deployment.tps if deployment else None,
        first_token_s=deployment.ttft if deployment else None,
    )


def _middle(size: ModelSize) -> tuple[float, float]:
    return sum(size.active) / 2, sum(size.total) / 2


def _low_and_high(value: Any) -> tuple[float, float]:
    """A number or EcoLogits' RangeValue as two floats."""
    return float(getattr(value, "min", value)), float(getattr(value, "max", value))


def _low_middle_high(values: tuple[float, ...]) -> tuple[float, float, float]:
    low, middle, high = values
    return low, middle, high
