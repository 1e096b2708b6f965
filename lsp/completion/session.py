"""Inline completion for one editor window: the engine with its context, its warm-up, its feedback and its counts.

It knows documents as texts and offsets, and the daemon as a client. It knows no LSP message: inline_completion.py does.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from halfwatt.daemon.errors import DaemonError, HalfwattError, ModelError
from halfwatt.daemon.privacy import excluded
from halfwatt.daemon.privacy.document_secrets import DocumentSecrets
from halfwatt.daemon.settings.schema import Config
from halfwatt.daemon.wire import AnswerItem, Feedback, RequestOptions, SecretFound, Skipped
from halfwatt.lsp.completion.context.gather import ContextDocument, Gatherer
from halfwatt.lsp.completion.context.prompt import CompletionPrompt

from .battery import PowerSource
from .engine import CompletionEngine, QueryConditions, Skip
from .filter import read_personal, write_personal
from .outcomes import OutcomeRecord, OutcomeTracker
from .rules import EditorFacts, mode_of
from .values import Answer, Nothing, Offer, Query

if TYPE_CHECKING:
    from halfwatt.daemon.client.client import Client

IDLE_S = 1.5  # without a key, before context is gathered anew and the model warmed
FLUSH_S = 15.0  # between reports of calls that were not made
PAUSE_S = 10.0  # after a failure that will not pass by itself at once


@dataclass(frozen=True)
class Dependencies:
    """What the session needs from the server around it."""

    client: Callable[[], Awaitable[Client]]
    config: Callable[[], Config]
    personal_file: Path
    editor: Callable[[], str]


class Session:
    """One window's inline completion. All methods run on the server's event loop."""

    def __init__(
        self,
        dependencies: Dependencies,
        power_source: PowerSource | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._dependencies = dependencies
        self._power_source = power_source or PowerSource()
        self._clock = clock
        self._gatherer = Gatherer()
        self._secrets = DocumentSecrets()
        self._outcomes = OutcomeTracker()
        self._personal = read_personal(dependencies.personal_file)
        self._blocks: dict[str, str] = {}
        self._excluded: dict[str, str | None] = {}
        self._documents: dict[str, ContextDocument] = {}
        self._cursors: dict[str, int] = {}
        self._skips: Counter[tuple[str, str, str]] = Counter()
        self._idle: asyncio.TimerHandle | None = None
        self._flushing: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._paused_until = 0.0
        self._last: str | None = None
        self.engine = CompletionEngine(self._ask, lambda query: self._blocks.get(query.uri, ""), self._skip, clock)

    async def suggest(self, query: Query, document: ContextDocument) -> Answer:
        """The answer for a cursor in a document."""
        self._enter(document)
        self._cursors[document.uri] = query.prefix.count("\n")
        if query.trigger == "automatic" and self._clock() < self._paused_until:
            return Nothing("the last request failed a moment ago")
        if document.uri not in self._blocks:
            await self._gather(document)
        answer = await self.engine.suggest(query, self._conditions(document))
        if isinstance(answer, Offer):
            shown = self._outcomes.offered(query.uri, answer.id, self.engine.estimate(answer.id), self._now_ms())
            self._learn(shown)
        elif isinstance(answer, Nothing):
            self._learn(self._outcomes.gone(query.uri, self._now_ms()))
        return answer

    def opened(self, document: ContextDocument) -> None:
        self._enter(document)
        self._rearm(document.uri)

    def changed(self, document: ContextDocument) -> None:
        before = self._documents.get(document.uri)
        if before is not None and "edits" in self._dependencies.config().completion.context:
            self._gatherer.noted(before, document, self._dependencies.config().privacy)
        self._enter(document)
        self.engine.changed(document.uri, document.text)
        self._rearm(document.uri)

    def saved(self, document: ContextDocument) -> None:
        """A saved file's chunk becomes context for the others; what its imports say may have changed."""
        self._excluded.pop(document.uri, None)
        self._remember(document)

    def closed(self, uri: str) -> None:
        for known in (self._documents, self._blocks, self._cursors, self._excluded):
            known.pop(uri, None)
        self._secrets.forget(uri)
        self.engine.closed(uri)
        self._learn(self._outcomes.gone(uri, self._now_ms()))

    def shown(self, id_: str) -> None:
        """The editor drew it: from now on it can have been read."""
        self._outcomes.drawn(id_, self._now_ms())

    def accepted(self, id_: str, n_chars: int) -> None:
        self._learn(self._outcomes.accepted(id_, n_chars))

    def partially_accepted(self, id_: str, n_chars: int) -> None:
        self._learn(self._outcomes.partially_accepted(id_, n_chars))

    async def aclose(self) -> None:
        """Report what is left to report and end all tasks."""
        for handle in (self._idle, self._flushing):
            if handle is not None:
                handle.cancel()
        await self._flush()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _enter(self, document: ContextDocument) -> None:
        """Note the document; the one that was used before becomes context."""
        last = self._documents.get(self._last or "")
        if last is not None and last.uri != document.uri:
            self._remember(last)
        self._last = document.uri
        self._documents[document.uri] = document

    def _remember(self, document: ContextDocument) -> None:
        line = self._cursors.get(document.uri, 0)
        self._spawn(asyncio.to_thread(self._gatherer.remember, document, line, self._dependencies.config().privacy))

    def _conditions(self, document: ContextDocument) -> QueryConditions:
        facts = EditorFacts(self._power_source.on_battery(), self._excluded.get(document.uri))
        return QueryConditions(self._dependencies.config().completion, facts, self._personal)

    async def _ask(
        self, query: Query, prompt: CompletionPrompt, options: RequestOptions, max_tokens: int
    ) -> AsyncGenerator[AnswerItem, None]:
        try:
            options = msgspec.structs.replace(options, document_secrets=await self._secrets_around(query))
            client = await self._dependencies.client()
            async with aclosing(client.complete(prompt.prefix, prompt.suffix, options, max_tokens)) as items:
                async for item in items:
                    yield item
        except (ModelError, DaemonError):
            self._paused_until = self._clock() + PAUSE_S
            raise

    async def _secrets_around(self, query: Query) -> tuple[SecretFound, ...]:
        """What the whole document holds, where something could leave this machine."""
        config = self._dependencies.config()
        if not config.tiers or not config.privacy.detect_secrets:
            return ()
        return await asyncio.to_thread(self._secrets.of, query.uri, query.prefix + query.suffix)

    async def _gather(self, document: ContextDocument) -> None:
        """Make the context block for a document; it stays until the next idle moment."""
        privacy = self._dependencies.config().privacy
        self._excluded[document.uri] = await asyncio.to_thread(excluded.exclusion_reason, document.path, privacy)
        sources, n_chars = self._dependencies.config().completion.context, self.engine.budget.context
        cursor = _start_of_line(document.text, self._cursors.get(document.uri, 0) + 1)
        gathered = asyncio.to_thread(self._gatherer.context, document, cursor, sources, privacy, n_chars)
        self._blocks[document.uri] = await gathered

    def _rearm(self, uri: str) -> None:
        if self._idle is not None:
            self._idle.cancel()
        self._idle = asyncio.get_running_loop().call_later(IDLE_S, lambda: self._spawn(self._when_idle(uri)))

    async def _when_idle(self, uri: str) -> None:
        """When nobody types: gather context anew and let the model read the beginning of the next prompt."""
        document = self._documents.get(uri)
        if document is None:
            return
        await self._gather(document)
        config = self._dependencies.config().completion
        on_battery = self._power_source.on_battery()
        if on_battery or mode_of(config, on_battery) == "manual" or self._excluded.get(uri):
            return
        line = self._cursors.get(uri, 0)
        lines = document.text.split("\n")
        prefix = "\n".join(lines[: line + 1])
        await self.engine.warm(
            Query(
                uri,
                prefix,
                document.text[len(prefix) :],
                document.language,
                path=document.path,
                editor=self._dependencies.editor(),
            )
        )

    def _learn(self, verdicts: list[OutcomeRecord]) -> None:
        for verdict in verdicts:
            self._spawn(self._report(verdict.feedback))
            if verdict.accepted is not None and verdict.estimate is not None:
                self._personal = self._personal.learned(verdict.estimate, verdict.accepted)
                self._spawn(asyncio.to_thread(write_personal, self._dependencies.personal_file, self._personal))

    async def _report(self, feedback: Feedback) -> None:
        await (await self._dependencies.client()).feedback(feedback)

    def _skip(self, skip: Skip) -> None:
        self._skips[skip.editor, skip.language, skip.reason] += 1
        if self._flushing is None:
            loop = asyncio.get_running_loop()
            self._flushing = loop.call_later(FLUSH_S, lambda: self._spawn(self._flush()))

    async def _flush(self) -> None:
        """Tell the daemon how many calls were not made. Without a daemon, the counts stay for the next time."""
        self._flushing = None
        skips, self._skips = self._skips, Counter()
        for (editor, language, reason), count in skips.items():
            try:
                await (await self._dependencies.client()).skipped(Skipped(editor, language, reason, count))
            except HalfwattError:
                self._skips[editor, language, reason] += count

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run beside the answers. A failure here is not reported: the next answer fails the same way and says so."""

        async def run() -> None:
            with contextlib.suppress(HalfwattError):
                await work

        task = asyncio.get_running_loop().create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _now_ms(self) -> float:
        return self._clock() * 1000


def _start_of_line(text: str, line: int) -> int:
    """The offset of a line counted from 0; the text's end where it has fewer."""
    at = 0
    for _ in range(line):
        at = text.find("\n", at) + 1
        if not at:
            return len(text)
    return at
