"""Which tier answers after all: another where the first fails or its draft is in doubt, with consent only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from scripted_service import ASK, CLOUD, LEAVING_FOR_QUALITY, Script, Stage, request

from halfwatt.daemon.errors import HalfwattError, PromptTooLongError, TierError, WorkerError
from halfwatt.daemon.inference.answer import Chunk, Ended
from halfwatt.daemon.inference.request import GenerationRequest
from halfwatt.daemon.models.form import ModelForm
from halfwatt.daemon.wire import Result, RouteDecision
from halfwatt.router_model.serving import draft_facts
from halfwatt.router_model.serving.draft_facts import DraftFacts
from halfwatt.router_model.serving.draft_stats import DraftStats


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


async def test_secret_does_not_go_to_the_cloud_when_local_fails(build: Callable[..., Stage]) -> None:
    stage = build(CLOUD)
    stage.local.script = [WorkerError("died.")]
    with pytest.raises(WorkerError):
        await stage.ask(text='key = "AKIA' + '7Q3M5X2K9R4T6W8Z"')
    assert stage.cloud.n_calls == 0


async def test_decision_waits_for_the_first_piece_so_that_it_is_true(build: Callable[..., Stage]) -> None:
    stage = build(CLOUD)
    stage.local.script = [WorkerError("died.")]
    decisions = [item for item in await stage.ask() if isinstance(item, RouteDecision)]
    assert [decision.tier for decision in decisions] == ["big"]


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


DRAFT: Script = [*(Chunk(f"t{i} ", 1, -2.0) for i in range(20)), Ended("stop", 7, 20)]


async def test_doubtful_draft_is_replaced_before_anything_is_shown(build: Callable[..., Stage]) -> None:
    stage = build(LEAVING_FOR_QUALITY)
    await stage.learn(lambda *_: 0.1)
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
    await stage.learn(lambda *_: 0.7)
    stage.local.script = list(DRAFT)
    result = await stage.result()
    assert (result.tier, result.code) == ("local", "".join(f"t{i} " for i in range(20)))
    assert result.scores["local"].p_pass == 0.7
    assert (stage.cloud.n_calls, result.energy.wasted_j) == (0, 0)


async def test_short_draft_is_judged_at_its_end(build: Callable[..., Stage]) -> None:
    stage = build(LEAVING_FOR_QUALITY)
    await stage.learn(lambda *_: 0.1)
    assert (await stage.result()).tier == "big"


async def test_local_answers_after_all_where_the_cloud_fails_after_a_dropped_draft(build: Callable[..., Stage]) -> None:
    stage = build(LEAVING_FOR_QUALITY)
    await stage.learn(lambda *_: 0.1)
    stage.cloud.script = [TierError("no answer.")]
    result = await stage.result()
    assert (result.tier, result.code, stage.local.n_calls) == ("local", "ab", 2)


async def test_doubtful_draft_offers_the_cloud_where_consent_is_asked_for(build: Callable[..., Stage]) -> None:
    stage = build(ASK)
    await stage.learn(lambda *_: 0.1)
    result = await stage.result()
    assert (result.tier, result.offer_cloud, stage.cloud.n_calls) == ("local", True, 0)


async def test_drafts_are_not_checked_where_the_setting_says_so(build: Callable[..., Stage]) -> None:
    stage = build(LEAVING_FOR_QUALITY.replace("[routing]", "[routing]\ncheck_drafts = false"))
    await stage.learn(lambda *_: 0.0)
    assert (await stage.result()).tier == "local"


STUB = 'def add(a, b):\n    """Sum.\n\n    >>> add(1, 2)\n    3\n    """\n'


async def judged(stage: Stage, seen: list[Any], whole_passes: float) -> None:
    """A router whose second stage likes every beginning; of whole drafts it notes the facts and says this."""

    def check(model: str, form: ModelForm, stats: DraftStats, p_before: float, facts: DraftFacts | None) -> float:
        seen.append(facts)
        return 0.7 if facts is None else whole_passes

    await stage.learn(check)


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
