"""Faults of a server that the user set up: what it may say has bounds, and the next request is served at once."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fake_api import DONE, Answer, chunk
from fault_setting import Setting, ask, ask_again, command, made, n_rows, text_of
from running_daemon import RunningDaemon, running

GOOD = Answer(chunk("return 1") + chunk(finish="stop") + DONE)


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    with made(tmp_path_factory.mktemp("server")) as found:
        yield found


@pytest.fixture(scope="module")
def daemon(setting: Setting) -> Iterator[RunningDaemon]:
    with running(setting.environ) as found:
        yield found


def answered(*, comment: str = "", usage: Any = None) -> Answer:
    last = chunk(finish="stop", usage=usage) if usage is not None else chunk(finish="stop")
    return Answer(chunk("return 1") + last + comment + DONE)


ODD_NUMBERS = {
    "joules beyond all sums": answered(comment=': energy {"energy_joules": 1e308}\n\n'),
    "negative joules": answered(comment=': energy {"energy_joules": -5}\n\n'),
    "joules that are no number": answered(comment=': energy {"energy_joules": "5"}\n\n'),
    "tokens beyond 64 bits": answered(usage={"prompt_tokens": 10**26, "completion_tokens": 1}),
    "negative tokens": answered(usage={"prompt_tokens": 5, "completion_tokens": -1}),
    "tokens that are no numbers": answered(usage={"prompt_tokens": "5", "completion_tokens": [1]}),
    "true as a count": answered(usage={"prompt_tokens": True, "completion_tokens": 1}),
}


@pytest.mark.parametrize("answer", ODD_NUMBERS.values(), ids=list(ODD_NUMBERS))
def test_number_that_makes_no_sense_counts_as_not_said(answer: Answer, setting: Setting, daemon: RunningDaemon) -> None:
    n_before = n_rows(daemon)
    setting.api.answers = [answer]
    reply = ask(daemon)
    assert text_of(reply) == "return 1"
    energy = reply["halfwatt"]["energy"]
    assert energy["total_j"] is None or 0 <= energy["total_j"] < 1e6
    assert n_rows(daemon) == n_before + 1
    assert json.loads(command(setting, "energy", "--json"))["requests"] == n_before + 1
    assert re.search(rf"Requests +{n_before + 1} ", command(setting, "energy"))


BROKEN: dict[str, Answer] = {
    **{f"status {status}": Answer('{"error": {"message": "no"}}', status=status) for status in (400, 401, 402, 403)},
    **{f"status {status}": Answer("<html>", status=status) for status in (404, 413, 418, 429, 451)},
    **{f"status {status}": Answer("", status=status) for status in (500, 502, 503, 504, 529, 599)},
    "cut before anything": Answer(status=0),
    "cut in the middle": Answer(chunk("ret"), cut=True),
    "ended without an end": Answer(chunk("ret")),
    "no events": Answer("hello, I am no API"),
    "an empty body": Answer(""),
    "events that are no JSON": Answer("data: {oops}\n\n" + DONE),
    "events that are no objects": Answer("data: 7\n\ndata: null\n\n" + DONE),
    "deep JSON": Answer("data: " + "[" * 100_000 + "]" * 100_000 + "\n\n" + DONE),
    "deep objects": Answer("data: " + '{"a":' * 50_000 + "1" + "}" * 50_000 + "\n\n" + DONE),
    "a line that does not end": Answer("data: " + "x" * 9_000_000),
    "events without text": Answer(chunk("") * 25_000 + DONE),
    "invalid UTF-8 escapes": Answer(chunk("\ud800") + DONE),
    "an answer of another kind": Answer('{"choices": []}', headers={"Content-Type": "application/json"}),
    "a redirect": Answer("", status=302, headers={"Location": "http://127.0.0.1:9/"}),
}


@pytest.mark.parametrize("answer", BROKEN.values(), ids=list(BROKEN))
def test_broken_answer_is_a_sentence_and_the_next_request_is_served(
    answer: Answer, setting: Setting, daemon: RunningDaemon, record_property: Callable[[str, object], None]
) -> None:
    n_before = n_rows(daemon)
    setting.api.answers = [answer]
    reply = ask(daemon)
    if "error" in reply:
        assert reply["error"]["message"].rstrip().endswith((".", ")"))
        assert "Traceback" not in reply["error"]["message"]
    setting.api.answers = [GOOD]
    assert ask_again(daemon, record_property) == "return 1"
    assert n_rows(daemon) == n_before + 2


def test_stalled_server_is_given_up(
    setting: Setting, daemon: RunningDaemon, record_property: Callable[[str, object], None]
) -> None:
    command(setting, "config", "set", "tiers.lan.timeout_s", "1")
    setting.api.answers = [Answer(chunk("ret"), hold=True)]
    assert "1 s" in ask(daemon)["error"]["message"]
    setting.api.answers = [GOOD]
    assert ask_again(daemon, record_property) == "return 1"
