"""OpenAI's request bodies: from JSON bytes to a GenerationRequest, or a sentence saying what is wrong.

Unknown fields are ignored. Fields that would change the answer and are not supported are refused, not ignored.
"""

from __future__ import annotations

import uuid
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from halfwatt.daemon.errors import UsageError
from halfwatt.daemon.inference.request import GenerationRequest
from halfwatt.daemon.wire import RequestOptions


class _Part(Struct):
    """A part of a message; only those of type "text" are taken."""

    type: str
    text: str | None = None


class _Message(Struct):
    """One message of a conversation."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[_Part] | None = None


class StreamOptions(Struct):
    """With `include_usage` the usage comes in a chunk of its own, after the last one."""

    include_usage: bool = False


class _CommonFields(Struct, kw_only=True):
    """What both endpoints share. Fields of type object are only looked at to refuse them."""

    model: str = "auto"
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: Annotated[int, Meta(ge=1)] | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    seed: int | None = None
    stop: str | list[str] | None = None
    n: int | None = None
    logprobs: object = None
    halfwatt: RequestOptions = RequestOptions()


class ChatBody(_CommonFields, kw_only=True):
    """OpenAI's chat request. `halfwatt` is our own addition."""

    messages: Annotated[list[_Message], Meta(min_length=1)]
    max_completion_tokens: Annotated[int, Meta(ge=1)] | None = None
    tools: list[Any] | None = None
    functions: list[Any] | None = None
    response_format: dict[str, Any] | None = None


class TextBody(_CommonFields, kw_only=True):
    """OpenAI's text request. With a `suffix` the model fills in between; `halfwatt` is our own addition."""

    prompt: str | Annotated[list[str], Meta(min_length=1, max_length=1)]
    suffix: str | None = None
    echo: bool | None = None
    best_of: int | None = None


AnyBody = TypeVar("AnyBody", bound=_CommonFields)


def parse(raw: bytes, shape: type[AnyBody]) -> AnyBody:
    """The body as `shape`; UsageError names the field that is wrong."""
    try:
        body = msgspec.json.decode(raw, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"The request body was not understood: {error}.") from None
    for name, unsupported in _unsupported(body):
        if unsupported:
            raise UsageError(f"`{name}` is not supported here: one text answer per request. Leave it out.")
    return body


def chat_request(body: ChatBody) -> GenerationRequest:
    messages = tuple({"role": _role(each.role), "content": _text(each)} for each in body.messages)
    limit = body.max_completion_tokens if body.max_completion_tokens is not None else body.max_tokens
    return _request(body, "chat", limit, messages=messages)


def text_request(body: TextBody) -> GenerationRequest:
    prompt = body.prompt if isinstance(body.prompt, str) else body.prompt[0]
    shape = "text" if body.suffix is None else "fim"
    return _request(body, shape, body.max_tokens, prompt=prompt, suffix=body.suffix)


def _request(body: _CommonFields, shape: Any, max_tokens: int | None, **content: Any) -> GenerationRequest:
    stop = (body.stop,) if isinstance(body.stop, str) else tuple(body.stop or ())
    return GenerationRequest(
        request_id=uuid.uuid4().hex,
        shape=shape,
        model=body.model,
        options=body.halfwatt,
        max_tokens=max_tokens,
        temperature=body.temperature or 0.0,
        seed=body.seed,
        stop=tuple(text for text in stop if text),
        whole=not body.stream,
        **content,
    )


def _unsupported(body: _CommonFields) -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = [("n", (body.n or 1) != 1), ("logprobs", body.logprobs)]
    if isinstance(body, ChatBody):
        wanted = (body.response_format or {}).get("type", "text")
        found += [("tools", body.tools), ("functions", body.functions), ("response_format", wanted != "text")]
    if isinstance(body, TextBody):
        found += [("echo", body.echo), ("best_of", (body.best_of or 1) != 1)]
    return found


def _role(role: str) -> str:
    return "system" if role == "developer" else role


def _text(message: _Message) -> str:
    if message.content is None or isinstance(message.content, str):
        return message.content or ""
    for part in message.content:
        if part.type != "text" or part.text is None:
            raise UsageError(f"A message part of type {part.type!r} is not supported; send text only.")
    return "".join(part.text or "" for part in message.content)
