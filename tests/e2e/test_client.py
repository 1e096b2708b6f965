"""halfwatt's own client against a real daemon with the real small model, through the worker and back."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from running_daemon import RunningDaemon, environ_for, recent_rows, running

from halfwatt.daemon.client.client import Client
from halfwatt.daemon.errors import ConfigError, DaemonError, PolicyError, PromptTooLongError, UsageError
from halfwatt.daemon.paths import user_paths
from halfwatt.daemon.wire import Feedback, RequestOptions, Result, RouteDecision, Status

ASK = [{"role": "user", "content": "Write a Python function add(a, b) that returns their sum. Code only."}]
COUNT = [{"role": "user", "content": "Count from 1 to 1000."}]
GENERATE = RequestOptions(kind="generate", editor="test", language="python")


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory, model_path: Path) -> Iterator[RunningDaemon]:
    environ = environ_for(
        tmp_path_factory.mktemp("client") / "home",
        HALFWATT_MODELS_DIR=str(model_path.parent),
        HALFWATT_LOCAL_MODEL="qwen2.5-coder-0.5b",
    )
    with running(environ) as daemon:
        yield daemon


@asynccontextmanager
async def connected(daemon: RunningDaemon, start: bool = False) -> AsyncIterator[Client]:
    async with await Client.connect(daemon.paths, daemon.environ, start=start) as client:
        yield client


async def row_that_stopped(client: Client, stop: str) -> dict[str, Any]:
    """The newest row, once it has this stop: the status changes shortly after a cancelled answer is booked."""
    async with aclosing(client.events()) as events:
        async for _ in events:
            row = (await recent_rows(client, 1))[0]
            if row["stop"] == stop:
                return row
    raise AssertionError("the events ended")


async def test_chat_is_decision_pieces_result(daemon: RunningDaemon) -> None:
    async with connected(daemon) as client:
        decision, *pieces, result = [item async for item in client.chat(ASK, GENERATE, max_tokens=60)]
    assert isinstance(decision, RouteDecision)
    assert isinstance(result, Result)
    assert "def add" in result.code
    assert "".join(str(piece) for piece in pieces) == result.code
    assert (result.tier, result.model) == (decision.tier, decision.model) == ("local", "qwen2.5-coder-0.5b")
    assert result.energy.total_j is not None
    assert result.energy.low_j is not None
    assert result.energy.high_j is not None
    assert 0 < result.energy.low_j < result.energy.total_j < result.energy.high_j


async def test_code_block_rule_reaches_the_worker(daemon: RunningDaemon) -> None:
    options = RequestOptions(kind="generate", stop_rules=("code_block",))
    async with connected(daemon) as client:
        *_, result = [item async for item in client.chat(ASK, options, max_tokens=200)]
    assert isinstance(result, Result)
    assert result.stop == "code_block"


async def test_fill_in_the_middle(daemon: RunningDaemon) -> None:
    options = RequestOptions(kind="complete", stop_rules=("line",), document="d")
    prefix, suffix = "def mean(xs):\n    total = 0\n    for x in xs:\n        ", "\n    return total / len(xs)\n"
    async with connected(daemon) as client:
        *_, result = [item async for item in client.complete(prefix, suffix, options, max_tokens=32)]
    assert isinstance(result, Result)
    assert result.code.strip() == "total += x"


async def test_closing_the_answer_cancels_it_and_books_joules_spent(daemon: RunningDaemon) -> None:
    async with connected(daemon) as client:
        async with aclosing(client.chat(COUNT, GENERATE, max_tokens=900)) as items:
            n_seen = 0
            async for _ in items:
                n_seen += 1
                if n_seen > 4:
                    break
        row = await row_that_stopped(client, "cancelled")
    assert row["completion_tokens"] < 100
    assert row["wasted_j"] == row["total_j"] != 0


async def test_newer_ghost_text_ends_the_older(daemon: RunningDaemon) -> None:
    options = RequestOptions(kind="complete", document="same")
    async with connected(daemon) as client:
        older = client.complete("# count: 1 2 3 4 5", None, options, max_tokens=400)
        async with aclosing(older):
            await anext(older)
            *_, newer = [item async for item in client.complete("x = ", "\n", options, max_tokens=4)]
            last: object = None
            async for item in older:
                last = item
    assert isinstance(last, Result)
    assert isinstance(newer, Result)
    assert (last.stop, newer.stop) == ("cancelled", "length")


async def test_second_identical_prompt_reuses_the_first_ones_state(daemon: RunningDaemon) -> None:
    text = "\n".join(f"def f{i}(x):\n    return x + {i}" for i in range(40))
    async with connected(daemon) as client:
        for _ in range(2):
            *_, result = [
                item async for item in client.complete(text, None, RequestOptions(document="kv"), max_tokens=2)
            ]
        row = (await recent_rows(client, 1))[0]
    assert isinstance(result, Result)
    assert row["cached_tokens"] >= row["prompt_tokens"] - 1


async def test_prompt_that_does_not_fit_is_its_own_error(daemon: RunningDaemon) -> None:
    async with connected(daemon) as client:
        with pytest.raises(PromptTooLongError):
            _ = [item async for item in client.complete("word " * 20_000, None, RequestOptions())]


async def test_errors_come_back_as_the_classes_they_were(daemon: RunningDaemon) -> None:
    async with connected(daemon) as client:
        with pytest.raises(PolicyError, match="no tier beside the local one"):
            _ = [item async for item in client.chat(ASK, RequestOptions(route="cloud"))]
        with pytest.raises(UsageError, match="no model"):
            _ = [item async for item in client.chat(ASK, RequestOptions(), model="gpt-9")]
        with pytest.raises(ConfigError, match="eco, balanced, quality"):
            await client.dial("turbo")
        with pytest.raises(UsageError, match="No request"):
            await client.feedback(Feedback("nobody", "accepted"))


async def test_route_feedback_energy_and_control(daemon: RunningDaemon) -> None:
    async with connected(daemon) as client:
        assert (await client.route(GENERATE, ASK)).tier == "local"
        assert (await client.route(RequestOptions(), prompt="x = ", suffix="\n")).tier == "local"
        *_, result = [item async for item in client.chat(ASK, GENERATE, max_tokens=3)]
        assert isinstance(result, Result)
        await client.feedback(Feedback(result.request_id, "accepted", n_chars=9))
        assert (await recent_rows(client, 1))[0]["accepted_chars"] == 9
        assert (await client.energy("7d")).requests >= 1
        assert (await client.pause(5)).state == "paused"
        assert (await client.resume()).state in ("ready", "busy")
        assert (await client.status()).last is not None


async def test_busy_and_ready_are_told_by_events(daemon: RunningDaemon) -> None:
    async with connected(daemon) as client, aclosing(client.events()) as events:
        assert isinstance(await anext(events), Status)
        asking = asyncio.create_task(_drain(client))
        seen: list[Status] = []
        async for status in events:
            seen.append(status)
            if status.state == "ready" and any(earlier.state == "busy" for earlier in seen):
                break
        await asking
    assert seen[-1].last is not None
    assert seen[-1].last.code == ""


async def test_client_survives_the_daemon(daemon: RunningDaemon) -> None:
    """The last test of the module: it kills the daemon; the next call starts another, and the events go on."""
    async with connected(daemon, start=True) as client, aclosing(client.events()) as events:
        await anext(events)
        os.kill(daemon.pid, signal.SIGKILL)
        ended = await anext(status async for status in events if "has ended" in status.message)
        assert ended.state == "ready"
        assert (await client.status()).version
        assert client.daemon.address.pid != daemon.pid
        assert await anext(status async for status in events if "has ended" not in status.message)


async def test_without_start_a_missing_daemon_is_a_sentence(tmp_path: Path) -> None:
    environ = environ_for(tmp_path / "home")
    with pytest.raises(DaemonError, match="halfwatt daemon start"):
        await Client.connect(user_paths(environ), environ, start=False)


async def _drain(client: Client) -> None:
    async for _ in client.chat(ASK, GENERATE, max_tokens=20):
        pass
