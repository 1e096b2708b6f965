"""One window's ghost text with its context, modes, counts and feedback. The daemon's side records what it is asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest

from halfwatt.daemon.client.client import Client
from halfwatt.daemon.settings.schema import CompletionConfig, Config, PrivacyConfig, TierConfig
from halfwatt.daemon.wire import (
    Energy,
    Feedback,
    Latency,
    RequestOptions,
    Result,
    Saved,
    SecretFound,
    Skipped,
    TokenCounts,
)
from halfwatt.lsp.completion.battery import PowerSource
from halfwatt.lsp.completion.context.gather import ContextDocument
from halfwatt.lsp.completion.filter import PersonalWeights, read_personal
from halfwatt.lsp.completion.rules import MANUAL, MANUAL_ON_BATTERY
from halfwatt.lsp.completion.session import Dependencies, Session
from halfwatt.lsp.completion.values import Nothing, Offer, Query, Trigger

CLOUD = TierConfig(name="big", kind="cloud", base_url="https://cloud.example/v1", model="m")
SECRET = "AKIA" + "Z7Q3M5X2K9R4T6W8"
MAIN = "from shapes import area\nfrom keys import connect\nfrom private.plans import area_plan\n\nwidth = area(plans, "


@dataclass
class Daemon:
    """Answers every request alike and remembers everything."""

    prompts: list[str] = field(default_factory=list)
    asked: list[RequestOptions] = field(default_factory=list)
    skipped_calls: list[Skipped] = field(default_factory=list)
    outcomes: list[Feedback] = field(default_factory=list)

    async def complete(
        self, prefix: str, suffix: str, options: RequestOptions, max_tokens: int
    ) -> AsyncGenerator[str | Result, None]:
        self.prompts.append(prefix + suffix)
        self.asked.append(options)
        yield "height, depth)"
        shape = (TokenCounts(10, 3), Latency(), Energy(), Saved())
        yield Result("", "local", "local", "m", "because", {}, "statement", *shape, request_id=f"{len(self.prompts)}")

    async def skipped(self, skipped: Skipped) -> None:
        self.skipped_calls.append(skipped)

    async def feedback(self, feedback: Feedback) -> None:
        self.outcomes.append(feedback)


@dataclass
class Window:
    daemon: Daemon
    session: Session
    folder: Path
    personal: Path

    def document(self, name: str, text: str, workspace: Path | None = None) -> ContextDocument:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return ContextDocument(path.as_uri(), str(path), text, "python", str(workspace or self.folder))

    async def suggest(self, document: ContextDocument, trigger: Trigger = "invoked") -> object:
        query = Query(document.uri, document.text, "\n", "python", trigger, document.path)
        return await self.session.suggest(query, document)

    async def settled(self) -> None:
        """Until no task runs but the test's own."""
        while tasks := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.gather(*tasks)


Make = Callable[..., Window]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def made(config: Config | None = None, on_battery: bool = False) -> Window:
        daemon, personal = Daemon(), tmp_path / "state" / "filter.json"

        async def client() -> Client:
            return cast("Client", daemon)

        dependencies = Dependencies(client, lambda: config or Config(), personal, lambda: "test")
        power_source = PowerSource(sensor=lambda: on_battery)
        return Window(daemon, Session(dependencies, power_source), tmp_path / "project", personal)

    return made


ALL = CompletionConfig(context=("declarations", "ring", "edits"))
CANARIES = {
    "shapes.py": "def area(width, height, allowed_import):\n    return width * height\n",
    "keys.py": f'def connect(width, area, canary_import_secret, key="{SECRET}"):\n    pass\n',
    "private/plans.py": "def area_plan(width, area, canary_import_excluded):\n    pass\n",
}
OPENED = {
    "other.py": "width = area(allowed_ring)\nplans = 1\n",
    "login.py": f'width = area(canary_ring_secret)\nplans = "{SECRET}"\n',
    ".env.py": "width = area(canary_ring_named)\nplans = 1\n",
    "private/open.py": "width = area(canary_ring_excluded)\nplans = 1\n",
}


async def test_secret_and_excluded_files_never_enter_a_prompt(make: Make) -> None:
    window = make(Config(privacy=PrivacyConfig(exclude=("private/", ".env*")), completion=ALL))
    for name, text in CANARIES.items():
        window.document(name, text)
    for name, text in OPENED.items():
        window.session.opened(window.document(name, ""))
        document = window.document(name, text)
        window.session.changed(document)
        window.session.saved(document)
        await window.settled()
    foreign = window.folder.parent / "elsewhere"
    outside = window.document("../elsewhere/far.py", "width = area(canary_other_workspace)\nplans = 1\n", foreign)
    window.session.opened(outside)
    window.session.saved(outside)
    await window.settled()
    await window.suggest(window.document("main.py", MAIN))
    (prompt,) = window.daemon.prompts
    assert "allowed_import" in prompt
    assert "allowed_ring" in prompt
    assert "canary" not in prompt
    assert SECRET not in prompt


async def test_secret_far_from_the_cursor_is_told_with_each_request_that_could_leave(make: Make) -> None:
    """The window of the prompt does not reach it; the daemon could not find it."""
    far = f'def connect():\n    return "{SECRET}"\n\n\n' + "".join(f"line_{n} = {n}\n" for n in range(3000)) + MAIN
    window = make(Config(tiers=(CLOUD,)))
    await window.suggest(window.document("main.py", far))
    assert SECRET not in window.daemon.prompts[0]
    assert window.daemon.asked[0].document_secrets == (SecretFound("AWS key", 2),)


@pytest.mark.parametrize("config", [Config(), Config(tiers=(CLOUD,), privacy=PrivacyConfig(detect_secrets=False))])
async def test_nothing_is_searched_where_nothing_can_leave_or_the_user_wants_no_search(
    make: Make, config: Config
) -> None:
    window = make(config)
    await window.suggest(window.document("main.py", f'key = "{SECRET}"\n{MAIN}'))
    assert window.daemon.asked[0].document_secrets == ()


async def test_recent_edits_of_secret_and_excluded_files_never_enter_a_prompt(make: Make) -> None:
    config = Config(privacy=PrivacyConfig(exclude=("private/",)), completion=CompletionConfig(context=("edits",)))
    window = make(config)
    filler = "".join(f"line_{n} = {n}\n" for n in range(80))
    for name in ("other.py", "login.py", "private/open.py"):
        window.session.opened(window.document(name, filler))
        window.session.changed(window.document(name, filler + OPENED[name]))
    await window.suggest(window.document("main.py", MAIN))
    (prompt,) = window.daemon.prompts
    assert "allowed_ring" in prompt
    assert "canary" not in prompt
    assert SECRET not in prompt


async def test_source_that_is_not_switched_on_brings_nothing(make: Make) -> None:
    window = make()
    window.document("shapes.py", CANARIES["shapes.py"])
    await window.suggest(window.document("main.py", MAIN))
    assert window.daemon.prompts == [MAIN + "\n"]


@pytest.mark.parametrize(
    ("completion", "on_battery", "reason"),
    [
        (CompletionConfig(mode="manual"), False, MANUAL),
        (CompletionConfig(on_battery="manual"), True, MANUAL_ON_BATTERY),
    ],
)
async def test_manual_mode_answers_only_who_asks(
    make: Make, completion: CompletionConfig, on_battery: bool, reason: str
) -> None:
    window = make(Config(completion=completion), on_battery)
    document = window.document("main.py", MAIN)
    assert await window.suggest(document, "automatic") == Nothing(reason)
    assert window.daemon.prompts == []
    assert isinstance(await window.suggest(document, "invoked"), Offer)


async def test_calls_that_were_not_made_are_told_at_the_end(make: Make) -> None:
    window = make(Config(completion=CompletionConfig(mode="manual")))
    document = window.document("main.py", MAIN)
    for _ in range(3):
        await window.suggest(document, "automatic")
    await window.session.aclose()
    assert window.daemon.skipped_calls == [Skipped("lsp", "python", MANUAL, 3)]


async def test_outcomes_reach_the_ledger_and_the_users_own_filter(make: Make) -> None:
    window = make()
    offer = await window.suggest(window.document("main.py", MAIN))
    assert isinstance(offer, Offer)
    window.session.accepted(offer.id, len(offer.text))
    await window.settled()
    assert [(each.outcome, each.n_chars) for each in window.daemon.outcomes] == [("offered", None), ("accepted", 14)]
    learned = read_personal(window.personal)
    assert learned.n_outcomes == 1
    assert learned.weights[0] > PersonalWeights().weights[0]
