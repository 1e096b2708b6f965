"""Accuracy (%), joules and reduction (%) that the energy thesis printed for its routers on the measured pair.

Taken from "Multi-Model Routing for Energy-Efficient LLM Code Generation" (Chan, 2026); shown beside the same routers
trained here. Its encoder was CodeBERT, ours is the shipped one, so rows differ.
"""

_XGBOOST = (
    (65.70, 145.18, 2.24), (63.92, 132.27, 4.84), (62.42, 119.02, 9.13), (61.16, 108.45, 12.74),
    (59.81, 101.33, 13.44), (59.30, 96.86, 15.29), (58.38, 93.20, 14.86), (57.92, 90.86, 15.07),
    (57.53, 89.82, 14.39), (57.27, 88.18, 14.81), (56.82, 88.02, 12.95),
)  # fmt: skip
PUBLISHED: dict[tuple[str, str], tuple[float, float, float]] = {
    ("logistic regression", ""): (59.81, 107.34, 8.32),
    ("KNN classifier", ""): (57.85, 99.75, 6.44),
    ("KNN regressor", "λ=0.5"): (59.53, 102.35, 11.45),
    **{("XGBoost regressor", f"λ={step / 10}"): row for step, row in enumerate(_XGBOOST)},
}


def published_cell(router: str, setting: str) -> str | None:
    """The printed row as "accuracy / joules / reduction", or None where nothing was printed."""
    row = PUBLISHED.get((router, setting))
    return None if row is None else " / ".join(f"{value:g}" for value in row)
