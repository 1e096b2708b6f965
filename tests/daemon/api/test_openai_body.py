"""OpenAI bodies: what is understood, what is ignored, what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from halfwatt.daemon.api.openai_body import ChatBody, TextBody, chat_request, parse, text_request
from halfwatt.daemon.errors import UsageError
from halfwatt.daemon.inference.request import GenerationRequest

HELLO = [{"role": "user", "content": "hello"}]


def chat(**fields: Any) -> GenerationRequest:
    return chat_request(parse(json.dumps({"messages": HELLO, **fields}).encode(), ChatBody))


def text(**fields: Any) -> GenerationRequest:
    return text_request(parse(json.dumps({"prompt": "x = ", **fields}).encode(), TextBody))


def test_unknown_fields_are_ignored() -> None:
    assert chat(user="me", frequency_penalty=0.1, service_tier="auto", store=True).messages[0]["content"] == "hello"


def test_defaults_are_greedy_and_leave_the_limit_to_the_settings() -> None:
    request = chat()
    assert (request.model, request.temperature, request.seed, request.max_tokens, request.stop) == (
        "auto",
        0.0,
        None,
        None,
        (),
    )


def test_newer_name_of_the_limit_wins() -> None:
    assert chat(max_tokens=5, max_completion_tokens=9).max_tokens == 9
    assert chat(max_tokens=5).max_tokens == 5


@pytest.mark.parametrize(("stop", "meant"), [("a", ("a",)), (["a", "b"], ("a", "b")), (None, ()), (["", "b"], ("b",))])
def test_stop_is_one_text_or_several(stop: Any, meant: tuple[str, ...]) -> None:
    assert chat(stop=stop).stop == meant


def test_message_parts_are_joined_and_developer_means_system() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    request = chat(messages=[{"role": "developer", "content": "be brief"}, {"role": "user", "content": parts}])
    assert request.messages == ({"role": "system", "content": "be brief"}, {"role": "user", "content": "ab"})


def test_suffix_makes_it_fill_in_the_middle() -> None:
    assert (text(suffix="\n").shape, text().shape, text(prompt=["x = "]).prompt) == ("fim", "text", "x = ")


def test_own_object_is_read() -> None:
    request = chat(
        halfwatt={"kind": "generate", "route": "local", "router_text": "def f():", "stop_rules": ["code_block"]}
    )
    assert (request.options.kind, request.options.route, request.judged_text()) == ("generate", "local", "def f():")


@pytest.mark.parametrize(
    "fields",
    [
        {"n": 2},
        {"tools": [{"type": "function"}]},
        {"response_format": {"type": "json_object"}},
        {"logprobs": True},
        {"messages": []},
        {"messages": [{"role": "robot", "content": "x"}]},
        {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
        {"max_tokens": 0},
        {"temperature": 3},
        {"halfwatt": {"route": "moon"}},
        {"halfwatt": {"stop_rules": ["never"]}},
        {"stream": "yes"},
    ],
)
def test_what_is_not_supported_is_refused_with_a_sentence(fields: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=r"\.$"):
        chat(**fields)


@pytest.mark.parametrize(
    "fields", [{"n": 2}, {"echo": True}, {"best_of": 3}, {"prompt": ["a", "b"]}, {"prompt": [1, 2]}]
)
def test_what_text_completion_does_not_support_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=r"\.$"):
        text(**fields)


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"\xff\xfe", b'{"messages": 3}', b"null"])
def test_body_that_is_not_understood_is_refused(raw: bytes) -> None:
    with pytest.raises(UsageError, match="not understood"):
        parse(raw, ChatBody)


@pytest.mark.parametrize("content", ["a \ud800 b", "a \udc80"])
def test_text_that_utf8_cannot_carry_is_refused(content: str) -> None:
    with pytest.raises(UsageError, match="not understood"):
        chat(messages=[{"role": "user", "content": content}])
