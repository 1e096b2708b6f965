"""The flow of a request, with scripted tiers for the faults: one row each, joules kept, policy and router obeyed.

Everything but the two tiers is real: policy, secrets, ledger, settings, energy. The real model is in
e2e/test_client.py.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from scripted_service import ANSWER, CLOUD, BrokenRouter, Stage, request

from halfwatt.daemon.energy.readings import Reading
from halfwatt.daemon.errors import (
    HalfwattError,
    PolicyError,
    PromptTooLongError,
    UsageError,
    WorkerBusyError,
    WorkerError,
)
from halfwatt.daemon.inference.answer import Chunk
from halfwatt.daemon.routing.memory import ModelMeasurement, RouterMemory
from halfwatt.daemon.wire import Result, RouteDecision, SecretFound


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


async def test_secret_keeps_the_request_here_and_says_so(build: Callable[..., Stage]) -> None:
    stage = build(CLOUD)
    result = await stage.result(model="cloud", text='key = "AKIA' + '7Q3M5X2K9R4T6W8Z"\n# upload the file')
    assert result.tier == "local"
    assert "secret" in result.reason
    assert "AKIA" not in result.reason
    assert stage.cloud.n_calls == 0


async def test_secret_that_only_the_document_shows_keeps_the_request_here_and_its_line_is_told(
    build: Callable[..., Stage],
) -> None:
    stage = build(CLOUD)
    found = (SecretFound("private key", 12), SecretFound("AWS key", 40))
    text = 'key = "AKIA' + '7Q3M5X2K9R4T6W8Z"\npassword = "hunter2"\n'
    result = await stage.result(model="cloud", text=text, document_secrets=found)
    assert result.tier == "local"
    assert "private key in line 12, AWS key in line 40, named password or key)" in result.reason
    assert stage.cloud.n_calls == 0


async def test_client_that_tells_of_no_secret_is_not_believed(build: Callable[..., Stage]) -> None:
    stage = build(CLOUD)
    result = await stage.result(model="cloud", text='password = "hunter2"\n', document_secrets=())
    assert result.tier == "local"
    assert stage.cloud.n_calls == 0


async def test_secret_split_over_messages_and_stops_keeps_the_request_here(build: Callable[..., Stage]) -> None:
    stage = build(CLOUD)
    halves = ({"role": "user", "content": "AKIA7Q3M5X2K"}, {"role": "assistant", "content": "9R4T6W8Z"})
    for asked in (
        replace(request(model="cloud"), messages=halves),
        replace(request(model="cloud"), stop=("AKIA7Q3M5X2K", "9R4T6W8Z")),
        replace(request(model="cloud"), shape="fim", prompt="x = 'AKIA7Q3M5X2K", suffix="9R4T6W8Z'"),
    ):
        decision = await stage.service.route(asked)
        assert decision.tier == "local"
        assert "AWS key" in decision.reason


async def test_excluded_file_keeps_the_request_here(build: Callable[..., Stage], tmp_path: Path) -> None:
    stage = build(CLOUD)
    result = await stage.result(model="cloud", path=str(tmp_path / ".env"))
    assert result.tier == "local"
    assert str(tmp_path) not in result.reason


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


async def test_router_weighs_quality_against_the_price_of_leaving(build: Callable[..., Stage]) -> None:
    stage = build(CLOUD.replace("[routing]", '[routing]\ndial = "quality"'))
    await stage.learn(lambda *_: 0.6)
    result = await stage.result()
    assert (result.tier, result.calibrated) == ("big", True)
    assert (result.scores["local"].p_pass, result.scores["big"].p_pass) == (0.6, 0.8)
    assert result.energy.router_j is not None
    assert result.energy.router_j > 0
    assert "explicit rule" not in result.reason


async def test_dial_of_a_request_comes_before_the_settings(build: Callable[..., Stage]) -> None:
    stage = build(CLOUD)
    await stage.learn(lambda *_: 0.6)
    assert [(await stage.result(dial=dial)).tier for dial in ("quality", 500.0)] == ["big", "local"]
    with pytest.raises(UsageError, match="turbo"):
        await stage.ask(dial="turbo")


async def test_damaged_artifact_leaves_the_rule_in_charge_and_is_told(
    build: Callable[..., Stage], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = build(CLOUD)
    (tmp_path / "manifest.json").write_text("{}")
    monkeypatch.setattr("halfwatt.router_model.serving.router.DEFAULT_FOLDER", tmp_path)
    router = stage.router
    await router.load()
    result = await stage.result()
    assert (result.tier, result.scores, router.problem is not None) == ("local", {}, True)
    assert "explicit rule" in (router.problem or "")
    assert "explicit rule" in result.reason


async def test_pinned_route_does_not_ask_the_router(build: Callable[..., Stage]) -> None:
    stage = build(CLOUD)
    await stage.learn(lambda *_: 0.1)
    result = await stage.result(route="local")
    assert (result.tier, result.scores, result.energy.router_j) == ("local", {}, 0)


@pytest.mark.parametrize("route", ["auto", "local"])
async def test_function_to_generate_is_told_its_chance_where_there_is_no_choice(
    build: Callable[..., Stage], route: str
) -> None:
    stage = build()
    await stage.learn(lambda *_: 0.1)
    result = await stage.result(kind="generate", route=route)
    assert (result.tier, result.calibrated, result.scores["local"].p_pass) == ("local", True, 0.6)
    assert result.reason.startswith("explicit rule: ")
    assert result.reason.endswith("; 60 % likely to pass")
    assert result.energy.router_j is not None
    assert result.energy.router_j > 0
    assert stage.rows()[0].scores


async def test_chance_of_the_tier_that_was_asked_for_is_its_own(build: Callable[..., Stage]) -> None:
    stage = build(CLOUD)
    await stage.learn(lambda *_: 0.1)
    result = await stage.result(kind="generate", route="cloud")
    assert result.tier == "big"
    assert result.reason.endswith("; 80 % likely to pass")


async def test_model_without_labels_is_said_to_be_uncalibrated(build: Callable[..., Stage]) -> None:
    stage = build()
    stage.local.model_id = "my-own"
    await stage.learn(lambda *_: 0.1)
    result = await stage.result(kind="generate")
    assert not result.calibrated
    assert "uncalibrated" in result.reason


async def test_router_that_breaks_leaves_the_rule_in_charge(build: Callable[..., Stage]) -> None:
    stage = build(CLOUD)
    await stage.learn(lambda *_: 0.1, BrokenRouter())
    result = await stage.result(kind="generate")
    assert (result.tier, result.code, result.scores) == ("local", "ab", {})


async def test_prompt_that_does_not_fit_is_known_before_anybody_is_asked(build: Callable[..., Stage]) -> None:
    stage = build(CLOUD)
    stage.local.does_fit = False
    decision = await stage.service.route(request())
    assert (decision.tier, stage.local.n_calls) == ("big", 0)
    assert "does not fit the local model" in decision.reason


async def test_calibrated_joules_count_until_the_ledger_has_its_own(build: Callable[..., Stage]) -> None:
    stage = build(CLOUD)
    await stage.learn(lambda *_: 0.6)
    stage.memory = RouterMemory({"small": ModelMeasurement(20.0, 3.0, "modelled")})
    assert (await stage.service.route(request())).scores["local"].energy_j == 150


async def test_unknown_joules_stay_unknown(build: Callable[..., Stage]) -> None:
    stage = build()
    stage.local.joules = Reading(reason="no meter")
    result = await stage.result()
    assert (result.energy.total_j, result.energy.local_j, result.saved.j) == (None, None, None)
    assert stage.rows()[0].total_j is None
