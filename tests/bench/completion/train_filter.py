"""Train the ghost-text filter: from labelled typing positions to lsp/completion/filter.json.

    cd tests
    export PYTHONPATH=$PWD/support:$PWD/support/energy:$PWD/support/servers
    python -m bench.completion.train_filter label TRAIN.jsonl --part train --model FILE.gguf
    python -m bench.completion.train_filter label TEST.jsonl --part test --model FILE.gguf
    python -m bench.completion.train_filter fit TRAIN.jsonl TEST.jsonl

The stages:
1. Positions in installed packages.
2. The model's raw text there.
3. Features and labels.
4. Boosted trees with thresholds from predictions out of fold.
5. The JSON file.
6. Figures on packages that training never saw.

A label is 1 where the suggestion's first line is what the author wrote next: a proxy for acceptance. The script needs
scikit-learn (`[train]`).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from bench.completion.holes import TEST_PACKAGES, TRAIN_PACKAGES, first_line, typing_positions
from repository import ROOT

from halfwatt.lsp.completion.features import NAMES, features
from halfwatt.lsp.completion.filter import FILE, FilterModel, PersonalWeights, Tree, estimate
from halfwatt.lsp.completion.postprocess.candidate import PostprocessCandidate
from halfwatt.lsp.completion.postprocess.chain import clean
from halfwatt.lsp.completion.values import Query

SEED = 7
LOST_AT_MOST = 0.01  # share of exact matches that the filter alone may cost, out of fold; the cache costs more
QUIET_SHARE = 1 / 3  # quiet mode asks at this share of places: the likeliest
TARGET = ROOT / "lsp" / "completion" / FILE


@dataclass(frozen=True)
class Rows:
    """One row per position: features, label, and the package it comes from."""

    x: np.ndarray
    y: np.ndarray
    package: np.ndarray


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    label = commands.add_parser("label")
    label.add_argument("out", type=Path)
    label.add_argument("--part", choices=["train", "test"], required=True)
    label.add_argument("--model", type=Path, required=True)
    fit = commands.add_parser("fit")
    fit.add_argument("train", type=Path)
    fit.add_argument("test", type=Path)
    given = parser.parse_args()
    if given.command == "label":
        make_labels(given.out, given.part, given.model)
    else:
        make_filter(given.train, given.test)


def make_labels(out: Path, part: str, model: Path) -> None:
    """Stages 1 and 2. One JSON line per position; the file holds code and stays out of the repository."""
    packages = TRAIN_PACKAGES if part == "train" else TEST_PACKAGES
    with out.open("a") as file:
        for row in typing_positions(packages, model, seed=SEED):
            file.write(json.dumps(row) + "\n")
            file.flush()


def make_filter(train: Path, test: Path) -> None:
    """Stages 3 to 6."""
    rows, unseen = read_rows(train), read_rows(test)
    model = fitted(rows)
    TARGET.write_bytes(msgspec.json.encode(model) + b"\n")
    print(json.dumps({"train": figures(model, rows), "test": figures(model, unseen)}, indent=1))
    print(f"bytes {TARGET.stat().st_size}")


def read_rows(path: Path) -> Rows:
    """Stage 3. Packages are never in both parts."""
    x, y, package = [], [], []
    for row in map(json.loads, path.read_text().splitlines()):
        text = Path(row["path"]).read_text()
        at = row["pos"]
        suffix = "" if row["mode"] == "append" else text[text.find("\n", at) :]
        query = Query("file:///x.py", text[:at], suffix, "python")
        said = clean(
            PostprocessCandidate(
                row["raw"], query.prefix, suffix, "python", multiline=False, truncated=row["end"] == "length"
            )
        )
        x.append(features(query))
        y.append(float(bool(said.text) and first_line(said.text) == first_line(text[at:])))
        package.append(row["package"])
    return Rows(np.array(x), np.array(y), np.array(package))


def fitted(rows: Rows) -> FilterModel:
    """Stage 4. Folds are whole packages."""
    from sklearn.model_selection import GroupKFold, cross_val_predict

    folds = GroupKFold(n_splits=5)
    p = cross_val_predict(_trees(), rows.x, rows.y, groups=rows.package, cv=folds, method="predict_proba")[:, 1]
    forest = _trees().fit(rows.x, rows.y)
    prior = float(np.clip(rows.y.mean(), 1e-6, 1 - 1e-6))
    return FilterModel(
        names=NAMES,
        start=float(np.log(prior / (1 - prior))),
        trees=tuple(_tree(each[0].tree_, forest.learning_rate) for each in forest.estimators_),
        threshold=round(float(np.quantile(p[rows.y == 1], LOST_AT_MOST)), 4),
        quiet_threshold=round(float(np.quantile(p, 1 - QUIET_SHARE)), 4),
    )


def figures(model: FilterModel, rows: Rows) -> dict[str, Any]:
    """Stage 6: what the thresholds mean on these rows."""
    from sklearn.metrics import roc_auc_score

    p = np.array([estimate(model, list(values), PersonalWeights()).p for values in rows.x])
    hits = rows.y.sum()
    return {
        "rows": len(rows.y),
        "packages": len(set(rows.package)),
        "exact_pct": round(100 * rows.y.mean(), 1),
        "auroc": round(float(roc_auc_score(rows.y, p)), 3),
        **{
            name: {
                "calls_avoided_pct": round(100 * float((p < limit).mean()), 1),
                "exact_lost_pct": round(100 * float(rows.y[p < limit].sum() / hits), 1),
                "exact_of_asked_pct": round(100 * float(rows.y[p >= limit].mean()), 1),
            }
            for name, limit in (("automatic", model.threshold), ("quiet", model.quiet_threshold))
        },
    }


def _trees() -> Any:
    from sklearn.ensemble import GradientBoostingClassifier

    return GradientBoostingClassifier(
        n_estimators=120, max_depth=2, learning_rate=0.05, subsample=0.6, min_samples_leaf=25, random_state=SEED
    )


def _tree(tree: Any, learning_rate: float) -> Tree:
    leaf = tree.children_left == -1
    return Tree(
        feature=tuple(int(v) for v in np.where(leaf, -1, tree.feature)),
        threshold=_rounded(np.where(leaf, 0.0, tree.threshold)),
        left=tuple(int(v) for v in tree.children_left),
        right=tuple(int(v) for v in tree.children_right),
        value=_rounded(np.where(leaf, tree.value[:, 0, 0] * learning_rate, 0.0)),
    )


def _rounded(values: Iterable[float]) -> tuple[float, ...]:
    return tuple(round(float(value), 6) for value in values)


if __name__ == "__main__":
    main()
