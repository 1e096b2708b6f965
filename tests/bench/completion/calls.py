"""How many of the calls that the debounce lets through are avoided by rules, filter and cache, and what that costs.

Every such moment of a trace is completed once with nothing in the way; then the engine's own rules, filter and cache
go over the same moments. A would-be exact match is lost where the suggestion is neither asked for nor known. Where
what was said before stays shown and is exact while a new answer would not be, one is won.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bench.completion.typing_trace import Edit, final_text, is_exact
from bench.figures import Figure

from halfwatt.daemon.settings.schema import CompletionConfig
from halfwatt.lsp.completion.cache import Cache, Entry
from halfwatt.lsp.completion.debounce import Rhythm
from halfwatt.lsp.completion.engine import Ask, CompletionEngine, QueryConditions
from halfwatt.lsp.completion.features import features
from halfwatt.lsp.completion.filter import PersonalWeights, estimate, load
from halfwatt.lsp.completion.rules import EditorFacts, objection
from halfwatt.lsp.completion.values import Offer, Query

RESPONSE_MS = 500.0
N_DRAWS = 2000  # of traces, for an interval


@dataclass(frozen=True)
class Opportunity:
    """A moment at which the debounce is over, and what the model would say there."""

    query: Query
    said: str
    exact: bool


@dataclass
class Tally:
    """What became of one trace's moments. `causes`: calls that were not made, by what avoided them."""

    n: int = 0
    causes: Counter[str] = field(default_factory=Counter)
    n_exact: int = 0
    n_lost: int = 0
    n_won: int = 0

    def count(self, cause: str, would_be: bool, is_exact: bool) -> None:
        """A call that `cause` avoided, at a place where a call would have been exact, and what is shown is."""
        self.causes[cause] += 1
        self.n_lost += would_be and not is_exact
        self.n_won += is_exact and not would_be


async def opportunities(ask: Ask, edits: list[Edit]) -> list[Opportunity]:
    """Each moment, completed without rules of taste, filter and cache."""
    final, found = final_text(edits), list[Opportunity]()
    for query in moments(edits):
        engine = CompletionEngine(ask, lambda _: "", lambda _: None)
        by_hand = Query(query.uri, query.prefix, query.suffix, query.language, "invoked")
        answer = await engine.suggest(by_hand, QueryConditions(CompletionConfig()))
        said = answer.text if isinstance(answer, Offer) else ""
        found.append(Opportunity(query, said, is_exact(said, query.prefix, final)))
    return found


def moments(edits: list[Edit]) -> list[Query]:
    """Where the user pauses long enough for the debounce, in the trace's own time."""
    rhythm, text, found = Rhythm(response_ms=RESPONSE_MS), "", list[Query]()
    for edit, after in zip(edits, [*edits[1:], None], strict=True):
        text = edit.applied(text)
        rhythm = rhythm.key_pressed(edit.at_s * 1000)
        query = Query("file:///trace.py", text[: edit.cursor], text[edit.cursor :], "python")
        wait_s = rhythm.delay_ms(query.line_before, query.line_after) / 1000
        if after is None or after.at_s - edit.at_s > wait_s:
            found.append(query)
    return found


def tallied(found: list[Opportunity], final: str) -> Tally:
    """What rules, cache and filter do at each moment, in the engine's order."""
    config, model, cache, tally = CompletionConfig(), load(), Cache(), Tally()
    for each in found:
        query, hit = each.query, cache.find(each.query.uri, each.query.prefix, each.query.suffix)
        tally.n += 1
        tally.n_exact += each.exact
        if objection(query, config, EditorFacts()) is not None:
            tally.count("rules", each.exact, False)
        elif hit is not None and (hit.text.strip() or not hit.entry.text):
            tally.count("cache", each.exact, is_exact(hit.text, query.prefix, final))
        elif estimate(model, features(query), PersonalWeights()).p < model.threshold:
            tally.count("filter", each.exact, False)
        else:
            cache.put(query.uri, Entry("", query.prefix, query.suffix, each.said))
    return tally


def avoided(tallies: Sequence[Tally]) -> list[Figure]:
    """The share of calls avoided, by cause, and the share of exact matches lost by that, pooled over the traces. Their
    intervals, over 95 % of draws of as many traces, need several traces."""
    n, n_exact = sum(each.n for each in tallies), sum(each.n_exact for each in tallies)
    share, lost, shown = (_pooled(tallies, rate) for rate in (_avoided_share, _lost_share, _shown_share))
    causes = sum((each.causes for each in tallies), Counter[str]())
    return [
        Figure("calls avoided", *share, n=n, goal="≥ 30", met=share[0] is not None and share[0] >= 30),
        *(Figure(f"calls avoided by {name}", 100 * causes[name] / n, "%", n=n) for name in sorted(causes)),
        Figure("would-be exact matches lost", *lost, n=n_exact, goal="≤ 3", met=lost[0] is not None and lost[0] <= 3),
        Figure("exact matches that only what was known has", float(sum(each.n_won for each in tallies)), n=n),
        Figure("exact matches, lost and won, against a call at every moment", *shown, n=n_exact),
    ]


def _pooled(
    tallies: Sequence[Tally], rate: Callable[[Sequence[Tally]], float | None]
) -> tuple[float | None, str, float | None, float | None]:
    """A rate over all traces in percent, its unit, and its bounds."""
    if len(tallies) < 4:
        return rate(tallies), "%", None, None
    chance = random.Random(1)  # noqa: S311 - a sample, not a secret
    draws = (rate(chance.choices(tallies, k=len(tallies))) for _ in range(N_DRAWS))
    found = sorted(draw for draw in draws if draw is not None)
    return rate(tallies), "%", found[len(found) // 40], found[-len(found) // 40]


def _avoided_share(tallies: Sequence[Tally]) -> float | None:
    n = sum(each.n for each in tallies)
    return 100 * sum(each.causes.total() for each in tallies) / n if n else None


def _lost_share(tallies: Sequence[Tally]) -> float | None:
    n_exact = sum(each.n_exact for each in tallies)
    return 100 * sum(each.n_lost for each in tallies) / n_exact if n_exact else None


def _shown_share(tallies: Sequence[Tally]) -> float | None:
    n_exact = sum(each.n_exact for each in tallies)
    return 100 * (n_exact + sum(each.n_won - each.n_lost for each in tallies)) / n_exact if n_exact else None
