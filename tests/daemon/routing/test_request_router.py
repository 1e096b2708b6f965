"""Routing a request: when the learned router is asked, what it weighs, and what a draft changes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from scripted_service import BrokenRouter, fixed_router, request

from halfwatt.daemon.errors import HalfwattError, PolicyError, UsageError
from halfwatt.daemon.inference.answer import Ended
from halfwatt.daemon.ledger.ledger import Ledger
from halfwatt.daemon.meters.choose import choose_meter
from halfwatt.daemon.models.form import ModelForm
from halfwatt.daemon.routing.learned_router import LearnedRouter, RouterMissingError
from halfwatt.daemon.routing.memory import ModelMeasurement, RouterMemory
from halfwatt.daemon.routing.policy import RequestFacts
from halfwatt.daemon.routing.request_router import RequestRouter
from halfwatt.daemon.routing.routing import Routing, stand_in
from halfwatt.daemon.settings.schema import Config, RoutingConfig, TierConfig
from halfwatt.router_model.serving.draft_facts import DraftFacts
from halfwatt.router_model.serving.draft_stats import DraftStats, draft_stats

BIG = TierConfig(name="big", kind="cloud", base_url="https://cloud.example/v1", model="gpt-4o")
FACTS = RequestFacts(has_key={"big": True}, local_model="small")
STATS = draft_stats([-0.1] * 16)


def config(**routing: Any) -> Config:
    return Config(routing=RoutingConfig(**{"escalation": "auto", "dial": "quality"} | routing), tiers=(BIG,))


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., RequestRouter]:
    """Makes a router that loads this; it is not loaded yet."""

    def make(load: Callable[[], LearnedRouter], **options: Any) -> RequestRouter:
        return RequestRouter(Ledger(tmp_path / "ledger.sqlite3"), choose_meter(Config().energy), load, **options)

    return make


async def loaded(make: Callable[..., RequestRouter], p_pass: float = 0.6, **options: Any) -> RequestRouter:
    """A router whose second stage says this of every draft."""
    router = make(lambda: fixed_router(lambda *_: p_pass), **options)
    await router.load()
    return router


async def test_free_request_is_weighed_with_all_candidates(make: Callable[..., RequestRouter]) -> None:
    routing = await (await loaded(make)).route(request(), config(), FACTS)
    assert [each.tier for each in routing.candidates] == ["local", "big"]
    assert (routing.decision.tier, routing.decision.calibrated) == ("big", True)
    assert {name: score.p_pass for name, score in routing.decision.scores.items()} == {"local": 0.6, "big": 0.8}
    assert routing.router_energy is not None


async def test_pinned_route_is_left_to_the_rule(make: Callable[..., RequestRouter]) -> None:
    routing = await (await loaded(make)).route(request(route="local"), config(), FACTS)
    assert (routing.candidates, routing.router_energy, routing.decision.scores) == ((), None, {})
    assert routing.decision.reason == "explicit rule: you asked for the local model"


async def test_rule_that_leaves_no_choice_gets_the_chance_of_a_function_to_generate(
    make: Callable[..., RequestRouter],
) -> None:
    routing = await (await loaded(make)).route(request(route="local", kind="generate"), config(), FACTS)
    assert routing.decision.reason.endswith("; 60 % likely to pass")
    assert (routing.candidates, routing.decision.scores["local"].p_pass) == ((), 0.6)
    assert routing.router_energy is not None


async def test_router_is_not_asked_for_a_function_that_nobody_can_generate(make: Callable[..., RequestRouter]) -> None:
    facts = RequestFacts(local_ready=False, local_model="small")
    routing = await (await loaded(make)).route(request(kind="generate"), config(escalation="ask"), facts)
    assert (routing.decision.tier, routing.router_energy) == ("local", None)


async def test_request_waits_for_the_router_that_is_loading(make: Callable[..., RequestRouter]) -> None:
    go_on = threading.Event()

    def load() -> LearnedRouter:
        go_on.wait(60)
        return fixed_router(lambda *_: 0.6)

    router = make(load)
    loading = asyncio.create_task(router.load())
    await asyncio.sleep(0)
    waiting = asyncio.create_task(router.route(request(), config(), FACTS))
    await asyncio.sleep(0)
    try:
        assert not waiting.done()
        go_on.set()
        assert (await waiting).decision.scores["big"].p_pass == 0.8
    finally:
        go_on.set()
        await loading


def missing() -> LearnedRouter:
    raise RouterMissingError("There is none.")


@pytest.mark.parametrize("load", [missing, lambda: fixed_router(lambda *_: 0.6, BrokenRouter())])
async def test_without_a_usable_router_the_rule_decides(
    make: Callable[..., RequestRouter], load: Callable[[], LearnedRouter]
) -> None:
    router = make(load)
    await router.load()
    routing = await router.route(request(kind="generate"), config(), FACTS)
    assert (routing.decision.tier, routing.decision.reason) == ("local", "explicit rule: local first")
    assert (router.problem == "There is none.") == (load is missing)


@pytest.mark.parametrize(("name", "error"), [("gone", PolicyError), (None, UsageError)])
async def test_impossible_tier_and_unknown_dial_are_refused(
    make: Callable[..., RequestRouter], name: str | None, error: type[HalfwattError]
) -> None:
    router = await loaded(make)
    with pytest.raises(error):
        await router.route(request(dial="turbo"), config(), FACTS, name)


async def test_calibrated_joules_count_until_the_ledger_has_its_own(make: Callable[..., RequestRouter]) -> None:
    memory = RouterMemory({"small": ModelMeasurement(20.0, 3.0, "modelled")})
    routing = await (await loaded(make, memory=lambda: memory)).route(request(), config(), FACTS)
    assert routing.decision.scores["local"].energy_j == 150


async def weighed_local(router: RequestRouter) -> Routing:
    """A routing in which the local model was chosen among two."""
    routing = await router.route(request(kind="generate", language="python"), config(leaving_price=0.3), FACTS)
    assert (routing.decision.tier, len(routing.candidates)) == ("local", 2)
    return routing


async def test_drafts_are_checked_only_where_a_weighed_local_tier_answers(make: Callable[..., RequestRouter]) -> None:
    router = await loaded(make)
    routing = await weighed_local(router)
    assert router.checks_drafts(routing)
    assert not router.checks_drafts(replace(routing, candidates=()))
    assert not router.checks_drafts(replace(routing, config=config(check_drafts=False)))
    assert not router.checks_drafts(await router.route(request(), config(), FACTS))


@pytest.mark.parametrize(
    ("p_pass", "tier", "clause"),
    [
        (0.7, "local", "; the draft was judged"),
        (0.1, "big", "the local draft is 10 % likely to pass and was dropped; "),
    ],
)
async def test_beginning_of_a_draft_may_change_the_tier(
    make: Callable[..., RequestRouter], p_pass: float, tier: str, clause: str
) -> None:
    router = await loaded(make, p_pass)
    decision = router.reconsider(await weighed_local(router), STATS)
    assert (decision.tier, decision.scores["local"].p_pass) == (tier, p_pass)
    assert clause in decision.reason


@pytest.mark.parametrize(
    ("code", "facts", "clause"),
    [
        ("def f():\n    return 1\n", DraftFacts(), "the whole draft was judged"),
        ("def f(:\n", DraftFacts(parses=False), "the draft does not parse"),
    ],
)
async def test_whole_draft_is_judged_by_its_facts_and_the_workers_statistics(
    make: Callable[..., RequestRouter], code: str, facts: DraftFacts, clause: str
) -> None:
    seen: list[tuple[DraftStats, DraftFacts | None]] = []

    def check(model: str, form: ModelForm, stats: DraftStats, p_before: float, facts: DraftFacts | None) -> float:
        seen.append((stats, facts))
        return 0.7

    router = make(lambda: fixed_router(check))
    await router.load()
    routing = await weighed_local(router)
    decision = await router.reconsider_whole(routing, f"```python\n{code}```", Ended("stop", 7, 16, draft=STATS))
    assert clause in decision.reason
    await router.reconsider_whole(routing, "", Ended("stop", 7, 0))
    assert seen[0] == (STATS, facts)
    assert seen[1][0].n_tokens == 0


async def test_tier_that_failed_has_a_stand_in_unless_it_was_named(make: Callable[..., RequestRouter]) -> None:
    router = await loaded(make)
    to_cloud = await router.route(request(route="cloud"), config(), FACTS)
    decision = stand_in(to_cloud, FACTS)
    assert decision is not None
    assert (decision.tier, decision.model) == ("local", "small")
    assert "the cloud tier “big” did not answer" in decision.reason
    assert stand_in(to_cloud, replace(FACTS, local_ready=False)) is None
    to_local = await router.route(request(), config(dial="eco"), FACTS)
    decision = stand_in(to_local, replace(FACTS, local_ready=False))
    assert decision is not None
    assert decision.tier == "big"
    named = await router.route(request(), config(), FACTS, "big")
    assert stand_in(named, FACTS) is None
