"""Replaying a typing trace in real time: halfwatt through its language server, and the naive client it is compared to.

The naive client is the one that the trace's description defines. It sends one request with the whole prefix 75 ms after
the last edit. It cancels an older request by closing its connection, and shows the raw text when it is complete.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx2
import psutil
from bench.completion.holes import first_line
from cloud_server import CloudServer
from lsp_session import Session
from lsprotocol import types

NAIVE_WAIT_S = 0.075
NAIVE_TOKENS = 64
AUTOMATIC = types.InlineCompletionContext(types.InlineCompletionTriggerKind.Automatic)


@dataclass(frozen=True)
class Edit:
    at_s: float
    offset: int
    n_deleted: int
    inserted: str

    def applied(self, text: str) -> str:
        return text[: self.offset] + self.inserted + text[self.offset + self.n_deleted :]

    @property
    def cursor(self) -> int:
        return self.offset + len(self.inserted)


@dataclass(frozen=True)
class Shown:
    """Ghost text that came on screen. `fresh`: not the rest of one shown before."""

    prefix: str
    text: str
    waited_ms: float
    fresh: bool
    exact: bool


@dataclass(frozen=True)
class Replay:
    """One pass over a trace. `cpu_s`: of all processes that serve, not of the client that types."""

    shown: list[Shown]
    cpu_s: float
    wall_s: float

    def fresh(self) -> list[Shown]:
        return [each for each in self.shown if each.fresh]


def read(path: Path) -> list[Edit]:
    rows = map(json.loads, path.read_text().splitlines())
    return [Edit(row["t_ms"] / 1000, row["offset"], row["delete"], row["insert"]) for row in rows]


def final_text(edits: list[Edit]) -> str:
    text = ""
    for edit in edits:
        text = edit.applied(text)
    return text


def is_exact(said: str, prefix: str, final: str) -> bool:
    """Whether the suggestion's first line is what is typed next; a place with a typing error has no next."""
    return final.startswith(prefix) and bool(said.strip()) and first_line(said) == first_line(final[len(prefix) :])


async def naive(edits: list[Edit], server: CloudServer, speed: float = 1.0) -> Replay:
    """The naive client on an OpenAI-compatible server."""
    final, shown = final_text(edits), list[Shown]()
    running: asyncio.Task[None] | None = None
    cpu = cpu_clock([server.pid])
    started = time.perf_counter()
    headers = {"Authorization": f"Bearer {server.key}"}
    async with httpx2.AsyncClient(base_url=server.base_url, headers=headers, timeout=600, trust_env=False) as http:

        async def request(prefix: str, edited_at: float) -> None:
            await asyncio.sleep(NAIVE_WAIT_S)
            said = await _raw(http, server.model, prefix)
            waited_ms = 1000 * (time.perf_counter() - edited_at)
            if said.strip():
                shown.append(Shown(prefix, said, waited_ms, True, is_exact(said, prefix, final)))

        text = ""
        for edit in edits:
            await _until(started + edit.at_s / speed)
            if running is not None:
                running.cancel()
            text = edit.applied(text)
            running = asyncio.create_task(request(text[: edit.cursor], time.perf_counter()))
        if running is not None:
            await asyncio.gather(running, return_exceptions=True)
    return Replay(shown, cpu(), time.perf_counter() - started)


async def halfwatt(
    edits: list[Edit], editor: Session, uri: str, pids: Callable[[], list[int]], speed: float = 1.0
) -> Replay:
    """An editor that asks after every edit, as VS Code does, and leaves waiting to the server."""
    final, shown = final_text(edits), list[Shown]()
    asking: list[asyncio.Task[None]] = []
    editor.open(uri, "")
    cpu = cpu_clock(pids())
    started = time.perf_counter()

    async def ask(prefix: str, at: types.Position, edited_at: float) -> None:
        params = types.InlineCompletionParams(AUTOMATIC, types.TextDocumentIdentifier(uri), at)
        found = await editor.client.text_document_inline_completion_async(params)
        if not isinstance(found, types.InlineCompletionList) or not found.items:
            return
        said = str(found.items[0].insert_text)
        waited_ms = 1000 * (time.perf_counter() - edited_at)
        known = any(each.prefix + each.text == prefix + said and each.prefix != prefix for each in shown)
        shown.append(Shown(prefix, said, waited_ms, not known, is_exact(said, prefix, final)))

    for edit in edits:
        await _until(started + edit.at_s / speed)
        editor.type(uri, edit.offset, edit.offset + edit.n_deleted, edit.inserted)
        at = editor.position(uri, edit.cursor)
        prefix = editor.texts[uri][: edit.cursor]
        asking.append(asyncio.create_task(ask(prefix, at, time.perf_counter())))
    await asyncio.gather(*asking)
    return Replay(shown, cpu(), time.perf_counter() - started)


def cpu_clock(pids: list[int]) -> Callable[[], float]:
    """CPU seconds (user and system) that the processes and their children use from now on."""
    processes = [child for pid in pids for child in _family(pid)]
    before = {process.pid: _cpu_s(process) for process in processes}
    return lambda: sum(_cpu_s(process) - before[process.pid] for process in processes)


def _family(pid: int) -> list[psutil.Process]:
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


async def _raw(http: httpx2.AsyncClient, model: str, prefix: str) -> str:
    """Streamed, so that the server notices a closed connection."""
    prompt = f"<|fim_prefix|>{prefix}<|fim_suffix|><|fim_middle|>"
    body = {"model": model, "prompt": prompt, "max_tokens": NAIVE_TOKENS, "temperature": 0, "stream": True}
    said = ""
    async with http.stream("POST", "completions", json=body) as response:
        async for line in response.aiter_lines():
            data = line.removeprefix("data: ").strip()
            if line.startswith("data: ") and data != "[DONE]":
                said += "".join(choice.get("text") or "" for choice in json.loads(data).get("choices", []))
    return said


async def _until(at: float) -> None:
    await asyncio.sleep(max(0.0, at - time.perf_counter()))
