"""Every router that is measured, in the order of the tables.

A new router is one module and one entry here. A router that chooses before generation has a list `FAMILIES` and a
function `route(data, train, test, seed) -> RoutingShares`. Its entry stands in `_before_generation`, and both tables
take it from there. A router that looks at a draft has a function `spend(fold) -> dict[str, Spending]`, and its entry
stands in `draft_families`. All routers share folds, measures, text and plot.
"""

from typing import Literal

from halfwatt.router_model.baselines import bandits, controls, finetuned, ours, soft_head, thesis, uncertainty
from halfwatt.router_model.baselines.cascade_routing import both_stages, cascade_routing, stage1
from halfwatt.router_model.baselines.drafts import frugal, mean_logprob
from halfwatt.router_model.baselines.recorded import self_tests, semantic_entropy
from halfwatt.router_model.measures.family import RouterFamily

from .draft_runs import DraftFamily, before_a_draft

OURS = "halfwatt, both stages"
_QUICK = ("always weak", "always strong", "oracle", "logistic regression")
_NOT_FOR_DRAFTS = ("perfect pre-router", "random; zero router", "length only")


def families() -> list[RouterFamily]:
    """The routers of the measured pair's table."""
    return [*_before_generation("energy"), *ours.FAMILIES]


def draft_families(quick: bool = False) -> list[DraftFamily]:
    """The routers of the local pair's table: those that choose before a draft, then those that look at one."""
    before = [
        family
        for family in _before_generation("local")
        if family.name not in _NOT_FOR_DRAFTS and (not quick or family.name in _QUICK)
    ]
    return [
        *map(before_a_draft, before),
        DraftFamily("mean log-probability", mean_logprob, "confidence-driven router"),
        DraftFamily("FrugalGPT-style cascade", frugal, "FrugalGPT"),
        DraftFamily("semantic entropy, 5 samples", semantic_entropy, "confidence-driven router", "samples"),
        DraftFamily("self-written unit tests", self_tests, "edge-cloud study; Chen et al. 2024", "tests"),
        DraftFamily("cascade routing, our estimates", cascade_routing, "Dekoninck et al. 2024"),
        DraftFamily("halfwatt, stage 1", stage1, "this project"),
        DraftFamily(OURS, both_stages, "this project"),
    ]


def _before_generation(pair: Literal["energy", "local"]) -> list[RouterFamily]:
    """The published routers that see the prompt alone."""
    return [
        *controls.FAMILIES,
        *thesis.FAMILIES,
        *soft_head.FAMILIES,
        *uncertainty.FAMILIES,
        *bandits.FAMILIES,
        *finetuned.families_of(pair),
    ]
