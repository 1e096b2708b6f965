"""Made typing traces type what they should, from packages that may be read; calls avoided are counted with what that
costs."""

from __future__ import annotations

import random
import re
from importlib import metadata
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from bench.completion.calls import Opportunity, Tally, avoided, moments, tallied
from bench.completion.holes import TEST_PACKAGES, TRAIN_PACKAGES
from bench.completion.kept_answers import KeptAnswers
from bench.completion.made_traces import PROGRAMS, made_traces, program_traces, typed
from bench.completion.typing_trace import final_text

from halfwatt.daemon.wire import Energy, Latency, RequestOptions, Result, Saved, TokenCounts
from halfwatt.lsp.completion.values import Query

FINAL = "import os\nprint(os.getcwd())\n"
RESULT = Result("said", "local", "local", "m", "", {}, "line", TokenCounts(3, 1), Latency(), Energy(), Saved())


PERMISSIVE = re.compile(r"\b(?:MIT|BSD|Apache|MPL)\b")


def opportunity(prefix: str, said: str) -> Opportunity:
    exact = FINAL.startswith(prefix) and FINAL[len(prefix) :].partition("\n")[0] == said
    return Opportunity(Query("file:///a.py", prefix, "", "python"), said, exact)


@pytest.mark.parametrize("seed", range(5))
def test_typed_trace_leaves_the_passage_between_what_was_there(seed: int) -> None:
    passage = "def twice(number):\n    return number * 2"
    edits = typed("import os\n\n\n", passage, "\n\nx = twice(3)\n", random.Random(seed))  # noqa: S311
    assert final_text(edits) == "import os\n\n\n" + passage + "\n\nx = twice(3)\n"
    assert all(before.at_s <= after.at_s for before, after in pairwise(edits))


def test_source_is_read_only_of_packages_whose_licence_allows_it() -> None:
    distributions = metadata.packages_distributions()
    named = {name for package in TRAIN_PACKAGES + TEST_PACKAGES for name in distributions.get(package, [])}
    licences = {name: _licence(metadata.metadata(name)) for name in named}
    assert len(licences) > 10
    assert [name for name, licence in licences.items() if not PERMISSIVE.search(licence)] == []
    assert set(TRAIN_PACKAGES).isdisjoint(TEST_PACKAGES)


def test_same_seed_makes_the_same_traces_and_another_one_others() -> None:
    first, again, other = (made_traces(("click", "rich"), 4, seed) for seed in (3, 3, 4))
    assert first == again != other
    assert [each.place for each in first] == ["empty", "end", "middle", "empty"]


def test_small_programs_are_typed_whole() -> None:
    texts = [final_text(each.edits) for each in program_traces(8, 1)]
    assert len(texts) == 8
    assert all(text in PROGRAMS.read_text() and text.count("\n") > 10 for text in texts)
    for text in texts:
        compile(text, "program", "exec")


def test_moments_are_fewer_than_keys_and_the_last_one_is_when_all_is_typed() -> None:
    edits = made_traces(("click",), 1, 3)[0].edits
    found = moments(edits)
    assert 0 < len(found) < len(edits) / 2
    assert found[-1].prefix == final_text(edits)


def test_known_suggestion_that_is_wrong_where_a_call_would_be_right_is_lost() -> None:
    found = [opportunity("import os\nprint(", "os.getpid())"), opportunity("import os\nprint(os.get", "cwd())")]
    tally = tallied(found, FINAL)
    assert (tally.n, tally.n_exact, tally.causes["cache"], tally.n_lost, tally.n_won) == (2, 1, 1, 1, 0)


def test_known_suggestion_that_is_right_where_a_call_would_be_wrong_is_won() -> None:
    found = [opportunity("import os\nprint(", "os.getcwd())"), opportunity("import os\nprint(os.get", "pid())")]
    tally = tallied(found, FINAL)
    assert (tally.n_exact, tally.causes["cache"], tally.n_lost, tally.n_won) == (1, 1, 0, 1)


def test_pooled_share_counts_moments_and_its_interval_holds_it() -> None:
    tallies = [Tally(10, n_exact=10, n_lost=n_lost) for n_lost in (0, 1, 0, 3, 0)]
    lost = next(each for each in avoided(tallies) if each.name == "would-be exact matches lost")
    assert (lost.value, lost.n, lost.met) == (8.0, 50, False)
    assert lost.low is not None
    assert lost.high is not None
    assert lost.low < 8.0 < lost.high


class Model:
    """A client that counts how often it is asked."""

    def __init__(self) -> None:
        self.n_asked = 0

    async def complete(self, prefix: str, suffix: str, options: RequestOptions, limit: int):  # type: ignore[no-untyped-def]
        self.n_asked += 1
        yield "sa"
        yield "id"
        yield RESULT


async def test_kept_answer_is_asked_for_once_also_by_the_next_run(tmp_path: Path) -> None:
    model = Model()
    for _ in range(2):
        kept = KeptAnswers(model, tmp_path / "kept.jsonl")  # type: ignore[arg-type]  # all of a client that it uses
        for prefix in ("x = ", "y = "):
            items = [item async for item in kept.complete(prefix, "", RequestOptions(kind="complete"), 8)]
            assert items[0] == "said"
            assert msgspec.to_builtins(items[1]) == msgspec.to_builtins(RESULT)
    assert model.n_asked == 2


def _licence(fields: metadata.PackageMetadata) -> str:
    kinds = [each for each in fields.get_all("Classifier") or [] if each.startswith("License")]
    return " ".join([*kinds, *(fields.get_all("License-Expression") or []), *(fields.get_all("License") or [])[:1]])
