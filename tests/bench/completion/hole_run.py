"""Completing holes: raw fill-in-the-middle against halfwatt's stops and post-processing, and each context source."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import figures, plain_llama
from bench.completion.holes import Hole, chars_saved, first_line, parses, similarity
from bench.completion.kept_answers import KeptAnswers
from bench.figures import Figure

from halfwatt.daemon.client.client import Client
from halfwatt.daemon.inference.stops import Stopper
from halfwatt.daemon.settings.schema import ContextSource, PrivacyConfig
from halfwatt.daemon.wire import RequestOptions, Result
from halfwatt.lsp.completion.context.gather import ContextDocument, Gatherer
from halfwatt.lsp.completion.context.prompt import Budget, prompt
from halfwatt.lsp.completion.extent import UNFINISHED_STOPS, is_block, stop_rules
from halfwatt.lsp.completion.postprocess.candidate import PostprocessCandidate
from halfwatt.lsp.completion.postprocess.chain import clean
from halfwatt.lsp.completion.prompt_budget import LEVELS
from halfwatt.lsp.completion.values import Query

BUDGET = Budget.of_tokens(LEVELS[1])
N_TOKENS = 64
N_FILES = 8  # that the user looked at before


@dataclass(frozen=True)
class Filled:
    """A hole and what was offered for it; empty text: nothing was."""

    hole: Hole
    text: str
    n_replaced: int = 0

    @property
    def exact(self) -> bool:
        return bool(self.text.strip()) and self.text.strip() == self.hole.removed.strip()

    @property
    def parses(self) -> bool:
        return parses(self.hole.prefix + self.text + self.hole.suffix[self.n_replaced :])


def raw_answers(model: Path, holes: Sequence[Hole], kept: Path | None) -> list[Filled]:
    """The same model's unprocessed answer to each hole.

    With `kept`, a file of JSON lines, a run that was stopped goes on where it was. The file holds the answers, and the
    holes in the order in which they are asked.
    """
    known = [json.loads(line) for line in kept.read_text().splitlines()] if kept and kept.exists() else []
    found = [Filled(hole, row["said"]) for hole, row in zip(holes, known, strict=False) if row["at"] == _place(hole)]
    if len(found) < len(holes):
        with plain_llama.running(model, n_threads=1) as plain:
            for hole in holes[len(found) :]:
                asked = prompt("", hole.prefix, hole.suffix, BUDGET)
                found.append(Filled(hole, plain.complete(asked.prefix, asked.suffix, N_TOKENS).text))
                if kept:
                    with kept.open("a") as file:
                        file.write(json.dumps({"at": _place(hole), "said": found[-1].text}) + "\n")
    return found


def processed(raw: Filled) -> Filled:
    """What the language server offers where the model says `raw`: the stop rule ends it, the chain fits it in. Greedy
    decoding says the same up to there whether or not it is stopped."""
    hole = raw.hole
    query = Query("file:///hole", hole.prefix, hole.suffix, "python", "invoked")
    stopper = Stopper(stop_rules(is_block(query)), before=query.line_before)
    said = stopper.feed(raw.text) + stopper.finish()
    return _fitted(hole, is_block(query), said, stopper.reason is None)


async def with_context(client: Client | KeptAnswers, hole: Hole, block: str) -> Filled:
    """What the language server would offer with this context block, through the daemon."""
    query = Query("file:///hole", hole.prefix, hole.suffix, "python", "invoked")
    multiline = is_block(query)
    asked = prompt(block, hole.prefix, hole.suffix, BUDGET)
    options = RequestOptions(kind="complete", editor="bench", language="python", stop_rules=stop_rules(multiline))
    said, stop = "", ""
    async for item in client.complete(asked.prefix, asked.suffix, options, N_TOKENS):
        if isinstance(item, str):
            said += item
        elif isinstance(item, Result):
            stop = item.stop
    return _fitted(hole, multiline, said, stop in UNFINISHED_STOPS)


def _fitted(hole: Hole, multiline: bool, said: str, cut: bool) -> Filled:
    shown = clean(PostprocessCandidate(said, hole.prefix, hole.suffix, "python", multiline=multiline, truncated=cut))
    return Filled(hole, shown.text, shown.n_replaced)


def summary(
    name: str, filled: Sequence[Filled], first_line_only: bool = False, parsed_least: float | None = None
) -> list[Figure]:
    """Exact match of single lines, similarity, parse rates with the least that is wanted, characters saved."""
    shown = [each for each in filled if each.text.strip()]
    lines = [each for each in filled if each.hole.kind in ("line", "rest")]
    kept = [each for each in filled if each.hole.surroundings_parse]

    def is_exact(each: Filled) -> bool:
        if first_line_only:
            return bool(each.text.strip()) and first_line(each.text) == each.hole.removed.strip()
        return each.exact

    return [
        _share(f"{name}: exact single-line match", [is_exact(each) for each in lines]),
        figures.of(f"{name}: edit similarity", [similarity(each.text, each.hole.removed) for each in shown]),
        _share(
            f"{name}: parses where the surroundings parse",
            [each.parses for each in kept if each.text.strip()],
            parsed_least,
        ),
        _share(f"{name}: parses where the original parses", [each.parses for each in shown]),
        _share(f"{name}: shown", [bool(each.text.strip()) for each in filled]),
        Figure(
            f"{name}: characters saved per suggestion shown",
            sum(chars_saved(each.text, each.hole.removed) for each in shown) / max(1, len(shown)),
            n=len(shown),
        ),
    ]


def _share(name: str, hits: Sequence[bool], least: float | None = None) -> Figure:
    share = 100 * sum(hits) / len(hits) if hits else None
    if least is None:
        return Figure(name, share, "%", n=len(hits))
    return Figure(name, share, "%", n=len(hits), goal=f"≥ {least:g}", met=share is not None and share >= least)


def gained(name: str, without: Sequence[Filled], with_it: Sequence[Filled]) -> list[Figure]:
    """What a context source changes at the holes where it had something to say: exact matches won and lost, and the
    difference in edit similarity."""
    pairs = [(one, other) for one, other in zip(without, with_it, strict=True) if one is not other]
    differences = [_similar(other) - _similar(one) for one, other in pairs]
    return [
        Figure(f"{name}: exact matches won", float(sum(b.exact and not a.exact for a, b in pairs)), n=len(pairs)),
        Figure(f"{name}: exact matches lost", float(sum(a.exact and not b.exact for a, b in pairs)), n=len(pairs)),
        Figure(
            f"{name}: mean difference in edit similarity",
            sum(differences) / len(differences) if differences else None,
            n=len(pairs),
        ),
    ]


def better(name: str, ours: Figure, other: Figure) -> Figure:
    """Our share over the other one. Where that is 0, over what a single hit would have been: a lower bound."""
    least = 100 / max(1, other.n)
    value = (ours.value or 0.0) / max(other.value or 0.0, least)
    return Figure(name, value, n=ours.n, goal="≥ 1.15", met=value >= 1.15)


def _similar(filled: Filled) -> float:
    return similarity(filled.text, filled.hole.removed)


def context(hole: Hole, sources: Sequence[ContextSource]) -> str:
    """The context block as the language server makes it. For the ring, pieces of other files of the package were
    looked at; for the edits, lines of this and of other files were changed. Which ones, chance decides."""
    root = _package_root(hole)
    chance = random.Random(f"{hole.path.name} {len(hole.prefix)}")  # noqa: S311 - a sample, not a secret
    document = ContextDocument("file:///hole", str(hole.path), hole.prefix + hole.suffix, "python", str(root.parent))
    gatherer = Gatherer()
    others = [path for path in sorted(root.rglob("*.py")) if path != hole.path and 1_500 < path.stat().st_size < 80_000]
    chance.shuffle(others)
    for path in others[:N_FILES] if "ring" in sources else ():
        text = path.read_text()
        for _ in range(2):
            line = chance.randrange(text.count("\n") + 1)
            other = ContextDocument(path.as_uri(), str(path), text, "python", document.workspace)
            gatherer.remember(other, line, PrivacyConfig())
    return gatherer.context(document, len(hole.prefix), sources, PrivacyConfig(), BUDGET.context)


def _package_root(hole: Hole) -> Path:
    parts = hole.path.parts
    return Path(*parts[: len(parts) - 1 - parts[::-1].index(hole.package) + 1])


def _place(hole: Hole) -> str:
    """A name for a hole that tells whether it is the same one again."""
    return hashlib.blake2b(f"{hole.path.name} {hole.prefix}{hole.suffix}".encode(), digest_size=8).hexdigest()
