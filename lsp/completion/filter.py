"""The learned filter: how likely is a suggestion here to be what the user types next?

It is boosted trees over features.py, read from a small JSON file and evaluated in plain Python. At first there is no
acceptance data to learn from, so it was trained on a proxy: exact matches of the small model at typing positions in
open source packages. The user's own accepting and ignoring then takes over. A few weights, learned with every outcome,
decide how much the shipped model still counts, and where.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path

import msgspec

from halfwatt.daemon.settings.schema import Mode

FILE = "filter.json"
PLACES = ("empty_line", "partial_chars", "after_dot", "in_comment", "in_string", "opens_block_above")
LEARNING_RATE = 0.05
LEASH = 4.0  # how far a weight may go from where it starts, once there are many outcomes
HALF_TRUST = 100  # outcomes after which half of the leash is given


class Tree(msgspec.Struct, frozen=True):
    """A binary tree in arrays. Node i leads to `left[i]` if value ≤ threshold, else to `right[i]`; -1 marks a leaf."""

    feature: tuple[int, ...]
    threshold: tuple[float, ...]
    left: tuple[int, ...]
    right: tuple[int, ...]
    value: tuple[float, ...]


class FilterModel(msgspec.Struct, frozen=True):
    """`start` + the trees' sum is the log-odds. Thresholds are probabilities below which nothing is asked."""

    names: tuple[str, ...]
    start: float
    trees: tuple[Tree, ...]
    threshold: float
    quiet_threshold: float


@dataclass(frozen=True)
class AcceptanceEstimate:
    """The probability that a suggestion is taken, and the inputs that it was made of.

    The inputs are 1, the shipped model's log-odds, and for each of PLACES whether it is one."""

    p: float
    inputs: tuple[float, ...]


@dataclass(frozen=True)
class PersonalWeights:
    """This user's own weights of an AcceptanceEstimate's inputs.

    They start as the shipped model alone. With each outcome it counts for as much as it proves right."""

    weights: tuple[float, ...] = (0.0, 1.0, *(0.0 for _ in PLACES))
    n_outcomes: int = 0

    def learned(self, estimate: AcceptanceEstimate, accepted: bool) -> PersonalWeights:
        """After an offer was taken or not: one step of logistic regression. LEASH bounds it, and the bound grows."""
        n_outcomes = self.n_outcomes + 1
        leash = LEASH * n_outcomes / (n_outcomes + HALF_TRUST)
        step = LEARNING_RATE * (float(accepted) - estimate.p)
        moved = zip(self.weights, estimate.inputs, PersonalWeights.weights, strict=True)
        weights = (max(start - leash, min(start + leash, weight + step * value)) for weight, value, start in moved)
        return PersonalWeights(tuple(weights), n_outcomes)


def estimate(model: FilterModel, values: list[float], personal: PersonalWeights) -> AcceptanceEstimate:
    """The probability that the suggestion is what comes next, from the values of `features.features`."""
    shipped = model.start + sum(_leaf(tree, values) for tree in model.trees)
    places = (float(values[model.names.index(name)] > 0) for name in PLACES)
    inputs = (1.0, shipped, *places)
    log_odds = sum(weight * value for weight, value in zip(personal.weights, inputs, strict=True))
    return AcceptanceEstimate(1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, log_odds)))), inputs)


def threshold(model: FilterModel, mode: Mode) -> float:
    return model.quiet_threshold if mode == "quiet" else model.threshold


@lru_cache(maxsize=1)
def load() -> FilterModel:
    """The model that ships with halfwatt."""
    data = resources.files(__package__).joinpath(FILE).read_bytes()
    return msgspec.json.decode(data, type=FilterModel)


def read_personal(path: Path) -> PersonalWeights:
    """The user's own weights; the shipped model's where the file is missing or damaged."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=PersonalWeights)
    except (OSError, msgspec.MsgspecError):
        return PersonalWeights()
    return found if len(found.weights) == len(PersonalWeights.weights) else PersonalWeights()


def write_personal(path: Path, personal: PersonalWeights) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".tmp")
    partial.write_bytes(msgspec.json.encode(personal))
    partial.replace(path)


def _leaf(tree: Tree, values: list[float]) -> float:
    node = 0
    while (feature := tree.feature[node]) >= 0:
        node = tree.left[node] if values[feature] <= tree.threshold[node] else tree.right[node]
    return tree.value[node]
