"""From a request's text to numbers, the same code in training and in serving.

Surface features are counts that need no model: length, signature, types, examples and a few words that go with hard
or long answers. The text is cut to a documented window first, so that a request of any size costs the same. It
runs no encoder and knows no weights.
"""

import math
import re
import zlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

MAX_CHARACTERS = 6000
_HEAD_SHARE = 0.75

_WORDS = (
    "python function", "lambda", "regex", "regular expression", "recurs", "dynamic programming", "matrix", "nested",
    "tuple", "dictionar", "string", "list", "array", "set ", "tree", "heap", "sort", "search", "prime", "palindrome",
    "permutation", "combination", "substring", "subsequence", "subarray", "bit", "binary", "digit", "sum ", "count",
    "maximum", "minimum", "largest", "smallest", "longest", "shortest", "nth", "kth", "'th", "number of",
    "check whether", "check if", "convert", "remove", "replace", "find", "area", "volume", "triangle", "date",
    "vowel", "character", "word", "bracket", "parenthes", "roman", "hex", "factorial", "fibonacci", "even", "odd",
    "square", "angle", "polygon", "product", "pair", "frequen", "duplicate", "rotat", "sequence", "given condition",
    "should return", "example", "note", "return none", "if there", "using", "respectively",
)  # fmt: skip
_PATTERNS = tuple(re.compile(re.escape(word)) for word in _WORDS)
_TOKEN = re.compile(r"[A-Za-z]+|\d+|[^\sA-Za-z\d]")

SURFACE_NAMES = (
    "log_chars", "log_words", "log_lines", "chars_per_word", "n_sentences", "log_digits", "log_punctuation",
    "log_upper", "has_signature", "n_definitions", "n_parameters", "n_type_hints", "returns_type", "n_examples",
    "n_assertions", "n_imports", "n_quotes", "n_brackets", "n_operators", "non_ascii_share", "distinct_word_share",
    "example_chars_share", "longest_line", "is_code_start", *(f"has:{word.strip()}" for word in _WORDS),
)  # fmt: skip


N_WORDS = 1024
N_GRAMS = 1024
_GRAM_SIZES = (2, 3, 4, 5)
_GRAM_CHARACTERS = 2000
# what CRC-32 does to a register whose low byte is 0…255: read off zlib itself
_CRC_TABLE = np.array([zlib.crc32(bytes([byte])) for byte in range(256)], dtype=np.int64)
_CRC_TABLE = (_CRC_TABLE ^ 0xFFFFFFFF ^ 0x00FFFFFF)[np.arange(256) ^ 0xFF]


@dataclass(frozen=True)
class Features:
    """The router's inputs beside the tokens: hashed words, hashed character n-grams, surface counts."""

    words: npt.NDArray[np.float32]
    grams: npt.NDArray[np.float32]
    surface: npt.NDArray[np.float32]


NO_FEATURES = Features(
    np.zeros(N_WORDS, np.float32), np.zeros(N_GRAMS, np.float32), np.zeros(len(SURFACE_NAMES), np.float32)
)


def features(text: str) -> Features:
    """All features of one request, shapes `(N_WORDS,)`, `(N_GRAMS,)`, `(len(SURFACE_NAMES),)`."""
    cut = window(text)
    return Features(hashed_words(cut), hashed_grams(cut[:_GRAM_CHARACTERS]), surface(cut))


def hashed_words(text: str) -> npt.NDArray[np.float32]:
    """Logarithmic counts of lower-case words of two letters or more, each hashed to one place."""
    counts = np.zeros(N_WORDS, dtype=np.float32)
    for word in re.findall(r"\w\w+", text.lower()):
        counts[zlib.crc32(word.encode("utf-8", "replace")) % N_WORDS] += 1
    return np.log1p(counts)


def hashed_grams(text: str) -> npt.NDArray[np.float32]:
    """Signed logarithmic counts of character n-grams inside words, hashed with a sign so collisions cancel."""
    words = [f" {word} ".encode("utf-8", "replace") for word in re.findall(r"\w+|[^\w\s]", text.lower())]
    if not words:
        return np.zeros(N_GRAMS, dtype=np.float32)
    codes = _gram_codes(b"".join(words), np.repeat(np.arange(len(words)), [len(word) for word in words]))
    signs = np.where(codes >> 16 & 1, 1.0, -1.0)
    signed = np.bincount(codes % N_GRAMS, signs, N_GRAMS).astype(np.float32)
    return np.sign(signed) * np.log1p(np.abs(signed))


def _gram_codes(content: bytes, word_of: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """CRC-32 of every n-gram that lies inside one word, all starts at once; the same numbers as `zlib.crc32`."""
    codes = []
    values = np.frombuffer(content, dtype=np.uint8).astype(np.int64)
    state = np.full(len(values), 0xFFFFFFFF, dtype=np.int64)
    for length in range(1, _GRAM_SIZES[-1] + 1):
        n_starts = len(values) - length + 1
        if n_starts < 1:
            break
        state = state[:n_starts]
        state = _CRC_TABLE[(state ^ values[length - 1 :]) & 0xFF] ^ (state >> 8)
        if length in _GRAM_SIZES:
            codes.append((state ^ 0xFFFFFFFF)[word_of[:n_starts] == word_of[length - 1 :]])
    return np.concatenate(codes)


def window(text: str) -> str:
    """At most `MAX_CHARACTERS`: the first three quarters of the room from the head, the rest from the tail."""
    if len(text) <= MAX_CHARACTERS:
        return text
    head = int(MAX_CHARACTERS * _HEAD_SHARE)
    return text[:head] + "\n" + text[-(MAX_CHARACTERS - head) :]


def surface(text: str) -> npt.NDArray[np.float32]:
    """Surface features of an already windowed text, shape `(len(SURFACE_NAMES),)`."""
    words = _TOKEN.findall(text)
    lines = text.split("\n")
    lower = text.lower()
    signature = re.findall(r"def\s+\w+\s*\(([^)]*)\)\s*(->)?", text)
    parameters = [part for part in signature[-1][0].split(",") if part.strip()] if signature else []
    examples = [line for line in lines if ">>>" in line or "==>" in line or "➞" in line]
    values = [
        _log(len(text)),
        _log(len(words)),
        _log(len(lines)),
        len(text) / max(1, len(words)),
        _log(len(re.findall(r"[.!?](?:\s|$)", text))),
        _log(sum(c.isdigit() for c in text)),
        _log(sum(not c.isalnum() and not c.isspace() for c in text)),
        _log(sum(c.isupper() for c in text)),
        float(bool(signature)),
        float(min(len(signature), 4)),
        float(min(len(parameters), 6)),
        float(min(text.count(": ") if signature else 0, 8)),
        float(bool(signature and signature[-1][1])),
        _log(len(examples)),
        _log(lower.count("assert") + lower.count("example")),
        float(min(len(re.findall(r"^\s*(?:import|from)\s", text, re.MULTILINE)), 4)),
        _log(text.count('"') + text.count("'")),
        _log(sum(text.count(c) for c in "[](){}")),
        _log(sum(text.count(c) for c in "+*/%<>=^&|")),
        sum(ord(c) > 127 for c in text) / max(1, len(text)),
        len({word.lower() for word in words}) / max(1, len(words)),
        sum(len(line) for line in examples) / max(1, len(text)),
        _log(max(len(line) for line in lines)),
        float(lower.startswith(("def ", "from ", "import ", "\n"))),
    ]
    values += [float(pattern.search(lower) is not None) for pattern in _PATTERNS]
    return np.array(values, dtype=np.float32)


def _log(count: int) -> float:
    return math.log1p(count)
