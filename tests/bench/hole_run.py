"""Completing holes: raw fill-in-the-middle against halfwatt's prompt, stops and post-processing, per context source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import figures
from bench.figures import Figure
from bench.holes import Hole, chars_saved, first_line, parses, similarity, source_files
from bench.plain_llama import Plain

from halfwatt.daemon.client import Client
from halfwatt.daemon.config import PrivacyConfig
from halfwatt.daemon.wire import RequestOptions, Result
from halfwatt.lsp.completion_context import Budget, Chunk, Prompt, block, prompt
from halfwatt.lsp.completion_gather import Document, Gatherer
from halfwatt.lsp.completion_pace import LEVELS
from halfwatt.lsp.completion_ring import around
from halfwatt.lsp.completion_types import Query
from halfwatt.lsp.completion_unit import is_block
from halfwatt.lsp.postprocess import clean
from halfwatt.lsp.postprocess_candidate import Candidate

BUDGET = Budget.of_tokens(LEVELS[1])
SOURCES = ("suffix", "declarations", "ring", "edits")
N_TOKENS = 64


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


async def halfwatt(client: Client, hole: Hole, sources: Sequence[str], known: dict[Prompt, Filled]) -> Filled:
    """What the language server would offer, with these context sources; a prompt in `known` is not asked again."""
    query = Query(hole.path.as_uri(), hole.prefix, hole.suffix if "suffix" in sources else "", "python", "invoked")
    multiline = is_block(Query(query.uri, hole.prefix, hole.suffix, "python"))
    asked = _prompt(hole, query, sources)
    if asked in known:
        return known[asked]
    options = RequestOptions(
        kind="complete", editor="bench", language="python", stop_rules=("block",) if multiline else ("statement",)
    )
    said, stop = "", ""
    async for item in client.complete(asked.prefix, asked.suffix, options, N_TOKENS):
        if isinstance(item, str):
            said += item
        elif isinstance(item, Result):
            stop = item.stop
    cut = stop in ("length", "time_box")
    shown = clean(Candidate(said, hole.prefix, hole.suffix, "python", multiline=multiline, truncated=cut))
    known[asked] = Filled(hole, shown.text, shown.n_replaced)
    return known[asked]


def raw(plain: Plain, hole: Hole) -> Filled:
    """The same model's unprocessed answer to the same window."""
    asked = prompt("", hole.prefix, hole.suffix, BUDGET)
    return Filled(hole, plain.complete(asked.prefix, asked.suffix, N_TOKENS).text)


def summary(name: str, filled: Sequence[Filled], first_line_only: bool = False) -> list[Figure]:
    """Exact match of single lines, similarity, parse rates, characters saved."""
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
        _share(f"{name}: parses where the surroundings parse", [each.parses for each in kept if each.text.strip()]),
        _share(f"{name}: parses where the original parses", [each.parses for each in shown]),
        _share(f"{name}: shown", [bool(each.text.strip()) for each in filled]),
        Figure(
            f"{name}: characters saved per suggestion shown",
            sum(chars_saved(each.text, each.hole.removed) for each in shown) / max(1, len(shown)),
            n=len(shown),
        ),
    ]


def _share(name: str, hits: Sequence[bool]) -> Figure:
    return Figure(name, 100 * sum(hits) / len(hits) if hits else None, "%", n=len(hits))


def _prompt(hole: Hole, query: Query, sources: Sequence[str]) -> Prompt:
    chunks: list[Chunk] = []
    root = _package_root(hole)
    if "declarations" in sources:
        document = Document(query.uri, str(hole.path), hole.prefix + hole.suffix, "python", str(root.parent))
        chunks += Gatherer().declarations(document, PrivacyConfig())
    if "ring" in sources:
        others = [path for path in source_files(hole.package, seed=len(hole.prefix), most=4) if path != hole.path]
        for path in others[:3]:
            text = path.read_text()
            chunks.append(Chunk(path.relative_to(root.parent).as_posix(), around(text, text.count("\n") // 2)[1]))
    if "edits" in sources:
        chunks += _edited(hole)
    return prompt(block(chunks, "python", BUDGET.context), query.prefix, query.suffix, BUDGET)


def _edited(hole: Hole) -> list[Chunk]:
    """Lines of the same file that neither window shows, as if they had been edited a moment ago."""
    far = hole.prefix[: max(0, len(hole.prefix) - BUDGET.prefix)]
    if far.count("\n") < 20:
        return []
    return [Chunk(hole.path.name, "\n".join(far.split("\n")[-20:]))]


def _package_root(hole: Hole) -> Path:
    parts = hole.path.parts
    return Path(*parts[: len(parts) - 1 - parts[::-1].index(hole.package) + 1])


async def per_source(client: Client, holes: Sequence[Hole]) -> dict[str, list[Filled]]:
    """Each context source alone on top of the document, and all together."""
    configurations = {
        "prefix only": (),
        "prefix and suffix": ("suffix",),
        **{f"with {name}": ("suffix", name) for name in SOURCES[1:]},
        "all sources": SOURCES,
    }
    results: dict[str, list[Filled]] = {name: [] for name in configurations}
    for hole in holes:
        known: dict[Prompt, Filled] = {}
        for name, sources in configurations.items():
            results[name].append(await halfwatt(client, hole, sources, known))
    return results
