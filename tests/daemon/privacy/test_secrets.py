"""The secret detector: finds planted secrets in code, leaves ordinary code alone, stays bounded."""

from __future__ import annotations

import inspect
import json
import random
import re
import string
import tokenize
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planted_kinds import KINDS
from planted_names import N_ASIDE, NAMES, set_aside
from planted_secrets import SPELLINGS, in_parts, planted

from halfwatt.daemon.privacy import logins, named_values, random_runs, randomness, secrets, token_shapes, values
from halfwatt.lsp.completion.context.prompt import Budget, window_after, window_before

KEEPING = re.compile(r"(?:[*+?]|\{\d*,?\d*\})\+")  # a possessive repetition
UNBOUNDED = re.compile(r"[*+]|\{\d*,\}")
KIND_NAMES = {shape.kind for shape in token_shapes.SHAPES} | {
    *(named_values.PASSWORD, logins.ADDRESS, logins.BEARER, logins.BASIC, logins.NETRC_KIND, random_runs.RANDOM)
}
PIECES = [
    "password",
    "=",
    ": ",
    "'",
    '"',
    "key",
    "-----BEGIN ",
    "eyJ",
    "://",
    "@",
    "\n",
    "login",
    "\\",
    "Bearer ",
    "sig=",
]


def planted_text(alphabet: str, n_chars: int, seed: int = 7) -> str:
    """A random string made here, so that no real-looking token stands in this file."""
    return "".join(random.Random(seed).choices(alphabet, k=n_chars))  # noqa: S311 - a test value, not a key


ALNUM = string.ascii_letters + string.digits
LOWER = string.ascii_lowercase + string.digits
UPPER = string.ascii_uppercase + string.digits
HEX = "0123456789abcdef"
DASHES = "-" * 5
SECRETS = {
    "aws access key": f'client = connect("AKIA{planted_text(UPPER, 16)}")',
    "aws secret key": f"aws_secret_access_key = '{planted_text(ALNUM + '/+', 40)}'",
    "github token": f"TOKEN = 'ghp_{planted_text(ALNUM, 36)}'",
    "github fine-grained token": f"git clone with github_pat_{planted_text(ALNUM, 22)}_{planted_text(ALNUM, 59)}",
    "gitlab token": f"glpat-{planted_text(ALNUM, 20)}",
    "openai key, old": f"sk-{planted_text(ALNUM, 20)}T3BlbkFJ{planted_text(ALNUM, 20)}",
    "openai key, project": f'OpenAI(api_key="sk-proj-{planted_text(ALNUM, 40)}")',
    "other provider's key": f"key: sk-ant-api03-{planted_text(ALNUM, 60)}",
    "google key": f"const k = 'AIza{planted_text(ALNUM, 35)}';",
    "hugging face token": f"login('hf_{planted_text(ALNUM, 34)}')",
    "slack token": f"xoxb-{planted_text(string.digits, 12)}-{planted_text(LOWER, 24)}",
    "stripe key": f"stripe.api_key = 'sk_live_{planted_text(ALNUM, 24)}'",
    "private key": f"{DASHES}BEGIN RSA PRIVATE KEY{DASHES}\nMIIEow",
    "encrypted private key": f"{DASHES}BEGIN ENCRYPTED PRIVATE KEY{DASHES}",
    "password in an address": "DATABASE = 'postgres://admin:Tr0ub4dor@db.internal/app'",
    "named password": 'password = "hunter2"',
    "password in a dictionary": '{"db_password": "s3cr3t-v4lue"}',
    "password in JavaScript": "const apiKey = 'q7Zr81mm';",
    "password in YAML": "database:\n  password: hunter22\n",
    "password in a shell fragment": "export DB_PASSWORD=hunter22\n",
    "named hexadecimal token": f'auth_token = "{planted_text(HEX, 40)}"',
    "named random token": f'session_token: str = "{planted_text(LOWER, 24)}"',
    "unnamed random string": f'x = "{planted_text(ALNUM + "/+", 40)}"',
    "softlayer key": f'softlayer_api_key: "{planted_text(HEX, 64)}"',
    "cloudant key": f"cloudant_password = {planted_text(HEX, 64)}",
    "cloudant key of letters": f"cloudant_key = {planted_text(string.ascii_lowercase, 24)}",
    "bearer header": f'headers = {{"Authorization": "Bearer {planted_text(ALNUM, 32)}"}}',
    "json web token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0." + planted_text(ALNUM, 43),
}
ORDINARY = {
    "a digest": f'SHA256 = "{planted_text(HEX, 64)}"',
    "a commit": f'revision = "{planted_text(HEX, 40)}"',
    "a colour and a number": 'color = "#a1b2c3"; limit = "1234567890123456"',
    "a uuid": 'token_id = "123e4567-e89b-12d3-a456-426614174000"',
    "an encoded fixture": f'IMAGE = base64.b64decode("{planted_text(ALNUM + "+/", 120)}")',
    "an image": f'<img src="data:image/png;base64,{planted_text(ALNUM + "+/", 300)}">',
    "the alphabet": f'ALPHABET = "{ALNUM}+/"',
    "a long name": "abstract_singleton_proxy_factory_bean_2 = make_AbstractSingletonProxyFactoryBean2()",
    "a long quoted name": 'name = "AbstractSingletonProxyFactoryBean2Test"',
    "a module path": 'import_module("company.product.component7.AbstractHandlerFactory2")',
    "a file name": "open('reports/2024-12-17/AWSCloudTrail-BucketPolicy.json')",
    "a test's name": 'def test_password_reset_sends_mail_with_token_2(): """..."""',
    "a parameter": "def login(user: str, password: str, token: str | None = None) -> Session: ...",
    "an empty default": 'password = ""\nsecret = None\napi_key = ""',
    "a lookup": 'api_key = os.environ["OPENAI_API_KEY"]\npassword = getpass.getpass("Password: ")',
    "a template": 'password = "{password}"\napi_key = "${API_KEY}"\nsecret = "<your secret>"',
    "a placeholder": 'password = "changeme"\napi_key = "your-api-key-here"',
    "a form's label": 'labels = {"password": "Enter your password, please"}',
    "a field's name": 'password_field = "password"\nsecret_name = "client_secret"\nKEY = "api-key"',
    "a version": '{"secretlint-rule": "^10.2.2", "password-prompt": "~1.1.3-rc.1"}',
    "a path": 'secret_file = "/run/secrets/db"',
    "a comparison": 'if kind == "password": return hash_password(value)',
    "an address": 'URL = "https://user.example.com:8443/path@2x.png"',
    "an address of ssh": "git@github.com:owner/project.git",
    "a loop over keys": "for key, value in sorted(table.items()): total_by_key[key] += value",
    "a type annotation in YAML": "properties:\n  password:\n    type: string\n",
}


@pytest.mark.parametrize("name", SECRETS)
def test_planted_secret_is_found(name: str) -> None:
    assert secrets.find([f"def f():\n    pass\n{SECRETS[name]}\n"])


@pytest.mark.parametrize("name", ORDINARY)
def test_ordinary_code_is_left_alone(name: str) -> None:
    assert secrets.find([ORDINARY[name]]) == ()


@pytest.mark.parametrize("name", SECRETS)
def test_the_answer_never_contains_the_secret(name: str) -> None:
    kinds = " ".join(secrets.find([SECRETS[name]]))
    pieces = (SECRETS[name][i : i + 12] for i in range(len(SECRETS[name]) - 11))
    assert not any(piece in kinds for piece in pieces)


def rate(found: list[bool]) -> float:
    return sum(found) / len(found)


def test_nineteen_of_twenty_planted_secrets_are_found_in_every_spelling() -> None:
    texts = planted(400)
    found = [bool(secrets.find([each.text])) for each in texts]
    missed = [(each.kind, each.spelling) for each, is_found in zip(texts, found, strict=True) if not is_found]
    assert len({each.kind for each in texts}) >= 40
    assert len({each.spelling for each in texts}) >= 12
    assert rate(found) >= 0.95, missed
    for spelling in SPELLINGS:
        here = [is_found for each, is_found in zip(texts, found, strict=True) if each.spelling == spelling]
        assert not here or rate(here) >= 0.9, spelling


def test_every_named_kind_is_planted() -> None:
    assert {kind.name for kind in KINDS} == set(NAMES)
    assert len(set_aside()) == N_ASIDE


def test_secret_that_the_cursor_splits_is_found() -> None:
    """Wherever a secret is cut, the two parts are searched as one."""
    parts = [part for each in planted(120, seed=5) for part in in_parts(each)]
    assert len(parts) > 300
    assert rate([bool(secrets.find(part)) for part in parts]) >= 0.95


def test_secret_in_several_small_texts_is_found() -> None:
    key = f"AKIA{planted_text(UPPER, 16)}"
    pieces = [key[at : at + 3] for at in range(0, len(key), 3)]
    assert secrets.find(["x = 1\n" * 500, *pieces, "y = 2\n" * 500]) == ("AWS key",)


def test_texts_far_apart_are_not_put_together() -> None:
    assert secrets.find(["password = ", "x\n" * 2000, '"hunter2"']) == ()


def samples() -> list[str]:
    """Modules of the standard library, small ones, so that this is quick. All of them: `make bench BENCHES=secrets`."""
    modules = sorted(Path(inspect.getfile(json)).parent.parent.glob("*.py"))
    return [_source(file) for file in modules if file.stat().st_size < 30_000]


def test_the_standard_library_reads_as_ordinary_code() -> None:
    """At most one file in a hundred is kept at home, and one window of a hundred as ghost text sends them."""
    texts = samples()
    windows = [window for text in texts for window in _windows(text)]
    assert len(texts) > 100
    assert rate([bool(secrets.find([text])) for text in texts]) <= 0.01
    assert rate([bool(secrets.find(window)) for window in windows]) <= 0.01


def test_every_text_is_read_and_each_kind_is_named_once() -> None:
    key = f"AKIA{planted_text(UPPER, 16)}"
    assert secrets.find(["a = 1", key, key]) == ("AWS key",)


def test_places_are_in_order_and_where_the_secret_is() -> None:
    key = f"AKIA{planted_text(UPPER, 16)}"
    text = f"a = 1\nb = '{key}'\npassword = 'hunter2'\n"
    assert [(each.kind, text[each.start :][:4]) for each in secrets.places(text)] == [
        ("AWS key", "AKIA"),
        ("named password or key", "pass"),
    ]


def test_no_text_and_an_empty_text_have_no_secret() -> None:
    assert secrets.find([]) == ()
    assert secrets.find([""]) == ()


def test_text_over_the_limit_counts_as_unchecked() -> None:
    assert secrets.find(["a" * (secrets.LIMIT_CHARS + 1)]) == (secrets.UNCHECKED,)
    assert [each.kind for each in secrets.places("a" * (secrets.LIMIT_CHARS + 1))] == [secrets.UNCHECKED]


@pytest.mark.parametrize("module", [logins, named_values, random_runs, randomness, token_shapes, values])
def test_no_pattern_can_go_back_far(module: ModuleType) -> None:
    """Time grows with the text's length and no faster: every repetition is bounded, or keeps what it took."""
    patterns = {name: value.pattern for name, value in vars(module).items() if isinstance(value, re.Pattern)}
    if module is token_shapes:
        patterns |= {f"{shape.kind} {shape.anchor}": shape.pattern.pattern for shape in token_shapes.SHAPES}
    assert patterns
    unbounded = {name for name, pattern in patterns.items() if UNBOUNDED.search(_without_classes(pattern))}
    assert unbounded == set()


@given(st.lists(st.text(max_size=80) | st.sampled_from(PIECES), max_size=12))
@settings(max_examples=60, deadline=None)
def test_no_text_raises(texts: list[str]) -> None:
    assert set(secrets.find(texts)) <= KIND_NAMES


def _without_classes(pattern: str) -> str:
    """A pattern without its classes of signs, escapes and possessive repetitions."""
    return KEEPING.sub("", re.sub(r"\[\^?\]?(?:\\.|[^\]\\])*\]", "C", re.sub(r"\\[^\[\]]", "E", pattern)))


def _windows(text: str) -> Iterator[tuple[str, str]]:
    chance = random.Random(len(text))  # noqa: S311 - places, no keys
    budget = Budget.of_tokens(1024)
    for at in (chance.randint(0, len(text)) for _ in range(2)):
        yield window_before(text[:at], budget.prefix), window_after(text[at:], budget.suffix)


def _source(file: Path) -> str:
    with tokenize.open(file) as opened:
        return opened.read()
