"""The routers of "Multi-Model Routing for Energy-Efficient LLM Code Generation" (Chan, 2026).

Label of the classifiers: the only correct model; if both or neither is, the one with less energy. Regressors predict
U = c − λ·(e − μ)/σ per model and route to the larger. Settings as published; the encoder is the one given.
"""

from typing import Any

import numpy as np

from halfwatt.router_model.measures.evaluation import Array, PairOutcomes, Rows, oracle
from halfwatt.router_model.measures.family import PairData, RouterFamily, RoutingShares

LAMBDAS = tuple(round(0.1 * step, 1) for step in range(11))
_PUBLISHED_XGB = (2.24, 4.84, 9.13, 12.74, 13.44, 15.29, 14.86, 15.07, 14.39, 14.81, 12.95)


def _classifier(model: Any, data: PairData, train: Rows, test: Rows) -> RoutingShares:
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(data.meaning[train])
    label = oracle(PairOutcomes(data.pair.passed[train], data.pair.energy_j[train]))
    model.fit(scaler.transform(data.meaning[train]), label)
    return RoutingShares({"": model.predict(scaler.transform(data.meaning[test])).astype(float)})


def _logistic(data: PairData, train: Rows, test: Rows, seed: int) -> RoutingShares:
    from sklearn.linear_model import LogisticRegression

    return _classifier(LogisticRegression(max_iter=2000), data, train, test)


def _knn(data: PairData, train: Rows, test: Rows, seed: int) -> RoutingShares:
    from sklearn.neighbors import KNeighborsClassifier

    return _classifier(KNeighborsClassifier(3), data, train, test)


def _utilities(data: PairData, train: Rows, value: float) -> Array:
    energy = data.pair.energy_j[train]
    return np.asarray(data.pair.passed[train] - value * (energy - energy.mean()) / energy.std())


def _knn_regressor(data: PairData, train: Rows, test: Rows, seed: int) -> RoutingShares:
    from sklearn.neighbors import KNeighborsRegressor

    strong = {}
    for value in data.lambdas or LAMBDAS:
        neighbours = KNeighborsRegressor(3).fit(data.meaning[train], _utilities(data, train, value))
        utility = neighbours.predict(data.meaning[test])
        strong[f"λ={value}"] = (utility[:, 1] > utility[:, 0]).astype(float)
    return RoutingShares(strong)


def _xgboost(data: PairData, train: Rows, test: Rows, seed: int) -> RoutingShares:
    from xgboost import XGBRegressor

    strong = {}
    for value in data.lambdas or LAMBDAS:
        utilities = _utilities(data, train, value)
        predicted = []
        for column in (0, 1):
            trees = XGBRegressor(
                n_estimators=200, max_depth=4, learning_rate=0.05, subsample=0.8, colsample_bytree=0.8,
                random_state=42, n_jobs=1, tree_method="hist", max_bin=64,
            )  # fmt: skip
            predicted.append(trees.fit(data.meaning[train], utilities[:, column]).predict(data.meaning[test]))
        strong[f"λ={value}"] = (predicted[1] > predicted[0]).astype(float)
    return RoutingShares(strong)


FAMILIES = [
    RouterFamily("logistic regression", _logistic, "thesis", {"": 8.32}),
    RouterFamily("KNN classifier", _knn, "thesis", {"": 6.44}),
    RouterFamily("KNN regressor", _knn_regressor, "thesis", {"λ=0.5": 11.45}),
    RouterFamily(
        "XGBoost regressor",
        _xgboost,
        "thesis",
        {f"λ={value}": share for value, share in zip(LAMBDAS, _PUBLISHED_XGB, strict=True)},
    ),
]
