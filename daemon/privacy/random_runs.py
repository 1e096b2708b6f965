"""Strings that look drawn at random and have no name: what may be a key of a form that nobody told us.

A digest, an encoded picture and a test's data look the same. Where they can be told by a name, a length or a whole line
that is nothing else, they are left alone.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator

from .randomness import MAX_PIECE_CHARS, entropy_bits, is_random, is_uuid, is_varied

RANDOM = "random-looking string"
RUN = re.compile(r"[\w+/=.~-]++")
# What stands around a value: quotes, spaces, brackets, the parts of an address; not other signs, as in Base 85.
BEFORE = frozenset(" \t\r\n\"'`:([<>|*@?")
AFTER = re.compile(r"$|[\s\"'`)\];,<>|\\@*]|&\w{1,40}=")
PIECE = re.compile(r"[^./=]{20,}+")
# Providers put a word of their own before what is random; so do build tools, whose files have an ending.
PREFIXED_HEX = re.compile(r"(?!sha|md5|v\d)[a-z][a-z0-9]{1,9}(?:_[a-z]{1,8})?[_-](?=[a-f]*+[0-9])[0-9a-f]{32,64}")
HAS_ALL = re.compile(r"(?=[^0-9]*+[0-9])(?=[^A-Z]*+[A-Z])[^a-z]*+[a-z]", re.ASCII)
DIGEST_NAME = re.compile(
    r"(?i)sha-?\d|md5|digest|checksum|hash|commit|revision|\brev\b|etag|integrity|uuid|fingerprint|base64|b64|data:"
    r"|alphabet|charset|nonce|fixture|\bhex\b|fromhex|unhexlify|image|font|icon|signature|public|cert|/blob/|/tree/|/d/|\bcid\b|\?[bq]\?$"
)
URLSAFE = str.maketrans("-_", "+/")
BEFORE_CHARS = 80
MIN_CHARS, MAX_CHARS = 20, 200  # longer runs are data: images, certificates, models
MIN_ENTROPY_BITS = 4.0  # per character


def random_runs(text: str) -> Iterator[tuple[str, int]]:
    """(kind, offset) for each such string in the text."""
    for match in RUN.finditer(text):
        start, end = match.span()
        if not MIN_CHARS <= end - start <= MAX_CHARS:
            continue
        run = match.group()
        if (
            "..." in run
            or not _stands_alone(text, start, end)
            or (HAS_ALL.match(run) is None and not PREFIXED_HEX.fullmatch(run))
        ):
            continue
        at = next((start + offset for offset, piece in _pieces(run) if _is_token(piece)), None)
        if at is None or DIGEST_NAME.search(text, max(0, at - BEFORE_CHARS, text.rfind("\n", 0, at) + 1), at):
            continue
        if not (_is_whole_line(text, start, end) or _is_encoded_text(run) or _is_in_mail(text, start, end)):
            yield RANDOM, at


def _stands_alone(text: str, start: int, end: int) -> bool:
    return (not start or text[start - 1] in BEFORE) and AFTER.match(text, end) is not None


def _pieces(run: str) -> Iterator[tuple[int, str]]:
    """(offset, text) of the run, and of its parts between dots and slashes, as in an address."""
    if "." not in run:
        yield 0, run.strip("=")
    yield from ((match.start(), match.group()) for match in PIECE.finditer(run))


def _is_token(piece: str) -> bool:
    if PREFIXED_HEX.fullmatch(piece):
        return is_varied(piece[-MIN_CHARS:])
    if len(piece) < MIN_CHARS or is_uuid(piece) or HAS_ALL.match(piece) is None:
        return False
    return entropy_bits(piece) > MIN_ENTROPY_BITS and is_random(piece, MAX_PIECE_CHARS, MIN_CHARS)


def _is_whole_line(text: str, start: int, end: int) -> bool:
    """Whether nothing else stands on the line, as in a block of encoded data."""
    first, last = text.rfind("\n", 0, start) + 1, text.find("\n", end)
    return not (text[first:start] + text[end : last if last >= 0 else None]).strip(" \t\r\"'+\\,;()bn")


def _is_encoded_text(run: str) -> bool:
    """Whether it is readable text in Base64, wherever the run was cut."""
    stripped = run.rstrip("=").translate(URLSAFE)
    for shift in range(4):
        piece = stripped[shift:]
        try:
            text = base64.b64decode(piece[: len(piece) // 4 * 4], validate=True)[3:-3].decode()
        except ValueError:
            continue
        if sum(each.isprintable() or each.isspace() for each in text) > 0.9 * len(text):
            return True
    return False


def _is_in_mail(text: str, start: int, end: int) -> bool:
    """Whether it is the name in a mail address."""
    return text[end : end + 1] == "@" and text[max(0, start - 1) : start] not in ("/", ":")
