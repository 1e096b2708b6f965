"""The flow of a request, with scripted tiers for the faults: one row each, joules kept, the right tier takes over.

Everything but the two tiers is real: policy, secrets, ledger, settings, energy. The real model is in
e2e/test_client.py.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from halfwatt.daemon.energy.readings import Reading
from halfwatt.daemon.errors import (
    HalfwattError,
    PolicyError,
    PromptTooLongError,
    TierError,
    UsageError,
    WorkerBusyError,
    WorkerError,
)
from halfwatt.daemon.inference.answer import Cancellation, Chunk, Ended
from halfwatt.daemon.inference.request import GenerationRequest
from halfwatt.daemon.ledger.ledger import Ledger
from halfwatt.daemon.ledger.rows import LedgerRow
from halfwatt.daemon.meters.choose import choose_meter as choose_meter
from halfwatt.daemon.models import catalog
from halfwatt.daemon.models.form import ModelForm, form_of
from halfwatt.daemon.paths import Paths
from halfwatt.daemon.routing import memory as router_memory
from halfwatt.daemon.routing.feedback_bias import FeedbackBias
from halfwatt.daemon.routing.memory import ModelMeasurement, RouterMemory
from halfwatt.daemon.routing.request_router import LearnedRouter, RequestRouter
from halfwatt.daemon.service.pause import Pause
from halfwatt.daemon.service.service import Parts, Service
from halfwatt.daemon.settings.live import Settings
from halfwatt.daemon.settings.schema import Config, TierConfig
from halfwatt.daemon.wire import Feedback, RequestOptions, Result, RouteDecision
from halfwatt.router_model.serving import draft_facts
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
JOULES = Reading(10.0, 5.0, 20.0, "modelled", "test meter")
CLOUD_JOULES = Reading(30.0, 10.0, 60.0, "estimated", "test cloud")
Script = list[Chunk | Ended | Exception]
ANSWER: Script = [Chunk("a"), Chunk("b"), Ended("stop", 7, 2)]


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


@dataclass
class Stage:
    """A service between scripted tiers."""

    service: Service
    local: ScriptedTier
    cloud: ScriptedTier
    ledger: Ledger
    pause: Pause

    def rows(self) -> list[LedgerRow]:
        return self.ledger.recent(100)

    async def ask(self, **fields: Any) -> list[RouteDecision | str | Result]:
        return [item async for item in self.service.answer(request(**fields))]

    async def result(self, **fields: Any) -> Result:
        last = (await self.ask(**fields))[-1]
        assert isinstance(last, Result)
        return last


NUMBERS = iter(range(10**6))


def request(text: str = "write add", model: str = "auto", **options: Any) -> GenerationRequest:
    messages = ({"role": "user", "content": text},)
    return GenerationRequest(f"r{next(NUMBERS)}", "chat", model, RequestOptions(**options), messages)


@pytest.fixture
def build(paths: Paths, clean_environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Stage]:
    """Makes a stage with these settings. A network is said to be there, so that nothing depends on this machine's."""
    monkeypatch.setattr("halfwatt.daemon.tiers.remote.is_online", lambda: True)

    def make(settings: str = "") -> Stage:
        paths.config.mkdir(parents=True, exist_ok=True)
        paths.config_file.write_text(settings)
        local, cloud = ScriptedTier(), ScriptedTier(joules=CLOUD_JOULES)
        ledger = Ledger(paths.ledger_file)
        pause = Pause()
        meter = choose_meter(Config().energy)
        parts = Parts(
            Settings(paths, clean_environ),
            local,  # type: ignore[arg-type]  # scripted
            cloud,  # type: ignore[arg-type]  # scripted
            RequestRouter(ledger, meter),
            ledger,
            pause,
        )
        return Stage(Service(parts, lambda: None, lambda _: None), local, cloud, ledger, pause)

    return make


async def test_answer_comes_while_another_process_holds_the_ledger_and_is_stored_afterwards(
    build: Callable[..., Stage], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("halfwatt.daemon.service.service.STORE_LIMIT_S", 0.01)
    stage = build()
    other = sqlite3.connect(stage.ledger.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    result = await stage.result()
    assert stage.rows() == []
    other.execute("ROLLBACK")
    other.close()
    await stage.service.close()
    assert [row.request_id for row in stage.rows()] == [result.request_id]


async def test_answer_is_decision_pieces_result_and_one_row(build: Callable[..., Stage]) -> None:
    stage = build()
    decision, *pieces, result = await stage.ask(editor="nvim", language="python", kind="generate")
    assert isinstance(decision, RouteDecision)
    assert isinstance(result, Result)
    assert pieces == ["a", "b"]
    assert (result.code, result.stop, result.tokens.completion) == ("ab", "stop", 2)
    assert (result.energy.total_j, result.energy.wasted_j, result.saved.reference) == (10, 0, "gpt-4o-mini")
    (row,) = stage.rows()
    assert (row.request_id, row.editor, row.language, row.kind) == (result.request_id, "nvim", "python", "generate")


@pytest.mark.parametrize("error", [WorkerBusyError("busy."), WorkerError("died."), PromptTooLongError("too long.")])
async def test_failure_without_another_tier_is_raised_and_one_row(
    build: Callable[..., Stage], error: HalfwattError
) -> None:
    stage = build()
    stage.local.script = [error]
    with pytest.raises(type(error), match=str(error)):
        await stage.ask()
    (row,) = stage.rows()
    assert (row.outcome, row.stop, row.wasted_j, row.total_j) == ("failed", "failed", 10, 10)


@pytest.mark.parametrize("error", [WorkerError("died."), PromptTooLongError("too long.")])
async def test_with_consent_the_cloud_answers_where_local_fails(
    build: Callable[..., Stage], error: HalfwattError
) -> None:
    stage = build(CLOUD)
    stage.local.script = [error]
    decision, *_, result = await stage.ask()
    assert isinstance(decision, RouteDecision)
    assert isinstance(result, Result)
    assert decision.tier == result.tier == "big"
    assert "local first, but the" in decision.reason
    assert (result.energy.wasted_j, result.energy.total_j) == (10, 40)
    assert len(stage.rows()) == 1


@pytest.mark.parametrize("settings", [ASK, ASK.replace("ask", "never")])
async def test_without_consent_the_cloud_is_not_asked_where_local_fails(
    build: Callable[..., Stage], settings: str
) -> None:
    stage = build(settings)
    stage.local.script = [WorkerError("died.")]
    with pytest.raises(WorkerError):
        await stage.ask()
    assert stage.cloud.n_calls == 0


async def test_shown_text_is_never_retracted(build: Callable[..., Stage]) -> None:
    stage = build(CLOUD)
    stage.local.script = [Chunk("half an ans"), WorkerError("died.")]
    with pytest.raises(WorkerError):
        await stage.ask()
    assert stage.cloud.n_calls == 0
    assert stage.rows()[0].wasted_j == 10


async def test_local_answers_where_the_cloud_that_was_asked_for_does_not(build: Callable[..., Stage]) -> None:
    stage = build(ASK)
    stage.cloud.script = [TierError("no answer.")]
    result = await stage.result(model="cloud")
    assert (result.tier, result.code) == ("local", "ab")
    assert "“big” did not answer" in result.reason


async def test_tier_asked_for_by_name_has_no_stand_in(build: Callable[..., Stage]) -> None:
    stage = build(ASK)
    stage.cloud.script = [TierError("no answer.")]
    with pytest.raises(TierError):
        await stage.ask(model="gpt-4o")
    assert stage.local.n_calls == 0


async def test_secret_keeps_the_request_here_and_says_so(build: Callable[..., Stage]) -> None:
    stage = build(CLOUD)
    result = await stage.result(model="cloud", text='key = "AKIAIOSFODNN7EXAMPLQ"\n# upload the file')
    assert result.tier == "local"
    assert "secret" in result.reason
    assert "AKIA" not in result.reason
    assert stage.cloud.n_calls == 0


async def test_excluded_file_keeps_the_request_here(build: Callable[..., Stage], tmp_path: Path) -> None:
    stage = build(CLOUD)
    result = await stage.result(model="cloud", path=str(tmp_path / ".env"))
    assert result.tier == "local"
    assert str(tmp_path) not in result.reason


async def test_secret_does_not_go_to_the_cloud_when_local_fails(build: Callable[..., Stage]) -> None:
    stage = build(CLOUD)
    stage.local.script = [WorkerError("died.")]
    with pytest.raises(WorkerError):
        await stage.ask(text='key = "AKIAIOSFODNN7EXAMPLQ"')
    assert stage.cloud.n_calls == 0


async def test_cancelled_request_books_joules_spent(build: Callable[..., Stage]) -> None:
    stage = build()
    stage.local.script = [Chunk("a"), Chunk("b")]
    items = stage.service.answer(request())
    assert [await anext(items) for _ in range(3)][1:] == ["a", "b"]
    await items.aclose()
    await stage.service.close()
    (row,) = stage.rows()
    assert (row.outcome, row.stop, row.wasted_j, row.completion_tokens) == ("cancelled", "cancelled", 10, 2)
    assert stage.service.n_running == 0


async def test_newer_ghost_text_request_of_a_document_ends_the_older(build: Callable[..., Stage]) -> None:
    stage = build()
    stage.local.script = [Chunk("a")]
    older = asyncio.create_task(stage.result(kind="complete", document="d1"))
    other = asyncio.create_task(stage.result(kind="complete", document="d2"))
    for _ in range(2):
        await stage.local.calls.get()
    stage.local.script = list(ANSWER)
    newer = await stage.result(kind="complete", document="d1")
    assert (newer.stop, (await older).stop, other.done()) == ("stop", "cancelled", False)
    await stage.service.close()
    assert (await other).stop == "cancelled"
    assert len(stage.rows()) == 3


async def test_explicit_request_does_not_end_another_of_its_document(build: Callable[..., Stage]) -> None:
    stage = build()
    stage.local.script = [Chunk("a")]
    running = asyncio.create_task(stage.result(kind="generate", document="d1"))
    await stage.local.calls.get()
    stage.local.script = list(ANSWER)
    await stage.result(kind="generate", document="d1")
    assert not running.done()
    await stage.service.close()
    await running


async def test_pause_declines_ghost_text_only(build: Callable[..., Stage]) -> None:
    stage = build()
    stage.pause.start(None)
    declined = await stage.result(kind="complete")
    assert (declined.kind, declined.code, declined.energy.total_j) == ("none", "", 0)
    assert (await stage.result(kind="generate")).code == "ab"
    stage.pause.stop()
    assert (await stage.result(kind="complete")).code == "ab"


async def test_dry_run_decides_and_calls_nobody(build: Callable[..., Stage]) -> None:
    stage = build()
    result = await stage.result(dry_run=True)
    assert (result.tier, result.stop, stage.local.n_calls, stage.rows()) == ("local", "dry_run", 0, [])


async def test_unknown_model_and_impossible_route_are_one_row_each(build: Callable[..., Stage]) -> None:
    stage = build()
    with pytest.raises(UsageError, match="Ask for one of: auto, local, cloud, small"):
        await stage.ask(model="gpt-9")
    with pytest.raises(PolicyError):
        await stage.ask(model="cloud")
    assert [row.outcome for row in stage.rows()] == ["failed", "failed"]
    assert stage.local.n_calls == 0


async def test_ledger_that_fails_costs_the_row_not_the_answer(build: Callable[..., Stage]) -> None:
    stage = build()
    await stage.result()
    assert stage.service.problem is None
    stage.ledger.close()
    assert (await stage.result()).code == "ab"
    assert "not in the ledger" in (stage.service.problem or "")


async def test_unforeseen_fault_is_a_sentence_and_one_row(build: Callable[..., Stage]) -> None:
    stage = build()
    stage.local.script = [ZeroDivisionError("the prompt: write add")]
    with pytest.raises(HalfwattError, match="unexpected") as raised:
        await stage.ask()
    assert "write add" not in str(raised.value)
    assert len(stage.rows()) == 1


async def test_decision_waits_for_the_first_piece_so_that_it_is_true(build: Callable[..., Stage]) -> None:
    stage = build(CLOUD)
    stage.local.script = [WorkerError("died.")]
    decisions = [item for item in await stage.ask() if isinstance(item, RouteDecision)]
    assert [decision.tier for decision in decisions] == ["big"]


DRAFT: Script = [*(Chunk(f"t{i} ", 1, -2.0) for i in range(20)), Ended("stop", 7, 20)]


class FixedRouter:
    """Says of every text that the small model passes with 60 %, the large one with 80 %."""

    def estimate(self, text: str) -> Estimates:
        small = ModelEstimate(0.6, 0.5, 0.7, 50, 40, 60)
        return Estimates({"small": small, "gpt-4o": replace(small, p_pass=0.8)}, len(text), over_window=False)


async def learned(stage: Stage, draft_passes: float) -> None:
    """Give the stage a router, and a second stage with this verdict."""
    router = stage.service._parts.router
    router._load = lambda: LearnedRouter(FixedRouter(), lambda *_: draft_passes)  # type: ignore[arg-type]
    await router.load()


async def test_first_request_waits_for_the_router_that_is_loading(build: Callable[..., Stage]) -> None:
    stage = build(CLOUD.replace("[routing]", '[routing]\ndial = "quality"'))
    router = stage.service._parts.router
    go_on = threading.Event()

    def load() -> LearnedRouter:
        go_on.wait(60)
        return LearnedRouter(FixedRouter(), lambda *_: 0.6)  # type: ignore[arg-type]

    async def waiting(wait: Callable[[], Awaitable[None]] = router._loaded) -> None:
        go_on.set()
        await wait()

    router._load, router._loaded = load, waiting  # type: ignore[method-assign]
    loading = asyncio.create_task(router.load())
    try:
        assert (await stage.result()).scores["big"].p_pass == 0.8
    finally:
        go_on.set()
        await loading


LEAVING_FOR_QUALITY = CLOUD.replace("[routing]", '[routing]\ndial = "quality"\nleaving_price = 0.3')


async def test_router_weighs_quality_against_the_price_of_leaving(build: Callable[..., Stage]) -> None:
    stage = build(CLOUD.replace("[routing]", '[routing]\ndial = "quality"'))
    await learned(stage, 0.6)
    result = await stage.result()
    assert (result.tier, result.calibrated) == ("big", True)
    assert (result.scores["local"].p_pass, result.scores["big"].p_pass) == (0.6, 0.8)
    assert result.energy.router_j is not None
    assert result.energy.router_j > 0
    assert "explicit rule" not in result.reason


async def test_dial_of_a_request_comes_before_the_settings(build: Callable[..., Stage]) -> None:
    stage = build(CLOUD)
    await learned(stage, 0.6)
    assert [(await stage.result(dial=dial)).tier for dial in ("quality", 500.0)] == ["big", "local"]
    with pytest.raises(UsageError, match="turbo"):
        await stage.ask(dial="turbo")


async def test_damaged_artifact_leaves_the_rule_in_charge_and_is_told(
    build: Callable[..., Stage], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = build(CLOUD)
    (tmp_path / "manifest.json").write_text("{}")
    monkeypatch.setattr("halfwatt.router_model.serving.router.DEFAULT_FOLDER", tmp_path)
    router = stage.service._parts.router
    await router.load()
    result = await stage.result()
    assert (result.tier, result.scores, router.problem is not None) == ("local", {}, True)
    assert "explicit rule" in (router.problem or "")
    assert "explicit rule" in result.reason


async def test_pinned_route_does_not_ask_the_router(build: Callable[..., Stage]) -> None:
    stage = build(CLOUD)
    await learned(stage, 0.1)
    result = await stage.result(route="local")
    assert (result.tier, result.scores, result.energy.router_j) == ("local", {}, 0)


@pytest.mark.parametrize("route", ["auto", "local"])
async def test_function_to_generate_is_told_its_chance_where_there_is_no_choice(
    build: Callable[..., Stage], route: str
) -> None:
    stage = build()
    await learned(stage, 0.1)
    result = await stage.result(kind="generate", route=route)
    assert (result.tier, result.calibrated, result.scores["local"].p_pass) == ("local", True, 0.6)
    assert result.reason.startswith("explicit rule: ")
    assert result.reason.endswith("; 60 % likely to pass")
    assert result.energy.router_j is not None
    assert result.energy.router_j > 0
    assert stage.rows()[0].scores


async def test_chance_of_the_tier_that_was_asked_for_is_its_own(build: Callable[..., Stage]) -> None:
    stage = build(CLOUD)
    await learned(stage, 0.1)
    result = await stage.result(kind="generate", route="cloud")
    assert result.tier == "big"
    assert result.reason.endswith("; 80 % likely to pass")


async def test_model_without_labels_is_said_to_be_uncalibrated(build: Callable[..., Stage]) -> None:
    stage = build()
    stage.local.model_id = "my-own"
    await learned(stage, 0.1)
    result = await stage.result(kind="generate")
    assert not result.calibrated
    assert "uncalibrated" in result.reason


async def test_router_that_breaks_leaves_the_rule_in_charge(build: Callable[..., Stage]) -> None:
    stage = build(CLOUD)
    await learned(stage, 0.1)
    broken = stage.service._parts.router._learned
    assert broken is not None
    broken.router.estimate = lambda _: 1 / 0  # type: ignore[method-assign,assignment,return-value]
    result = await stage.result(kind="generate")
    assert (result.tier, result.code, result.scores) == ("local", "ab", {})


async def test_prompt_that_does_not_fit_is_known_before_anybody_is_asked(build: Callable[..., Stage]) -> None:
    stage = build(CLOUD)
    stage.local.does_fit = False
    decision = await stage.service.route(request())
    assert (decision.tier, stage.local.n_calls) == ("big", 0)
    assert "does not fit the local model" in decision.reason


async def test_prompt_that_does_not_fit_offers_the_cloud_where_consent_is_asked_for(
    build: Callable[..., Stage],
) -> None:
    stage = build(ASK)
    stage.local.does_fit = False
    stage.local.script = [PromptTooLongError("Too long.")]
    decision = await stage.service.route(request())
    assert (decision.tier, decision.offer_cloud) == ("local", True)
    with pytest.raises(PromptTooLongError, match=r"^Too long\. .*big.* route cloud"):
        await stage.ask()
    assert stage.cloud.n_calls == 0


async def test_doubtful_draft_is_replaced_before_anything_is_shown(build: Callable[..., Stage]) -> None:
    stage = build(LEAVING_FOR_QUALITY)
    await learned(stage, draft_passes=0.1)
    stage.local.script = list(DRAFT)
    decision, *pieces, result = await stage.ask()
    assert isinstance(decision, RouteDecision)
    assert isinstance(result, Result)
    assert (decision.tier, pieces) == ("big", ["a", "b"])
    assert "10 % likely to pass and was dropped" in result.reason
    assert (result.energy.local_j, result.energy.cloud_j, result.energy.wasted_j) == (10, 30, 10)
    assert len(stage.rows()) == 1


async def test_good_draft_is_kept_and_shown_in_full(build: Callable[..., Stage]) -> None:
    stage = build(LEAVING_FOR_QUALITY)
    await learned(stage, draft_passes=0.7)
    stage.local.script = list(DRAFT)
    result = await stage.result()
    assert (result.tier, result.code) == ("local", "".join(f"t{i} " for i in range(20)))
    assert result.scores["local"].p_pass == 0.7
    assert (stage.cloud.n_calls, result.energy.wasted_j) == (0, 0)


async def test_short_draft_is_judged_at_its_end(build: Callable[..., Stage]) -> None:
    stage = build(LEAVING_FOR_QUALITY)
    await learned(stage, draft_passes=0.1)
    assert (await stage.result()).tier == "big"


async def test_local_answers_after_all_where_the_cloud_fails_after_a_dropped_draft(build: Callable[..., Stage]) -> None:
    stage = build(LEAVING_FOR_QUALITY)
    await learned(stage, draft_passes=0.1)
    stage.cloud.script = [TierError("no answer.")]
    result = await stage.result()
    assert (result.tier, result.code, stage.local.n_calls) == ("local", "ab", 2)


async def test_doubtful_draft_offers_the_cloud_where_consent_is_asked_for(build: Callable[..., Stage]) -> None:
    stage = build(ASK)
    await learned(stage, draft_passes=0.1)
    result = await stage.result()
    assert (result.tier, result.offer_cloud, stage.cloud.n_calls) == ("local", True, 0)


async def test_drafts_are_not_checked_where_the_setting_says_so(build: Callable[..., Stage]) -> None:
    stage = build(LEAVING_FOR_QUALITY.replace("[routing]", "[routing]\ncheck_drafts = false"))
    await learned(stage, draft_passes=0.0)
    assert (await stage.result()).tier == "local"


async def test_feedback_shifts_what_is_expected_of_a_model_a_little(build: Callable[..., Stage]) -> None:
    stage = build()
    assert FeedbackBias(stage.ledger).bias_logit("small") == 0
    for _ in range(30):
        result = await stage.result()
        stage.ledger.outcome(Feedback(result.request_id, "rejected"))
    assert -0.5 <= FeedbackBias(stage.ledger).bias_logit("small") < -0.1
    assert FeedbackBias(stage.ledger).bias_logit("gpt-4o") == 0


async def test_feedback_that_was_reset_does_not_count_any_more(build: Callable[..., Stage]) -> None:
    stage = build()
    for _ in range(30):
        stage.ledger.outcome(Feedback((await stage.result()).request_id, "rejected"))
    reset = max(row.time for row in stage.rows()) + 1
    assert FeedbackBias(stage.ledger, since=lambda: reset).bias_logit("small") == 0
    assert FeedbackBias(stage.ledger).outcomes("small") == {"rejected": 30}


async def test_calibrated_joules_count_until_the_ledger_has_its_own(build: Callable[..., Stage]) -> None:
    stage = build(CLOUD)
    await learned(stage, 0.6)
    measured = RouterMemory({"small": ModelMeasurement(20.0, 3.0, "modelled")})
    stage.service._parts.router._memory = lambda: measured
    assert (await stage.service.route(request())).scores["local"].energy_j == 150


def test_what_the_router_remembers_survives_and_a_broken_file_counts_as_empty(tmp_path: Path) -> None:
    file = tmp_path / "state" / "router.json"
    memory = router_memory.with_model(
        RouterMemory(feedback_since_s=5.0), "small", ModelMeasurement(20.0, None, "unknown")
    )
    router_memory.write(file, memory)
    assert router_memory.read(file) == memory
    file.write_text("{broken")
    assert router_memory.read(file) == RouterMemory()


async def test_unknown_joules_stay_unknown(build: Callable[..., Stage]) -> None:
    stage = build()
    stage.local.joules = Reading(reason="no meter")
    result = await stage.result()
    assert (result.energy.total_j, result.energy.local_j, result.saved.j) == (None, None, None)
    assert stage.rows()[0].total_j is None


STUB = 'def add(a, b):\n    """Sum.\n\n    >>> add(1, 2)\n    3\n    """\n'


async def judged(stage: Stage, seen: list[Any], whole_passes: float) -> None:
    """A router whose second stage likes every beginning; of whole drafts it notes the facts and says this."""
    router = stage.service._parts.router

    def check(model: str, form: ModelForm, stats: DraftStats, p_before: float, facts: DraftFacts | None) -> float:
        seen.append(facts)
        return 0.7 if facts is None else whole_passes

    router._load = lambda: LearnedRouter(FixedRouter(), check)  # type: ignore[arg-type]
    await router.load()


def whole_request(code: str, **options: Any) -> tuple[GenerationRequest, Script]:
    wanted = replace(request(STUB, kind="generate", language="python", router_text=STUB, **options), whole=True)
    return wanted, [*(Chunk(part, 1, -0.1) for part in code.splitlines(keepends=True)), Ended("stop", 7, 30)]


async def test_whole_draft_that_fails_its_check_is_replaced_where_nothing_was_shown(
    build: Callable[..., Stage],
) -> None:
    stage, seen = build(LEAVING_FOR_QUALITY), list[Any]()
    await judged(stage, seen, whole_passes=0.1)
    wanted, stage.local.script = whole_request("def add(a, b:\n" + "    x\n" * 30)
    result = [item async for item in stage.service.answer(wanted)][-1]
    assert isinstance(result, Result)
    assert (result.tier, result.energy.wasted_j, stage.cloud.n_calls) == ("big", 10, 1)
    assert seen == [None, DraftFacts(parses=False)]


async def test_whole_draft_of_a_stream_stays_and_its_doubt_is_told(build: Callable[..., Stage]) -> None:
    stage, seen = build(LEAVING_FOR_QUALITY), list[Any]()
    await judged(stage, seen, whole_passes=0.1)
    wanted, stage.local.script = whole_request("def add(a, b):\n" + "    a + b\n" * 30)
    *_, result = [item async for item in stage.service.answer(replace(wanted, whole=False))]
    assert isinstance(result, Result)
    assert (result.tier, result.offer_cloud, result.energy.wasted_j) == ("local", True, 0)
    assert result.scores["local"].p_pass == 0.1
    assert "in doubt" in result.reason


async def test_examples_run_only_where_the_user_allows_it(
    build: Callable[..., Stage], monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: list[str] = []

    def failing(task: str, code: str) -> bool:
        runs.append(code)
        return False

    monkeypatch.setattr(draft_facts, "examples_pass", failing)
    reasons = []
    for setting, n_runs in (("", 0), ("\nrun_examples = true", 1)):
        stage, seen = build(LEAVING_FOR_QUALITY.replace("[routing]", "[routing]" + setting)), list[Any]()
        await judged(stage, seen, whole_passes=0.7)
        wanted, stage.local.script = whole_request("def add(a, b):\n    return a - b\n")
        *_, result = [item async for item in stage.service.answer(wanted)]
        assert isinstance(result, Result)
        assert (len(runs), result.tier) == (n_runs, "local")
        reasons.append("fails the docstring's examples" in result.reason)
    assert reasons == [False, True]


@pytest.mark.parametrize(
    ("file", "template", "form"),
    [
        ("qwen2.5-coder-0.5b-instruct-q4_k_m.gguf", "…<|im_start|>…", ModelForm("q4_k_m", "chatml")),
        ("Mine-IQ3_XS.gguf", None, ModelForm("iq3_xs", "")),
        ("llama-3-8b.Q8_0.gguf", "<|start_header_id|>", ModelForm("q8_0", "llama3")),
        ("model.gguf", "", ModelForm("", "")),
    ],
)
def test_form_of_a_model_is_read_off_its_file_and_template(file: str, template: str | None, form: ModelForm) -> None:
    assert form_of(file, template) == form


def test_catalog_models_have_the_form_that_drafts_were_learned_in() -> None:
    forms = {form_of(spec.file, spec.chat_template) for spec in catalog.load().values()}
    assert forms == {ModelForm("q4_k_m", "chatml")}
