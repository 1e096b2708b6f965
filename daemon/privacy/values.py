"""Whether a value that something calls a credential is one, or a placeholder, a template, a label or another name."""

from __future__ import annotations

import re

from .randomness import is_hex, is_random, is_random_hex, is_uuid

MIN_PASSWORD_CHARS, MIN_KEY_CHARS, MIN_DENSE_CHARS = 5, 16, 32
PLACEHOLDER = re.compile(
    r"(?i)(?:pass(?:word|wd|phrase)?\d{0,3}|secret|change[-_ ]?(?:me|it)|placeholder|dummy|redacted|none|null|nil|true"
    r"|false|undefined|string|todo|test\w{0,8}|foo\w{0,4}|bar\d?|baz|spam|eggs|user\w{0,6}|example\w{0,8}|[x*.-]++"
    r"|your[-_ ].*+|my[-_ ]?\w{0,12}|.{0,80}[-_ ]here|(?:insert|enter|some|fake|the)[-_ a-z]*+"
    r"|\$[a-z_]++|\$[{(].*+|%[a-z_]++%|%[sdr]|%\(.*+|[<{\[(].*+|[@&#][a-z_.]++"
    r"|[~^<>=v ]{0,3}\d{1,6}(?:\.\d{1,9}){1,3}[-+\w.]{0,30})"
)
TEMPLATE = re.compile(
    r"%[0-9.]{0,4}[sdrf]|\{\{|\$\{|%\(|<[\w ]{2,30}>|#\{|\{[a-zA-Z_][\w.]{0,30}\}|\.\.\.|xxxx|XXXX|\*\*\*"
)
WORDS = re.compile(r"[A-Za-z]++(?:[-_./: ][A-Za-z]++)*+")
KEYWORD = re.compile(r"(?i)key|pass|pwd|secret|token|auth|cred")
PHRASE = re.compile(r"[a-z]{3,12}(?:[ -][a-z]{3,12}){3,23}")
SENTENCE = re.compile(r"(?i)\b(?:the|your|you|is|are|please|enter|for|to|of|and|or|not|with|must|be|in|this|it)\b")


def is_template(value: str) -> bool:
    """Whether something is put into it later."""
    return TEMPLATE.search(value) is not None


def is_password(value: str) -> bool:
    """Whether it could be a password: no placeholder, label, path, address or other name."""
    if len(value) < MIN_PASSWORD_CHARS or any(map(str.isspace, value)) or PLACEHOLDER.fullmatch(value):
        return False
    if value.startswith(("/", "./", "../", "~/", "http://", "https://", "{", "<")) or is_uuid(value):
        return False
    return not (WORDS.fullmatch(value) and KEYWORD.search(value))


def is_key(value: str) -> bool:
    """Whether it can only be a key or a token, given that a name says so."""
    if len(value) < MIN_KEY_CHARS or "\\" in value or value.startswith(("/", "./", "http://", "https://")):
        return False
    if is_hex(value):
        return is_random_hex(value)
    return is_uuid(value) or is_random(value)


def is_dense(value: str) -> bool:
    """Letters, digits and so many different signs that it is no expression and no template."""
    signs = {sign for sign in value if not sign.isalnum()}
    is_one = len(value) >= MIN_DENSE_CHARS and len(signs - set("_.-/")) >= 4 and not any(map(str.isspace, value))
    return is_one and any(map(str.isdigit, value)) and len(set(value)) >= len(value) // 3 and value.isascii()


def is_phrase(value: str) -> bool:
    """Four words or more that make no sentence."""
    return PHRASE.fullmatch(value) is not None and SENTENCE.search(value) is None


def is_words(value: str) -> bool:
    return WORDS.fullmatch(value) is not None
