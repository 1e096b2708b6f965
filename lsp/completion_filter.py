"""The learned filter: how likely is a suggestion here to be what the user types next?

Boosted trees over completion_features.py, read from a small JSON file and evaluated in plain Python. There is no
acceptance data to learn from at first: it was trained on exact matches of the small model at typing positions in open
source packages, which is a proxy. The user's own accepting and ignoring then moves it by a bounded amount.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import resources
from pathlib import Path

import msgspec

from .completion_rules import Mode

FILE = "completion_filter.json"
LEARNING_RATE = 0.05
MAX_BIAS = 1.0


class Tree(msgspec.Struct, frozen=True):
    """A binary tree in arrays: at node i go to `left[i]` if value ≤ threshold, else to `right[i]`; -1 marks a leaf."""

    feature: tuple[int, ...]
    threshold: tuple[float, ...]
    left: tuple[int, ...]
    right: tuple[int, ...]
    value: tuple[float, ...]


class Model(msgspec.Struct, frozen=True):
    """`start` + the trees' sum is the log-odds. Thresholds are probabilities below which nothing is asked."""

    names: tuple[str, ...]
    start: float
    trees: tuple[Tree, ...]
    threshold: float
    quiet_threshold: float


@dataclass(frozen=True)
class Personal:
    """What this user's answers moved: an offset on the log-odds, kept within ±MAX_BIAS."""

    bias: float = 0.0
    n_outcomes: int = 0

    def learned(self, p_shown: float, accepted: bool) -> Personal:
        """After an offer that was predicted with `p_shown`: one step of logistic regression on the offset."""
        bias = self.bias + LEARNING_RATE * (float(accepted) - p_shown)
        return replace(self, bias=max(-MAX_BIAS, min(MAX_BIAS, bias)), n_outcomes=self.n_outcomes + 1)


def probability(model: Model, values: list[float], personal: Personal) -> float:
    """P(the suggestion's first line is what comes next), from the values of `completion_features.features`."""
    log_odds = model.start + sum(_leaf(tree, values) for tree in model.trees) + personal.bias
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, log_odds))))


def threshold(model: Model, mode: Mode) -> float:
    return model.quiet_threshold if mode == "quiet" else model.threshold


@lru_cache(maxsize=1)
def load() -> Model:
    """The model that ships with halfwatt."""
    data = resources.files(__package__).joinpath(FILE).read_bytes()
    return msgspec.json.decode(data, type=Model)


def read_personal(path: Path) -> Personal:
    """The user's own offset; none where the file is missing or damaged."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Personal)
    except (OSError, msgspec.MsgspecError):
        return Personal()
    return replace(found, bias=max(-MAX_BIAS, min(MAX_BIAS, found.bias)))


def write_personal(path: Path, personal: Personal) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".tmp")
    partial.write_bytes(msgspec.json.encode(personal))
    partial.replace(path)


def _leaf(tree: Tree, values: list[float]) -> float:
    node = 0
    while (feature := tree.feature[node]) >= 0:
        node = tree.left[node] if values[feature] <= tree.threshold[node] else tree.right[node]
    return tree.value[node]
