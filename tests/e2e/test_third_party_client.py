"""Programs that this project did not write, pointed at a real daemon with the real small model, unchanged."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest
from running_daemon import RunningDaemon, environ_for, running, until

QUESTION = [{"role": "user", "content": "Write a Python function add(a, b) that returns their sum. Code only."}]


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory, model_path: Path) -> Iterator[RunningDaemon]:
    environ = environ_for(
        tmp_path_factory.mktemp("third") / "home",
        HALFWATT_MODELS_DIR=str(model_path.parent),
        HALFWATT_LOCAL_MODEL="qwen2.5-coder-0.5b",
    )
    with running(environ) as daemon:
        yield daemon


@pytest.fixture
def client(daemon: RunningDaemon) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{daemon.url}/v1", api_key=daemon.token, max_retries=0, timeout=120)


def test_openai_chat(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="auto", messages=QUESTION, max_tokens=60, temperature=0)  # type: ignore[arg-type]
    assert "def add" in (answer.choices[0].message.content or "")
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert answer.model_extra is not None
    assert answer.model_extra["halfwatt"]["energy"]["method"] in ("measured", "modelled")


def test_openai_chat_streamed_equals_the_whole_and_ends_with_the_usage(client: openai.OpenAI) -> None:
    asked = {"model": "local", "messages": QUESTION, "max_tokens": 40}
    whole = client.chat.completions.create(**asked)  # type: ignore[call-overload]
    stream = client.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True})  # type: ignore[call-overload]
    chunks = list(stream)
    texts = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices and chunk.choices[0].delta.content]
    assert "".join(texts) == whole.choices[0].message.content
    assert len(texts) > 1  # in pieces; how many depends on the machine's speed
    assert [chunk.usage is not None for chunk in chunks[-2:]] == [False, True]
    assert chunks[-1].usage.completion_tokens == whole.usage.completion_tokens


def test_openai_limit_and_stop_are_kept(client: openai.OpenAI) -> None:
    short = client.chat.completions.create(model="auto", messages=QUESTION, max_tokens=3)  # type: ignore[arg-type]
    assert short.choices[0].finish_reason == "length"
    assert short.usage is not None
    assert short.usage.completion_tokens == 3
    stopped = client.chat.completions.create(model="auto", messages=QUESTION, stop=["return"], max_tokens=60)  # type: ignore[arg-type]
    assert "return" not in (stopped.choices[0].message.content or "")
    assert stopped.choices[0].finish_reason == "stop"


def test_openai_fills_in_the_middle(client: openai.OpenAI) -> None:
    answer = client.completions.create(
        model="auto",
        prompt="def mean(xs):\n    total = 0\n    for x in xs:\n",
        suffix="\n    return total / len(xs)\n",
        max_tokens=16,
        stop="\n",
    )
    assert "total += x" in answer.choices[0].text


def test_openai_errors_are_the_clients_own(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="`n` is not supported"):
        client.chat.completions.create(model="auto", messages=QUESTION, n=2)  # type: ignore[arg-type]
    with pytest.raises(openai.AuthenticationError, match="bearer token"):
        client.with_options(api_key="wrong").models.list()


def test_openai_models(client: openai.OpenAI) -> None:
    assert {"auto", "local", "cloud", "qwen2.5-coder-0.5b"} <= {model.id for model in client.models.list()}


def test_openai_client_that_leaves_cancels_the_generation(client: openai.OpenAI, daemon: RunningDaemon) -> None:
    asked = {"model": "local", "messages": [{"role": "user", "content": "Count from 1 to 1000."}], "max_tokens": 900}
    stream = client.chat.completions.create(**asked, stream=True)  # type: ignore[call-overload]
    for _ in zip(range(4), stream, strict=False):
        pass
    stream.close()
    with daemon.http() as http:
        row = until(
            lambda: next((r for r in http.get("/halfwatt/v1/recent?n=1").json() if r["stop"] == "cancelled"), None)
        )
    assert row["completion_tokens"] < 100
    assert row["wasted_j"] == row["total_j"] > 0


def test_llm_command_line_answers_through_the_daemon(daemon: RunningDaemon, tmp_path: Path) -> None:
    entry = {"model_id": "halfwatt", "model_name": "auto", "api_base": f"{daemon.url}/v1", "api_key_name": "halfwatt"}
    (tmp_path / "extra-openai-models.yaml").write_text(json.dumps([entry]))  # JSON is YAML
    (tmp_path / "keys.json").write_text(json.dumps({"halfwatt": daemon.token}))
    prompt = "Write a Python function add(a, b) that returns their sum. Code only."
    done = subprocess.run(
        [str(Path(sys.executable).parent / "llm"), "-m", "halfwatt", "--no-log", "-o", "max_tokens", "60", prompt],
        env={**daemon.environ, "LLM_USER_PATH": str(tmp_path), "NO_PROXY": "127.0.0.1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "def add" in done.stdout
