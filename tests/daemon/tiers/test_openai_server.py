"""Edge and cloud tiers over real sockets: streaming, energy comments, stops, cancelling, errors, proxies, TLS."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cloud_server import CloudServer
from fake_api import DONE, Answer, FakeApi, chunk, private_authority, proxying, serving

from halfwatt.daemon.errors import TierError
from halfwatt.daemon.inference.answer import Chunk
from halfwatt.daemon.inference.outgoing import Outgoing
from halfwatt.daemon.settings.schema import TierConfig
from halfwatt.daemon.tiers.openai_answer import ServerReport
from halfwatt.daemon.tiers.openai_server import OpenAIServer
from halfwatt.daemon.wire import StopRule

KEY = "planted-key-0123456789"
QUESTION = [{"role": "user", "content": "planted question"}]
PROXY_NAMES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
CA_NAMES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*PROXY_NAMES, *map(str.lower, PROXY_NAMES), *CA_NAMES):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def api() -> Iterator[FakeApi]:
    with serving() as server:
        yield server


def tier_of(port: int, scheme: str = "http", host: str = "127.0.0.1", **more: Any) -> TierConfig:
    settings = {"name": "big", "kind": "cloud", "base_url": f"{scheme}://{host}:{port}/v1", "model": "m", "key": "big"}
    return msgspec.convert(settings | more, TierConfig)


@asynccontextmanager
async def connected(tier: TierConfig, key: str | None = KEY) -> AsyncIterator[OpenAIServer]:
    remote = OpenAIServer(tier, key)
    try:
        yield remote
    finally:
        await remote.aclose()


def ask(
    remote: OpenAIServer, messages: object, max_tokens: int, stop_rules: tuple[StopRule, ...] = (), **fields: Any
) -> AsyncGenerator[Chunk | ServerReport, None]:
    sent = {"messages": messages, "temperature": 0.0} | fields
    return remote.answer(Outgoing(sent, is_chat=True), max_tokens, stop_rules)


async def answer(tier: TierConfig, key: str | None = KEY, **more: Any) -> tuple[str, ServerReport]:
    async with connected(tier, key) as remote:
        return await collect(ask(remote, QUESTION, **{"max_tokens": 64} | more))


async def collect(items: AsyncIterator[Chunk | ServerReport]) -> tuple[str, ServerReport]:
    everything = [item async for item in items]
    done = everything[-1]
    assert isinstance(done, ServerReport)
    return "".join(item.text for item in everything[:-1] if isinstance(item, Chunk)), done


def usage(prompt: int, completion: int) -> str:
    counts = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
    return f"data: {json.dumps({'object': 'chat.completion.chunk', 'choices': [], 'usage': counts})}\n\n"


async def test_answer_streams_with_the_servers_own_token_counts(api: FakeApi) -> None:
    api.answers = [Answer(chunk("a = ") + chunk("1") + chunk(finish="stop") + usage(11, 2) + DONE)]
    started_s = time.monotonic()
    text, done = await answer(tier_of(api.port))
    total_ms = 1000 * (time.monotonic() - started_s)
    assert text == "a = 1"
    assert (done.stop, done.prompt_tokens, done.completion_tokens, done.reported_energy_j) == ("stop", 11, 2, None)
    assert done.first_token_ms is not None
    assert 0 <= done.first_token_ms <= total_ms


async def test_tokens_that_the_server_does_not_count_are_unknown(api: FakeApi) -> None:
    _, done = await answer(tier_of(api.port))
    assert (done.prompt_tokens, done.completion_tokens) == (None, None)


@pytest.mark.parametrize(
    ("comment", "joules"),
    [
        (': energy {"energy_joules": 12.5, "duration_s": 1.2}\n\n', 12.5),
        (':energy {"energy_joules": 3}\r\n\r\n', 3.0),
        (': energy {"energy_joules": 0}\n\n', 0.0),
        (': energy {"energy_joules": -1}\n\n', None),
        (': energy {"energy_joules": "12"}\n\n', None),
        (': energy {"energy_joules": true}\n\n', None),
        (": energy {broken\n\n", None),
        (": energy [1]\n\n", None),
        (': cost {"energy_joules": 5}\n\n', None),
        (": ping\n\n", None),
        ("", None),
    ],
)
async def test_energy_comment_of_the_stream_is_seen(comment: str, joules: float | None, api: FakeApi) -> None:
    api.answers = [Answer(chunk("hi") + chunk(finish="stop") + comment + DONE)]
    text, done = await answer(tier_of(api.port))
    assert text == "hi"
    assert done.reported_energy_j == joules


async def test_energy_comment_after_the_end_mark_is_seen(api: FakeApi) -> None:
    api.answers = [Answer(chunk("hi") + chunk(finish="stop") + DONE + ': energy {"energy_joules": 7}\n\n')]
    assert (await answer(tier_of(api.port)))[1].reported_energy_j == 7.0


async def test_request_carries_what_was_asked_and_nothing_of_this_machine(
    api: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_ADMIN_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.setenv(name, "ambient")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Ambient: ambient\nAuthorization: ambient")
    await answer(tier_of(api.port), temperature=0.5, stop=("END",))
    seen = api.seen[0]
    assert seen.path == "/v1/chat/completions"
    assert seen.body == {
        "model": "m",
        "messages": QUESTION,
        "max_tokens": 64,
        "temperature": 0.5,
        "stop": ["END"],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    assert seen.headers.pop("authorization") == f"Bearer {KEY}"
    assert set(seen.headers) <= {
        "host",
        "accept",
        "accept-encoding",
        "connection",
        "content-type",
        "content-length",
        "user-agent",
    }
    assert "ambient" not in str(seen)


async def test_server_without_a_key_gets_none(api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "ambient")
    await answer(tier_of(api.port, key=""), key=None)
    assert "authorization" not in api.seen[0].headers


async def test_tier_limits_the_tokens(api: FakeApi) -> None:
    await answer(tier_of(api.port, max_tokens=16), max_tokens=4000)
    assert api.seen[0].body["max_tokens"] == 16


async def test_stop_rule_ends_the_answer_and_the_connection(api: FakeApi) -> None:
    api.answers = [Answer(chunk("```python\nx = 1\n```") + chunk("\nThis explains x.\n"), hold=True)]
    text, done = await answer(tier_of(api.port), stop_rules=("code_block",))
    assert text == "```python\nx = 1\n```"
    assert (done.stop, done.completion_tokens) == ("code_block", None)
    assert await asyncio.to_thread(api.client_left.wait, 30)


async def test_stop_texts_beyond_what_is_sent_hold_too(api: FakeApi) -> None:
    stops = tuple(f"<{n}>" for n in range(6))
    api.answers = [Answer(chunk("a<5") + chunk(">b") + chunk(finish="stop") + DONE)]
    text, done = await answer(tier_of(api.port), stop=stops)
    assert (text, done.stop) == ("a", "stop_text")
    assert api.seen[0].body["stop"] == list(stops[:4])


async def test_text_held_back_by_a_rule_comes_with_the_end(api: FakeApi) -> None:
    rules: tuple[StopRule, ...] = ("trailing",)
    api.answers = [Answer(chunk("x = 1\nas") + chunk(finish="stop") + DONE)]
    assert (await answer(tier_of(api.port), stop_rules=rules))[0] == "x = 1\nas"


async def test_server_that_ignores_the_limit_is_cut_off(api: FakeApi) -> None:
    api.answers = [Answer(chunk("x" * 1000) * 10, hold=True)]
    text, done = await answer(tier_of(api.port), max_tokens=4)
    assert done.stop == "length"
    assert len(text) < 2000


async def test_cancelling_closes_the_connection(api: FakeApi) -> None:
    api.answers = [Answer(chunk("first"), hold=True)]
    async with connected(tier_of(api.port)) as remote:
        items = ask(remote, QUESTION, 64)
        first = await anext(items)
        assert isinstance(first, Chunk)
        await items.aclose()
        assert await asyncio.to_thread(api.client_left.wait, 30)


async def test_cancelling_while_waiting_for_the_first_byte_closes_the_connection(api: FakeApi) -> None:
    api.answers = [Answer(hold=True)]
    async with connected(tier_of(api.port)) as remote:
        waiting = asyncio.ensure_future(anext(ask(remote, QUESTION, 64)))
        assert await asyncio.to_thread(api.asked.wait, 30)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert await asyncio.to_thread(api.client_left.wait, 30)


ERROR = json.dumps({"error": {"message": f"Wrong key {KEY} for planted question", "code": "some_code", "type": "t"}})


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (400, "did not accept the request"),
        (401, "halfwatt key set big"),
        (403, "does not allow this key"),
        (404, "knows no model “m”"),
        (413, "too large"),
        (429, "too many requests"),
        (302, "does not follow"),
        (307, "does not follow"),
        (500, "try again later"),
        (503, "try again later"),
    ],
)
async def test_refusal_becomes_a_sentence_without_key_prompt_or_the_servers_text(
    status: int, said: str, api: FakeApi
) -> None:
    api.answers = [Answer(ERROR, status=status, headers={"Location": "http://127.0.0.1:1/v1", "Retry-After": "0"})]
    with pytest.raises(TierError) as refusal:
        await answer(tier_of(api.port))
    text = str(refusal.value)
    assert said in text
    assert f"HTTP {status} (some_code)" in text
    assert "“big”" in text
    assert KEY not in text
    assert "planted question" not in text
    assert refusal.value.__cause__ is None


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirect_to_an_unencrypted_address_gets_neither_prompt_nor_key(
    status: int, api: FakeApi, authority: tuple[Path, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority[0]))
    with serving(authority[1]) as encrypted:
        encrypted.answers = [Answer(status=status, headers={"Location": f"http://127.0.0.1:{api.port}/v1"})]
        with pytest.raises(TierError, match="does not follow"):
            await answer(tier_of(encrypted.port, "https"))
        assert len(encrypted.seen) == 1
    assert api.seen == []


@pytest.mark.parametrize(
    ("status", "headers", "tries"),
    [
        (500, {}, 2),
        (429, {"Retry-After": "0"}, 2),
        (429, {"Retry-After": "60"}, 1),
        (429, {"Retry-After": "Wed, 21 Oct 2037 07:28:00 GMT"}, 1),
        (401, {}, 1),
        (0, {}, 2),
    ],
)
async def test_tries_are_bounded(status: int, headers: dict[str, str], tries: int, api: FakeApi) -> None:
    api.answers = [Answer(ERROR, status=status, headers=headers)]
    with pytest.raises(TierError):
        await answer(tier_of(api.port))
    assert len(api.seen) == tries


@pytest.mark.parametrize("status", [0, 503])
async def test_second_try_answers(status: int, api: FakeApi) -> None:
    api.answers = [Answer(ERROR, status=status), *api.answers]
    assert (await answer(tier_of(api.port)))[0] == "hi"


async def test_what_a_server_refuses_is_renamed_or_left_out_and_remembered(api: FakeApi) -> None:
    def refuses(name: str) -> Answer:
        body = {"error": {"message": "Unsupported parameter", "param": name, "code": "unsupported_parameter"}}
        return Answer(json.dumps(body), status=400)

    api.answers = [refuses("max_tokens"), refuses("temperature"), *api.answers]
    async with connected(tier_of(api.port)) as remote:
        for _ in range(2):
            assert (await collect(ask(remote, QUESTION, 64)))[0] == "hi"
    assert len(api.seen) == 4
    for seen in api.seen[2:]:
        assert seen.body["max_completion_tokens"] == 64
        assert not {"max_tokens", "temperature"} & set(seen.body)


async def test_parameter_refused_twice_is_an_error(api: FakeApi) -> None:
    body = {"error": {"message": "no", "param": "max_tokens", "code": "unsupported_parameter"}}
    api.answers = [Answer(json.dumps(body), status=400)]
    with pytest.raises(TierError, match="did not accept"):
        await answer(tier_of(api.port))
    assert len(api.seen) == 2


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (Answer("<html>log in</html>"), "OpenAI-compatible"),
        (Answer('{"choices": []}'), "OpenAI-compatible"),
        (Answer(""), "OpenAI-compatible"),
        (Answer("data: {broken\n\n"), "OpenAI-compatible"),
        (Answer("data: [1, 2]\n\n"), "OpenAI-compatible"),
        (Answer('data: "text"\n\n'), "OpenAI-compatible"),
        (Answer('data: {"choices": "text"}\n\n'), "OpenAI-compatible"),
        (Answer(chunk("a") + f"data: {ERROR}\n\n"), "an error of its own"),
        (Answer(chunk("a"), cut=True), "broke the connection"),
        (Answer(chunk("a")), "broke the connection"),
    ],
)
async def test_broken_answer_becomes_a_sentence(sent: Answer, said: str, api: FakeApi) -> None:
    api.answers = [sent]
    with pytest.raises(TierError, match=said) as refusal:
        await answer(tier_of(api.port))
    assert KEY not in str(refusal.value)


@pytest.mark.parametrize(
    "odd",
    [
        {"choices": [{"index": 0, "delta": {"content": 5}}]},
        {"choices": [{"index": 0, "delta": None}]},
        {"choices": [{}]},
        {"choices": None},
        {"choices": []},
        {"usage": "many"},
        {},
    ],
)
async def test_odd_chunk_is_passed_over(odd: dict[str, Any], api: FakeApi) -> None:
    text = f"data: {json.dumps(odd)}\n\n"
    api.answers = [Answer(chunk("a") + text + chunk("b") + chunk(finish="stop") + DONE)]
    assert (await answer(tier_of(api.port)))[0] == "ab"


@pytest.mark.parametrize("sent", [Answer(hold=True), Answer(chunk("a"), hold=True)])
async def test_silent_server_is_given_up_after_the_tiers_limit(sent: Answer, api: FakeApi) -> None:
    api.answers = [sent]
    with pytest.raises(TierError, match=r"within 0\.2 seconds.*raise timeout_s"):
        await answer(tier_of(api.port, timeout_s=0.2))


async def test_refused_connection_becomes_a_sentence(api: FakeApi) -> None:
    with serving() as gone:
        pass
    with pytest.raises(TierError, match=r"cannot be reached.*check base_url"):
        await answer(tier_of(gone.port))


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/v1", "127.0.0.1/v1", "http://", "http://[::1/v1"])
async def test_address_that_is_none_becomes_a_sentence(url: str) -> None:
    with pytest.raises(TierError, match="check base_url"):
        await answer(tier_of(1, base_url=url))


async def test_unknown_host_becomes_a_sentence() -> None:
    with pytest.raises(TierError, match="host name that is not known"):
        await answer(tier_of(1, host="no-such-host.invalid"))


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    return private_authority(tmp_path_factory.mktemp("authority"))


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
async def test_private_authority_is_taken_from_the_environment(
    variable: str, authority: tuple[Path, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, str(authority[0]))
    with serving(authority[1]) as api:
        assert (await answer(tier_of(api.port, "https")))[0] == "hi"


async def test_unknown_authority_becomes_a_sentence(authority: tuple[Path, ssl.SSLContext]) -> None:
    with serving(authority[1]) as api:
        with pytest.raises(TierError, match=r"prove who it is \(TLS\).*SSL_CERT_FILE"):
            await answer(tier_of(api.port, "https"))
        assert api.seen == []


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
@pytest.mark.parametrize("content", [None, "not a certificate"])
def test_unusable_authority_file_becomes_a_sentence(
    variable: str, content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    monkeypatch.setenv(variable, str(file))
    with pytest.raises(TierError, match="certificate authorities cannot be read"):
        OpenAIServer(tier_of(1, "https"), KEY)


async def test_https_goes_through_the_proxys_tunnel(
    authority: tuple[Path, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority[0]))
    with serving(authority[1]) as api, proxying() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        api.answers = [Answer(chunk("hi") + chunk(finish="stop") + ': energy {"energy_joules": 4}\n\n' + DONE)]
        text, done = await answer(tier_of(api.port, "https", "api.test"))
        assert (text, done.reported_energy_j) == ("hi", 4.0)
        assert proxy.lines == [f"CONNECT api.test:{api.port} HTTP/1.1"]


async def test_http_goes_through_the_proxy(api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    with proxying() as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        assert (await answer(tier_of(api.port, host="api.test")))[0] == "hi"
        assert proxy.lines == [f"POST http://api.test:{api.port}/v1/chat/completions HTTP/1.1"]


async def test_no_proxy_names_hosts_that_are_reached_directly(api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    with proxying() as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("NO_PROXY", "api.test")
        with pytest.raises(TierError, match="is not known here"):  # nobody knows this host but the proxy
            await answer(tier_of(api.port, host="api.test"))
        assert proxy.lines == []


async def test_own_machine_is_never_reached_through_a_proxy(api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    with proxying() as proxy:
        monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{proxy.port}")
        assert (await answer(tier_of(api.port)))[0] == "hi"
        assert proxy.lines == []


async def test_unreachable_proxy_becomes_a_sentence(api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    with proxying() as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
    with pytest.raises(TierError, match="cannot be reached"):
        await answer(tier_of(api.port, host="api.test"))
    assert api.seen == []


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1", "gopher://127.0.0.1:1"])
def test_unusable_proxy_becomes_a_sentence(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy)
    with pytest.raises(TierError, match="HTTPS_PROXY and HTTP_PROXY"):
        OpenAIServer(tier_of(1), KEY)


async def test_prompts_are_not_logged_even_where_the_clients_debugging_is_on(api: FakeApi) -> None:
    script = (
        "import asyncio, sys\nfrom test_openai_server import answer, tier_of\n"
        "print(asyncio.run(answer(tier_of(int(sys.argv[1]))))[0])"
    )
    ended = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", script, str(api.port)],
        env=dict(os.environ)
        | {"OPENAI_LOG": "debug", "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.stdout.strip() == "hi", ended.stderr
    assert "planted" not in ended.stderr


def test_importing_the_module_does_not_import_the_client() -> None:
    code = "import sys, halfwatt.daemon.tiers.openai_server; print(*{'openai', 'httpx2'} & set(sys.modules))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == ""


def stand_in(server: CloudServer, **more: Any) -> TierConfig:
    return tier_of(1, base_url=server.base_url, model=server.model, **more)


CODE_QUESTION = [{"role": "user", "content": "Write a Python function add(a, b). Answer with one code block only."}]


async def test_real_server_answers_a_chat_with_a_closed_code_block(cloud_server: CloudServer) -> None:
    async with connected(stand_in(cloud_server), cloud_server.key) as remote:
        text, done = await collect(ask(remote, CODE_QUESTION, 128, stop_rules=("code_block",)))
    assert "def add(a, b):" in text
    assert text.endswith("```")
    assert done.stop == "code_block"


async def test_real_server_completes_text(cloud_server: CloudServer) -> None:
    async with connected(stand_in(cloud_server), cloud_server.key) as remote:
        text, done = await collect(
            remote.answer(Outgoing({"prompt": "def add(a, b):\n    return"}, is_chat=False), 16, ("line",))
        )
    assert "a + b" in text
    assert done.stop == "line"


async def test_real_server_stops_at_the_token_limit(cloud_server: CloudServer) -> None:
    async with connected(stand_in(cloud_server), cloud_server.key) as remote:
        _, done = await collect(ask(remote, CODE_QUESTION, 4))
    assert done.stop == "length"


async def test_real_server_refuses_a_wrong_key(cloud_server: CloudServer) -> None:
    async with connected(stand_in(cloud_server), "wrong-key-9876") as remote:
        with pytest.raises(TierError, match="refused the key") as refusal:
            await collect(ask(remote, CODE_QUESTION, 4))
    assert "wrong-key" not in str(refusal.value)


async def test_real_server_answers_again_after_a_cancelled_answer(cloud_server: CloudServer) -> None:
    async with connected(stand_in(cloud_server), cloud_server.key) as remote:
        items = ask(remote, CODE_QUESTION, 512)
        await anext(items)
        await items.aclose()
        text, _ = await collect(ask(remote, CODE_QUESTION, 8))
    assert text
