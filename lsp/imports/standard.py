"""The names of each language's standard library, read from standard/*.txt. packaging/standard_names.py writes them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Literal

Library = Literal["python", "go", "java", "c", "cpp", "headers", "rust", "node"]
_FOLDER = Path(__file__).with_name("standard")


@dataclass(frozen=True)
class StandardNames:
    """`modules` has each module's names. `traits` (Rust) has the methods of each trait, by its full path."""

    modules: dict[str, frozenset[str]]
    traits: dict[str, frozenset[str]]
    common: dict[str, str]  # name that programs import by itself: its module

    @cached_property
    def by_name(self) -> dict[str, tuple[str, ...]]:
        """The modules that have a name, the one to prefer first."""
        found: dict[str, tuple[str, ...]] = {}
        for module, names in self.modules.items():
            for name in names:
                found[name] = (*found.get(name, ()), module)
        return found


def words(text: str) -> frozenset[str]:
    """Names, from one string with spaces."""
    return frozenset(text.split())


@lru_cache(maxsize=8)
def standard(library: Library) -> StandardNames:
    """The names of one library. The file is read once."""
    modules: dict[str, frozenset[str]] = {}
    traits: dict[str, frozenset[str]] = {}
    common: dict[str, str] = {}
    for line in (_FOLDER / f"{library}.txt").read_text(encoding="utf-8").splitlines():
        module, _, listed = line.partition(": ")
        if module.endswith("!"):
            traits[module[:-1]] = frozenset(listed.split())
            continue
        common |= {it[:-1]: module for it in listed.split() if it.endswith("*")}
        modules[module] = frozenset(it.rstrip("*") for it in listed.split())
    return StandardNames(modules, traits, common)
