"""How fast ghost text comes: against plain llama-cpp-python, along a known suggestion, after a cancel, for a second
window, and beside busy processes."""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psutil
from bench import figures
from bench.completion.holes import Hole
from bench.figures import Figure
from bench.plain_llama import Plain
from lsp_session import Session
from lsprotocol import types
from running_daemon import recent_rows

from halfwatt.daemon.client.client import Client
from halfwatt.daemon.wire import RequestOptions, Result
from halfwatt.lsp.completion.context.prompt import Budget, prompt
from halfwatt.lsp.completion.prompt_budget import LEVELS

N_TYPED = 12  # characters between two questions
INVOKED = types.InlineCompletionContext(types.InlineCompletionTriggerKind.Invoked)


async def ask(editor: Session, uri: str, offset: int, context: types.InlineCompletionContext = INVOKED) -> str | None:
    """The suggestion's text; "" for none, None where a newer question took over."""
    params = types.InlineCompletionParams(context, types.TextDocumentIdentifier(uri), editor.position(uri, offset))
    found = await editor.client.text_document_inline_completion_async(params)
    if found is None:
        return None
    items = found.items if isinstance(found, types.InlineCompletionList) else found
    return str(items[0].insert_text) if items else ""


async def against_plain(client: Client, editor: Session, plain: Plain, holes: list[Hole]) -> list[Figure]:
    """From the editor's question to its answer, against plain llama-cpp-python with the same final prompt and as many
    tokens, both with the document's key-value prefix warm; taken in turns."""
    ratios, ours_ms, plain_ms, more_ms = list[float](), list[float](), list[float](), list[float]()
    for n, hole in enumerate(holes):
        uri, at = f"file:///bench/ghost{n}.py", len(hole.prefix)
        cut = at - N_TYPED
        editor.open(uri, hole.prefix[:cut] + hole.suffix)
        await ask(editor, uri, cut)
        n_prompt = (await _last_row(client))["prompt_tokens"]
        editor.type(uri, cut, cut, hole.prefix[cut:])
        started = time.perf_counter()
        await ask(editor, uri, at)
        ours = 1000 * (time.perf_counter() - started)
        row = await _last_row(client)
        budget = _budget(plain, hole.prefix[:cut], hole.suffix, n_prompt)
        if budget is None or row["prompt_tokens"] == n_prompt:
            continue  # answered from what was known
        asked = prompt("", hole.prefix, hole.suffix, budget)
        theirs = plain.complete(asked.prefix, asked.suffix, max(1, row["completion_tokens"])).total_ms
        ours_ms.append(ours)
        plain_ms.append(theirs)
        ratios.append(ours / theirs)
        more_ms.append(ours - theirs)
    return [
        figures.of("ghost text, warm document", ours_ms, "ms"),
        figures.of("plain llama-cpp-python, same prompt and tokens", plain_ms, "ms"),
        figures.of("ghost text ÷ plain llama-cpp-python", ratios, most=1.1),
        figures.of(
            "ghost text - plain llama-cpp-python", [a - b for a, b in zip(ours_ms, plain_ms, strict=True)], "ms"
        ),
    ]


def _budget(plain: Plain, prefix: str, suffix: str, n_prompt: int) -> Budget | None:
    """The budget that the language server made a prompt of `n_prompt` tokens with; leaves plain's state warm."""
    for level in LEVELS:
        asked = prompt("", prefix, suffix, Budget.of_tokens(level))
        if plain.complete(asked.prefix, asked.suffix, 1).n_prompt == n_prompt:
            return Budget.of_tokens(level)
    return None


async def _last_row(client: Client) -> dict[str, Any]:
    rows = await recent_rows(client)
    return next(row for row in rows if row["tier_kind"] == "local" and row["kind"] == "complete")


async def along_a_suggestion(editor: Session, uri: str, text: str) -> list[Figure]:
    """Round trips while the user types what is shown."""
    editor.open(uri, text)
    said = ""
    for _ in range(5):
        said = await ask(editor, uri, len(text)) or ""
        if len(said) > 8:
            break
    times = []
    for n in range(1, len(said) - 4):
        at = len(text) + n - 1
        editor.type(uri, at, at, said[n - 1])
        started = time.perf_counter()
        rest = await ask(editor, uri, at + 1)
        times.append(1000 * (time.perf_counter() - started))
        if rest != said[n:]:
            break
    return [figures.of("type-through, round trip with the editor", times, "ms", most=10)]


async def after_cancel(client: Client, long_text: str) -> list[Figure]:
    """How long a request waits for the one that it replaces, beyond one decode step."""
    step_ms = await _decode_step_ms(client)
    figures_found = [figures.of("one decode step", [step_ms], "ms")]
    for name, prefix, wait_s in (("decoding", "numbers = [1, 2, 3, ", 1.5), ("prefill", long_text, 0.3)):
        waits = []
        for n in range(4):
            options = RequestOptions(kind="complete", editor="bench", document=f"cancel {name}")
            older = asyncio.create_task(_total(client, f"# {n}\n" + prefix, "", options))
            await asyncio.sleep(wait_s)
            newer = await _total(client, f"x{n} = ", "", options)
            with suppress(Exception):
                await older
            waits.append(max(0.0, (newer.latency_ms.queue or 0.0) - step_ms))
        figures_found.append(figures.of(f"start after a cancel during {name}, beyond one step", waits, "ms", most=20))
    return figures_found


async def second_window(
    client: Client, first: Session, second: Session, uri: str, text: str, daemon_pid: int
) -> list[Figure]:
    """Two editors with one document: how much of the second one's prompt is read already, and how many models."""
    for editor in (first, second):
        editor.open(uri, text)
    await ask(first, uri, len(text))
    await ask(second, uri, len(text))
    row = await _last_row(client)
    cached = 100 * (row["cached_tokens"] or 0) / max(1, row["prompt_tokens"])
    workers = [each for each in psutil.Process(daemon_pid).children(recursive=True) if each.memory_info().rss > 200e6]
    memory_mb = sum(each.memory_info().rss for each in workers) / 1e6
    return [
        Figure("second window's first prompt already read", cached, "%", goal="≥ 90", met=cached >= 90),
        Figure("models in memory for two windows", float(len(workers)), goal="≤ 1", met=len(workers) == 1),
        Figure("memory of the worker", memory_mb, "MB"),
    ]


async def beside_busy_processes(client: Client) -> list[Figure]:
    """Tokens per second alone, and beside two processes that keep two cores busy."""
    alone = [await _tokens_per_s(client, n) for n in range(3)]
    with _busy(2):
        beside = [await _tokens_per_s(client, 10 + n) for n in range(3)]
    share = 100 * statistics.median(beside) / statistics.median(alone)
    return [
        figures.of("decoding alone", alone, "tokens/s"),
        figures.of("decoding beside two busy processes", beside, "tokens/s"),
        Figure("kept beside two busy processes", share, "%", goal="≥ 25", met=share >= 25),
    ]


@contextmanager
def _busy(n: int) -> Iterator[None]:
    processes = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(n)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


async def _decode_step_ms(client: Client) -> float:
    return 1000 / await _tokens_per_s(client, 99)


async def _tokens_per_s(client: Client, n: int) -> float:
    options = RequestOptions(kind="complete", editor="bench")
    result = await _total(client, f"numbers_{n} = [1, 2, 3, 4, ", "", options, limit=24)
    latency = result.latency_ms
    return 1000 * (result.tokens.completion - 1) / max(1.0, (latency.total or 0.0) - (latency.first_token or 0.0))


async def _total(client: Client, prefix: str, suffix: str, options: RequestOptions, limit: int = 64) -> Result:
    last: Any = None
    async for item in client.complete(prefix, suffix, options, limit):
        last = item
    assert isinstance(last, Result)
    return last
