"""The learned router as the daemon holds it: estimates for a text, and the chance of a draft to pass.

The router itself is router_model's. This module loads it and decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from halfwatt.daemon.errors import HalfwattError
from halfwatt.daemon.models.form import ModelForm
from halfwatt.router_model.errors import RouterModelError
from halfwatt.router_model.serving import stage2
from halfwatt.router_model.serving.draft_stats import DraftStats

if TYPE_CHECKING:  # a daemon that never asks the router imports neither numpy nor onnxruntime
    from halfwatt.router_model.serving.draft_facts import DraftFacts
    from halfwatt.router_model.serving.router import Router


class RouterMissingError(HalfwattError):
    """The learned router cannot be used; the explicit rule decides."""

    code = "router"


@dataclass(frozen=True)
class LearnedRouter:
    """The two stages of the router.

    `router` estimates what each model would do with a text. `check` is the probability that a local draft passes. It
    takes the model and its form, the draft's statistics, the probability expected before the draft, and the facts of
    a whole draft. Without facts, the statistics are those of the draft's first tokens.
    """

    router: Router
    check: Callable[[str, ModelForm, DraftStats, float, DraftFacts | None], float]


def load_router() -> LearnedRouter:
    """The shipped router, ready to use. Blocks while it loads; RouterMissingError says what is wrong."""
    try:
        from halfwatt.router_model.serving.router import Router

        router = Router.load()
    except (RouterModelError, ImportError, OSError) as error:
        raise RouterMissingError(f"The learned router cannot be used ({error}); the explicit rule decides.") from None
    return LearnedRouter(router, partial(_check, router))


def _check(
    router: Router, model: str, form: ModelForm, stats: DraftStats, p_before: float, facts: DraftFacts | None
) -> float:
    """Stage 2 of the router. Where it has no table for this form of the model, `p_before` counts with the facts."""
    table = stage2.table_for(router.tables.drafts, model, form.quantization, form.template)
    if facts is not None:
        return stage2.check(table, stats, p_before, None, 0.0, 0.0, facts.parses, facts.examples_pass).p_pass
    means = (stats.lp_first16_mean,) if stats.n_tokens else ()
    return stage2.check_start(table, means, stats.margin_first, p_before, None, 0.0, 0.0).p_pass
