"""The model card that ships beside the artifact, filled from its tables and metrics."""

from collections.abc import Mapping
from typing import Any

from halfwatt.router_model.serving.artifact_io import ArtifactTables


def model_card(tables: ArtifactTables, metrics: Mapping[str, Any]) -> str:
    """Markdown for people who want to know what the numbers rest on."""
    energy = metrics.get("energy_rtx4090", {})
    best, strong = energy.get("best", {}), energy.get("at_66_5", {})
    rows = "\n".join(f"| {model} | {brier:.3f} |" for model, brier in zip(tables.models, tables.brier, strict=True))
    return f"""# halfwatt's router

Estimates, from a request's signature and docstring or comment, how likely each known model is to pass the tests
and how many tokens it will write. The decision (`decide.py`) weighs these at run time; this file is about the
estimates.

- **Inputs**: {tables.encoder} (256 tokens: the first 192 and the last 64 of longer texts), hashed words, hashed
  character n-grams, surface counts.
- **Learner**: ridge regression with a sum of Laplace kernels over five views; targets of the measured pair are
  softened by a teacher that sees other models' outcomes on the training tasks. Calibrated by a line on held-out
  predictions. Intervals come from {tables.n_members} machines that each missed 30 % of the tasks.
- **Trained on**: {tables.trained_on}, Python only, English only, single functions. Texts unlike these are judged
  outside the training distribution.
- **Licences**: encoder weights all-MiniLM-L6-v2, Apache-2.0; HumanEval MIT; MBPP CC-BY-4.0. The artifact holds
  hashed, rounded features of the tasks, none of their text.

| model | held-out Brier score |
| --- | --- |
{rows}

Measured pair on held-out tasks: reduction {best.get("reduction_pct", "?")} % at the best point
({best.get("low", "?")} to {best.get("high", "?")}), {strong.get("reduction_pct", "?")} % at an accuracy of 66.5 %
or more ({strong.get("low", "?")} to {strong.get("high", "?")}). The whole table: `router_model/RESULTS.md`.

Not for: ranking people, judging code quality, languages or tasks far from short functions, models without labels
(they get a stated prior and are shown as uncalibrated).
"""
