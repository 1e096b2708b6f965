"""What a language model as a judge prefers: routers against always-weak and always-strong, on judged pairs of answers.

The Confidence-Driven LLM Router (2025) judges routers by preference and consistency. A router's answer is the weak or
the strong model's greedy one, so one pair of answers per task, judged in both orders, serves every router. A pair is
read in two ways. One is the verdict that both orders agree on, else a tie. The other, where the judge gives its
probabilities, is the side that they lean to over both orders; this takes out a liking for the first place. The module
asks no model (`recording/judge_llm.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from halfwatt.router_model.labelling.labels import read_rows
from halfwatt.router_model.measures.evaluation import Array, Mask, Rows
from halfwatt.router_model.measures.spending import Spending

JUDGE_TABLE = Path(__file__).parents[1] / "data" / "published_judge.csv"
FEWEST_PAIRS = 30
_VALUES = {"weak": -1.0, "tie": 0.0, "strong": 1.0}
_N_BOOTSTRAP = 1000


@dataclass(frozen=True)
class JudgedPairs:
    """Pairs of answers that a judge compared, one row per task.

    `verdicts`, `(n, 2)`, in the two orders: −1 weak, 0 tie, 1 strong. `leans`, `(n, 2)`: log p(strong) − log p(weak), 0
    where the judge gave no probabilities and `leans_known` is False. `passed`, `(n, 2)`: weak, strong. `same`: 1 where
    both answers are one text.
    """

    tasks: Rows
    verdicts: Array
    leans: Array
    leans_known: Mask
    passed: Array
    same: Array

    @property
    def agreed(self) -> Array:
        """The verdict of both orders, 0 where they differ."""
        return np.where(self.verdicts[:, 0] == self.verdicts[:, 1], self.verdicts[:, 0], 0.0)

    @property
    def leaning(self) -> Array:
        """The side of the summed leans; the agreed verdict where probabilities are unknown."""
        return np.where(self.leans_known, np.sign(self.leans.sum(axis=1)), self.agreed)

    def take(self, rows: Rows) -> "JudgedPairs":
        """Some of the pairs."""
        return JudgedPairs(
            self.tasks[rows],
            self.verdicts[rows],
            self.leans[rows],
            self.leans_known[rows],
            self.passed[rows],
            self.same[rows],
        )


def read_judged_pairs(names: list[str], table: Path = JUDGE_TABLE) -> JudgedPairs | None:
    """The committed verdicts; None without a table or with fewer than `FEWEST_PAIRS` of these tasks in it."""
    place = {name: index for index, name in enumerate(names)}
    rows = [row for row in read_rows(table) if row["task_id"] in place] if table.exists() else []
    if len(rows) < FEWEST_PAIRS:
        return None
    leans = [(row["lean_weak_first"], row["lean_strong_first"]) for row in rows]
    return JudgedPairs(
        tasks=np.array([place[row["task_id"]] for row in rows]),
        verdicts=np.array([[_VALUES[row["weak_first"]], _VALUES[row["strong_first"]]] for row in rows]),
        leans=np.array([[float(each) for each in both] if all(both) else [0.0, 0.0] for both in leans]),
        leans_known=np.array([all(both) for both in leans]),
        passed=np.array([[float(row["weak_passed"]), float(row["strong_passed"])] for row in rows]),
        same=np.array([float(row["same_answer"]) for row in rows]),
    )


def measure(
    found: JudgedPairs, results: Mapping[str, Mapping[str, Spending]], routers: Sequence[tuple[str, str]]
) -> dict[str, Any]:
    """How reliable the judge is, and one row per router at its setting nearest to half of the pairs on the weak model.

    `routers`: names, and how the settings to choose from begin. The first row mixes the two models at random.
    """
    rows = [{"router": "chance", "setting": "50% weak", **preference(found, np.full(len(found.tasks), 0.5))}]
    for name, beginning in routers:
        settings = {key: one for key, one in results.get(name, {}).items() if key.startswith(beginning)}
        if settings:
            spent = {key: one.take(found.tasks) for key, one in settings.items()}
            setting = nearest_half(spent)
            figures = preference(found, 1 - spent[setting].weak, spent[setting].known)
            rows.append({"router": name, "setting": setting, **figures})
    return {"judge": reliability(found), "routers": rows}


def preference(found: JudgedPairs, strong: Array, known: Mask | None = None) -> dict[str, Any]:
    """Preference in per cent: wins and half of the ties.

    `strong`: share of each pair sent to the strong model. Pairs where that is not `known` are left out.
    """
    rows = np.arange(len(strong)) if known is None else np.flatnonzero(known)
    part, share = found.take(rows), strong[rows]
    sent = share * (1 - part.same)
    consistent = part.verdicts[:, 0] == part.verdicts[:, 1]
    return {
        "pairs": len(rows),
        "to strong %": round(100 * float(share.mean()), 1),
        "over always-weak % (95 %)": _interval_text(0.5 + 0.5 * share * part.agreed),
        "by leaning % (95 %)": _interval_text(0.5 + 0.5 * share * part.leaning),
        "over always-strong % (95 %)": _interval_text(0.5 - 0.5 * (1 - share) * part.agreed),
        "same verdict swapped %": round(100 * float(sent @ consistent / sent.sum()), 1) if sent.sum() else None,
        "passed %": round(100 * float((part.passed[:, 0] + share * (part.passed[:, 1] - part.passed[:, 0])).mean()), 1),
    }


def reliability(found: JudgedPairs) -> dict[str, Any]:
    """The judge against execution on the pairs where exactly one answer passes, and its liking for the first place."""
    compared = found.take(np.flatnonzero(found.same == 0))
    first = np.array([-1.0, 1.0])  # the side that stands first in each order
    gap = compared.passed[:, 1] - compared.passed[:, 0]
    decisive = compared.take(np.flatnonzero(gap != 0))
    truth = gap[gap != 0]
    return {
        "pairs": len(found.same),
        "one text": int(found.same.sum()),
        "first place chosen %": _percent(compared.verdicts == first),
        "tie said %": _percent(compared.verdicts == 0),
        "same verdict swapped %": _percent(compared.verdicts[:, 0] == compared.verdicts[:, 1]),
        "pairs where one passes": len(truth),
        "strong passes in": int((truth > 0).sum()),
        "single verdicts right % (95 %)": _interval_text((decisive.verdicts == truth[:, None]).mean(axis=1)),
        "both orders right % (95 %)": _interval_text((decisive.agreed == truth).astype(float)),
        "both orders wrong %": _percent(decisive.agreed == -truth),
        "leaning right % (95 %)": _interval_text((decisive.leaning == truth).astype(float)),
    }


def signal(found: JudgedPairs) -> Array:
    """Inputs of a joint model, `(n, 2)`: both verdicts summed and both leans summed, larger for a liked weak answer."""
    return -np.column_stack([found.verdicts.sum(axis=1), found.leans.sum(axis=1)])


def nearest_half(settings: Mapping[str, Spending]) -> str:
    """The setting whose mean share on the weak model, over the tasks where it is known, is nearest to a half."""
    return min(settings, key=lambda name: abs(float(settings[name].weak[settings[name].known].mean()) - 0.5))


def _interval_text(values: Array) -> str:
    """Mean in per cent with a bootstrap interval over pairs."""
    if not len(values):
        return "–"
    picks = np.random.default_rng(0).integers(0, len(values), (_N_BOOTSTRAP, len(values)))
    low, high = np.percentile(values[picks].mean(axis=1), (2.5, 97.5))
    return f"{100 * values.mean():.1f} ({100 * low:.1f} to {100 * high:.1f})"


def _percent(values: Any) -> float | None:
    return round(100 * float(np.mean(values)), 1) if len(values) else None
