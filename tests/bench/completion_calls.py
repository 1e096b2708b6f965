"""How many of the calls that the debounce lets through are avoided by rules, filter and cache, and what that costs.

Every such moment of a trace is completed once with nothing in the way; then the engine's own rules, filter and cache
go over the same moments. A would-be exact match is lost where the suggestion is neither asked for nor known.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from bench.figures import Figure
from bench.typing_trace import Edit, final_text, is_exact

from halfwatt.daemon.client import Client
from halfwatt.daemon.config import CompletionConfig
from halfwatt.daemon.wire import Decision, RequestOptions, Result
from halfwatt.lsp.completion_cache import Cache, Entry
from halfwatt.lsp.completion_context import Prompt
from halfwatt.lsp.completion_debounce import Rhythm
from halfwatt.lsp.completion_engine import Engine, Moment
from halfwatt.lsp.completion_features import features
from halfwatt.lsp.completion_filter import Personal, guess, load
from halfwatt.lsp.completion_rules import Facts, objection
from halfwatt.lsp.completion_types import Offer, Query

RESPONSE_MS = 500.0


@dataclass(frozen=True)
class Opportunity:
    """A moment at which the debounce is over, and what the model would say there."""

    query: Query
    said: str
    exact: bool


async def opportunities(client: Client, edits: list[Edit]) -> list[Opportunity]:
    """Each moment, completed without rules of taste, filter and cache."""
    final, found = final_text(edits), list[Opportunity]()
    for query in moments(edits):

        def ask(prompt: Prompt, options: RequestOptions, limit: int) -> AsyncGenerator[Decision | str | Result, None]:
            return client.complete(prompt.prefix, prompt.suffix, options, limit)

        engine = Engine(ask, lambda _: "", lambda _: None)
        by_hand = Query(query.uri, query.prefix, query.suffix, query.language, "invoked")
        answer = await engine.suggest(by_hand, Moment(CompletionConfig()))
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


def avoided(found: list[Opportunity], final: str) -> list[Figure]:
    """The share of calls avoided, by cause, and the share of exact matches lost by that."""
    config, model, cache = CompletionConfig(), load(), Cache()
    causes: Counter[str] = Counter()
    n_exact = n_lost = n_won = 0
    for each in found:
        n_exact += each.exact
        query = each.query
        hit = cache.find(query.uri, query.prefix, query.suffix)
        if objection(query, config, Facts()) is not None:
            causes["rules"] += 1
            n_lost += each.exact
        elif hit is not None and (hit.text.strip() or not hit.entry.text):
            causes["cache"] += 1
            n_lost += each.exact and not is_exact(hit.text, query.prefix, final)
            n_won += not each.exact and is_exact(hit.text, query.prefix, final)
        elif guess(model, features(query), Personal()).p < model.threshold:
            causes["filter"] += 1
            n_lost += each.exact
        else:
            cache.put(query.uri, Entry("", query.prefix, query.suffix, each.said))
    share = 100 * causes.total() / len(found) if found else None
    lost = 100 * n_lost / n_exact if n_exact else 0.0
    return [
        Figure("calls avoided", share, "%", n=len(found), goal="≥ 30", met=share is not None and share >= 30),
        *(Figure(f"calls avoided by {name}", 100 * causes[name] / len(found), "%") for name in sorted(causes)),
        Figure("would-be exact matches lost", lost, "%", n=n_exact, goal="≤ 3", met=lost <= 3),
        Figure("exact matches that only what was known has", float(n_won), n=n_exact),
    ]
