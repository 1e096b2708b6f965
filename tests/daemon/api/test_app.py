"""The daemon's own endpoints and refusals, over real HTTP against a real daemon without a model."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from running_daemon import RunningDaemon, environ_for, running

HELLO = {"messages": [{"role": "user", "content": "the prompt that must not be kept"}]}


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    with running(environ_for(tmp_path_factory.mktemp("app") / "home")) as daemon:
        yield daemon


@pytest.fixture
def http(daemon: RunningDaemon) -> Iterator[httpx2.Client]:
    with daemon.http() as http:
        yield http


def error(reply: httpx2.Response) -> dict[str, Any]:
    """The error object of a refusal, whose message is a sentence."""
    body: dict[str, Any] = reply.json()["error"]
    assert body["message"].rstrip().endswith((".", ")", "?"))
    assert "Traceback" not in body["message"]
    return body


def test_wrong_token_is_refused(daemon: RunningDaemon) -> None:
    with daemon.http(Authorization="Bearer wrong") as http:
        assert error(http.get("/v1/models"))["code"] == "bad_token"


def test_foreign_page_and_host_are_refused(daemon: RunningDaemon) -> None:
    with daemon.http(Origin="https://evil.example") as http:
        assert error(http.post("/v1/chat/completions", json=HELLO))["code"] == "foreign_origin"
    with daemon.http(Host="evil.example") as http:
        assert error(http.get("/halfwatt/v1/status"))["code"] == "foreign_host"


def test_a_stranger_learns_nothing_from_health_and_proof(daemon: RunningDaemon) -> None:
    with daemon.http(Authorization="Bearer wrong") as http:
        assert error(http.get("/halfwatt/v1/healthz"))["code"] == "bad_token"
        proof = http.get("/halfwatt/v1/proof", params={"nonce": "1"}).text
    assert daemon.token not in proof
    with daemon.http() as http:
        assert http.get("/halfwatt/v1/healthz").json()["pid"] == daemon.pid


def test_unknown_place_and_method_are_sentences(http: httpx2.Client) -> None:
    assert (http.get("/v1/nothing").status_code, http.put("/v1/models").status_code) == (404, 405)
    assert error(http.get("/v1/nothing"))["code"] == "not_found"


def test_announced_large_body_is_refused(http: httpx2.Client) -> None:
    reply = http.post("/v1/chat/completions", content=b"x" * (8 * 1024 * 1024 + 1))
    assert (reply.status_code, error(reply)["code"]) == (413, "body_too_large")


def test_large_body_of_unknown_length_is_refused(daemon: RunningDaemon) -> None:
    """Sent raw, because an HTTP library stops sending when the refusal comes early."""
    port = urlsplit(daemon.url).port or 0
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        head = f"POST /v1/completions HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {daemon.token}\r\n"
        connection.sendall(head.encode() + b"Transfer-Encoding: chunked\r\n\r\n")
        block = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
        for _ in range(129):
            connection.sendall(block)
        assert connection.recv(64).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("body", [b"", b"not json", b"\xff", b"[]", b'{"messages": "x"}'])
def test_body_that_is_not_understood_is_a_client_error(http: httpx2.Client, body: bytes) -> None:
    reply = http.post("/v1/chat/completions", content=body)
    assert (reply.status_code, error(reply)["type"]) == (400, "invalid_request_error")


@pytest.mark.parametrize("stream", [True, False])
def test_without_a_model_the_answer_says_how_to_get_one(http: httpx2.Client, stream: bool) -> None:
    reply = http.post("/v1/chat/completions", json={**HELLO, "stream": stream})
    assert reply.status_code == 503
    assert "halfwatt models pull" in error(reply)["message"]


def test_failed_request_is_one_row_without_its_text(daemon: RunningDaemon, http: httpx2.Client) -> None:
    before = len(http.get("/halfwatt/v1/recent?n=1000").json())
    http.post("/v1/chat/completions", json=HELLO)
    rows = http.get("/halfwatt/v1/recent?n=1000").json()
    assert len(rows) == before + 1
    assert (rows[0]["outcome"], rows[0]["total_j"]) == ("failed", 0)
    kept = daemon.paths.ledger_file.read_bytes() + daemon.paths.log_file.read_bytes()
    wal = daemon.paths.ledger_file.with_name(daemon.paths.ledger_file.name + "-wal")
    assert b"must not be kept" not in kept + (wal.read_bytes() if wal.exists() else b"")


def test_unknown_model_is_a_sentence_that_names_the_known(http: httpx2.Client) -> None:
    reply = http.post("/v1/chat/completions", json={**HELLO, "model": "gpt-unheard-of"})
    assert reply.status_code == 400
    assert "auto, local, cloud" in error(reply)["message"]


def test_cloud_without_a_tier_is_forbidden_with_a_way_out(http: httpx2.Client) -> None:
    reply = http.post("/v1/chat/completions", json={**HELLO, "model": "cloud"})
    assert (reply.status_code, error(reply)["code"]) == (403, "policy")


def test_route_decides_without_a_model_or_a_row(http: httpx2.Client) -> None:
    before = http.get("/halfwatt/v1/recent?n=1000").json()
    decision = http.post("/halfwatt/v1/route", json={"prompt": "x = ", "halfwatt": {"route": "local"}}).json()
    assert (decision["tier"], decision["kind"]) == ("local", "local")
    assert decision["reason"].startswith("explicit rule: ")
    assert http.get("/halfwatt/v1/recent?n=1000").json() == before


def test_feedback_for_a_request_nobody_knows_is_an_error(http: httpx2.Client) -> None:
    reply = http.post("/halfwatt/v1/feedback", json={"request_id": "none", "outcome": "accepted"})
    assert (reply.status_code, error(reply)["code"]) == (400, "usage")


def test_feedback_changes_the_row(http: httpx2.Client) -> None:
    http.post("/v1/chat/completions", json=HELLO)
    request_id = http.get("/halfwatt/v1/recent?n=1").json()[0]["request_id"]
    reply = http.post("/halfwatt/v1/feedback", json={"request_id": request_id, "outcome": "ignored"})
    assert reply.status_code == 204
    assert http.get("/halfwatt/v1/recent?n=1").json()[0]["outcome"] == "ignored"


@pytest.mark.parametrize("query", ["n=0", "n=-1", "n=x", "n=100000"])
def test_bad_count_is_a_sentence(http: httpx2.Client, query: str) -> None:
    assert error(http.get(f"/halfwatt/v1/recent?{query}"))["code"] == "usage"


@pytest.mark.parametrize(
    ("since", "status"), [("today", 200), ("all", 200), ("7d", 200), ("2026-01-01", 200), ("x", 400)]
)
def test_energy_since(http: httpx2.Client, since: str, status: int) -> None:
    assert http.get(f"/halfwatt/v1/energy?since={since}").status_code == status


def test_first_event_is_the_status_and_each_change_follows(http: httpx2.Client, daemon: RunningDaemon) -> None:
    with http.stream("GET", "/halfwatt/v1/events") as events, daemon.http() as other:
        lines = (line for line in events.iter_lines() if line.startswith("data: "))
        assert json.loads(next(lines)[6:])["state"] == "no_model"
        other.post("/halfwatt/v1/pause", json={"minutes": 5})
        assert any(json.loads(line[6:])["state"] == "paused" for line in lines)
        other.post("/halfwatt/v1/resume")
        assert any(json.loads(line[6:])["state"] == "no_model" for line in lines)


def test_ghost_text_is_declined_while_paused(http: httpx2.Client) -> None:
    http.post("/halfwatt/v1/pause", json={})
    body = {"prompt": "x = ", "suffix": "\n", "halfwatt": {"kind": "complete"}}
    answer = http.post("/v1/completions", json=body).json()
    http.post("/halfwatt/v1/resume")
    assert (answer["halfwatt"]["kind"], answer["choices"][0]["text"]) == ("none", "")
    assert "paused until you resume" in answer["halfwatt"]["reason"]
    assert answer["halfwatt"]["energy"]["total_j"] == 0


def test_dial_is_kept_in_the_settings(daemon: RunningDaemon, http: httpx2.Client) -> None:
    assert http.post("/halfwatt/v1/dial", json={"dial": "eco"}).json()["dial"] == "eco"
    assert 'dial = "eco"' in daemon.paths.config_file.read_text()
    reply = http.post("/halfwatt/v1/dial", json={"dial": "turbo"})
    assert "eco, balanced, quality" in error(reply)["message"]


def test_changed_settings_count_at_once_and_broken_ones_do_not(daemon: RunningDaemon, http: httpx2.Client) -> None:
    daemon.paths.config_file.parent.mkdir(parents=True, exist_ok=True)
    daemon.paths.config_file.write_text('[routing]\nescalation = "ask"\n')
    assert http.get("/halfwatt/v1/status").json()["escalation"] == "ask"
    daemon.paths.config_file.write_text('[routing]\nescalation = "perhaps"\n')
    status = http.get("/halfwatt/v1/status").json()
    assert status["escalation"] == "ask"
    assert any("routing.escalation" in warning for warning in status["warnings"])
    daemon.paths.config_file.unlink()
    assert http.get("/halfwatt/v1/status").json()["escalation"] == "never"


def test_pull_of_an_unknown_model_is_a_sentence(http: httpx2.Client) -> None:
    reply = http.post("/halfwatt/v1/models/pull", json={"id": "qwen2.5-coder-0.6b"})
    assert "Did you mean" in error(reply)["message"]


def test_metrics_are_prometheus_text_without_paths(daemon: RunningDaemon, http: httpx2.Client) -> None:
    text = http.get("/metrics").text
    samples = [line for line in text.splitlines() if not line.startswith("#")]
    assert all(len(line.rsplit(" ", 1)) == 2 and float(line.rsplit(" ", 1)[1]) >= 0 for line in samples)
    assert 'halfwatt_state{state="no_model"} 1' in samples
    assert "/" not in "".join(samples)


def test_dashboard_opens_once_with_a_link_and_never_with_the_address_alone(http: httpx2.Client) -> None:
    link = http.post("/halfwatt/v1/dashboard", json={}).json()["url"]
    with httpx2.Client(base_url=http.base_url, trust_env=False) as browser:
        assert browser.get("/").status_code == 401
        assert browser.get(link).status_code == 200
        assert browser.get("/").status_code == 200
        assert browser.get("/halfwatt/v1/status").status_code == 401
    with httpx2.Client(trust_env=False) as another:
        assert another.get(link).status_code == 401


def test_models_are_listed_as_openai_lists_them(http: httpx2.Client) -> None:
    listed = http.get("/v1/models").json()
    assert listed["object"] == "list"
    assert [model["id"] for model in listed["data"]][:3] == ["auto", "local", "cloud"]
