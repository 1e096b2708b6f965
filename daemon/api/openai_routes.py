"""The OpenAI-compatible endpoints: chat and text completions, streaming or whole, and the list of models.

The decision and the result are sent in a `halfwatt` object, which other clients ignore. This module only shapes
requests and answers; the service answers.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from halfwatt.daemon.errors import HalfwattError
from halfwatt.daemon.inference.request import GenerationRequest
from halfwatt.daemon.service.service import Service
from halfwatt.daemon.wire import AnswerItem, ErrorBody, ErrorReply, Result, RouteDecision, encode

from .openai_body import ChatBody, TextBody, chat_request, parse, text_request
from .sse import DONE, EventStream, event, until_disconnect


@dataclass(frozen=True)
class _Format:
    """The shape of the answers of one of the two endpoints."""

    prefix: str
    chunk_object: str
    whole_object: str
    first: Callable[[], dict[str, Any]]
    chunk: Callable[[str], dict[str, Any]]
    whole: Callable[[str], dict[str, Any]]


_CHAT = _Format(
    "chatcmpl-",
    "chat.completion.chunk",
    "chat.completion",
    first=lambda: {"delta": {"role": "assistant", "content": ""}},
    chunk=lambda text: {"delta": {"content": text} if text else {}},
    whole=lambda text: {"message": {"role": "assistant", "content": text, "refusal": None}},
)
_TEXT = _Format(
    "cmpl-",
    "text_completion",
    "text_completion",
    first=lambda: {"text": ""},
    chunk=lambda text: {"text": text},
    whole=lambda text: {"text": text},
)


def routes(service: Service) -> list[Route]:
    async def chat(request: Request) -> Response:
        body = parse(await request.body(), ChatBody)
        return await _answer(service, request, chat_request(body), body, _CHAT)

    async def text(request: Request) -> Response:
        body = parse(await request.body(), TextBody)
        return await _answer(service, request, text_request(body), body, _TEXT)

    async def models(_: Request) -> Response:
        now = int(time.time())
        listed = [{"id": name, "object": "model", "created": now, "owned_by": "halfwatt"} for name in service.models()]
        return json_response({"object": "list", "data": listed})

    return [
        Route("/v1/chat/completions", chat, methods=["POST"]),
        Route("/v1/completions", text, methods=["POST"]),
        Route("/v1/models", models),
    ]


def json_response(value: object, status: int = 200) -> Response:
    return Response(encode(value), status_code=status, media_type="application/json")


async def _answer(
    service: Service, http: Request, request: GenerationRequest, body: ChatBody | TextBody, answer_format: _Format
) -> Response:
    if body.stream:
        usage = body.stream_options is not None and body.stream_options.include_usage
        return await _streamed(service, http, request, answer_format, usage)
    result = await until_disconnect(http, _whole(service, request))
    if result is None:
        return Response(status_code=499)  # the client has left
    return json_response(
        {
            **_head(answer_format.prefix, answer_format.whole_object, request, result.model),
            "choices": [_choice(answer_format.whole(result.code), _finish_reason(result))],
            "usage": _usage(result),
            "halfwatt": result,
        }
    )


async def _whole(service: Service, request: GenerationRequest) -> Result:
    async with aclosing(service.answer(request)) as items:
        async for item in items:
            if isinstance(item, Result):
                return item
    raise HalfwattError("The request ended without a result; nothing was generated. Try again.")


async def _streamed(
    service: Service, http: Request, request: GenerationRequest, answer_format: _Format, include_usage: bool
) -> Response:
    """Waits for the decision and the first chunk, so that a refusal still has its HTTP status."""
    items = service.answer(request)
    opening = await until_disconnect(http, _opening(items))
    if opening is None:
        await items.aclose()
        return Response(status_code=499)
    return EventStream(_events(opening, items, request, answer_format, include_usage))


async def _opening(items: AsyncGenerator[AnswerItem, None]) -> list[AnswerItem]:
    try:
        return [await anext(items), await anext(items)]
    except BaseException:
        await items.aclose()
        raise


async def _events(
    opening: list[AnswerItem],
    items: AsyncGenerator[AnswerItem, None],
    request: GenerationRequest,
    answer_format: _Format,
    include_usage: bool,
) -> AsyncGenerator[bytes, None]:
    head: dict[str, Any] = {}
    async with aclosing(items):
        try:
            async for item in _chained(opening, items):
                if isinstance(item, RouteDecision):
                    head = _head(answer_format.prefix, answer_format.chunk_object, request, item.model)
                    yield event(encode({**head, "choices": [_choice(answer_format.first())], "halfwatt": item}))
                elif isinstance(item, str):
                    yield event(encode({**head, "choices": [_choice(answer_format.chunk(item))]}))
                else:
                    for chunk in _closing(head, item, answer_format, include_usage):
                        yield event(encode(chunk))
        except HalfwattError as error:
            yield event(encode(ErrorReply(ErrorBody(str(error), "server_error", error.code))))
            return
    yield DONE


async def _chained(
    opening: list[AnswerItem], items: AsyncGenerator[AnswerItem, None]
) -> AsyncGenerator[AnswerItem, None]:
    for item in opening:
        yield item
    async for item in items:
        yield item


def _closing(head: dict[str, Any], result: Result, answer_format: _Format, include_usage: bool) -> list[dict[str, Any]]:
    """The last chunks. With `include_usage` the usage comes alone, after the finish, as OpenAI sends it."""
    finish = {**head, "choices": [_choice(answer_format.chunk(""), _finish_reason(result))], "halfwatt": result}
    if not include_usage:
        return [{**finish, "usage": _usage(result)}]
    return [{**finish, "usage": None}, {**head, "choices": [], "usage": _usage(result)}]


def _head(prefix: str, kind: str, request: GenerationRequest, model: str) -> dict[str, Any]:
    return {"id": prefix + request.request_id, "object": kind, "created": int(time.time()), "model": model}


def _choice(content: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
    return {"index": 0, **content, "logprobs": None, "finish_reason": finish_reason}


def _finish_reason(result: Result) -> str:
    return "length" if result.stop in ("length", "time_box") else "stop"


def _usage(result: Result) -> dict[str, int]:
    prompt, completion = result.tokens.prompt, result.tokens.completion
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
