"""A progress bar on stderr for the long stages; one line per tenth where stderr is no terminal."""

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


def tracked(items: Iterable[Item], name: str, total: int) -> Iterator[Item]:
    """Yield the items and draw how many of `total` are done."""
    shown = -1
    for done, item in enumerate(items, 1):
        yield item
        tenth = 10 * done // max(1, total)
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{name} [{'#' * (3 * tenth):<30}] {done}/{total}")
        elif tenth != shown:
            sys.stderr.write(f"{name} {done}/{total}\n")
        shown = tenth
        sys.stderr.flush()
    if sys.stderr.isatty():
        sys.stderr.write("\n")
