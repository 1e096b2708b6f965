"""The checks of `halfwatt doctor`. Each gives a sentence on what was found, and one on what to do.

A check starts no daemon, loads no model and changes nothing.
"""

from __future__ import annotations

import asyncio
import platform
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

from msgspec import Struct

from halfwatt.daemon.client import discovery
from halfwatt.daemon.energy import remote_estimates
from halfwatt.daemon.errors import HalfwattError, NoModelError
from halfwatt.daemon.ledger.ledger import Ledger
from halfwatt.daemon.meters.choose import choose_meter
from halfwatt.daemon.models import catalog, hardware, store
from halfwatt.daemon.paths import Paths
from halfwatt.daemon.settings import file as settings_file
from halfwatt.daemon.settings.schema import Config
from halfwatt.daemon.tiers import keys

CheckStatus = Literal["ok", "warn", "fail"]
LOW_DISK_BYTES = 2_000_000_000
OLDEST_PYTHON = (3, 11)
EDITORS = {"nvim": "Neovim", "code": "VS Code", "code-server": "code-server", "codium": "VSCodium", "emacs": "Emacs"}


class DoctorCheck(Struct, frozen=True):
    """One finding. `to_do` is empty where there is nothing to do."""

    name: str
    verdict: CheckStatus
    found: str
    to_do: str = ""


async def examine(paths: Paths, environ: Mapping[str, str]) -> list[DoctorCheck]:
    """All checks, in the order in which to read them. A check that raises an error becomes a finding."""
    config, config_check = _config(paths, environ)
    looks: list[tuple[str, Callable[[], DoctorCheck]]] = [
        ("python", check_python),
        ("model", lambda: check_model(paths, config)),
        ("tiers", lambda: check_tiers(paths, environ, config)),
        ("keyring", check_keyring),
        ("meter", lambda: check_meter(config)),
        ("estimates", lambda: check_estimates(config)),
        ("router", check_router),
        ("sandbox", lambda: check_sandbox(config)),
        ("ledger", lambda: check_ledger(paths)),
        ("disk", lambda: check_disk(paths)),
        ("editors", lambda: check_editors(environ)),
    ]
    found = [await asyncio.to_thread(_guarded, name, look) for name, look in looks]
    return [found[0], config_check, *found[1:], await check_daemon(paths)]


def check_python() -> DoctorCheck:
    version = platform.python_version()
    if sys.version_info[:2] < OLDEST_PYTHON:
        return DoctorCheck("python", "fail", f"Python {version}", "Install halfwatt with Python 3.11 or later.")
    return DoctorCheck("python", "ok", f"Python {version} at {sys.executable}; no compiler is needed to run")


def check_model(paths: Paths, config: Config) -> DoctorCheck:
    try:
        spec = store.resolve(config.local, store.ModelStore(paths.models), catalog.load())
    except NoModelError as error:
        return DoctorCheck("model", "fail", str(error), "Run `halfwatt models pull`.")
    except HalfwattError as error:
        return DoctorCheck("model", "fail", str(error), "Run `halfwatt models list` to see what is there.")
    if hardware.memory_bytes() < spec.min_memory_bytes:
        need = f"{spec.min_memory_bytes / 1e9:.1f} GB"
        found = f"{spec.id} wants {need} of memory, more than there is"
        return DoctorCheck("model", "warn", found, "Choose a smaller model.")
    return DoctorCheck("model", "ok", f"{spec.id}, verified")


def check_tiers(paths: Paths, environ: Mapping[str, str], config: Config) -> DoctorCheck:
    """Whether every configured tier has its key."""
    if not config.tiers:
        return DoctorCheck("tiers", "ok", "local only; no other tier is configured")
    missing = [tier for tier in config.tiers if tier.key and keys.find_key(tier.key, paths, environ) is None]
    if missing:
        names = ", ".join(tier.name for tier in missing)
        return DoctorCheck("tiers", "warn", f"no key for {names}", f"Run `halfwatt key set {missing[0].key}`.")
    names = ", ".join(f"{tier.name} ({tier.kind})" for tier in config.tiers)
    return DoctorCheck("tiers", "ok", f"{names}; escalation is {config.routing.escalation}")


def check_keyring() -> DoctorCheck:
    problem = keys.keyring_problem()
    if problem is None:
        return DoctorCheck("keyring", "ok", "the system's keyring can keep API keys")
    return DoctorCheck(
        "keyring", "warn", problem, "Only needed for a cloud tier; a key file or variable works as well."
    )


def check_meter(config: Config) -> DoctorCheck:
    chosen = choose_meter(config.energy)
    try:
        info = chosen.describe()
    finally:
        chosen.close()
    tried = f"Tried, from the top:\n{info.candidate_lines}"
    if info.method == "measured":
        return DoctorCheck("meter", "ok", f"{info.name}: {info.sentence}. {tried}")
    hint = "Set energy.watts_per_thread if you know this machine's figure."
    return DoctorCheck(
        "meter", "warn", f"energy is {info.method}: {info.sentence}. Tried, from the top:\n{info.candidate_lines}", hint
    )


def check_estimates(config: Config) -> DoctorCheck:
    """Whether the joules of every edge and cloud tier, and of the savings' reference, can be estimated."""
    reference, its_tier = remote_estimates.reference(config)
    asked = {tier.name: remote_estimates.estimate(tier.model, 100, 100, tier) for tier in config.tiers}
    if its_tier is None:
        asked[f"the reference {reference}"] = remote_estimates.estimate(reference, 100, 100)
    unknown = {name: reading.reason for name, reading in asked.items() if reading.j is None}
    if not unknown:
        found = f"savings are counted against {reference}; EcoLogits {remote_estimates.version()}"
        return DoctorCheck("estimates", "ok", found)
    found = "; ".join(f"no joules for {name}: {why}" for name, why in unknown.items())
    return DoctorCheck("estimates", "warn", found, "Until then its energy is shown as unknown.")


def check_sandbox(config: Config) -> DoctorCheck:
    if shutil.which("bwrap"):
        return DoctorCheck("sandbox", "ok", "bubblewrap is installed")
    wanted = config.routing.run_examples
    return DoctorCheck(
        "sandbox",
        "warn" if wanted else "ok",
        "bubblewrap is not installed, so docstring examples are never run",
        "Install bubblewrap." if wanted else "",
    )


def check_ledger(paths: Paths) -> DoctorCheck:
    if not paths.ledger_file.exists():
        return DoctorCheck("ledger", "ok", "empty: no request has been made yet")
    try:
        ledger = Ledger(paths.ledger_file)
        try:
            n_requests = ledger.summary(0.0).requests
        finally:
            ledger.close()
    except HalfwattError as error:
        return DoctorCheck("ledger", "fail", str(error))
    return DoctorCheck("ledger", "ok", f"{n_requests} requests in {paths.ledger_file}")


def check_disk(paths: Paths) -> DoctorCheck:
    """Free space where models go."""
    folder = next(parent for parent in [paths.models, *paths.models.parents] if parent.exists())
    free = shutil.disk_usage(folder).free
    found = f"{free / 1e9:.1f} GB free for models"
    if free < LOW_DISK_BYTES:
        return DoctorCheck("disk", "warn", found, "Free some space, or move HALFWATT_MODELS_DIR to a larger disk.")
    return DoctorCheck("disk", "ok", found)


def check_editors(environ: Mapping[str, str]) -> DoctorCheck:
    path = environ.get("PATH", "")
    found = [name for program, name in EDITORS.items() if shutil.which(program, path=path)]
    if not shutil.which("halfwatt", path=path):
        own = Path(sys.executable).parent
        hint = f"Editors start it: add {own} to PATH, or set its full path in the editor."
        return DoctorCheck("editors", "warn", "`halfwatt` is not on PATH", hint)
    return DoctorCheck("editors", "ok", f"found {', '.join(found)}" if found else "none found on PATH")


async def check_daemon(paths: Paths) -> DoctorCheck:
    try:
        found = await discovery.running(paths)
    except HalfwattError as error:
        return DoctorCheck("daemon", "fail", str(error), "Run `halfwatt daemon stop`.")
    if found is None:
        return DoctorCheck("daemon", "ok", "not running; it starts with the first request")
    address = found.address
    return DoctorCheck("daemon", "ok", f"version {address.version}, process {address.pid}, {address.url}")


def check_router() -> DoctorCheck:
    from halfwatt.daemon.routing.learned_router import load_router

    try:
        router = load_router().router
    except HalfwattError as error:
        return DoctorCheck(
            "router", "warn", str(error), "The explicit rule decides. Reinstall halfwatt to get the router."
        )
    facts = router.info()
    size_mb = facts["artifact_bytes"] / 1e6
    return DoctorCheck(
        "router", "ok", f"knows {len(facts['models'])} models; encoder {facts['encoder']}, {size_mb:.1f} MB"
    )


def _config(paths: Paths, environ: Mapping[str, str]) -> tuple[Config, DoctorCheck]:
    """The settings, or the defaults and what is wrong with the settings."""
    try:
        config = settings_file.load(paths, environ)
    except HalfwattError as error:
        return Config(), DoctorCheck("config", "fail", str(error), "The other checks use the defaults.")
    where = str(paths.config_file) if paths.config_file.exists() else "all defaults, no file"
    return config, DoctorCheck("config", "ok", where)


def _guarded(name: str, look: Callable[[], DoctorCheck]) -> DoctorCheck:
    try:
        return look()
    except HalfwattError as error:
        return DoctorCheck(name, "fail", str(error))
    except OSError as error:
        return DoctorCheck(name, "fail", f"The system refused a look: {error.strerror or error}.")
