"""Calling the daemon over HTTP. The language server and the command line use this client.

It finds or starts the daemon on first use, and again after the daemon has ended. It knows no editor and no model.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Self, TypeVar

import httpx2
import msgspec

from halfwatt.daemon import errors
from halfwatt.daemon.paths import Paths
from halfwatt.daemon.wire import (
    AnswerItem,
    EnergySummary,
    ErrorBody,
    ErrorReply,
    Feedback,
    RequestOptions,
    Result,
    RouteDecision,
    Skipped,
    Status,
    encode,
)

from . import discovery, transport

Value = TypeVar("Value")
_CALL_LIMIT = httpx2.Timeout(30.0, connect=5.0)
_ANSWER_LIMIT = httpx2.Timeout(600.0, connect=5.0)
_EVENTS_LIMIT = httpx2.Timeout(60.0, connect=5.0)
_RETRY_S = (0.2, 10.0)


class _OpenAiChunk(msgspec.Struct):
    """The parts of a streamed chunk that we read."""

    choices: list[dict[str, Any]] = []
    halfwatt: msgspec.Raw = msgspec.Raw()
    error: ErrorBody | None = None


class Client:
    """A connection to the daemon. Open it with `await Client.connect(...)`, close it by `async with` or `aclose()`."""

    def __init__(self, paths: Paths, environ: Mapping[str, str], start: bool, version: str | None) -> None:
        self._paths = paths
        self._environ = environ
        self._start = start
        self._version = version
        self._daemon: discovery.RunningDaemon | None = None
        self._http = transport.http_client(paths, _CALL_LIMIT)

    @classmethod
    async def connect(
        cls, paths: Paths, environ: Mapping[str, str], start: bool = True, version: str | None = None
    ) -> Self:
        """Find the daemon or start it; DaemonError says why neither worked. `version` replaces our own, for tests."""
        client = cls(paths, environ, start, version)
        try:
            await client._find(start)
        except BaseException:
            await client.aclose()
            raise
        return client

    @property
    def daemon(self) -> discovery.RunningDaemon:
        """Address and token of the daemon."""
        if self._daemon is None:
            raise errors.DaemonError("The daemon has not been found yet.")
        return self._daemon

    async def aclose(self) -> None:
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def chat(
        self,
        messages: Sequence[Mapping[str, str]],
        options: RequestOptions,
        max_tokens: int | None = None,
        *,
        model: str = "auto",
        stop: Sequence[str] = (),
        temperature: float | None = None,
    ) -> AsyncGenerator[AnswerItem, None]:
        """The decision, then the chunks of text, then the result. Closing the iterator cancels the request."""
        body: dict[str, Any] = {"model": model, "messages": list(messages), "stop": list(stop), "halfwatt": options}
        if temperature is not None:
            body["temperature"] = temperature
        return self._answers("/v1/chat/completions", _with_limit(body, max_tokens))

    def complete(
        self,
        prefix: str,
        suffix: str | None,
        options: RequestOptions,
        max_tokens: int | None = None,
        *,
        model: str = "auto",
        stop: Sequence[str] = (),
    ) -> AsyncGenerator[AnswerItem, None]:
        """Like `chat`, for the text between `prefix` and `suffix` (None: plain continuation)."""
        body = {"model": model, "prompt": prefix, "suffix": suffix, "stop": list(stop), "halfwatt": options}
        return self._answers("/v1/completions", _with_limit(body, max_tokens))

    async def route(
        self,
        options: RequestOptions,
        messages: Sequence[Mapping[str, str]] | None = None,
        prompt: str = "",
        suffix: str | None = None,
    ) -> RouteDecision:
        """Which tier would answer and why; no model is called."""
        content: dict[str, Any] = {"messages": messages} if messages is not None else {"prompt": prompt}
        if suffix is not None:
            content["suffix"] = suffix
        return await self._post("route", {"halfwatt": options, **content}, RouteDecision)

    async def status(self) -> Status:
        return await self._get("status", Status)

    async def energy(self, since: str = "today") -> EnergySummary:
        """Sums since `today`, `all`, a span like `7d` or a date."""
        return await self._get(f"energy?since={since}", EnergySummary)

    async def feedback(self, feedback: Feedback) -> None:
        await self._post("feedback", feedback, type(None))

    async def skipped(self, skipped: Skipped) -> None:
        """Book calls that were not made."""
        await self._post("skipped", skipped, type(None))

    async def pause(self, minutes: float | None = None) -> Status:
        return await self._post("pause", {"minutes": minutes}, Status)

    async def resume(self) -> Status:
        return await self._post("resume", {}, Status)

    async def dial(self, dial: str | float) -> Status:
        """Turn the dial and keep it in the settings."""
        return await self._post("dial", {"dial": dial}, Status)

    async def pull(self, model_id: str) -> Status:
        """Start fetching a model; its progress comes with the events."""
        return await self._post("models/pull", {"id": model_id}, Status)

    async def dashboard_url(self) -> str:
        """A link to the dashboard page that works once."""
        return (await self._post("dashboard", {}, dict[str, str]))["url"]

    async def events(self) -> AsyncGenerator[Status, None]:
        """Every change of status, without end. When the daemon has ended, one status says so, and it reconnects."""
        delay_s = _RETRY_S[0]
        while True:
            try:
                async for status in self._status_events():
                    delay_s = _RETRY_S[0]
                    yield status
            except errors.DaemonError:
                pass
            if delay_s == _RETRY_S[0]:
                yield _ended(self._daemon)
            await asyncio.sleep(delay_s)
            delay_s = min(2 * delay_s, _RETRY_S[1])

    async def _find(self, start: bool) -> discovery.RunningDaemon:
        self._daemon = await discovery.connect(self._paths, self._environ, start=start, version=self._version)
        return self._daemon

    async def _status_events(self) -> AsyncGenerator[Status, None]:
        async with self._open("GET", "/halfwatt/v1/events", None, _EVENTS_LIMIT, start=False) as response:
            async for sse in httpx2.EventSource(response):
                yield msgspec.json.decode(sse.data, type=Status)

    async def _answers(self, path: str, body: dict[str, Any]) -> AsyncGenerator[AnswerItem, None]:
        async with self._open("POST", path, {**body, "stream": True}, _ANSWER_LIMIT, self._start) as response:
            async for sse in httpx2.EventSource(response, max_event_size=None):
                if sse.data == "[DONE]":
                    return
                for item in _items(msgspec.json.decode(sse.data, type=_OpenAiChunk)):
                    yield item
        raise errors.DaemonError("The daemon ended before the answer was complete. Ask again.")

    async def _get(self, path: str, shape: type[Value]) -> Value:
        async with self._open("GET", f"/halfwatt/v1/{path}", None, _CALL_LIMIT, self._start) as response:
            return msgspec.json.decode(await response.aread(), type=shape)

    async def _post(self, path: str, body: object, shape: type[Value]) -> Value:
        async with self._open("POST", f"/halfwatt/v1/{path}", body, _CALL_LIMIT, self._start) as response:
            return msgspec.json.decode(await response.aread() or b"null", type=shape)

    @asynccontextmanager
    async def _open(
        self, method: str, path: str, body: object, limit: httpx2.Timeout, start: bool
    ) -> AsyncGenerator[httpx2.Response, None]:
        """One request whose reply has begun and is not an error."""
        response = await self._send(method, path, body, limit, start)
        try:
            if response.status_code >= 400:
                raise _error(await response.aread())
            yield response
        except httpx2.TimeoutException:
            raise errors.DaemonError("The daemon did not answer in time. Ask again, or restart it.") from None
        except httpx2.TransportError:
            raise errors.DaemonError("The connection to the daemon was lost. Ask again.") from None
        finally:
            await response.aclose()

    async def _send(self, method: str, path: str, body: object, limit: httpx2.Timeout, start: bool) -> httpx2.Response:
        """Send once. Where no daemon listens, or it wants another token, find or start one and send once more."""
        daemon = self._daemon or await self._find(start)
        try:
            response = await self._send_to(daemon, method, path, body, limit)
            if response.status_code != 401:
                return response
            await response.aclose()
        except httpx2.TimeoutException:
            raise errors.DaemonError("The daemon did not answer in time. Ask again, or restart it.") from None
        except httpx2.TransportError:
            pass  # it ended before it answered, so asking its successor repeats nothing
        daemon = await self._find(start)
        try:
            return await self._send_to(daemon, method, path, body, limit)
        except httpx2.TransportError:
            raise errors.DaemonError("The daemon cannot be reached. Try `halfwatt daemon start`.") from None

    async def _send_to(
        self, daemon: discovery.RunningDaemon, method: str, path: str, body: object, limit: httpx2.Timeout
    ) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {daemon.token}", "Content-Type": "application/json"}
        content = None if body is None else encode(body)
        request = self._http.build_request(
            method,
            daemon.address.url + path,
            headers=headers,
            content=content,
            timeout=limit,
            extensions=transport.proven(daemon.address, daemon.token),
        )
        return await self._http.send(request, stream=True)


def _ended(daemon: discovery.RunningDaemon | None) -> Status:
    version = daemon.address.version if daemon else ""
    return Status(state="ready", message="The daemon has ended; the next request starts it.", version=version)


def _with_limit(body: dict[str, Any], max_tokens: int | None) -> dict[str, Any]:
    return body if max_tokens is None else {**body, "max_tokens": max_tokens}


def _items(chunk: _OpenAiChunk) -> list[AnswerItem]:
    if chunk.error is not None:
        raise _class_of(chunk.error.code)(chunk.error.message)
    if bytes(chunk.halfwatt):
        finished = any(choice.get("finish_reason") for choice in chunk.choices)
        if finished:
            return [msgspec.json.decode(chunk.halfwatt, type=Result)]
        return [msgspec.json.decode(chunk.halfwatt, type=RouteDecision)]
    texts = [choice.get("text") or choice.get("delta", {}).get("content") for choice in chunk.choices]
    return [text for text in texts if text]


def _error(content: bytes) -> errors.HalfwattError:
    """The error that the daemon raised, as the same class here."""
    try:
        body = msgspec.json.decode(content, type=ErrorReply).error
    except msgspec.MsgspecError:
        return errors.DaemonError("The daemon gave an answer that was not understood. Restart it and try again.")
    return _class_of(body.code)(body.message)


def _class_of(code: str) -> type[errors.HalfwattError]:
    known = [errors.HalfwattError]
    for kind in known:  # the list grows while it is read, to all subclasses
        known += kind.__subclasses__()
    return next((kind for kind in known if kind.code == code), errors.HalfwattError)
