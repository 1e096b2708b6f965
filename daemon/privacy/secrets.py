"""Secrets in what would be sent: the kinds found, never the secret itself.

detect-secrets' plugins find known token shapes and private keys; a small table adds shapes that they lack. Its entropy
and keyword plugins find random strings and named passwords, and rules for source code then judge those. Without the
rules, digests, encoded fixtures, long names and labels of forms would count as secrets. Its file scanner and its
verifiers are not used: text stays in memory, and nothing here uses the network.

This module does not judge whether a password is a real one: `password = "hunter2"` in a test counts as one.

Text is read in overlapping windows. Text that is too long, or too slow to read, counts as unchecked, which callers
treat like a find. The first call imports the plugins (0.2 to 0.4 s); `find([])` does that ahead of time.
"""

from __future__ import annotations

import functools
import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

LIMIT_CHARS = 2_000_000
LIMIT_S = 3.0
WINDOW_CHARS = 16_384
OVERLAP_CHARS = 2_048  # longer than any token below
UNCHECKED = "text too long to check"

PASSWORD = "named password or key"  # noqa: S105 - the name of a kind
RANDOM = "random-looking string"
ADDRESS = "Basic Auth Credentials"

# Shapes with a fixed beginning that detect-secrets 1.5 does not know.
MORE_SHAPES = {
    "API key": re.compile(r"\bsk-(?:[a-z0-9]{1,12}-){0,2}(?=[A-Za-z_]*\d)[A-Za-z0-9_]{16,}"),
    "Google API key": re.compile(r"\b(?:AIza[0-9A-Za-z_-]{35}|GOCSPX-[0-9A-Za-z_-]{28}|ya29\.[0-9A-Za-z_-]{20,})"),
    "Hugging Face token": re.compile(r"\bhf_[A-Za-z0-9]{30,}"),
    "GitHub token": re.compile(r"\bgithub_pat_[A-Za-z0-9_]{22,}"),
    "cloud access token": re.compile(r"\b(?:dop_v1_[a-f0-9]{64}|dapi[a-f0-9]{32})\b"),
    "private key": re.compile(r"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY|AGE-SECRET-KEY-1[0-9A-Z]{20,}"),
    "bearer token": re.compile(r"(?i)\bauthorization\W{1,6}(?:bearer|token)\s+(?=[\w.~+/-]{0,40}\d)[\w.~+/-]{20,}"),
}
NOT_SECRET_PLUGINS = {"Public IP (ipv4)"}
# Without a digit they also match long names in code.
NEEDS_DIGIT = {"Artifactory Credentials", "Twilio API Key", "Discord Bot Token"}
NEEDS_LONG_RUN = {  # slow patterns for values of 44 characters and more, so a text must have such a run
    "IBM Cloud IAM Key",
    "IBM COS HMAC Credentials",
    "SoftLayer Credentials",
}
LONG_RUN = re.compile(r"(?<![A-Za-z0-9_-])(?=[A-Za-z_-]*\d)[A-Za-z0-9_-]{24}")

# A name that says that the value is a credential: `apiKey`, `API_KEY`, `token`.
CREDENTIAL_NAME = re.compile(
    r"(?i)(?:secret|passw|passphrase|pwd|token|credential|api[_-]?key|auth|access[_-]?key|private[_-]?key"
    r"|signing[_-]?key|encryption[_-]?key|client[_-]?key)"
)
DIGEST_NAME = re.compile(
    r"(?i)(?:sha-?\d|md5|digest|checksum|hash|hexdigest|commit|revision|\brev\b|etag|integrity|uuid|fingerprint"
    r"|base64|b64|data:|alphabet|charset|nonce|fixture|\bhex\b|fromhex|unhexlify)"
)
KEYWORD = re.compile(r"(?i)key|pass|pwd|secret|contrase")
# A line that may hold a named value. The slow patterns read only such lines.
NAMED_VALUE = re.compile(r"(?i)^(?=.*['\"`])(?=.*[:=(]).*(?:_?key|pass|pwd|secret|contrase)")
QUOTED = re.compile(r"""(['"`])([A-Za-z0-9+/=_.\-]{16,})\1""")
HEX = re.compile(r"[0-9a-fA-F]+")
WORDS = re.compile(r"[A-Za-z]+(?:[-_./ ][A-Za-z]+)*")
UNQUOTED_SETTING = re.compile(  # DB_PASSWORD=hunter2 in a shell or .env fragment, password: hunter2 in YAML
    r"(?m)^[ \t]*(?:export[ \t]+)?"
    r"(?:[A-Z0-9_]{0,40}(?:PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|ACCESS_KEY|PRIVATE_KEY)[A-Z0-9_]{0,40}="
    r"|[a-z0-9_.-]{0,40}(?:password|passwd|secret|api_?key): )[ \t]*([^\s'\"`$<>{}()\[\],;#]{6,})[ \t]*(?:#.*)?$"
)
PLACEHOLDERS = re.compile(
    r"(?i)^(?:pass(?:word|wd)?|secret|change[-_ ]?me|placeholder|dummy|redacted|none|null|true|false|undefined|string"
    r"|todo|test|x+|\*+|\.+|your[-_ ].*|.*[-_]here|insert[-_ ].*|enter[-_ ].*|<.*>|\{.*\}|\$.*|%.*%?)$"
)
FILE_NAME = re.compile(r"\.[a-z]{2,5}$")
MAX_RANDOM_CHARS = 200  # longer quoted runs are data: images, certificates, models
ENTROPY_ANYWHERE, ENTROPY_NAMED, ENTROPY_HEX = 4.5, 3.2, 3.0  # bits per character


class SecretPlugin(Protocol):
    """The part of a detect-secrets plugin that is used here."""

    secret_type: str

    def analyze_string(self, string: str) -> Iterable[str]: ...


class DeadlineExceeded(Exception):
    """Reading the text took too long."""


@dataclass(frozen=True)
class Detectors:
    shapes: tuple[SecretPlugin, ...]
    keyword: SecretPlugin
    entropy: Callable[[str], float]
    is_sequence: Callable[[str], bool]
    is_uuid: Callable[[str], bool]
    is_reference: Callable[[str], bool]  # of a line: the value is looked up, not written there


def find(texts: Iterable[str], clock: Callable[[], float] = time.monotonic) -> tuple[str, ...]:
    """The kinds of secrets in the texts, each once, sorted; empty where there are none.

    `texts` are exactly the strings that would be sent. No text raises an error."""
    texts = list(texts)
    detectors = _detectors()
    if sum(map(len, texts)) > LIMIT_CHARS:
        return (UNCHECKED,)
    end = clock() + LIMIT_S
    kinds: set[str] = set()
    try:
        for text in texts:
            for window in _windows(text):
                for kind in _kinds(window, detectors):
                    kinds.add(kind)
                    if clock() > end:
                        raise DeadlineExceeded
    except DeadlineExceeded:
        kinds.add(UNCHECKED)
    return tuple(sorted(kinds - {""}))


def _windows(text: str) -> Iterator[str]:
    step = WINDOW_CHARS - OVERLAP_CHARS
    for start in range(0, max(len(text) - OVERLAP_CHARS, 1), step):
        yield text[start : start + WINDOW_CHARS]


def _kinds(window: str, detectors: Detectors) -> Iterator[str]:
    """The kind after each find, and "" after each other pattern, so that the caller can check the time."""
    for kind, shape in MORE_SHAPES.items():
        yield kind if shape.search(window) else ""
    has_long_run = LONG_RUN.search(window) is not None
    for plugin in detectors.shapes:
        if plugin.secret_type in NEEDS_LONG_RUN and not has_long_run:
            continue
        yield plugin.secret_type if _has_shape(plugin, window, detectors) else ""
    for match in UNQUOTED_SETTING.finditer(window):
        yield PASSWORD if _is_password(match.group(1)) else ""
    if not KEYWORD.search(window) and not QUOTED.search(window):
        return
    for line in window.splitlines():
        yield _kind_of_line(line, detectors)


def _has_shape(plugin: SecretPlugin, window: str, detectors: Detectors) -> bool:
    for secret in plugin.analyze_string(window):
        if plugin.secret_type == ADDRESS and not _is_password(secret):
            continue
        if plugin.secret_type in NEEDS_DIGIT and not any(map(str.isdigit, secret)):
            continue
        if detectors.is_sequence(secret.strip()):
            continue
        return True
    return False


def _kind_of_line(line: str, detectors: Detectors) -> str:
    # Longer lines are minified code, on which the plugin's patterns are slow.
    if len(line) <= 1000 and NAMED_VALUE.match(line) and not detectors.is_reference(line):
        for value in detectors.keyword.analyze_string(line):
            if _is_password(value) and not detectors.is_uuid(value):
                return PASSWORD
    for match in QUOTED.finditer(line):
        if _is_random(match.group(2), line[max(0, match.start() - 80) : match.start()], detectors):
            return RANDOM
    return ""


def _is_password(value: str) -> bool:
    """Whether a value could be a password: no placeholder, label with spaces, path, address or other name."""
    if len(value) < 4 or any(map(str.isspace, value)) or PLACEHOLDERS.match(value):
        return False
    if value.startswith(("/", "./", "../", "~/", "http://", "https://", "{", "<", "$")):
        return False
    return not (WORDS.fullmatch(value) and KEYWORD.search(value))


def _is_random(value: str, before: str, detectors: Detectors) -> bool:
    """Whether a value looks random. `before` is the line's text before it, where a name tells token from digest."""
    if len(value) > MAX_RANDOM_CHARS or FILE_NAME.search(value):
        return False
    if detectors.is_uuid(value) or detectors.is_sequence(value):
        return False
    named = bool(CREDENTIAL_NAME.search(before))
    if DIGEST_NAME.search(before) and not named:
        return False
    entropy = detectors.entropy(value)
    if HEX.fullmatch(value):
        return named and entropy > ENTROPY_HEX
    if WORDS.fullmatch(value) or not any(map(str.isdigit, value)) or not any(map(str.isalpha, value)):
        return False
    if named and not _is_words_and_numbers(value):
        return entropy > ENTROPY_NAMED
    mixed = any(map(str.isupper, value)) and any(map(str.islower, value))
    return mixed and entropy > ENTROPY_ANYWHERE and not _is_words_and_numbers(value)


def _is_words_and_numbers(value: str) -> bool:
    """Whether it is a path, a version or a long identifier: few, long parts, each a word or a number."""
    parts = [part for part in re.split(r"[-_./=+]", value) if part]
    words = [piece for part in parts for piece in re.findall(r"[A-Z]?[a-z]+|[A-Z]+|\d+", part)]
    return len(value) / max(len(words), 1) >= 4.5 and len(parts) * 2 >= len(words) - 4


@functools.cache
def _detectors() -> Detectors:
    from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
    from detect_secrets.filters import heuristic
    from detect_secrets.plugins.base import RegexBasedDetector
    from detect_secrets.plugins.high_entropy_strings import Base64HighEntropyString
    from detect_secrets.plugins.keyword import KeywordDetector

    known: dict[str, Any] = get_mapping_from_secret_type_to_class()
    shapes = [known[kind]() for kind in known if issubclass(known[kind], RegexBasedDetector)]
    return Detectors(
        shapes=tuple(plugin for plugin in shapes if plugin.secret_type not in NOT_SECRET_PLUGINS),
        keyword=KeywordDetector(),
        entropy=Base64HighEntropyString().calculate_shannon_entropy,
        is_sequence=heuristic.is_sequential_string,
        is_uuid=heuristic.is_potential_uuid,
        is_reference=heuristic.is_indirect_reference,
    )
