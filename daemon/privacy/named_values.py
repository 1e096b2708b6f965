"""Values that a name calls a credential, in whatever language: assignments, arguments, settings, headers, addresses.

A name is found by the words in it (`apiKey`, `DB_PASSWORD`). What follows it is read then: a type, an operator, a value
in quotes or, as settings have it, without. How much a value must look like a secret depends on how clear the name is.

It parses no language: text is often a piece of a file, or of several. All patterns are of bounded length.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .anchors import places_of
from .randomness import MAX_PIECE_CHARS, is_random, is_random_letters
from .values import KEYWORD, PHRASE, is_dense, is_key, is_password, is_phrase, is_template, is_words

PASSWORD = "named password or key"  # noqa: S105 - the name of a kind

CREDENTIAL = re.compile(
    r"(?P<password>passw(?:or)?d|passphrase|passcode|pwd|mnemonic|(?<![a-z])pass(?![a-z]))"
    r"|(?P<secret>secret|(?:api|private|signing|encryption|master)[_.-]?key|credential)"
    r"|(?P<token>token|key(?![a-z])|auth(?:orization)?(?![a-z])|jwt|wif(?![a-z]))"
)
ANCHORS = ("pass", "pwd", "mnemonic", "secret", "key", "credential", "token", "auth", "jwt", "wif")
BEFORE_KEY = re.compile(r"(?:api|private|signing|encryption|master)[_.-]?\Z")
MAX_BEFORE_ANCHOR = len("encryption_")
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
BEHIND = re.compile(r"[ \t]{0,40}+(?:$|\r?\n|#|//|\*/|\\n|[\"'`])|;[ \t]?(?:$|[A-Za-z ]{2,30}=)", re.MULTILINE)
NAME_CHARS = re.compile(r"[\w.-]{0,60}\Z")
ENV_NAME = re.compile(r"[A-Z][A-Z0-9_]*+")
# Names of what may be shown, and of what is about a credential and none itself.
HARMLESS_NAME = re.compile(
    r"(?i)public|pub_|primary|foreign|cache|csrf|sort|hash|digest|checksum|fingerprint|shortcut|hotkey"
    r"|(?:id|ids|names?|files?|path|dir|ur[li]|type|kind|field|label|hint|prompt|len|length|size|format|regex|pattern"
    r"|ttl|age|count|prefix|suffix|param|header|env|var|policy|required|help|text|title|message|error|placeholder|class"
    r"|func|function|store|provider|manager|input|column|index|version|_re)$"
)
LIST_ITEM = re.compile(r"[.:/\\]")
ASSIGNED = ("=", ":=", ":", "=>", "(")
MAX_QUOTED_CHARS, MIN_LISTED_CHARS = 400, 8
DENSE = re.compile(r"[^\s\"'`\\]{32,100}+(?=[ \t]{0,40}+(?:$|\r?\n|\*/))")

IDENTIFIER = re.compile(r"[A-Za-z_$][\w$]*+(?:(?:\.|::|->)[A-Za-z_$][\w$]*+)*+")
PHRASE_NAME = re.compile(r"(?i)phrase|mnemonic")
SETTER = re.compile(r"(?i)(?:^|[._-])(?:set|with|put)")
DEFINED = re.compile(r"#[ \t]{0,4}define[ \t]{1,8}\Z")
NEXT_PARAMETER = re.compile(r"&[\w-]{1,40}=")


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
    for match in _credentials(_lowered(text)):
        named = _named(text, match)
        if named is not None and (_is_quoted_secret(named) if named.quoted else _is_plain_secret(named)):
            yield PASSWORD, match.start()


def _credentials(lowered: str) -> Iterator[re.Match[str]]:
    """The words of CREDENTIAL in a text in small letters."""
    for anchor in ANCHORS:
        for at in places_of(lowered, anchor):
            before = BEFORE_KEY.search(lowered, max(0, at - MAX_BEFORE_ANCHOR), at) if anchor == "key" else None
            match = CREDENTIAL.match(lowered, before.start() if before else at)
            if match is not None:
                yield match


def _lowered(text: str) -> str:
    """In small letters, sign by sign: a few letters of other scripts would become two."""
    lowered = text.lower()
    return lowered if len(lowered) == len(text) else "".join(sign.lower() if sign.isascii() else sign for sign in text)


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
    dense = DENSE.match(text, start) if clear != "token" else None
    if dense is not None and is_dense(dense.group()):
        return _Named(name, clear, sign, dense.group(), quoted=True)
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
    if named.clear != "token" and is_dense(value):
        return True
    if is_template(value):
        return False
    if any(map(str.isspace, value)):
        return _is_phrase(named)
    if is_key(value):
        return True
    if named.clear == "token" or not is_password(value):
        return False
    if named.clear == "password" and named.sign in ASSIGNED:
        return True
    if named.sign == "," and (len(value) < MIN_LISTED_CHARS or LIST_ITEM.search(value)):
        return False
    return any(map(str.isdigit, value)) or is_random_letters(value)


def _is_plain_secret(named: _Named) -> bool:
    """Without quotes a value may as well be an expression."""
    value = named.value
    if is_template(value):
        return False
    if IDENTIFIER.fullmatch(value) and "." in value:
        return is_random(value, MAX_PIECE_CHARS)
    if is_key(value) or _is_phrase(named):
        return True
    if named.clear == "token" or not is_password(value):
        return False
    if ENV_NAME.fullmatch(named.name) and named.sign == "=":
        return not value.isupper()
    n_digits = sum(map(str.isdigit, value))
    if IDENTIFIER.fullmatch(value):
        return not KEYWORD.search(value) and ((n_digits >= 2 and len(value) >= 7) or is_random(value, MAX_PIECE_CHARS))
    return n_digits >= 1 and value[0] not in "-+*&!=" and not is_words(value)


def _is_phrase(named: _Named) -> bool:
    return PHRASE_NAME.search(named.name) is not None and is_phrase(named.value)
