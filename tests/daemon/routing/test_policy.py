"""What may leave the machine, and which tier the explicit rule picks: tables of settings, facts and answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from halfwatt.daemon.errors import PolicyError
from halfwatt.daemon.routing.policy import AllowedTiers, RequestFacts, allowed_tiers, explicit_rule
from halfwatt.daemon.settings.schema import Config, RoutingConfig, TierConfig
from halfwatt.daemon.wire import RequestKind, RequestOptions, RouteDecision

EDGE = TierConfig(name="rack", kind="edge", base_url="http://rack.lan:8000/v1", model="coder-7b")
CLOUD = TierConfig(name="big", kind="cloud", base_url="https://api.example.com/v1", model="large", key="big")
SMALL = TierConfig(name="small", kind="cloud", base_url="https://api.example.org/v1", model="mini", key="small")
KEYS = {"rack": True, "big": True, "small": True}
READY = RequestFacts(has_key=KEYS)
TOO_LONG = RequestFacts(has_key=KEYS, prompt_fits=False)
FAILED = RequestFacts(has_key=KEYS, local_ready=False)
SECRET = RequestFacts(has_key=KEYS, secrets=("AWS Access Key",))
EXCLUDED = RequestFacts(has_key=KEYS, excluded="git ignores this file")
OFFLINE_NETWORK = RequestFacts(has_key=KEYS, online=False)
NO_KEY = RequestFacts(has_key={"rack": True})


def config(*tiers: TierConfig, **routing: Any) -> Config:
    return Config(routing=RoutingConfig(**routing), tiers=tiers)


def decide(
    config: Config, facts: RequestFacts, tier: str | None = None, **options: Any
) -> tuple[AllowedTiers, RouteDecision]:
    tiers = allowed_tiers(RequestOptions(**options), config, facts, tier)
    return tiers, explicit_rule(tiers, config, replace(facts, local_model="qwen2.5-coder-0.5b"))


@pytest.mark.parametrize("escalation", ["never", "ask", "auto"])
def test_auto_answers_locally_when_local_can(escalation: str) -> None:
    _, decision = decide(config(EDGE, CLOUD, escalation=escalation), READY)
    assert (decision.tier, decision.kind, decision.model) == ("local", "local", "qwen2.5-coder-0.5b")
    assert decision.reason == "explicit rule: local first"
    assert not decision.offer_cloud


@pytest.mark.parametrize(
    ("escalation", "kind", "ghost_text", "allowed", "askable"),
    [
        ("never", "generate", True, set(), set()),
        ("never", "complete", True, set(), set()),
        ("ask", "generate", False, set(), {"big"}),
        ("ask", "chat", False, set(), {"big"}),
        ("ask", "complete", True, set(), set()),
        ("auto", "generate", False, {"big"}, set()),
        ("auto", "chat", False, {"big"}, set()),
        ("auto", "complete", False, set(), set()),
        ("auto", "complete", True, {"big"}, set()),
    ],
)
def test_consent_decides_what_auto_may_choose(
    escalation: str, kind: RequestKind, ghost_text: bool, allowed: set[str], askable: set[str]
) -> None:
    settings = config(CLOUD, escalation=escalation, cloud_ghost_text=ghost_text)
    tiers = allowed_tiers(RequestOptions(kind=kind), settings, READY)
    assert tiers.allowed == {"local"} | allowed
    assert tiers.askable == askable


@pytest.mark.parametrize("kind", ["generate", "complete", "chat"])
def test_edge_has_consent_by_being_configured(kind: str) -> None:
    tiers, _ = decide(config(EDGE, escalation="never"), READY, kind=kind)
    assert tiers.allowed == {"local", "rack"}


@pytest.mark.parametrize(
    ("facts", "escalation", "tier", "clause"),
    [
        (TOO_LONG, "auto", "big", "the prompt does not fit the local model, so the cloud tier “big” answers"),
        (FAILED, "auto", "big", "the local model is not ready, so the cloud tier “big” answers"),
        (TOO_LONG, "never", "local", "no other tier is allowed to answer"),
        (TOO_LONG, "ask", "local", "your consent is needed for the cloud"),
        (FAILED, "ask", "local", "your consent is needed for the cloud"),
        (RequestFacts(prompt_fits=False), "auto", "local", "halfwatt key set big"),
        (RequestFacts(KEYS, prompt_fits=False, online=False), "auto", "local", "there is no network"),
        (RequestFacts(KEYS, prompt_fits=False, secrets=("JSON Web Token",)), "auto", "local", "JSON Web Token"),
        (RequestFacts(KEYS, local_ready=False, excluded="git ignores this file"), "auto", "local", "git ignores"),
    ],
)
def test_other_tier_answers_where_local_cannot_and_the_policy_allows(
    facts: RequestFacts, escalation: str, tier: str, clause: str
) -> None:
    _, decision = decide(config(CLOUD, escalation=escalation), facts)
    assert decision.tier == tier
    assert decision.reason.startswith("explicit rule: local first")
    assert clause in decision.reason
    assert decision.offer_cloud == (escalation == "ask")


def test_own_server_comes_before_the_cloud_where_local_cannot_answer() -> None:
    _, decision = decide(config(CLOUD, EDGE, escalation="auto"), TOO_LONG)
    assert (decision.tier, decision.kind, decision.model) == ("rack", "edge", "coder-7b")


def test_ghost_text_never_offers_the_cloud() -> None:
    _, decision = decide(config(CLOUD, escalation="ask"), TOO_LONG, kind="complete")
    assert decision.tier == "local"
    assert not decision.offer_cloud


@pytest.mark.parametrize("facts", [SECRET, EXCLUDED])
@pytest.mark.parametrize("route", ["auto", "cloud"])
@pytest.mark.parametrize("tier", [EDGE, CLOUD])
def test_secret_or_excluded_file_forces_local_and_says_so(facts: RequestFacts, route: str, tier: TierConfig) -> None:
    tiers, decision = decide(config(tier, escalation="auto", cloud_ghost_text=True), facts, route=route)
    assert tiers.allowed == {"local"}
    assert tiers.askable == frozenset()
    assert tiers.secrets == facts.secrets
    assert decision.tier == "local"
    assert tiers.forced_reason is not None
    assert tiers.forced_reason in decision.reason
    assert ("AWS Access Key" in decision.reason) == (facts is SECRET)


def test_offline_mode_forces_local_for_every_tier() -> None:
    tiers, decision = decide(config(EDGE, CLOUD, escalation="auto", offline=True), READY, route="cloud")
    assert tiers.allowed == {"local"}
    assert "offline mode is on" in decision.reason


def test_without_a_network_the_edge_may_still_answer() -> None:
    tiers, _ = decide(config(EDGE, CLOUD, escalation="auto"), OFFLINE_NETWORK)
    assert tiers.allowed == {"local", "rack"}
    assert tiers.refused == {"big": "there is no network"}


@pytest.mark.parametrize(("facts", "clause"), [(NO_KEY, "halfwatt key set big"), (OFFLINE_NETWORK, "no network")])
def test_asked_for_cloud_without_key_or_network_is_answered_locally(facts: RequestFacts, clause: str) -> None:
    _, decision = decide(config(CLOUD, escalation="ask"), facts, route="cloud")
    assert decision.tier == "local"
    assert decision.reason.startswith("explicit rule: you asked for another tier")
    assert clause in decision.reason


@pytest.mark.parametrize("escalation", ["ask", "auto"])
@pytest.mark.parametrize("kind", ["generate", "complete", "chat"])
def test_asking_for_the_cloud_is_consent_for_that_request(escalation: str, kind: str) -> None:
    _, decision = decide(config(CLOUD, escalation=escalation), READY, route="cloud", kind=kind)
    assert (decision.tier, decision.kind, decision.model) == ("big", "cloud", "large")
    assert decision.reason == "explicit rule: you asked for the cloud tier “big”"


def test_asking_for_the_cloud_against_never_is_refused_with_what_to_do() -> None:
    with pytest.raises(PolicyError, match=r"halfwatt config set routing\.escalation ask"):
        decide(config(CLOUD, escalation="never"), READY, route="cloud")


@pytest.mark.parametrize("tier", [None, "gone"])
def test_asking_for_a_tier_that_does_not_exist_is_refused(tier: str | None) -> None:
    with pytest.raises(PolicyError, match="halfwatt config path"):
        decide(config(escalation="auto"), READY, tier=tier, route="cloud")


@pytest.mark.parametrize(
    "facts",
    [
        RequestFacts(KEYS, secrets=("JSON Web Token",), local_ready=False),
        RequestFacts(KEYS, excluded="git ignores this file", prompt_fits=False),
        RequestFacts(local_ready=False),
        RequestFacts(KEYS, online=False, prompt_fits=False),
    ],
)
def test_asked_for_cloud_is_refused_where_neither_it_nor_local_can_answer(facts: RequestFacts) -> None:
    with pytest.raises(PolicyError, match="Nothing was sent"):
        decide(config(CLOUD, escalation="auto"), facts, route="cloud")


def test_local_pin_allows_nothing_else_even_where_local_fails() -> None:
    tiers, decision = decide(config(EDGE, CLOUD, escalation="auto"), FAILED, route="local")
    assert tiers.allowed == {"local"}
    assert decision.tier == "local"
    assert decision.reason == "explicit rule: you asked for the local model"


def test_request_route_is_stronger_than_the_configured_one() -> None:
    settings = config(CLOUD, escalation="auto", route="cloud")
    assert decide(settings, READY)[1].tier == "big"
    assert decide(settings, READY, route="local")[1].tier == "local"


@pytest.mark.parametrize(
    ("tiers", "has_key", "answer"),
    [
        ((EDGE, SMALL, CLOUD), KEYS, "small"),  # the first cloud tier
        ((EDGE, SMALL, CLOUD), {"rack": True, "big": True}, "big"),  # the first with a key
        ((EDGE,), {}, "rack"),  # only edge tiers: the only way off this machine
    ],
)
def test_cloud_route_takes_the_first_usable_tier(
    tiers: tuple[TierConfig, ...], has_key: dict[str, bool], answer: str
) -> None:
    _, decision = decide(config(*tiers, escalation="ask"), RequestFacts(has_key=has_key), route="cloud")
    assert decision.tier == answer


def test_request_may_name_one_tier() -> None:
    settings = config(EDGE, SMALL, CLOUD, escalation="ask")
    assert decide(settings, READY, tier="big")[1].tier == "big"
    assert decide(settings, READY, tier="rack")[1].tier == "rack"
    assert decide(settings, READY, tier="local", route="cloud")[1].tier == "local"


def test_tier_that_needs_no_key_needs_none() -> None:
    keyless = msgspec.structs.replace(CLOUD, key="")
    _, decision = decide(config(keyless, escalation="ask"), RequestFacts(), route="cloud")
    assert decision.tier == "big"
