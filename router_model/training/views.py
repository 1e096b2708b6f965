"""Five views of a request and the kernel between requests.

Each view is a vector. The kernel is the mean of exp(−distance / typical distance) over the views: requests are near
each other when their words, spellings, meanings or shapes are near. The support vectors are rounded to 8 bits before
anything is trained on them, so the exported graph holds the same numbers. It learns no targets (`kernel_ridge.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from halfwatt.router_model.serving.features import features

Array = npt.NDArray[np.float32]
VIEWS = ("words", "grams", "meaning", "shape", "surface")
N_SHAPE = 24
FURTHEST = 12.0


@dataclass(frozen=True)
class Inputs:
    """Raw inputs of n requests, one row each, before any scaling."""

    words: Array
    grams: Array
    meaning: Array
    surface: Array

    def take(self, rows: npt.NDArray[np.int64]) -> "Inputs":
        """The inputs of some of the requests."""
        return Inputs(self.words[rows], self.grams[rows], self.meaning[rows], self.surface[rows])


@dataclass(frozen=True)
class Scaling:
    """What turns raw inputs into views: inverse document frequencies, means and deviations."""

    words_weight: Array
    grams_weight: Array
    surface_mean: Array
    surface_scale: Array


@dataclass(frozen=True)
class Support:
    """The training requests as 8-bit views with their step, and each view's typical squared distance."""

    codes: dict[str, npt.NDArray[np.int8]]
    step: dict[str, float]
    typical: dict[str, float]

    def vectors(self, view: str) -> Array:
        """The rounded vectors, shape `(n_support, width)`."""
        return self.codes[view].astype(np.float32) * np.float32(self.step[view])


def inputs_of(texts: Sequence[str], meanings: Array) -> Inputs:
    """Raw inputs from texts and their encoder vectors (one row each)."""
    rows = [features(text) for text in texts]
    return Inputs(
        words=np.array([row.words for row in rows]),
        grams=np.array([row.grams for row in rows]),
        meaning=meanings.astype(np.float32),
        surface=np.array([row.surface for row in rows]),
    )


def fit_scaling(inputs: Inputs) -> Scaling:
    """Scaling learned from training requests only."""
    return Scaling(
        words_weight=_rarity(inputs.words),
        grams_weight=_rarity(inputs.grams),
        surface_mean=inputs.surface.mean(axis=0),
        surface_scale=1 / (inputs.surface.std(axis=0) + np.float32(0.05)),
    )


def scaled(inputs: Inputs, scaling: Scaling) -> dict[str, Array]:
    """The five views."""
    surface = (inputs.surface - scaling.surface_mean) * scaling.surface_scale
    return {
        "words": _unit(inputs.words * scaling.words_weight),
        "grams": _unit(inputs.grams * scaling.grams_weight),
        "meaning": inputs.meaning,
        "shape": surface[:, :N_SHAPE],
        "surface": surface,
    }


def fit_support(views: dict[str, Array]) -> Support:
    """Round the training requests and measure their typical distances."""
    codes, step, typical = {}, {}, {}
    for name in VIEWS:
        step[name] = float(np.abs(views[name]).max()) / 127 or 1.0
        codes[name] = np.round(views[name] / step[name]).astype(np.int8)
        vectors = codes[name].astype(np.float32) * np.float32(step[name])
        typical[name] = float(np.median(_squared(vectors, vectors))) or 1.0
    return Support(codes, step, typical)


def kernel(views: dict[str, Array], support: Support) -> Array:
    """Kernel between requests and the support, shape `(n, n_support)`, values in 0…1."""
    total = np.zeros((len(views["words"]), len(support.codes["words"])), dtype=np.float32)
    for name in VIEWS:
        distance = _squared(views[name], support.vectors(name)) / np.float32(support.typical[name])
        total += np.exp(-np.sqrt(np.minimum(distance, np.float32(FURTHEST)))) / np.float32(len(VIEWS))
    return total


def gram(support: Support) -> Array:
    """Kernel of the support with itself."""
    return kernel({name: support.vectors(name) for name in VIEWS}, support)


def _squared(left: Array, right: Array) -> Array:
    products = left @ right.T
    squares = (left * left).sum(axis=1)[:, None] + (right * right).sum(axis=1)[None, :]
    return np.maximum(squares - 2 * products, np.float32(0))


def _unit(rows: Array) -> Array:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.float32(1e-6))


def _rarity(rows: Array) -> Array:
    present = (rows != 0).sum(axis=0)
    return (np.log((1 + len(rows)) / (1 + present)) + 1).astype(np.float32)
