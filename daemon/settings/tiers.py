"""Adding and removing edge and cloud tiers in the settings file.

Without a cloud tier nothing leaves the machine. With the first one consent becomes `ask`, unless the user has chosen
already. This module stores no API key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from halfwatt.daemon.errors import ConfigError
from halfwatt.daemon.paths import Paths

from . import file as settings_file
from . import values as settings_values
from .schema import Config, TierConfig

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

FIRST_CONSENT = "ask"
CONSENT = "routing.escalation"


@dataclass(frozen=True)
class AddedTier:
    """The settings with the new tier. `escalation` is the consent that was written with it, else None."""

    config: Config
    escalation: str | None


def add_tier(paths: Paths, environ: Mapping[str, str], tier: TierConfig, escalation: str | None = None) -> AddedTier:
    """Append the tier. Write `escalation` if given, or "ask" with the first cloud tier if the user has not chosen.

    ConfigError, and no change, where the name is taken or something is not allowed."""
    settings_values.check_tier(tier, "command line")
    if escalation is not None:
        hint = settings_values.type_of("routing", "escalation", "command line")
        settings_values.from_text(CONSENT, escalation, hint, "command line")
    before = settings_file.load_with_origins(paths, environ)
    if tier.name in [other.name for other in before.config.tiers]:
        raise ConfigError(
            f"There is a tier “{tier.name}” already. Take another name, or remove it first with "
            f"`halfwatt config remove-tier {tier.name}`."
        )
    first_cloud = tier.kind == "cloud" and all(other.kind != "cloud" for other in before.config.tiers)
    if escalation is None and first_cloud and CONSENT not in before.origins:
        escalation = FIRST_CONSENT
    return AddedTier(settings_file.edit(paths, lambda document: _append(document, tier, escalation)), escalation)


def remove_tier(paths: Paths, name: str) -> Config:
    """Remove the tier; ConfigError where none has this name."""

    def change(document: TOMLDocument) -> None:
        row = settings_file.tier_row(document, name)
        rows = document["tiers"]
        rows.remove(row)
        if not rows:
            del document["tiers"]

    return settings_file.edit(paths, change)


def _append(document: TOMLDocument, tier: TierConfig, escalation: str | None) -> None:
    import tomlkit
    from tomlkit.items import AoT

    if escalation is not None:
        if "routing" not in document:
            document["routing"] = tomlkit.table()
        document["routing"]["escalation"] = escalation
    if "tiers" not in document:
        document["tiers"] = tomlkit.aot()
    rows = document["tiers"]
    row = tomlkit.table() if isinstance(rows, AoT) else tomlkit.inline_table()
    for field in msgspec.structs.fields(TierConfig):
        value = getattr(tier, field.name)
        if field.required or value != field.default:
            row[field.name] = value
    rows.append(row)
