"""The newest suggestions, to be shown again without a model: after typing along, and after going back.

There is one cache per language server. An entry is used only where the text around the cursor is the entry's own text
plus the beginning of its suggestion. Nothing is written to disk.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass

from halfwatt.lsp.completion.postprocess.brackets import only_closers

# Characters of a suggestion that may have been typed since, about a line. The farther typing has come, the more often
# the model would by now suggest something else, and better.
LOOK_BACK = 40
MAX_DOCUMENTS = 32
PER_DOCUMENT = 24


@dataclass(frozen=True)
class Entry:
    """A suggestion at its place. Its `text` is empty where the model had none."""

    id: str
    prefix: str
    suffix: str
    text: str
    n_replaced: int = 0


@dataclass(frozen=True)
class CacheHit:
    """What is left of an entry after its beginning was typed."""

    entry: Entry
    text: str
    n_replaced: int


class Cache:
    """The newest suggestions of the documents used last."""

    def __init__(self) -> None:
        self._entries: OrderedDict[str, deque[Entry]] = OrderedDict()

    def put(self, uri: str, entry: Entry) -> None:
        self._entries.setdefault(uri, deque(maxlen=PER_DOCUMENT)).appendleft(entry)
        self._entries.move_to_end(uri)
        while len(self._entries) > MAX_DOCUMENTS:
            self._entries.popitem(last=False)

    def find(self, uri: str, prefix: str, suffix: str) -> CacheHit | None:
        """The newest entry that the text still agrees with."""
        for entry in self._entries.get(uri, ()):
            if (hit := continued(entry, prefix, suffix)) is not None:
                return hit
        return None

    def forget(self, uri: str) -> None:
        self._entries.pop(uri, None)


def continued(entry: Entry, prefix: str, suffix: str) -> CacheHit | None:
    """The rest of an entry if the user typed its beginning, else None.

    Where the editor closed brackets by itself meanwhile, the entry's own brackets replace them."""
    n_typed = len(prefix) - len(entry.prefix)
    if not 0 <= n_typed <= LOOK_BACK or not prefix.startswith(entry.prefix):
        return None
    if not entry.text.startswith(prefix[len(entry.prefix) :]):
        return None
    rest = entry.text[n_typed:]
    if suffix == entry.suffix:
        return CacheHit(entry, rest, entry.n_replaced)
    added = len(suffix) - len(entry.suffix)
    closed = suffix[:added]
    if n_typed and 0 < added <= 8 and suffix.endswith(entry.suffix) and only_closers(closed) and "\n" not in closed:
        return CacheHit(entry, rest, entry.n_replaced + added)
    return None
