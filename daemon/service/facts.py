"""What the policy needs to know of a request before it decides: its route or tier, and the facts about this machine.

It looks at keys, the network, files and the text. It decides nothing; routing/policy.py does.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

import msgspec

from halfwatt.daemon.errors import UsageError
from halfwatt.daemon.inference.outgoing import outgoing
from halfwatt.daemon.inference.request import GenerationRequest
from halfwatt.daemon.privacy import excluded, secrets
from halfwatt.daemon.routing.policy import LOCAL, RequestFacts
from halfwatt.daemon.settings.schema import Config, TierConfig
from halfwatt.daemon.tiers import remote
from halfwatt.daemon.tiers.local import LocalTier
from halfwatt.daemon.tiers.remote import RemoteTiers

ROUTES = ("auto", "local", "cloud")


def model_names(config: Config, local_model: str) -> list[str]:
    """Names that a request may ask for."""
    own = [local_model] if local_model else []
    tiers = config.tiers
    return list(dict.fromkeys([*ROUTES, *own, *(tier.name for tier in tiers), *(tier.model for tier in tiers)]))


def resolve_name(request: GenerationRequest, config: Config, local_model: str) -> tuple[GenerationRequest, str | None]:
    """The request with the route that its model name means, and the tier where the name means one.

    UsageError lists the known names.
    """
    name = request.model
    if name in ROUTES:
        if name != "auto" and request.options.route is None:
            request = replace(request, options=msgspec.structs.replace(request.options, route=name))
        return request, None
    if name in (LOCAL, local_model):
        return request, LOCAL
    tier = tier_named(config, name) or next((each for each in config.tiers if each.model == name), None)
    if tier is None:
        known = ", ".join(model_names(config, local_model))
        raise UsageError(f"There is no model “{name}” here. Ask for one of: {known}.")
    return request, tier.name


def tier_named(config: Config, name: str) -> TierConfig | None:
    return next((tier for tier in config.tiers if tier.name == name), None)


async def find_facts(
    request: GenerationRequest, config: Config, local: LocalTier, remote_tiers: RemoteTiers
) -> RequestFacts:
    """What the policy needs to know. Costly looks are taken only where something could leave this machine."""
    fits = await local.fits(request, config)
    if not config.tiers or request.options.route == "local":
        return RequestFacts(local_ready=local.can_be_asked, prompt_fits=fits, local_model=local.model_id)
    return RequestFacts(
        has_key=await remote_tiers.has_key(config),
        online=remote.is_online(),
        excluded=await asyncio.to_thread(excluded.exclusion_reason, request.options.path, config.privacy),
        secrets=await _secrets(request) if config.privacy.detect_secrets else (),
        local_ready=local.can_be_asked,
        prompt_fits=fits,
        local_model=local.model_id,
    )


async def _secrets(request: GenerationRequest) -> tuple[str, ...]:
    """What the client found in the document, by kind and line, and what else is in the text that would be sent."""
    told = request.options.document_secrets
    found = await asyncio.to_thread(secrets.find, outgoing(request).texts())
    known = {each.kind for each in told}
    return (*(f"{each.kind} in line {each.line}" for each in told), *(kind for kind in found if kind not in known))
