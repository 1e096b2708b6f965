"""A model's answers kept in a file, so that a question that comes again costs nothing: for trying settings out, and
for going on where a run was stopped. The file holds code and stays outside the repository."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import msgspec

from halfwatt.daemon.client.client import Client
from halfwatt.daemon.wire import RequestOptions, Result
from halfwatt.lsp.completion.context.prompt import CompletionPrompt
from halfwatt.lsp.completion.values import Query


class KeptAnswers:
    """A client's completions, each asked for once; without a file, once in this run."""

    def __init__(self, client: Client, path: Path | None) -> None:
        self._client = client
        self._path = path
        lines = path.read_text().splitlines() if path is not None and path.exists() else []
        self._rows = {row["at"]: row for row in map(json.loads, lines)}

    def ask(
        self, query: Query, asked: CompletionPrompt, options: RequestOptions, limit: int
    ) -> AsyncGenerator[str | Result, None]:
        """For an engine."""
        return self.complete(asked.prefix, asked.suffix, options, limit)

    async def complete(
        self, prefix: str, suffix: str, options: RequestOptions, limit: int
    ) -> AsyncGenerator[str | Result, None]:
        """The answer in one piece, then its result."""
        at = _key(prefix, suffix, options, limit)
        if at not in self._rows:
            await self._answered(at, prefix, suffix, options, limit)
        row = self._rows[at]
        yield row["said"]
        yield msgspec.convert(row["result"], Result)

    async def _answered(self, at: str, prefix: str, suffix: str, options: RequestOptions, limit: int) -> None:
        row: dict[str, Any] = {"at": at, "said": "", "result": None}
        async for item in self._client.complete(prefix, suffix, options, limit):
            if isinstance(item, str):
                row["said"] += item
            elif isinstance(item, Result):
                row["result"] = msgspec.to_builtins(item)
        self._rows[at] = row
        if self._path is not None:
            with self._path.open("a") as file:
                file.write(json.dumps(row) + "\n")


def _key(prefix: str, suffix: str, options: RequestOptions, limit: int) -> str:
    text = json.dumps([prefix, suffix, list(options.stop_rules or ()), limit])
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()
