"""Ghost text through the real language server, the real daemon and the real small model."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import running_daemon
from lsp_session import Session, capabilities, session
from lsprotocol import types
from running_daemon import RunningDaemon

READ_ROWS = "import csv\n\n\ndef read_rows(path):\n    with open(path) as handle:\n        return list("
COUNT_ROWS = READ_ROWS + "csv.DictReader(handle))\n\n\ndef count_rows(path):\n    return len("
INVOKED = types.InlineCompletionTriggerKind.Invoked
AUTOMATIC = types.InlineCompletionTriggerKind.Automatic


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory, model_path: Path) -> Iterator[RunningDaemon]:
    """One daemon with the small model for the whole module."""
    home = tmp_path_factory.mktemp("home")
    environ = running_daemon.environ_for(home, HALFWATT_MODELS_DIR=str(model_path.parent))
    environ["HALFWATT_LOCAL_MODEL"] = "qwen2.5-coder-0.5b"
    environ["HALFWATT_COMPLETION_TIME_BOX_MS"] = "60000"
    with running_daemon.running(environ) as running:
        yield running


@asynccontextmanager
async def window(daemon: RunningDaemon, **options: Any) -> AsyncGenerator[Session, None]:
    async with session(daemon.environ, capabilities(**options)) as opened:
        yield opened


async def ask(
    editor: Session,
    uri: str,
    offset: int,
    kind: types.InlineCompletionTriggerKind = INVOKED,
    selected: types.SelectedCompletionInfo | None = None,
) -> list[types.InlineCompletionItem] | None:
    """The items, or None for `null`."""
    context = types.InlineCompletionContext(kind, selected)
    at = editor.position(uri, offset)
    params = types.InlineCompletionParams(context, types.TextDocumentIdentifier(uri), at)
    found = await editor.client.text_document_inline_completion_async(params)
    if found is None:
        return None
    return list(found.items if isinstance(found, types.InlineCompletionList) else found)


def rows(daemon: RunningDaemon) -> list[dict[str, Any]]:
    with daemon.http() as http:
        found: list[dict[str, Any]] = http.get("/halfwatt/v1/recent?n=50").json()
    return found


async def until_row(daemon: RunningDaemon, **wanted: Any) -> dict[str, Any]:
    """The newest row with these values, once it is there."""
    async with asyncio.timeout(60):
        while True:
            for row in await asyncio.to_thread(rows, daemon):
                if all(row.get(name) == value for name, value in wanted.items()):
                    return row
            await asyncio.sleep(0)


def uri_of(tmp_path: Path, name: str = "rows.py") -> str:
    return (tmp_path / name).as_uri()


async def test_ghost_text_completes_the_statement_and_tells_the_ledger_when_taken(
    daemon: RunningDaemon, tmp_path: Path
) -> None:
    uri = uri_of(tmp_path)
    async with window(daemon) as editor:
        assert editor.initialized is not None
        assert editor.initialized.capabilities.inline_completion_provider is not None
        editor.open(uri, READ_ROWS)
        items = await ask(editor, uri, len(READ_ROWS))
        assert items is not None
        assert str(items[0].insert_text).startswith("csv.")
        assert str(items[0].insert_text).endswith("))")
        place = items[0].range
        assert place is not None
        assert place.start == place.end == editor.position(uri, len(READ_ROWS))
        command = items[0].command
        assert command is not None
        given = types.ExecuteCommandParams(command.command, command.arguments)
        await editor.client.workspace_execute_command_async(given)
        assert command.arguments is not None
        row = await until_row(daemon, outcome="accepted")
        assert row["kind"] == "complete"
        assert row["accepted_chars"] == len(str(items[0].insert_text))


async def test_typing_along_is_served_without_a_model_call(daemon: RunningDaemon, tmp_path: Path) -> None:
    uri = uri_of(tmp_path)
    async with window(daemon) as editor:
        editor.open(uri, READ_ROWS)
        items = await ask(editor, uri, len(READ_ROWS))
        assert items
        text = str(items[0].insert_text)
        before = len(rows(daemon))
        for n in range(1, 5):
            at = len(READ_ROWS) + n - 1
            editor.type(uri, at, at, text[n - 1])
            rest = await ask(editor, uri, at + 1, AUTOMATIC)
            assert rest is not None
            assert [str(item.insert_text) for item in rest] == [text[n:]]
        assert len([row for row in rows(daemon) if row["tier"] != "none"]) <= before


async def test_newer_question_ends_the_older_one_down_to_the_worker(daemon: RunningDaemon, tmp_path: Path) -> None:
    uri = uri_of(tmp_path)
    body = "def poem():\n    return (\n        "
    async with window(daemon) as editor:
        editor.open(uri, body)
        first = asyncio.create_task(ask(editor, uri, len(body)))
        await until_busy(daemon)
        editor.type(uri, len(body), len(body), "zq = ")
        second = await ask(editor, uri, len(body) + 5)
        assert await first is None
        assert second is not None
        row = await until_row(daemon, stop="cancelled")
        assert row["outcome"] == "cancelled"
        assert row["wasted_j"] == row["total_j"]


async def until_busy(daemon: RunningDaemon) -> None:
    """Once the daemon says that a request runs."""
    async with asyncio.timeout(60):
        with daemon.http() as http:
            while True:
                if "halfwatt_requests_running 1" in http.get("/metrics").text or _is_busy(http):
                    return
                await asyncio.sleep(0)


def _is_busy(http: Any) -> bool:
    return bool(http.get("/halfwatt/v1/status").json()["state"] == "busy")


async def test_nothing_to_say_is_an_empty_list_and_is_counted(daemon: RunningDaemon, tmp_path: Path) -> None:
    uri = uri_of(tmp_path)
    async with window(daemon) as editor:
        editor.open(uri, "value = compute\n")
        assert await ask(editor, uri, len("value = com"), AUTOMATIC) == []
    row = await until_row(daemon, tier="none", reason="the cursor is in the middle of a word")
    assert row["stop"] == "not_called"
    assert row["local_j"] is None


async def test_selected_entry_of_a_completion_list_counts_as_typed(daemon: RunningDaemon, tmp_path: Path) -> None:
    uri = uri_of(tmp_path)
    text = READ_ROWS + "cs"
    async with window(daemon) as editor:
        editor.open(uri, text)
        place = types.Range(editor.position(uri, len(READ_ROWS)), editor.position(uri, len(text)))
        items = await ask(editor, uri, len(text), INVOKED, types.SelectedCompletionInfo(place, "csv"))
        assert items
        assert str(items[0].insert_text).startswith("csv.")
        assert items[0].range == place


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
async def test_range_is_right_in_every_position_encoding(daemon: RunningDaemon, tmp_path: Path, encoding: str) -> None:
    uri = uri_of(tmp_path)
    text = READ_ROWS.replace("return list(", 'title = "é😀"; return list(') + ")\n# ende 😀\n"
    cursor = text.index("list(") + len("list(")
    async with window(daemon, encodings=[encoding]) as editor:
        editor.open(uri, text)
        items = await ask(editor, uri, cursor)
        assert items
        place = items[0].range
        assert place is not None
        assert place.start == editor.position(uri, cursor)


async def test_client_without_inline_completion_gets_an_ordinary_item_on_request(
    daemon: RunningDaemon, tmp_path: Path
) -> None:
    uri = uri_of(tmp_path)
    able = capabilities()
    assert able.text_document is not None
    able.text_document.inline_completion = None
    async with session(daemon.environ, able) as editor:
        editor.open(uri, READ_ROWS)
        at = editor.position(uri, len(READ_ROWS))
        by_hand = types.CompletionContext(types.CompletionTriggerKind.Invoked)
        found = await editor.client.text_document_completion_async(
            types.CompletionParams(types.TextDocumentIdentifier(uri), at, context=by_hand)
        )
        assert isinstance(found, types.CompletionList)
        edit = found.items[0].text_edit
        assert isinstance(edit, types.TextEdit)
        assert edit.new_text.startswith("csv.")
        while_typing = types.CompletionContext(types.CompletionTriggerKind.TriggerCharacter, ".")
        assert not await editor.client.text_document_completion_async(
            types.CompletionParams(types.TextDocumentIdentifier(uri), at, context=while_typing)
        )


async def test_partial_acceptance_and_rejection_reach_the_ledger(daemon: RunningDaemon, tmp_path: Path) -> None:
    uri = uri_of(tmp_path)
    async with window(daemon) as editor:
        editor.open(uri, READ_ROWS)
        items = await ask(editor, uri, len(READ_ROWS))
        assert items
        assert items[0].command is not None
        assert items[0].command.arguments is not None
        arguments: list[Any] = list(items[0].command.arguments)
        id_ = arguments[0]["id"]
        editor.client.protocol.notify("halfwatt/didShowCompletion", {"id": id_})
        editor.client.protocol.notify("halfwatt/didPartiallyAcceptCompletion", {"id": id_, "acceptedLength": 4})
        row = await until_row(daemon, request_id=id_, outcome="partially_accepted")
        assert row["accepted_chars"] == 4


async def test_excluded_file_gets_no_ghost_text(daemon: RunningDaemon, tmp_path: Path) -> None:
    uri = uri_of(tmp_path, "secrets.py")
    async with window(daemon) as editor:
        editor.open(uri, READ_ROWS)
        assert await ask(editor, uri, len(READ_ROWS)) == []
        said = await editor.until(lambda: editor.heard["window/showMessage"])
        assert said[0].message == "No suggestion here: this file is excluded."


async def test_second_window_finds_the_first_ones_document_warm(daemon: RunningDaemon, tmp_path: Path) -> None:
    uri = uri_of(tmp_path)
    text = "".join(f"def function_{n}(value):\n    return value * {n}\n\n\n" for n in range(20)) + COUNT_ROWS
    async with window(daemon) as first, window(daemon) as second:
        first.open(uri, text)
        second.open(uri, text)
        assert await ask(first, uri, len(text))
        assert await ask(second, uri, len(text))
        pids = {row["model"] for row in rows(daemon)}
        newest = next(row for row in rows(daemon) if row["tier_kind"] == "local")
        assert newest["cached_tokens"] >= 0.9 * newest["prompt_tokens"]
        assert len(pids - {""}) == 1


async def test_client_that_cancels_gets_an_answer_at_once(daemon: RunningDaemon, tmp_path: Path) -> None:
    uri = uri_of(tmp_path)
    async with window(daemon) as editor:
        editor.open(uri, READ_ROWS)
        asked = asyncio.create_task(ask(editor, uri, len(READ_ROWS)))
        await asyncio.sleep(0)
        asked.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asked
        assert await ask(editor, uri, len(READ_ROWS))
