"""One edge or cloud tier: streams an answer from any OpenAI-compatible server through the openai client.

A request is tried at most twice, and only while nothing of the answer has come. Closing the generator closes the
connection, which is how such servers learn that the client has left.

It decides nothing. Whether a request may leave the machine is routing/policy.py's part; joules are remote.py's.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from halfwatt.daemon.inference.answer import Chunk
from halfwatt.daemon.inference.outgoing import Outgoing
from halfwatt.daemon.inference.stops import Stopper
from halfwatt.daemon.settings.schema import TierConfig
from halfwatt.daemon.wire import StopRule

from . import failures
from .openai_answer import AnswerReader, ServerReport

if TYPE_CHECKING:
    import openai

    from . import http

Create = Callable[..., Awaitable[Any]]  # one of the openai client's `create` methods, asked to stream
TRIES = 2
RETRY_AFTER_S = 0.5
RETRY_AFTER_LIMIT_S = 2.0  # a server that asks for more patience than this gets a sentence instead
RETRIED_STATUS = {408, 409, 429, 500, 502, 503, 504}
STOP_TEXTS_SENT = 4  # OpenAI's limit; this module finds the rest
MAX_CHARS_PER_TOKEN = 32  # a server that ignores max_tokens is cut off
MAX_WITHOUT_TEXT = 20_000  # events; models that reason in a field of their own send thousands

# What some servers refuse, and what to send instead (None: leave it out). Learned from the first refusal.
SUBSTITUTES = {"max_tokens": "max_completion_tokens", "temperature": None, "stop": None, "stream_options": None}


class OpenAIServer:
    """A pool of connections to one tier. Building it imports the openai client, most of a second: use a thread."""

    def __init__(self, tier: TierConfig, key: str | None, clock: Callable[[], float] = time.monotonic) -> None:
        """Raises TierError where the address, the proxy or the certificate file of the environment is unusable."""
        import httpx2
        import openai

        from . import http

        logging.getLogger("openai").setLevel(logging.WARNING)  # its debug level writes prompts
        self._tier = tier
        self._clock = clock
        self._refused: set[str] = set()
        try:
            self._client = openai.AsyncOpenAI(
                api_key="sent-by-http-client",  # any text: without one the client takes OPENAI_API_KEY
                base_url=tier.base_url,
                max_retries=0,
                timeout=tier.timeout_s,
                http_client=http.client(key, tier.timeout_s),
            )
        except (OSError, ssl.SSLError) as error:
            raise failures.tier_error(
                tier,
                f"cannot be used: the file of certificate authorities cannot be read ({error.strerror or 'not PEM'})",
                "correct SSL_CERT_FILE or REQUESTS_CA_BUNDLE and restart the daemon",
            ) from None
        except (ValueError, ImportError, httpx2.InvalidURL, openai.OpenAIError):
            raise failures.tier_error(
                tier,
                "cannot be used: its address or the proxy's is none",
                f"{failures.of_address(tier)}, HTTPS_PROXY and HTTP_PROXY",
            ) from None

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.close()

    def answer(
        self, sent: Outgoing, max_tokens: int, stop_rules: Sequence[StopRule] = ()
    ) -> AsyncGenerator[Chunk | ServerReport, None]:
        """Chunks of the answer, then one ServerReport. Raises TierError.

        The body is `sent` with nothing but the tier's settings beside it."""
        client = self._client.chat.completions if sent.is_chat else self._client.completions
        stop = sent.fields.get("stop", ())
        body = self._body(max_tokens) | dict(sent.fields) | ({"stop": list(stop)[:STOP_TEXTS_SENT]} if stop else {})
        return self._stream(client.create, body, Stopper(stop_rules, stop, before=sent.before))

    def _body(self, max_tokens: int) -> dict[str, Any]:
        body: dict[str, Any] = {"model": self._tier.model, "stream": True, "stream_options": {"include_usage": True}}
        return body | {"max_tokens": min(max_tokens, self._tier.max_tokens)}

    async def _stream(
        self, create: Create, body: dict[str, Any], stopper: Stopper
    ) -> AsyncGenerator[Chunk | ServerReport, None]:
        from . import http

        started = self._clock()
        first_token_ms: float | None = None
        answer = AnswerReader()
        limit = body["max_tokens"] * MAX_CHARS_PER_TOKEN
        stream = await self._open(create, body)
        try:
            while stopper.reason is None and answer.n_chars <= limit:
                if answer.n_without_text > body["max_tokens"] + MAX_WITHOUT_TEXT:
                    raise failures.tier_error(self._tier, "sent thousands of events without text", "try again")
                chunk = await self._next(stream)
                if chunk is None:
                    break
                if text := stopper.feed(answer.read(chunk)):
                    first_token_ms = first_token_ms or (self._clock() - started) * 1000
                    yield Chunk(text)
            else:
                answer.stop = stopper.reason or "length"
        finally:
            await stream.close()
        observer: http.SseObserver = stream.response.extensions[http.OBSERVER]
        if answer.stop is None and not observer.saw_done:
            raise failures.tier_error(
                self._tier,
                *(
                    (failures.CUT_OFF, "try again")
                    if answer.n_chunks
                    else (failures.NOT_COMPATIBLE, failures.of_address(self._tier))
                ),
            )
        if text := stopper.finish():
            yield Chunk(text)
        yield ServerReport(
            stop=stopper.reason or answer.stop or "stop",
            prompt_tokens=answer.prompt_tokens,
            completion_tokens=answer.completion_tokens,
            first_token_ms=first_token_ms,
            reported_energy_j=observer.energy_j,
        )

    async def _open(self, create: Create, body: dict[str, Any]) -> Any:
        """The response stream, after at most TRIES tries and what SUBSTITUTES teaches on the way."""
        import openai

        for n_left in range(TRIES - 1, -1, -1):
            try:
                return await self._open_substituting(create, body)
            except openai.APIStatusError as error:
                wait_s = _retry_after_s(error)
                if n_left == 0 or wait_s is None:
                    raise failures.of_status(self._tier, error) from None
            except (openai.APITimeoutError, TimeoutError):
                raise failures.of_time(self._tier) from None
            except openai.APIConnectionError as error:
                wait_s = RETRY_AFTER_S
                if n_left == 0 or not _broke_before_an_answer(error):
                    raise failures.of_connection(self._tier, error) from None
            except (openai.OpenAIError, ValueError) as error:
                raise failures.of_connection(self._tier, error) from None
            await asyncio.sleep(wait_s)
        raise AssertionError("unreachable: the last try returns or raises")

    async def _open_substituting(self, create: Create, body: dict[str, Any]) -> Any:
        import openai

        while True:
            try:
                async with asyncio.timeout(self._tier.timeout_s):
                    return await create(**self._accepted(body))
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                if error.param not in SUBSTITUTES or error.param not in body or error.param in self._refused:
                    raise
                self._refused.add(error.param)

    def _accepted(self, body: dict[str, Any]) -> dict[str, Any]:
        """The body with what this server refuses renamed or left out.

        A new name goes into `extra_body`, whose fields the client does not check.
        """
        sent = {name: value for name, value in body.items() if name not in self._refused}
        renamed = {SUBSTITUTES[name]: body[name] for name in self._refused if SUBSTITUTES[name] and name in body}
        return sent | {"extra_body": renamed} if renamed else sent

    async def _next(self, stream: Any) -> Any:
        """The next chunk, None at the end. A server that only keeps the line open runs into the limit, too."""
        import openai

        try:
            async with asyncio.timeout(self._tier.timeout_s):
                return await anext(stream, None)
        except (openai.APITimeoutError, TimeoutError):
            raise failures.of_time(self._tier) from None
        except openai.APIConnectionError as error:
            raise failures.of_connection(self._tier, error) from None
        except openai.APIError:
            raise failures.tier_error(self._tier, "broke off with an error of its own", "try again") from None
        except (ValueError, TypeError, AttributeError):  # what the client raises for events that are not JSON objects
            raise failures.tier_error(self._tier, failures.NOT_COMPATIBLE, failures.of_address(self._tier)) from None


def _retry_after_s(error: openai.APIStatusError) -> float | None:
    """How long to wait before the second try; None: not worth one."""
    if error.status_code not in RETRIED_STATUS or error.code == "insufficient_quota":
        return None
    try:
        wait_s = float(error.response.headers.get("retry-after", RETRY_AFTER_S))
    except ValueError:
        return None
    return wait_s if 0 <= wait_s <= RETRY_AFTER_LIMIT_S else None


def _broke_before_an_answer(error: openai.APIConnectionError) -> bool:
    """An idle connection that the server had closed meanwhile, not a server that cannot be reached."""
    return type(error.__cause__).__name__ in {"RemoteProtocolError", "ReadError", "WriteError"}
