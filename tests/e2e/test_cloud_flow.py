"""A request that leaves the machine: real daemon, real local model, and a real server that stands in for the cloud."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cloud_server import API_KEY, CloudServer
from running_daemon import RunningDaemon, environ_for, running, until

from halfwatt.daemon.client.client import Client
from halfwatt.daemon.wire import RequestOptions, Result

ASK = [{"role": "user", "content": "Write a Python function add(a, b) that returns their sum. Code only."}]
LONG = [{"role": "user", "content": "x = 1\n" * 150 + "# What is x? One word."}]


@pytest.fixture(scope="module")
def daemon(
    tmp_path_factory: pytest.TempPathFactory, model_path: Path, cloud_server: CloudServer
) -> Iterator[RunningDaemon]:
    environ = environ_for(
        tmp_path_factory.mktemp("cloud") / "home",
        HALFWATT_MODELS_DIR=str(model_path.parent),
        HALFWATT_LOCAL_MODEL="qwen2.5-coder-0.5b",
        HALFWATT_LOCAL_CONTEXT_TOKENS="512",
    )
    config = Path(environ["HALFWATT_HOME"]) / "config"
    config.mkdir(parents=True)
    (config / "config.toml").write_text(
        '[routing]\nescalation = "auto"\n[[tiers]]\nname = "big"\nkind = "cloud"\nkey = "big"\n'
        f'base_url = "{cloud_server.base_url}"\nmodel = "{cloud_server.model}"\n'
        "active_parameters_b = 8\ntimeout_s = 170\n"
    )
    keys = config / "keys"
    keys.mkdir(mode=0o700)
    (keys / "big").write_text(API_KEY)
    (keys / "big").chmod(0o600)
    with running(environ) as daemon:
        with daemon.http() as http:  # a model that still loads counts no tokens, so the router would not see what fits
            until(lambda: http.get("/halfwatt/v1/status").json()["state"] == "ready")
        yield daemon


async def result_of(daemon: RunningDaemon, messages: list[dict[str, str]], **options: Any) -> Result:
    async with await Client.connect(daemon.paths, daemon.environ, start=False) as client:
        *_, result = [item async for item in client.chat(messages, RequestOptions(**options), max_tokens=30)]
    assert isinstance(result, Result)
    return result


async def test_cloud_answers_when_asked_and_its_joules_are_estimated(daemon: RunningDaemon) -> None:
    result = await result_of(daemon, ASK, route="cloud")
    assert (result.tier, result.kind, result.model) == ("big", "cloud", "stand-in-cloud")
    assert "def add" in result.code
    assert result.energy.method == "estimated"
    assert (result.energy.local_j, result.energy.cloud_j) == (0, result.energy.total_j)
    assert result.saved.reference == "stand-in-cloud"
    assert result.saved.j == pytest.approx(0)


async def test_prompt_too_long_for_local_goes_to_the_cloud_with_consent(daemon: RunningDaemon) -> None:
    result = await result_of(daemon, LONG)
    assert result.tier == "big"
    assert "does not fit the local model" in result.reason


async def test_secret_stays_here(daemon: RunningDaemon) -> None:
    planted = [{"role": "user", "content": 'token = "ghp_' + 'R4bN8mKx2VzQw7LtYp1sDf6GhJ3cAe5uI0oP"\n# Say hi.'}]
    result = await result_of(daemon, planted, route="cloud")
    assert (result.tier, result.kind) == ("local", "local")
    assert "secret" in result.reason


async def test_leaving_closes_the_connection_to_the_cloud(daemon: RunningDaemon) -> None:
    asked = [{"role": "user", "content": "Count from 1 to 1000."}]
    async with (
        await Client.connect(daemon.paths, daemon.environ, start=False) as client,
        aclosing(client.chat(asked, RequestOptions(route="cloud"), max_tokens=900)) as items,
    ):
        await anext(items)
        await anext(items)
    with daemon.http() as http:
        row = until(lambda: newest(http, "cancelled"))
    assert row["tier"] == "big"
    assert row["completion_tokens"] < 200
    assert row["wasted_j"] == row["total_j"]


def test_key_is_in_no_file_the_daemon_writes_and_in_no_answer(daemon: RunningDaemon) -> None:
    with daemon.http() as http:
        texts = [http.get(f"/halfwatt/v1/{name}").text for name in ("status", "recent", "metrics")]
    home = Path(daemon.environ["HALFWATT_HOME"])
    written = [path.read_bytes() for path in home.rglob("*") if path.is_file() and path.parent.name != "keys"]
    assert not any(API_KEY in text for text in texts)
    assert not any(API_KEY.encode() in content for content in written)


def newest(http: httpx2.Client, stop: str) -> dict[str, Any] | None:
    row: dict[str, Any] = http.get("/halfwatt/v1/recent?n=1").json()[0]
    return row if row["stop"] == stop else None
