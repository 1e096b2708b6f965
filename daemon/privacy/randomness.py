"""Whether a string looks drawn at random, as keys are, or made of words, as names, paths and versions are.

Pure arithmetic on one string in linear time. It does not look at what stands around the string.
"""

from __future__ import annotations

import math
import re
from collections import Counter

HEX = re.compile(r"(?:0x)?[0-9a-fA-F]++")
UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
PARTS = re.compile(r"[-_./=+~:,@ ]++")
# A piece of a name: a word, an abbreviation, or a number.
PIECES = re.compile(r"[A-Z]?[a-z]++|[A-Z]++|\d++")
CONSONANTS = re.compile(r"[bcdfghjklmnpqrstvwxz]{6}")  # small letters
SIMPLE_PART = re.compile(r"(?:[A-Z]*+|[A-Za-z]?[a-z]*+)\d*+|\d++[A-Za-z]?[a-z]*+")
MIXED_SHARE = 0.6
MIN_LETTERS = 12
ORDERED = "abcdefghijklmnopqrstuvwxyz0123456789abcdef ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/ 9876543210fedcba"
MIN_DISTINCT = 8
# Mean length of a random mixture's pieces: 1.9 of letters in both cases and digits, 2.4 of base 36. Names have over 4.
MAX_PIECE_CHARS, MAX_NAMED_PIECE_CHARS, MAX_MIXED_PIECE_CHARS = 2.5, 4.0, 2.8
ENTROPY_BITS = 3.2  # per character
ENTROPY_HEX_BITS = 2.7


def entropy_bits(value: str) -> float:
    """Shannon's entropy per character, of the value's own counts."""
    n = len(value)
    return -sum(count / n * math.log2(count / n) for count in Counter(value).values())


def is_hex(value: str) -> bool:
    return HEX.fullmatch(value) is not None


def is_uuid(value: str) -> bool:
    return UUID.fullmatch(value) is not None


def is_varied(value: str) -> bool:
    """Neither a few signs again and again, nor a piece of an alphabet."""
    if len(set(value)) < min(MIN_DISTINCT, len(value) * 2 // 3):
        return False
    return not any(value[at : at + 8] in ORDERED for at in range(0, len(value) - 7, 4))


def is_random_hex(value: str) -> bool:
    """Hexadecimal and varied. A digest looks the same: only a name tells which it is."""
    return is_hex(value) and is_varied(value) and entropy_bits(value) > ENTROPY_HEX_BITS and not value.isdigit()


def is_random(value: str, max_piece_chars: float = MAX_NAMED_PIECE_CHARS, min_chars: int = 12) -> bool:
    """Without the long pieces that words and numbers have, in at least `min_chars` signs and most of the value.

    `_` and `/` stand in random strings and in names alike. So a part between them counts only where it is more than a
    word with a number."""
    if not is_varied(value) or entropy_bits(value) < ENTROPY_BITS:
        return False
    parts = PARTS.split(value)
    if max(map(len, parts)) == len(value) and value.isalpha():
        return len(value) >= min_chars and is_random_letters(value)
    mixed = [part for part in parts if not SIMPLE_PART.fullmatch(part)]
    n_chars = sum(map(len, mixed))
    if n_chars < min_chars or n_chars < MIXED_SHARE * sum(map(len, parts)) or is_hex("".join(mixed)):
        return False
    n_pieces = sum(len(PIECES.findall(part)) for part in mixed)
    return n_chars / max(n_pieces, 1) < max_piece_chars and sum(map(str.isdigit, value)) < 0.8 * n_chars


def is_random_letters(value: str) -> bool:
    """Letters only, in an order that no word has."""
    if len(value) < MIN_LETTERS or not value.isalpha():
        return False
    pieces = PIECES.findall(value)
    if any(CONSONANTS.search(piece) for piece in pieces):
        return True
    return len(value) / max(len(pieces), 1) < MAX_MIXED_PIECE_CHARS
