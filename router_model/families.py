"""The routers of the table: one small module per published family, listed here.

To add a router: write a module with a function `route(data, train, test, seed) -> Routed` and add its entry below.
Everything else (folds, metrics, plot) is shared by all.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from .evaluation import Array, Pair, Rows
from .views import Inputs


@dataclass(frozen=True)
class PairData:
    """What a router may learn from: inputs and outcomes of every task; only training rows may be read."""

    pair: Pair
    tokens: Array
    inputs: Inputs
    n_characters: Array
    known: Array = field(repr=False)  # privileged knowledge for the teacher (`teacher.privileged`)
    lambdas: tuple[float, ...] = ()  # the thesis' λ that this run measures

    @property
    def meaning(self) -> Array:
        """Frozen encoder vectors."""
        return self.inputs.meaning.astype(np.float64)


@dataclass(frozen=True)
class Routed:
    """Per operating point, the share sent to the strong model for each test row; and P(pass) where it is known."""

    strong: Mapping[str, Array]
    p_pass: Array | None = None


Route = Callable[[PairData, Rows, Rows, int], Routed]


@dataclass(frozen=True)
class Family:
    """One row group of the table."""

    name: str
    route: Route
    source: str
    published: Mapping[str, float] = field(default_factory=dict)  # operating point → published reduction in %
    quick: bool = True


def families() -> list[Family]:
    """All routers, in the order of the table. Modules load here, not on import."""
    from . import (
        family_bandits,
        family_controls,
        family_finetuned,
        family_ours,
        family_soft_head,
        family_thesis,
        family_uncertainty,
    )

    return [
        *family_controls.FAMILIES,
        *family_thesis.FAMILIES,
        *family_soft_head.FAMILIES,
        *family_uncertainty.FAMILIES,
        *family_bandits.FAMILIES,
        *family_finetuned.families_of("energy"),
        *family_ours.FAMILIES,
    ]


def by_threshold(scores: npt.NDArray[np.float64], threshold: float) -> Array:
    """1 where the score is above the threshold."""
    return (scores > threshold).astype(np.float64)
