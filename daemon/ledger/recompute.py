"""Cloud and reference estimates made again from the ledger's tokens, with today's estimator and settings.

It does not change what was measured or modelled on this machine, nor what a provider reported.
"""

from __future__ import annotations

import msgspec

from halfwatt.daemon.energy import remote_estimates
from halfwatt.daemon.energy.readings import Reading, book, saved
from halfwatt.daemon.settings.schema import Config, TierConfig
from halfwatt.daemon.wire import Method

from .rows import LedgerRow, wasted_after

ESTIMATED_BY = ("", remote_estimates.NAME, "user")


def recomputed(row: LedgerRow, config: Config) -> LedgerRow:
    """The row with its estimates made again; an equal row where nothing changes."""
    cloud = _cloud(row, config)
    booked = book(local=_device(row), cloud=cloud)
    energy = booked.energy
    reference = _reading(row.reference, row, _tier(config, row.reference)) if row.reference else None
    saving = saved(booked, reference, row.reference)
    all_wasted = row.draft_wasted_j is not None and row.draft_wasted_j == row.total_j
    draft_j = energy.total_j if all_wasted else row.draft_wasted_j
    shift = None if energy.total_j is None or row.total_j is None else row.total_j - energy.total_j
    return msgspec.structs.replace(
        row,
        total_j=energy.total_j,
        low_j=energy.low_j,
        high_j=energy.high_j,
        method=None if energy.total_j is None else _method(row, cloud),
        cloud_j=energy.cloud_j,
        cloud_low_j=0.0 if cloud is None else cloud.low_j,
        cloud_high_j=0.0 if cloud is None else cloud.high_j,
        cloud_meter="" if cloud is None else cloud.meter,
        cloud_meter_version="" if cloud is None else cloud.meter_version,
        draft_wasted_j=draft_j,
        wasted_j=wasted_after(row.outcome, energy.total_j, draft_j),
        saved_j=saving.j,
        saved_low_j=saving.low_j,
        saved_high_j=saving.high_j,
        saved_local_j=_moved(row.saved_local_j, shift),
        saved_local_low_j=_moved(row.saved_local_low_j, shift),
        saved_local_high_j=_moved(row.saved_local_high_j, shift),
    )


def _cloud(row: LedgerRow, config: Config) -> Reading | None:
    if row.tier_kind not in ("cloud", "edge"):
        return None
    if row.cloud_meter not in ESTIMATED_BY:
        return Reading(
            row.cloud_j, row.cloud_low_j, row.cloud_high_j, "measured", row.cloud_meter, row.cloud_meter_version
        )
    return _reading(row.model, row, _tier(config, row.tier))


def _reading(model: str, row: LedgerRow, tier: TierConfig | None) -> Reading:
    return remote_estimates.estimate(model, row.prompt_tokens, row.completion_tokens, tier)


def _device(row: LedgerRow) -> Reading:
    return Reading(row.device_j, row.device_low_j, row.device_high_j, _device_method(row), row.meter, row.meter_version)


def _device_method(row: LedgerRow) -> Method | None:
    if not row.meter:
        return None
    return "modelled" if "model" in row.meter else "measured"


def _method(row: LedgerRow, cloud: Reading | None) -> str | None:
    """The weaker method of this machine's part and the cloud's. Without a cloud part the method stays."""
    if cloud is None:
        return row.method
    return cloud.method if cloud.method == "estimated" else (_device_method(row) or cloud.method)


def _tier(config: Config, name: str) -> TierConfig | None:
    return next((tier for tier in config.tiers if name in (tier.name, tier.model)), None)


def _moved(value: float | None, shift: float | None) -> float | None:
    return None if value is None or shift is None else value + shift
