"""Whether a header is C or C++. Names of files and editors do not know; the text does."""

from __future__ import annotations

import re
from functools import lru_cache

from .languages import Language, for_id

_MAY_BE_CPP = re.compile(r"^[ \t]*(class|namespace|template|using|public|private|protected|constexpr)\b", re.MULTILINE)


def language_of(text: str, path: str, known: Language) -> Language:
    """C++ for a header that is said to be C and that C++'s grammar reads with fewer faults; else what is known."""
    if known.id != "c" or not path.lower().endswith(".h") or not _MAY_BE_CPP.search(text):
        return known
    cpp = for_id("cpp")
    return cpp if cpp is not None and _reads_better(text, cpp, known) else known


@lru_cache(maxsize=8)
def _reads_better(text: str, language: Language, other: Language) -> bool:
    from .syntax import Source, faults  # the parser is only loaded for the few texts that need it

    return len(faults(Source(text, language))) < len(faults(Source(text, other)))
