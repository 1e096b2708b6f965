"""A service between scripted tiers and a router that says what a test wants; all the rest is real."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from halfwatt.daemon.energy.readings import Reading
from halfwatt.daemon.inference.answer import Cancellation, Chunk, Ended
from halfwatt.daemon.inference.request import GenerationRequest
from halfwatt.daemon.ledger.ledger import Ledger
from halfwatt.daemon.ledger.rows import LedgerRow
from halfwatt.daemon.meters.choose import choose_meter
from halfwatt.daemon.models.form import ModelForm
from halfwatt.daemon.paths import Paths
from halfwatt.daemon.routing.learned_router import LearnedRouter, load_router
from halfwatt.daemon.routing.memory import RouterMemory
from halfwatt.daemon.routing.request_router import RequestRouter
from halfwatt.daemon.service.pause import Pause
from halfwatt.daemon.service.service import Service, ServiceParts
from halfwatt.daemon.settings.live import Settings
from halfwatt.daemon.settings.schema import Config, TierConfig
from halfwatt.daemon.wire import AnswerItem, RequestOptions, Result
from halfwatt.router_model.serving.draft_facts import DraftFacts
from halfwatt.router_model.serving.draft_stats import DraftStats
from halfwatt.router_model.serving.estimates import Estimates, ModelEstimate

CLOUD = """
[routing]
escalation = "auto"
[[tiers]]
name = "big"
kind = "cloud"
base_url = "https://cloud.example/v1"
model = "gpt-4o"
"""
ASK = CLOUD.replace('"auto"', '"ask"')
LEAVING_FOR_QUALITY = CLOUD.replace("[routing]", '[routing]\ndial = "quality"\nleaving_price = 0.3')
JOULES = Reading(10.0, 5.0, 20.0, "modelled", "test meter")
CLOUD_JOULES = Reading(30.0, 10.0, 60.0, "estimated", "test cloud")
Script = list[Chunk | Ended | Exception]
ANSWER: Script = [Chunk("a"), Chunk("b"), Ended("stop", 7, 2)]
_NUMBERS = count()
Check = Callable[[str, ModelForm, DraftStats, float, DraftFacts | None], float]


@dataclass
class ScriptedTier:
    """Says what it is told to; waits for a cancel where the script ends without an end. Each call costs `joules`."""

    script: Script = field(default_factory=lambda: list(ANSWER))
    joules: Reading = JOULES
    can_be_asked: bool = True
    does_fit: bool = True
    model_id: str = "small"
    n_calls: int = 0
    calls: asyncio.Queue[None] = field(default_factory=asyncio.Queue)

    async def answer(
        self,
        request: GenerationRequest,
        _: Config | TierConfig,
        cancellation: Cancellation,
        used: Callable[[Reading], None],
    ) -> AsyncGenerator[Chunk | Ended, None]:
        self.n_calls += 1
        self.calls.put_nowait(None)
        try:
            for item in self.script:
                if isinstance(item, Exception):
                    raise item
                yield item
            if not isinstance(self.script[-1], Ended):
                await cancellation.wait()
                yield Ended("cancelled", 7, len(self.script))
        finally:
            used(self.joules)

    async def fits(self, request: GenerationRequest, config: Config) -> bool:
        return self.does_fit

    async def has_key(self, config: Config) -> dict[str, bool]:
        return {tier.name: True for tier in config.tiers}


class FixedRouter:
    """Says of every text that the small model passes with 60 %, the large one with 80 %."""

    def estimate(self, text: str) -> Estimates:
        small = ModelEstimate(0.6, 0.5, 0.7, 50, 40, 60)
        return Estimates({"small": small, "gpt-4o": replace(small, p_pass=0.8)}, len(text), over_window=False)


class BrokenRouter:
    """Fails as native libraries do: with an exception of any kind."""

    def estimate(self, text: str) -> Estimates:
        raise ZeroDivisionError(len(text))


def fixed_router(check: Check, router: object = None) -> LearnedRouter:
    """A router whose second stage is `check`."""
    return LearnedRouter(router or FixedRouter(), check)  # type: ignore[arg-type]  # stands in for a Router


@dataclass
class Stage:
    """A service between scripted tiers. `learned` is what its router loads, `memory` what that remembers."""

    service: Service
    local: ScriptedTier
    cloud: ScriptedTier
    ledger: Ledger
    pause: Pause
    router: RequestRouter
    learned: LearnedRouter | None = None
    memory: RouterMemory = field(default_factory=RouterMemory)

    def rows(self) -> list[LedgerRow]:
        return self.ledger.recent(100)

    async def ask(self, **fields: Any) -> list[AnswerItem]:
        return [item async for item in self.service.answer(request(**fields))]

    async def result(self, **fields: Any) -> Result:
        last = (await self.ask(**fields))[-1]
        assert isinstance(last, Result)
        return last

    async def learn(self, check: Check, router: object = None) -> None:
        """Give the stage a router with this second stage."""
        self.learned = fixed_router(check, router)
        await self.router.load()


def request(text: str = "write add", model: str = "auto", **options: Any) -> GenerationRequest:
    messages = ({"role": "user", "content": text},)
    return GenerationRequest(f"r{next(_NUMBERS)}", "chat", model, RequestOptions(**options), messages)


def stage_of(settings: str, paths: Paths, environ: Mapping[str, str]) -> Stage:
    """A stage with these settings. Without `learn` its router is the shipped one, and not loaded."""
    paths.config.mkdir(parents=True, exist_ok=True)
    paths.config_file.write_text(settings)
    local, cloud = ScriptedTier(), ScriptedTier(joules=CLOUD_JOULES)
    ledger, pause = Ledger(paths.ledger_file), Pause()
    router = RequestRouter(
        ledger,
        choose_meter(Config().energy),
        load=lambda: stage.learned or load_router(),
        memory=lambda: stage.memory,
    )
    parts = ServiceParts(
        Settings(paths, environ),
        local,  # type: ignore[arg-type]  # scripted
        cloud,  # type: ignore[arg-type]  # scripted
        router,
        ledger,
        pause,
    )
    stage = Stage(Service(parts, lambda: None, lambda _: None), local, cloud, ledger, pause, router)
    return stage
