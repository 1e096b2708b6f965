"""Generation from the editor to the model and back: real client, server, daemon, worker and 0.5B model."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from generate_home import user_home
from lsp_session import Session, capabilities, field, session
from lsprotocol import types
from pygls.exceptions import JsonRpcException

URI = "untitled:Untitled-1"
STUB = 'def add(a: int, b: int) -> int:\n    """Return the sum of a and b."""\n    pass\n'
FILE = f"import os\n\n\n{STUB}\n\ndef other():\n    return 1\n"
HEAD = STUB.removesuffix("    pass\n")
SLOW = (
    'def roman(n: int) -> str:\n    """Roman numeral of n, by a table of thirteen values, with checks of the range '
    'and a message for each error."""\n    pass\n'
)


@pytest.fixture(scope="module")
def environ(tmp_path_factory: pytest.TempPathFactory, model_path: Path) -> Iterator[dict[str, str]]:
    with user_home(tmp_path_factory.mktemp("generate"), model_path) as made:
        yield made


@pytest.fixture
def bare_environ(tmp_path: Path) -> Iterator[dict[str, str]]:
    with user_home(tmp_path, None) as made:
        yield made


def at(text: str, what: str = "pass") -> int:
    return text.index(what)


async def started(window: Session, text: str, what: str = "pass", **more: Any) -> str:
    window.open(URI, text)
    return await window.generate(URI, at(text, what), route="local", **more)


async def first_delta(window: Session, job: str) -> Any:
    return await window.until(lambda: window.deltas(job))


async def test_stub_gets_its_body_in_one_versioned_edit(environ: dict[str, str]) -> None:
    async with session(environ) as window:
        job = await started(window, FILE)
        end = await window.ended(job)
        assert (end.state, window.applied) == ("applied", [True])
        assert end.message.startswith("local")
        text = window.texts[URI]
        assert text.startswith(f"import os\n\n\n{HEAD}    return a + b")
        assert text.endswith("\n\ndef other():\n    return 1\n")
        ast.parse(text)
        (edit,) = window.heard[types.WORKSPACE_APPLY_EDIT]
        assert edit.edit.document_changes[0].text_document.version == 1
        assert [it.state for it in window.deltas(job)][-1] == "applied"
        assert end.range.start.line == 4


async def test_progress_is_shown_and_its_token_ends(environ: dict[str, str]) -> None:
    async with session(environ) as window:
        await window.ended(await started(window, FILE))
        kinds = await window.until(lambda: "end" in (found := progress_kinds(window)) and found)
        assert kinds[0] == "begin"
        assert kinds.count("end") == 1


def progress_kinds(window: Session) -> list[str]:
    return [it.value.kind if hasattr(it.value, "kind") else it.value["kind"] for it in window.heard[types.PROGRESS]]


async def test_text_typed_elsewhere_meanwhile_is_kept(environ: dict[str, str]) -> None:
    async with session(environ) as window:
        job = await started(window, FILE)
        await first_delta(window, job)
        window.type(URI, 0, 0, "# typed above\n")
        window.type(URI, len(window.texts[URI]), len(window.texts[URI]), "# typed below\n")
        assert (await window.ended(job)).state == "applied"
        text = window.texts[URI]
        assert text.startswith("# typed above\nimport os\n")
        assert text.endswith("    return 1\n# typed below\n")
        assert f"{HEAD}    return a + b" in text


async def test_edit_refused_for_its_version_is_anchored_once_more(environ: dict[str, str]) -> None:
    async with session(environ) as window:
        job = await started(window, FILE)
        window.before_apply = lambda: None if window.applied else window.type(URI, 0, 0, "# late\n")
        assert (await window.ended(job)).state == "applied"
        assert window.applied == [False, True]
        assert window.texts[URI].startswith("# late\nimport os\n")
        assert f"{HEAD}    return a + b" in window.texts[URI]


async def test_editor_that_drops_an_edit_and_says_applied_is_noticed(environ: dict[str, str]) -> None:
    async with session(environ) as window:
        window.lies_about_edits = True
        job = await started(window, FILE)
        window.before_apply = lambda: None if window.applied else window.type(URI, 0, 0, "# late\n")
        assert (await window.ended(job)).state == "applied"
        assert window.applied == [False, True]
        assert window.texts[URI].count("return a + b") == 1


async def test_text_typed_into_the_stub_is_never_overwritten(environ: dict[str, str]) -> None:
    async with session(environ) as window:
        job = await started(window, FILE)
        await first_delta(window, job)
        window.type(URI, at(FILE), at(FILE) + 4, "return b + a  # mine")
        typed = window.texts[URI]
        assert (await window.ended(job)).state == "failed"
        assert window.texts[URI] == typed
        (shown,) = window.heard["halfwatt/showDiff"]
        assert "+    return a + b" in shown.text


async def test_diff_is_a_private_file_for_editors_without_our_notification(environ: dict[str, str]) -> None:
    async with session(environ, capabilities(experimental=None)) as window:
        window.open(URI, FILE)
        window.before_apply = lambda: window.type(URI, 0, 0, "# never the right version\n")
        await window.generate(URI, at(FILE), route="local")
        (shown,) = await window.until(lambda: window.heard[types.WINDOW_SHOW_DOCUMENT])
        assert_private_diff(Path(shown.uri.removeprefix("file://")))
        assert "pass" in window.texts[URI]


def assert_private_diff(path: Path) -> None:
    assert "+    return a + b" in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600


async def test_plain_editor_without_our_extensions_is_served(environ: dict[str, str]) -> None:
    able = types.ClientCapabilities(workspace=types.WorkspaceClientCapabilities(apply_edit=True))
    async with session(environ, able) as window:
        window.open(URI, FILE)
        (action,) = await window.actions(URI, at(FILE))
        assert action.command is not None
        params = types.ExecuteCommandParams(action.command.command, action.command.arguments)
        await window.client.workspace_execute_command_async(params)
        await window.until(lambda: "return a + b" in window.texts[URI])
        assert not any(window.heard[it] for it in ("halfwatt/generateDelta", "halfwatt/didChangeStatus"))


@pytest.mark.parametrize("how", ["progress", "command"])
async def test_cancelled_generation_leaves_every_byte(environ: dict[str, str], how: str) -> None:
    async with session(environ) as window:
        job = await started(window, SLOW)
        await first_delta(window, job)
        if how == "command":
            await window.command("halfwatt.cancel", job=job)
        else:
            await window.until(lambda: "begin" in progress_kinds(window))
            token = window.heard[types.WINDOW_WORK_DONE_PROGRESS_CREATE][0].token
            window.client.window_work_done_progress_cancel(types.WorkDoneProgressCancelParams(token))
        assert (await window.ended(job)).state == "cancelled"
        assert window.texts[URI] == SLOW
        assert window.applied == []


async def test_reviewed_edit_waits_for_accept(environ: dict[str, str]) -> None:
    async with session(environ) as window:
        job = await started(window, FILE, review=True)
        ready = await window.until(lambda: [it for it in window.deltas(job) if it.state == "ready"])
        assert "return a + b" in ready[0].text
        assert window.texts[URI] == FILE
        await window.command("halfwatt.accept", job=job)
        await window.until(lambda: [it for it in window.deltas(job) if it.state == "applied"])
        assert "return a + b" in window.texts[URI]


async def test_rejected_review_changes_nothing(environ: dict[str, str]) -> None:
    async with session(environ) as window:
        job = await started(window, FILE, review=True)
        await window.until(lambda: [it for it in window.deltas(job) if it.state == "ready"])
        await window.command("halfwatt.cancel", job=job)
        await window.until(lambda: [it for it in window.deltas(job) if it.state == "cancelled"])
        assert window.texts[URI] == FILE


async def test_answer_can_be_asked_for_again_in_its_place(environ: dict[str, str]) -> None:
    async with session(environ) as window:
        await window.ended(await started(window, FILE))
        once = window.texts[URI]
        job = await window.generate(URI, at(once, "return a + b"), route="local")
        assert (await window.ended(job)).state == "applied"
        assert window.texts[URI].count("return a + b") == 1
        assert window.texts[URI].endswith("\n\ndef other():\n    return 1\n")


async def test_missing_function_of_a_call_is_written_above_it(environ: dict[str, str]) -> None:
    text = "def main(radius: float) -> None:\n    print(circle_area(radius))\n"
    async with session(environ) as window:
        end = await window.ended(await started(window, text, "circle_area"))
        assert end.state == "applied"
        assert re.search(r"^def circle_area\(", window.texts[URI], re.MULTILINE)
        assert window.texts[URI].endswith(text)


async def test_comment_becomes_a_function_below_it(environ: dict[str, str]) -> None:
    text = "x = 1\n\n# Return the square of a number.\n\ny = 2\n"
    async with session(environ) as window:
        end = await window.ended(await started(window, text, "square"))
        assert end.state == "applied"
        assert re.search(r"# Return the square of a number\.\ndef \w+\(", window.texts[URI])


async def test_typescript_stub_gets_its_body(environ: dict[str, str]) -> None:
    text = "/** Returns the sum of a and b. */\nexport function add(a: number, b: number): number {\n\t// TODO\n}\n"
    async with session(environ) as window:
        window.open(URI, text, "typescript")
        end = await window.ended(await window.generate(URI, at(text, "TODO"), route="local"))
        assert end.state == "applied"
        assert window.texts[URI] == text.replace("// TODO", "return a + b;")


async def test_status_why_and_counts_follow_a_request(environ: dict[str, str]) -> None:
    async with session(environ) as window:
        await window.ended(await started(window, FILE))
        done = await window.until(lambda: [it for it in window.heard["halfwatt/didChangeStatus"] if it.energy.last])
        assert done[-1].energy.method in ("measured", "modelled", "estimated")
        why = await window.command("halfwatt.why")
        assert "**local**" in field(why, "text")
        assert "gpt-4o-mini" in field(why, "text")
        energy = await window.command("halfwatt.energy", since="all")
        assert field(energy, "requests") >= 1


async def test_pause_resume_dial_and_explain_answer(environ: dict[str, str]) -> None:
    async with session(environ) as window:
        window.open(URI, FILE)
        assert field(await window.command("halfwatt.pause", minutes=5), "state") == "paused"
        assert field(await window.command("halfwatt.resume"), "state") != "paused"
        assert field(await window.command("halfwatt.setDial", dial="eco"), "dial") == "eco"
        with pytest.raises(JsonRpcException, match="eco"):
            await window.command("halfwatt.setDial", dial="moon")
        place = window.position(URI, at(FILE))
        reply = await window.command("halfwatt.explain", uri=URI, position={"line": place.line, "character": 4})
        assert "**local**" in field(reply, "text")
        assert field(await window.command("halfwatt.logs"), "path").endswith("daemon.log")
        assert field(await window.command("halfwatt.doctor"), "text")


async def test_no_model_is_said_with_what_to_do(bare_environ: dict[str, str]) -> None:
    async with session(bare_environ) as window:
        end = await window.ended(await started(window, FILE))
        assert end.state == "failed"
        assert "halfwatt models pull" in end.message
        assert window.texts[URI] == FILE
