"""The engine: what it asks, what it does not ask, and what it stops. The daemon's side is a script of items."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from halfwatt.daemon.errors import WorkerError
from halfwatt.daemon.settings.schema import CompletionConfig
from halfwatt.daemon.wire import Energy, Latency, RequestOptions, Result, Saved, TierKind, TokenCounts
from halfwatt.lsp.completion.context.prompt import CompletionPrompt
from halfwatt.lsp.completion.engine import EXPLORE_EVERY, KNOWN, UNLIKELY, CompletionEngine, QueryConditions, Skip
from halfwatt.lsp.completion.filter import (
    HALF_TRUST,
    AcceptanceEstimate,
    PersonalWeights,
    estimate,
    load,
    read_personal,
    write_personal,
)
from halfwatt.lsp.completion.outcomes import READ_MS, OutcomeTracker
from halfwatt.lsp.completion.prompt_budget import LEVELS, PromptBudget
from halfwatt.lsp.completion.rules import EditorFacts
from halfwatt.lsp.completion.values import Nothing, Offer, Query, Superseded, Trigger

URI = "file:///a.py"
BEFORE = "def mean(xs):\n    total = sum(xs)\n    return total / "
ESTIMATE = AcceptanceEstimate(0.5, PersonalWeights.weights)
CONDITIONS = QueryConditions(CompletionConfig(), EditorFacts())


def result(text: str, stop: str = "statement", kind: TierKind = "local") -> Result:
    shape = (TokenCounts(10, 3), Latency(), Energy(), Saved())
    return Result(text, kind, kind, "m", "because", {}, stop, *shape, request_id=f"id {text}")


@dataclass
class Daemon:
    """Streams what the test puts in; remembers what was asked and what was closed before its end."""

    asked: list[tuple[CompletionPrompt, RequestOptions]] = field(default_factory=list)
    stopped: int = 0
    stop_seen: asyncio.Event = field(default_factory=asyncio.Event)
    steps: asyncio.Queue[str | Result | Exception] = field(default_factory=asyncio.Queue)

    async def ask(
        self, query: Query, prompt: CompletionPrompt, options: RequestOptions, max_tokens: int
    ) -> AsyncGenerator[str | Result, None]:
        self.asked.append((prompt, options))
        try:
            while True:
                step = await self.steps.get()
                if isinstance(step, Exception):
                    raise step
                yield step
                if isinstance(step, Result):
                    return
        except (asyncio.CancelledError, GeneratorExit):
            self.stopped += 1
            self.stop_seen.set()
            raise

    def says(self, text: str, stop: str = "statement", size: int = 100) -> None:
        for at in range(0, len(text), size):
            self.steps.put_nowait(text[at : at + size])
        self.steps.put_nowait(result(text, stop))


@dataclass
class EngineUnderTest:
    daemon: Daemon
    engine: CompletionEngine
    skips: list[Skip]

    async def suggest(self, prefix: str, suffix: str = "\n", trigger: Trigger = "invoked") -> object:
        return await self.engine.suggest(Query(URI, prefix, suffix, "python", trigger), CONDITIONS)

    def start(self, prefix: str, suffix: str = "\n", trigger: Trigger = "invoked") -> asyncio.Task[object]:
        return asyncio.create_task(self.suggest(prefix, suffix, trigger))

    async def settle(self) -> None:
        """Let everything run that can run without news."""
        for _ in range(20):
            await asyncio.sleep(0)


@pytest.fixture
async def tested() -> EngineUnderTest:
    daemon, skips = Daemon(), list[Skip]()
    return EngineUnderTest(daemon, CompletionEngine(daemon.ask, lambda query: "", skips.append), skips)


async def test_offer_is_post_processed(tested: EngineUnderTest) -> None:
    tested.daemon.says("len(xs)\n\n\ndef other():")
    assert await tested.suggest(BEFORE) == Offer("id len(xs)\n\n\ndef other():", "len(xs)")


async def test_known_text_is_not_asked_for_again(tested: EngineUnderTest) -> None:
    tested.daemon.says("len(xs)")
    await tested.suggest(BEFORE)
    assert await tested.suggest(BEFORE + "l", trigger="automatic") == Offer("id len(xs)", "en(xs)", cached=True)
    assert len(tested.daemon.asked) == 1
    assert [skip.reason for skip in tested.skips] == [KNOWN]


async def test_rest_under_four_characters_is_not_shown_and_not_asked_for(tested: EngineUnderTest) -> None:
    tested.daemon.says("len(xs)")
    await tested.suggest(BEFORE)
    assert isinstance(await tested.suggest(BEFORE + "len(x", trigger="automatic"), Nothing)
    assert len(tested.daemon.asked) == 1


async def test_typing_what_the_stream_says_keeps_the_request(tested: EngineUnderTest) -> None:
    first = tested.start(BEFORE)
    await tested.settle()
    tested.daemon.steps.put_nowait("len(")
    await tested.settle()
    tested.engine.changed(URI, BEFORE + "l\n")
    second = tested.start(BEFORE + "l")
    await tested.settle()
    tested.daemon.steps.put_nowait("xs)")
    tested.daemon.steps.put_nowait(result("len(xs)"))
    assert await second == Offer("id len(xs)", "en(xs)")
    assert await first == Superseded()
    assert len(tested.daemon.asked) == 1
    assert tested.daemon.stopped == 0


async def test_typing_something_else_stops_the_request_before_anything_new_is_asked(tested: EngineUnderTest) -> None:
    first = tested.start(BEFORE)
    await tested.settle()
    tested.daemon.steps.put_nowait("len(")
    await tested.settle()
    tested.engine.changed(URI, BEFORE + "z\n")
    await tested.settle()
    assert tested.daemon.stopped == 1
    assert await first == Superseded()


async def test_stream_that_leaves_what_was_typed_is_replaced_by_a_new_request(tested: EngineUnderTest) -> None:
    first = tested.start(BEFORE)
    await tested.settle()
    second = tested.start(BEFORE + "c")
    await tested.settle()
    tested.daemon.steps.put_nowait("len(xs)")
    await tested.settle()
    tested.daemon.says("ount(xs)")
    assert await second == Offer("id ount(xs)", "ount(xs)")
    assert await first == Superseded()
    assert tested.daemon.stopped == 1
    assert len(tested.daemon.asked) == 2


async def test_request_that_nobody_waits_for_any_more_ends(tested: EngineUnderTest) -> None:
    asked = tested.start(BEFORE)
    await tested.settle()
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    await asyncio.wait_for(tested.daemon.stop_seen.wait(), 10)


async def test_newer_question_during_the_debounce_asks_once(tested: EngineUnderTest) -> None:
    first = tested.start(BEFORE + "l", trigger="automatic")
    await tested.settle()
    second = tested.start(BEFORE + "le", trigger="automatic")
    tested.daemon.says("n(xs)")
    assert await first == Superseded()
    assert await second == Offer("id n(xs)", "n(xs)")
    assert len(tested.daemon.asked) == 1


async def test_rule_that_objects_asks_nothing_and_counts_it(tested: EngineUnderTest) -> None:
    answer = await tested.suggest("value = com", "pute\n", trigger="automatic")
    assert isinstance(answer, Nothing)
    assert [skip.reason for skip in tested.skips] == [answer.reason]
    assert tested.daemon.asked == []


async def test_unlikely_place_is_not_asked_about_in_quiet_mode(tested: EngineUnderTest) -> None:
    quiet = QueryConditions(
        CompletionConfig(mode="quiet"), EditorFacts(), PersonalWeights((-6.0, *PersonalWeights.weights[1:]))
    )
    answer = await tested.engine.suggest(Query(URI, "import os\n\n\nq", "\n", "python"), quiet)
    assert answer == Nothing(UNLIKELY)
    assert tested.daemon.asked == []


async def test_tier_none_answers_with_its_reason_and_is_not_remembered(tested: EngineUnderTest) -> None:
    tested.daemon.steps.put_nowait(result("", kind="none"))
    assert await tested.suggest(BEFORE) == Nothing("because")
    tested.daemon.says("len(xs)")
    assert isinstance(await tested.suggest(BEFORE), Offer)


async def test_failure_is_a_reason_and_not_an_exception(tested: EngineUnderTest) -> None:
    tested.daemon.steps.put_nowait(WorkerError("The worker ended. Ask again."))
    assert await tested.suggest(BEFORE) == Nothing("The worker ended. Ask again.")


async def test_answer_cut_before_its_first_word_is_asked_for_again(tested: EngineUnderTest) -> None:
    tested.daemon.says("", stop="time_box")
    assert isinstance(await tested.suggest(BEFORE), Nothing)
    tested.daemon.says("len(xs)")
    assert isinstance(await tested.suggest(BEFORE), Offer)


async def test_warming_reads_one_token_of_the_same_prompt_and_stays_out_of_the_cache(tested: EngineUnderTest) -> None:
    tested.daemon.says("l", stop="length")
    await tested.engine.warm(Query(URI, BEFORE, "\n", "python"))
    tested.daemon.says("len(xs)")
    await tested.suggest(BEFORE)
    (warm, warm_options), (asked, options) = tested.daemon.asked
    assert warm == asked
    assert warm_options.document == options.document
    assert warm_options.route == "local"
    assert warm_options.warm
    assert not options.warm


async def test_document_names_differ_between_windows_and_do_not_tell_the_file(tested: EngineUnderTest) -> None:
    other = EngineUnderTest(
        Daemon(), CompletionEngine(tested.daemon.ask, lambda query: "", tested.skips.append), tested.skips
    )
    for each in (tested, other):
        tested.daemon.says("len(xs)")
        await each.suggest(BEFORE)
    names = {options.document for _, options in tested.daemon.asked}
    assert len(names) == 2
    assert not any("a.py" in (name or "") for name in names)


def test_filter_answers_within_two_milliseconds_of_plain_python() -> None:
    assert len(load().trees) * max(len(tree.feature) for tree in load().trees) < 20_000
    assert 0 < estimate(load(), [0.0] * len(load().names), PersonalWeights()).p < 1


def test_few_outcomes_move_the_filter_little_and_many_take_over() -> None:
    values = [0.0] * len(load().names)
    shipped = estimate(load(), values, PersonalWeights()).p
    personal, seen = PersonalWeights(), list[float]()
    for _ in range(20 * HALF_TRUST):
        personal = personal.learned(estimate(load(), values, personal), accepted=True)
        seen.append(estimate(load(), values, personal).p)
    assert seen == sorted(seen)
    assert seen[4] < shipped + 0.1
    assert seen[-1] > 0.9


def test_filter_learns_where_the_user_takes_suggestions() -> None:
    here, there = ([0.0] * len(load().names) for _ in range(2))
    there[load().names.index("in_comment")] = 1.0
    personal = PersonalWeights()
    for _ in range(10 * HALF_TRUST):
        personal = personal.learned(estimate(load(), here, personal), accepted=True)
        personal = personal.learned(estimate(load(), there, personal), accepted=False)
    assert estimate(load(), here, personal).p > 0.7
    assert estimate(load(), there, personal).p < 0.3


def test_what_was_learned_is_kept_and_a_damaged_file_is_nothing_learned(tmp_path: Path) -> None:
    personal = PersonalWeights().learned(estimate(load(), [0.0] * len(load().names), PersonalWeights()), accepted=True)
    file = tmp_path / "state" / "filter.json"
    write_personal(file, personal)
    assert read_personal(file) == personal
    file.write_bytes(b'{"weights": [1.0], "n_outcomes": 3}')
    assert read_personal(file) == PersonalWeights()


async def test_filter_that_follows_the_user_asks_now_and_then_where_it_expects_nothing(tested: EngineUnderTest) -> None:
    shy = PersonalWeights((-6.0, *PersonalWeights.weights[1:]), n_outcomes=50)
    for _ in range(EXPLORE_EVERY):
        tested.daemon.says("")
    for n in range(EXPLORE_EVERY):
        query = Query(f"file:///{n}.py", "import os\n\n\nq", "\n", "python")
        await tested.engine.suggest(query, QueryConditions(CompletionConfig(), EditorFacts(), shy))
    assert len(tested.daemon.asked) == 1


def test_outcomes_tell_read_from_unread_and_count_a_continuation_once() -> None:
    outcomes = OutcomeTracker()
    said = outcomes.offered(URI, "1", ESTIMATE, 0)
    said += outcomes.offered(URI, "1", ESTIMATE, 100)
    said += outcomes.offered(URI, "2", ESTIMATE, READ_MS - 1)
    said += outcomes.offered(URI, "3", ESTIMATE, 3 * READ_MS)
    said += outcomes.accepted("3", 7)
    said += outcomes.gone(URI, 9 * READ_MS)
    seen = [(each.feedback.request_id, each.feedback.outcome, each.accepted) for each in said]
    assert seen == [
        ("1", "offered", None),
        ("1", "ignored", None),
        ("2", "offered", None),
        ("2", "rejected", False),
        ("3", "offered", None),
        ("3", "accepted", True),
    ]


def test_partly_accepted_suggestion_is_no_rejection() -> None:
    outcomes = OutcomeTracker()
    outcomes.offered(URI, "1", ESTIMATE, 0)
    partly = outcomes.partially_accepted("1", 4) + outcomes.partially_accepted("1", 9)
    assert [(each.feedback.n_chars, each.accepted) for each in partly] == [(4, True), (9, None)]
    assert outcomes.gone(URI, 9 * READ_MS) == []


def test_budget_follows_the_machine_in_steps() -> None:
    budget = PromptBudget()
    assert budget.read(10, 5000) == budget
    assert budget.read(100, 1000).budget_tokens == budget.budget_tokens
    for _ in range(20):
        budget = budget.read(100, 1000)
    assert budget.budget_tokens == LEVELS[0]
    for _ in range(20):
        budget = budget.read(1000, 1000)
    assert budget.budget_tokens == LEVELS[-1]
