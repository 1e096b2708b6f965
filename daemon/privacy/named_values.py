"""Values that a name calls a credential, in whatever language: assignments, arguments, settings, headers, addresses.

A name is found by the words in it (`apiKey`, `DB_PASSWORD`). What follows it is read then: a type, an operator, a value
in quotes or, as settings have it, without. How much a value must look like a secret depends on how clear the name is.

It parses no language: text is often a piece of a file, or of several. All patterns are of bounded length.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from .randomness import MAX_PIECE_CHARS, is_hex, is_random, is_random_hex, is_random_letters, is_uuid

PASSWORD = "named password or key"  # noqa: S105 - the name of a kind
ADDRESS = "password in an address"
BEARER = "bearer token"

CREDENTIAL = re.compile(
    r"(?i)(?P<password>passw(?:or)?d|passphrase|passcode|pwd|mnemonic|(?<![a-z])pass(?![a-z]))"
    r"|(?P<secret>secret|(?:api|private|signing|encryption|master)[_.-]?key|credential)"
    r"|(?P<token>token|key(?![a-z])|auth(?:orization)?(?![a-z])|jwt|wif(?![a-z]))"
)
OPERATOR = re.compile(
    r"""(?P<rest>[\w-]{0,40}+)(?P<closed>["'`\])]{0,3}+)[ \t]{0,8}+(?:
      (?P<typed>:[ ]{0,4}(?:&'\w{1,12}[ ])?[\w\[\]<>|&*.?,\ ]{1,60}?=  # a: str =, a: &'static str =
      | (?:\[\]|string|char|str)[ ]{0,4}=)  # a string =, a[] =
    | (?P<sign>:=|=>|={1,3}|!={1,2}|->|\|\|=|\?\?=|[:,(])
    | (?P<blank>(?<=[ \t])(?:is(?=[ \t]))?)
    )[ \t]{0,8}""",
    re.VERBOSE,
)
QUOTE = re.compile(r"""(?:[bBrRuULf@$]{1,2}|&)?(?P<quote>\\?["'`]{1,3})""")
UNQUOTED = re.compile(r"[^\s\"'`,;(){}\[\]<>|\\]{6,300}+")
# What may stand behind a value without quotes: the line's end, a comment, the end of a text around it, a next setting.
BEHIND = re.compile(r"[ \t]*(?:$|\r?\n|#|//|\*/|\\n|[\"'`])|;[ \t]?(?:$|[A-Za-z ]{2,30}=)", re.MULTILINE)
NAME_CHARS = re.compile(r"[\w.-]{0,60}\Z")
ENV_NAME = re.compile(r"[A-Z][A-Z0-9_]*")
# Names of what may be shown, and of what is about a credential and none itself.
HARMLESS_NAME = re.compile(
    r"(?i)public|pub_|primary|foreign|cache|csrf|sort|hash|digest|checksum|fingerprint|shortcut|hotkey"
    r"|(?:id|ids|names?|files?|path|dir|ur[li]|type|kind|field|label|hint|prompt|len|length|size|format|regex|pattern|ttl|age"
    r"|count|prefix|suffix|param|header|env|var|policy|required|help|text|title|message|error|placeholder|class|func|func"
    r"tion|store|provider|manager|input|column|index|version|_re)$"
)
LIST_ITEM = re.compile(r"[.:/\\]")
ASSIGNED = ("=", ":=", ":", "=>", "(")
MAX_QUOTED_CHARS = 400
MIN_PASSWORD_CHARS, MIN_KEY_CHARS = 5, 16

PLACEHOLDER = re.compile(
    r"(?i)(?:pass(?:word|wd|phrase)?\d{0,3}|secret|change[-_ ]?(?:me|it)|placeholder|dummy|redacted|none|null|nil|true"
    r"|false|undefined|string|todo|test\w{0,8}|foo\w{0,4}|bar\d?|baz|spam|eggs|user\w{0,6}|example\w{0,8}|[x*.-]+"
    r"|your[-_ ].*|my[-_ ]?\w{0,12}|.*[-_ ]here|(?:insert|enter|some|fake|the)[-_ a-z]*"
    r"|\$[a-z_]+|\$\{.*|\$\(.*|%[a-z_]+%|%[sdr]|%\(.*|<.*|\{.*|\[.*|\(.*|[@&#][a-z_.]+)"
)
TEMPLATE = re.compile(r"%[0-9.]{0,4}[sdrf]|\{\{|\$\{|%\(|<[\w ]{2,30}>|#\{|\{[a-zA-Z_][\w.]{0,30}\}|\.\.\.|xxxx|XXXX|\*\*\*")
IDENTIFIER = re.compile(r"[A-Za-z_$][\w$]*(?:(?:\.|::|->)[A-Za-z_$][\w$]*)*")
WORDS = re.compile(r"[A-Za-z]+(?:[-_./: ][A-Za-z]+)*")
KEYWORD = re.compile(r"(?i)key|pass|pwd|secret|token|auth|cred")
SIGNS = re.compile(r"[!#$&*+=?@%^~]")
PHRASE_NAME = re.compile(r"(?i)phrase|mnemonic")
SETTER = re.compile(r"(?i)(?:^|[._-])(?:set|with|put)_?\w*")
DEFINED = re.compile(r"#[ \t]{0,4}define[ \t]{1,8}\Z")
NEXT_PARAMETER = re.compile(r"&[\w-]{1,40}=")
PHRASE = re.compile(r"[a-z]{3,12}(?:[ -][a-z]{3,12}){3,23}")
SENTENCE = re.compile(r"(?i)\b(?:the|your|you|is|are|please|enter|for|to|of|and|or|not|with|must|be|in|this|it)\b")

USER_AND_PASSWORD = re.compile(r"://(?P<user>[^\s/:@\"'<>`]{0,80}+):(?P<secret>[^\s\"'<>`/]{3,120}+)")
NETRC = re.compile(r"login\s{1,10}\S{1,80}+\s{1,10}password\s{1,10}(?P<secret>[^\s\"'\\]{4,200}+)")
BEARER_VALUE = re.compile(r"(?:earer|EARER)\s{1,4}(?P<secret>[\w.~+/=-]{20,400}+)")


@dataclass(frozen=True)
class _Named:
    """A name with its value. `clear`: how clear the name is: "password", "secret" or "token". `sign`: the operator."""

    name: str
    clear: str
    sign: str
    value: str
    quoted: bool


def named_values(text: str) -> Iterator[tuple[str, int]]:
    """(kind, offset) for each credential in the text that a name, a header or an address shows."""
    for match in CREDENTIAL.finditer(text):
        named = _named(text, match)
        if named is not None and (_is_quoted_secret(named) if named.quoted else _is_plain_secret(named)):
            yield PASSWORD, match.start()
    yield from _addresses(text)
    for at in _places(text, "login"):
        if (match := NETRC.match(text, at)) and _is_password(match["secret"]):
            yield PASSWORD, at
    for at in (*_places(text, "earer"), *_places(text, "EARER")):
        match = BEARER_VALUE.match(text, at)
        if match and is_random(match["secret"]):
            yield BEARER, at


def _places(text: str, anchor: str) -> Iterator[int]:
    at = text.find(anchor)
    while at >= 0:
        yield at
        at = text.find(anchor, at + 1)


def _addresses(text: str) -> Iterator[tuple[str, int]]:
    for at in _places(text, "://"):
        match = USER_AND_PASSWORD.match(text, at)
        secret, found, host = match["secret"].rpartition("@") if match else ("", "", "")
        told = unquote(secret)
        if found and host[:1].isalnum() and (_is_password(told) or is_uuid(told)) and not TEMPLATE.search(told):
            yield ADDRESS, at


def _named(text: str, match: re.Match[str]) -> _Named | None:
    """The name around a credential's word with its value; None where none follows."""
    operator = OPERATOR.match(text, match.end())
    if operator is None:
        return None
    before = NAME_CHARS.search(text, max(0, match.start() - 60), match.start())
    name_start = before.start() if before else match.start()
    name = text[name_start : match.end()] + operator["rest"]
    sign = operator["sign"] or ("=" if operator["typed"] else operator["blank"] or " ")
    if DEFINED.search(text, max(0, name_start - 20), name_start):
        sign = "="
    if HARMLESS_NAME.search(name) or (sign == "(" and not SETTER.search(name)):
        return None
    if sign == "," and not operator["closed"].endswith(("'", '"', "`")):
        return None
    if sign == " " and not name.startswith("--"):
        return None
    quote = QUOTE.match(text, operator.end())
    if quote:
        value = _quoted(text, quote)
        return _Named(name, str(match.lastgroup), sign, value, quoted=True) if value else None
    if sign in (",", "(", "->", "=>"):
        return None
    start = operator.end()
    if operator["typed"]:  # no type after all: Base64 ends with =, too
        start = text.find(":", operator.start("typed"), start) + 1
        sign = ":"
    return _plain(text, start + (text[start : start + 1] == " "), name, str(match.lastgroup), sign)


def _quoted(text: str, quote: re.Match[str]) -> str:
    """The value between quotes; empty where it is too long or does not end."""
    mark = quote["quote"][-1] if len(quote["quote"]) == 2 and quote["quote"][0] != "\\" else quote["quote"]
    start = quote.end() if mark == quote["quote"] else quote.end() - 1
    end = text.find(mark, start, start + MAX_QUOTED_CHARS)
    return text[start:end] if end >= 0 else ""


def _plain(text: str, start: int, name: str, clear: str, sign: str) -> _Named | None:
    match = UNQUOTED.match(text, start)
    phrase = PHRASE.match(text, start) if PHRASE_NAME.search(name) else None
    if phrase is not None:
        return _Named(name, clear, sign, phrase.group(), quoted=False)
    if match is None:
        return None
    value, end = match.group(), match.end()
    parameter = NEXT_PARAMETER.search(value)
    if parameter:
        value = value[: parameter.start()]
    elif not BEHIND.match(text, end) and not (ENV_NAME.fullmatch(name) and sign == "=" and text[end : end + 1] == " "):
        return None
    return _Named(name, clear, sign, value.rstrip(".:"), quoted=False)


def _is_quoted_secret(named: _Named) -> bool:
    value = named.value
    if TEMPLATE.search(value):
        return False
    if any(map(str.isspace, value)):
        return _is_phrase(named)
    if _is_key(value):
        return True
    if named.clear == "token" or not _is_password(value):
        return False
    if named.clear == "password" and named.sign in ASSIGNED:
        return True
    if named.sign == "," and LIST_ITEM.search(value):
        return False
    return any(map(str.isdigit, value)) or is_random_letters(value)


def _is_plain_secret(named: _Named) -> bool:
    """Without quotes a value may as well be an expression."""
    value = named.value
    if TEMPLATE.search(value):
        return False
    if IDENTIFIER.fullmatch(value) and "." in value:
        return is_random(value, MAX_PIECE_CHARS)
    if _is_key(value) or _is_phrase(named):
        return True
    if named.clear == "token" or not _is_password(value):
        return False
    if ENV_NAME.fullmatch(named.name) and named.sign == "=":
        return not value.isupper()
    n_digits = sum(map(str.isdigit, value))
    if IDENTIFIER.fullmatch(value):
        return not KEYWORD.search(value) and ((n_digits >= 2 and len(value) >= 7) or is_random(value, MAX_PIECE_CHARS))
    return n_digits >= 1 and value[0] not in "-+*&!=" and not WORDS.fullmatch(value)


def _is_phrase(named: _Named) -> bool:
    is_words = PHRASE.fullmatch(named.value) is not None and SENTENCE.search(named.value) is None
    return is_words and PHRASE_NAME.search(named.name) is not None


def _is_key(value: str) -> bool:
    """Whether it can only be a key or a token, given that a name says so."""
    if len(value) < MIN_KEY_CHARS or "\\" in value or value.startswith(("/", "./", "http://", "https://")):
        return False
    if is_hex(value):
        return is_random_hex(value)
    return is_uuid(value) or is_random(value)


def _is_password(value: str) -> bool:
    """Whether it could be a password: no placeholder, label, path, address or other name."""
    if len(value) < MIN_PASSWORD_CHARS or any(map(str.isspace, value)) or PLACEHOLDER.fullmatch(value):
        return False
    if value.startswith(("/", "./", "../", "~/", "http://", "https://", "{", "<")) or is_uuid(value):
        return False
    return not (WORDS.fullmatch(value) and KEYWORD.search(value))
