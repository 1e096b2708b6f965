"""What a router of the tables is given and what it returns. `bench/registry.py` lists the routers.

It holds no router and no metric.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from halfwatt.router_model.training.views import Inputs

from .evaluation import Array, PairOutcomes, Rows


@dataclass(frozen=True)
class PairData:
    """What a router may learn from: inputs and outcomes of every task; only training rows may be read."""

    pair: PairOutcomes
    tokens: Array
    inputs: Inputs
    n_characters: Array
    privileged: Array = field(repr=False)  # privileged knowledge for the teacher (`teacher.privileged`)
    lambdas: tuple[float, ...] = ()  # the thesis' λ that this run measures

    @property
    def meaning(self) -> Array:
        """Frozen encoder vectors."""
        return self.inputs.meaning.astype(np.float64)


@dataclass(frozen=True)
class RoutingShares:
    """Per operating point, the share sent to the strong model for each test row; and P(pass) where it is known."""

    strong: Mapping[str, Array]
    p_pass: Array | None = None


Route = Callable[[PairData, Rows, Rows, int], RoutingShares]


@dataclass(frozen=True)
class RouterFamily:
    """One row group of the table."""

    name: str
    route: Route
    source: str
    published: Mapping[str, float] = field(default_factory=dict)  # operating point → published reduction in %
    quick: bool = True


def by_threshold(scores: npt.NDArray[np.float64], threshold: float) -> Array:
    """1 where the score is above the threshold."""
    return (scores > threshold).astype(np.float64)
