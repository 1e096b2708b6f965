"""The edge and cloud tiers: which have a key, whether there is a network, and their answers with their joules.

It takes requests and yields answers. Talking to a server is openai_server.py's part, finding keys keys.py's.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec
import psutil

from halfwatt.daemon.energy import remote_estimates
from halfwatt.daemon.energy.readings import Reading
from halfwatt.daemon.errors import HalfwattError
from halfwatt.daemon.inference.answer import Cancellation, Chunk, Ended
from halfwatt.daemon.inference.outgoing import outgoing
from halfwatt.daemon.inference.request import GenerationRequest
from halfwatt.daemon.paths import Paths
from halfwatt.daemon.settings.schema import Config, TierConfig

from . import keys
from .openai_answer import ServerReport

if TYPE_CHECKING:  # importing the openai client takes most of a second, which a daemon without such tiers saves
    from .openai_server import OpenAIServer

KEY_AGE_S = 30.0
MISSING_KEY_AGE_S = 2.0  # short, so that a key which the user has just set counts
SLOW_LOOK_S = 1.0  # a keyring that takes longer is locked or hangs: it is asked as seldom as for a key that is there
UNCOUNTED = 0.3  # how far a count of tokens by length or chunks may be off


class RemoteTiers:
    """Connections to edge and cloud tiers, opened on first use and kept while their settings and key stay."""

    def __init__(self, paths: Paths, environ: Mapping[str, str]) -> None:
        self._paths = paths
        self._environ = environ
        self._keys: dict[str, _KeyLookup] = {}
        self._servers: dict[tuple[TierConfig, str | None], OpenAIServer] = {}
        self._energy_unknown: dict[str, str] = {}

    async def has_key(self, config: Config) -> dict[str, bool]:
        """Tier name → whether its key is there or none is needed. A key that cannot be used counts as missing."""
        looks = await asyncio.gather(*(self._key_lookup(tier.key) for tier in config.tiers if tier.key))
        here = {look.name for look in looks if look.key is not None}
        return {tier.name: not tier.key or tier.key in here for tier in config.tiers}

    @property
    def problems(self) -> tuple[str, ...]:
        """Why keys that are there cannot be used, and why the joules of a tier's last answer are unknown: sentences."""
        keys_failed = (str(look.error) for look in self._keys.values() if look.error is not None)
        unknown = (f"The energy of tier {name} is unknown: {why}." for name, why in self._energy_unknown.items())
        return (*keys_failed, *unknown)

    async def close(self) -> None:
        for tier in self._servers.values():
            await tier.aclose()

    async def answer(
        self, request: GenerationRequest, tier: TierConfig, cancellation: Cancellation, used: Callable[[Reading], None]
    ) -> AsyncGenerator[Chunk | Ended, None]:
        """The chunks of the answer, then how it ended. `used` gets the joules, however it ends."""
        remote = await self._connection(tier)
        n_chunks = 0
        report: ServerReport | None = None
        try:
            async with aclosing(_until_cancelled(_items(remote, request, tier), cancellation)) as items:
                async for item in items:
                    if isinstance(item, Chunk):
                        n_chunks += item.n_tokens
                        yield item
                    else:
                        report = item
        finally:
            reading = _joules(tier, request, report, n_chunks)
            if reading is not None:
                used(reading)
                self._remember_energy(tier.name, reading)
        prompt, completion, _ = _tokens(request, report, n_chunks)
        first_ms = report.first_token_ms if report else None
        yield Ended(report.stop if report else "cancelled", prompt, completion, first_token_ms=first_ms)

    def _remember_energy(self, tier_name: str, reading: Reading) -> None:
        if reading.j is None:
            self._energy_unknown[tier_name] = reading.reason
        else:
            self._energy_unknown.pop(tier_name, None)

    async def _connection(self, tier: TierConfig) -> OpenAIServer:
        from .openai_server import OpenAIServer

        key = await self._key(tier.key) if tier.key else None
        if (tier, key) not in self._servers:
            self._servers[tier, key] = await asyncio.to_thread(OpenAIServer, tier, key)
        return self._servers[tier, key]

    async def _key(self, name: str) -> str | None:
        look = await self._key_lookup(name)
        if look.error is not None:
            raise look.error
        return look.key

    async def _key_lookup(self, name: str) -> _KeyLookup:
        """The newest lookup of a key, repeated only when it has aged, because a keyring may be slow."""
        look = self._keys.get(name)
        if look is None or time.monotonic() >= look.good_until_s:
            look = self._keys[name] = await asyncio.to_thread(_look_up, name, self._paths, self._environ)
        return look


@dataclass(frozen=True)
class _KeyLookup:
    """What was found under a key's name, and the monotonic time until which that counts. Its `repr` hides the key."""

    name: str
    key: str | None = field(repr=False)
    error: HalfwattError | None
    good_until_s: float


def _look_up(name: str, paths: Paths, environ: Mapping[str, str]) -> _KeyLookup:
    begun_s = time.monotonic()
    key, error = None, None
    try:
        found = keys.find_key(name, paths, environ)
        key = found.value if found else None
    except HalfwattError as problem:
        error = problem
    ended_s = time.monotonic()
    slow = ended_s - begun_s > SLOW_LOOK_S
    return _KeyLookup(name, key, error, ended_s + (KEY_AGE_S if slow or key is not None else MISSING_KEY_AGE_S))


def is_online() -> bool:
    """Whether any network interface but loopback is up. Says nothing about who can be reached."""
    return any(state.isup for name, state in psutil.net_if_stats().items() if not name.lower().startswith("lo"))


def _items(
    remote: OpenAIServer, request: GenerationRequest, tier: TierConfig
) -> AsyncGenerator[Chunk | ServerReport, None]:
    limit = min(request.max_tokens or tier.max_tokens, tier.max_tokens)
    return remote.answer(outgoing(request), limit, request.options.stop_rules)


async def _until_cancelled(
    items: AsyncGenerator[Chunk | ServerReport, None], cancellation: Cancellation
) -> AsyncGenerator[Chunk | ServerReport, None]:
    """The items until the cancellation; then the connection is closed at once, even while the next item is awaited."""
    queue: asyncio.Queue[Chunk | ServerReport | BaseException | None] = asyncio.Queue()
    reading = asyncio.create_task(_read(items, queue))
    cancellation.on_request(lambda: _cancel(reading))
    try:
        while (item := await queue.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()


async def _read(
    items: AsyncGenerator[Chunk | ServerReport, None], queue: asyncio.Queue[Chunk | ServerReport | BaseException | None]
) -> None:
    try:
        async with aclosing(items):
            async for item in items:
                queue.put_nowait(item)
    except Exception as error:  # noqa: BLE001 - carried over to the task that waits
        queue.put_nowait(error)
    finally:
        queue.put_nowait(None)


def _joules(tier: TierConfig, request: GenerationRequest, report: ServerReport | None, n_chunks: int) -> Reading | None:
    """The provider's figure where it gave one, else the estimate; None where nothing was generated at all."""
    if report is not None and report.reported_energy_j is not None:
        return remote_estimates.reported(report.reported_energy_j)
    if report is None and n_chunks == 0:
        return None
    prompt, completion, counted = _tokens(request, report, n_chunks)
    reading = remote_estimates.estimate(tier.model, prompt, completion, tier)
    return reading if counted else _wider(reading)


def _tokens(request: GenerationRequest, report: ServerReport | None, n_chunks: int) -> tuple[int, int, bool]:
    """Prompt and completion tokens, and whether the server counted them.

    Many servers do not count when they stream, and none does for an answer that was cut off. Then each chunk counts as
    a token, and the prompt counts by its length.
    """
    prompt = report.prompt_tokens if report else None
    completion = report.completion_tokens if report else None
    counted = prompt is not None and completion is not None
    return (
        outgoing(request).about_n_tokens() if prompt is None else prompt,
        n_chunks if completion is None else completion,
        counted,
    )


def _wider(reading: Reading) -> Reading:
    """The same estimate with a wider range, for tokens that nobody counted."""
    if reading.low_j is None or reading.high_j is None:
        return reading
    return msgspec.structs.replace(
        reading, low_j=reading.low_j * (1 - UNCOUNTED), high_j=reading.high_j * (1 + UNCOUNTED)
    )
