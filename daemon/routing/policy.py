"""Which tiers may answer a request, and the explicit rule that picks one of them when no router decides.

Pure: it reads no file, key, clock or network; `RequestFacts` carries what the service found out. It does not judge
quality or joules: among the tiers allowed here, that is the router's part.

The rules, in order of strength:
1. Privacy (a secret, an excluded file, offline mode) forces the local tier and forbids every other one, edge included.
   An edge server is another machine, and a loopback address may be the near end of a tunnel.
2. A tier without its key, or a cloud tier without a network, cannot answer.
3. Consent. An edge tier has it by being configured: it is the user's own server. A cloud tier needs
   `escalation = "auto"` to be chosen for the user, and `cloud_ghost_text` as well for ghost text, which never asks.
   With "ask" the user may choose it for one request; with "never" that choice is refused until the setting changes.

A cloud that was asked for and is forbidden by 1 or 2 becomes a local answer with the reason shown, so that nobody
waits for nothing. The request fails with a `PolicyError` where local cannot answer either, where consent is "never",
and where no tier beside local exists.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from halfwatt.daemon.errors import PolicyError
from halfwatt.daemon.settings.schema import Config, TierConfig
from halfwatt.daemon.wire import RequestOptions, Route, RouteDecision

LOCAL = "local"
RULE = "explicit rule"


@dataclass(frozen=True)
class RequestFacts:
    """What is known of this request and machine.

    `has_key`: tier name → a key is there or none is needed; a tier that is missing here has none. `online`: this
    machine has a network. `excluded`: why the document must not leave it. `secrets`: kinds found in the document, with
    their lines, or in what would be sent. `local_ready`: the local model is there and has not just failed.
    `prompt_fits`: the prompt fits the local context. `local_model`: the id of the local model.
    """

    has_key: Mapping[str, bool] = field(default_factory=dict)
    online: bool = True
    excluded: str | None = None
    secrets: tuple[str, ...] = ()
    local_ready: bool = True
    prompt_fits: bool = True
    local_model: str = LOCAL

    @property
    def local_can_answer(self) -> bool:
        return self.local_ready and self.prompt_fits


@dataclass(frozen=True)
class AllowedTiers:
    """Which tiers may answer one request.

    `route`: the route that counts for this request. `allowed`: tiers that the router may choose from; "local" is
    always one. `askable`: tiers that need only the user's yes. `refused`: every other tier → why. `forced_reason`: why
    nothing may leave this machine, if so. `secrets`: kinds found. `named_tier`: the one tier that the request names,
    if it names one.
    """

    route: Route
    allowed: frozenset[str]
    askable: frozenset[str]
    refused: Mapping[str, str]
    forced_reason: str | None
    secrets: tuple[str, ...]
    named_tier: str | None


def allowed_tiers(
    options: RequestOptions, config: Config, facts: RequestFacts, tier: str | None = None
) -> AllowedTiers:
    """What may answer. `tier` names one tier where the request does (a model id instead of auto|local|cloud).

    Raises PolicyError where the route asked for is impossible and local must not stand in (see the module's text).
    """
    route = _route(options, config, tier)
    forced = forced_reason(config, facts)
    refused = {t.name: reason for t in config.tiers if (reason := forced or _unable(t, facts))}
    able = [t for t in config.tiers if t.name not in refused]
    pinned = _pinned(route, config, tier)
    allowed: list[TierConfig] = []
    askable: list[TierConfig] = []
    if route == "cloud":
        _require_possible(pinned, config, facts, refused, tier)
        allowed = [t for t in able if t in pinned]
    elif route == "auto":
        allowed = [t for t in able if _consented(t, options, config)]
        askable = [t for t in able if t not in allowed and _may_ask(options, config)]
    return AllowedTiers(
        route=route,
        allowed=frozenset({LOCAL, *(t.name for t in allowed)}),
        askable=frozenset(t.name for t in askable),
        refused=refused,
        forced_reason=forced,
        secrets=facts.secrets,
        named_tier=tier,
    )


def explicit_rule(tiers: AllowedTiers, config: Config, facts: RequestFacts) -> RouteDecision:
    """The rule without a learned router: local first; another tier when the request asks for it, or when local cannot
    answer and consent is given. Where no tier can, the decision is local, whose own error names the cause."""
    remote = next((t for t in _by_preference(config, tiers.route) if t.name in tiers.allowed), None)
    if tiers.route == "cloud" and remote is not None:
        return _to_tier(remote, f"{RULE}: you asked for {_shown(remote)}")
    if tiers.route == "cloud":
        reason = f"{RULE}: you asked for another tier, but {_first_refusal(tiers)}, so the local model answers"
    elif tiers.route == "local":
        reason = f"{RULE}: you asked for the local model"
    elif facts.local_can_answer:
        forced = f", and nothing else is allowed: {tiers.forced_reason}" if tiers.forced_reason else ""
        reason = f"{RULE}: local first{forced}"
    elif remote is not None:
        return _to_tier(remote, f"{RULE}: local first, but {_local_problem(facts)}, so {_shown(remote)} answers")
    else:
        reason = f"{RULE}: local first; {_local_problem(facts)}, and {_no_other(tiers)}"
    offer = bool(tiers.askable) and not facts.local_can_answer
    return RouteDecision(tier=LOCAL, kind="local", model=facts.local_model, reason=reason, offer_cloud=offer)


def forced_reason(config: Config, facts: RequestFacts) -> str | None:
    """Why nothing may leave this machine, as a clause, or None."""
    if facts.secrets:
        return f"a possible secret was found ({', '.join(facts.secrets)}), so nothing leaves this machine"
    if facts.excluded:
        return f"{facts.excluded}, so nothing leaves this machine"
    if config.routing.offline:
        return "offline mode is on"
    return None


def _route(options: RequestOptions, config: Config, tier: str | None) -> Route:
    if tier is not None:
        return "local" if tier == LOCAL else "cloud"
    return options.route or config.routing.route


def _pinned(route: Route, config: Config, tier: str | None) -> list[TierConfig]:
    if route != "cloud":
        return []
    if tier is not None:
        return [t for t in config.tiers if t.name == tier]
    return [t for t in config.tiers if t.kind == "cloud"] or list(config.tiers)


def _unable(tier: TierConfig, facts: RequestFacts) -> str | None:
    """Why this tier could not answer even with consent; an edge tier may be reachable without the internet."""
    if tier.key and not facts.has_key.get(tier.name, False):
        return f"the tier “{tier.name}” has no key (run `halfwatt key set {tier.key}`)"
    if tier.kind == "cloud" and not facts.online:
        return "there is no network"
    return None


def _consented(tier: TierConfig, options: RequestOptions, config: Config) -> bool:
    if tier.kind == "edge":
        return True
    if config.routing.escalation != "auto":
        return False
    return options.kind != "complete" or config.routing.cloud_ghost_text


def _may_ask(options: RequestOptions, config: Config) -> bool:
    return config.routing.escalation == "ask" and options.kind != "complete"


def _require_possible(
    pinned: list[TierConfig], config: Config, facts: RequestFacts, refused: Mapping[str, str], tier: str | None
) -> None:
    """Raise PolicyError where a cloud that was asked for must not become a local answer."""
    if not pinned:
        what = f"the tier “{tier}” is not configured" if tier else "no tier beside the local one is configured"
        raise PolicyError(
            f"The request asks for another tier than local, but {what}. Nothing was sent. "
            "Add one under [[tiers]] in the file that `halfwatt config path` names, or use the route local or auto."
        )
    if config.routing.escalation == "never" and all(t.kind == "cloud" for t in pinned):
        raise PolicyError(
            'The request asks for the cloud, but routing.escalation is "never". Nothing was sent. '
            "Run `halfwatt config set routing.escalation ask` to allow it when you ask, or use the route local."
        )
    if not facts.local_can_answer and all(t.name in refused for t in pinned):
        raise PolicyError(
            f"The request asks for another tier, but {refused[pinned[0].name]}; and {_local_problem(facts)}. "
            "Nothing was sent. Remove the one cause or the other and ask again; `halfwatt doctor` shows both."
        )


def _by_preference(config: Config, route: Route) -> list[TierConfig]:
    """In the order of the configuration; without the user's word the own server (edge) comes before the cloud."""
    return list(config.tiers) if route == "cloud" else sorted(config.tiers, key=lambda t: t.kind == "cloud")


def _to_tier(tier: TierConfig, reason: str) -> RouteDecision:
    return RouteDecision(tier=tier.name, kind=tier.kind, model=tier.model, reason=reason)


def _shown(tier: TierConfig) -> str:
    return f"the {tier.kind} tier “{tier.name}”"


def _first_refusal(tiers: AllowedTiers) -> str:
    return tiers.forced_reason or next(iter(tiers.refused.values()))


def _local_problem(facts: RequestFacts) -> str:
    return "the local model is not ready" if not facts.local_ready else "the prompt does not fit the local model"


def _no_other(tiers: AllowedTiers) -> str:
    if tiers.askable:
        return "your consent is needed for the cloud: ask for it with the route cloud"
    if tiers.forced_reason or tiers.refused:
        return f"no other tier may answer: {_first_refusal(tiers)}"
    return "no other tier is allowed to answer"
