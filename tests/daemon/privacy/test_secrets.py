"""The secret detector: finds planted secrets in code, leaves ordinary code alone, stays bounded."""

from __future__ import annotations

import inspect
import itertools
import json
import random
import string
import tokenize
from pathlib import Path

import pytest

from halfwatt.daemon.privacy import secrets


def planted(alphabet: str, n_chars: int, seed: int = 7) -> str:
    """A random string made here, so that no real-looking token stands in this file."""
    return "".join(random.Random(seed).choices(alphabet, k=n_chars))  # noqa: S311 - a test value, not a key


ALNUM = string.ascii_letters + string.digits
LOWER = string.ascii_lowercase + string.digits
UPPER = string.ascii_uppercase + string.digits
HEX = "0123456789abcdef"
SECRETS = {
    "aws access key": f'client = connect("AKIA{planted(UPPER, 16)}")',
    "aws secret key": f"aws_secret_access_key = '{planted(ALNUM + '/+', 40)}'",
    "github token": f"TOKEN = 'ghp_{planted(ALNUM, 36)}'",
    "github fine-grained token": f"git clone with github_pat_{planted(ALNUM, 22)}_{planted(ALNUM, 59)}",
    "gitlab token": f"glpat-{planted(ALNUM, 20)}",
    "openai key, old": f"sk-{planted(ALNUM, 20)}T3BlbkFJ{planted(ALNUM, 20)}",
    "openai key, project": f'OpenAI(api_key="sk-proj-{planted(ALNUM, 40)}")',
    "other provider's key": f"key: sk-ant-api03-{planted(ALNUM, 60)}",
    "google key": f"const k = 'AIza{planted(ALNUM, 35)}';",
    "hugging face token": f"login('hf_{planted(ALNUM, 34)}')",
    "slack token": f"xoxb-{planted(string.digits, 12)}-{planted(LOWER, 24)}",
    "stripe key": f"stripe.api_key = 'sk_live_{planted(ALNUM, 24)}'",
    "private key": "-----BEGIN RSA PRIVATE KEY-----\nMIIEow",
    "encrypted private key": "-----BEGIN ENCRYPTED PRIVATE KEY-----",
    "password in an address": "DATABASE = 'postgres://admin:Tr0ub4dor@db.internal/app'",
    "named password": 'password = "hunter2"',
    "password in a dictionary": '{"db_password": "s3cr3t-v4lue"}',
    "password in JavaScript": "const apiKey = 'q7Zr81mm';",
    "password in YAML": "database:\n  password: hunter22\n",
    "password in a shell fragment": "export DB_PASSWORD=hunter22\n",
    "named hexadecimal token": f'auth_token = "{planted(HEX, 40)}"',
    "named random token": f'session_token: str = "{planted(LOWER, 24)}"',
    "unnamed random string": f'x = "{planted(ALNUM + "/+", 40)}"',
    "softlayer key": f'softlayer_api_key: "{planted(HEX, 64)}"',
    "cloudant key": f"cloudant_password = {planted(HEX, 64)}",
    "cloudant key of letters": f"cloudant_key = {planted(string.ascii_lowercase, 24)}",
    "bearer header": f'headers = {{"Authorization": "Bearer {planted(ALNUM, 32)}"}}',
    "json web token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0." + planted(ALNUM, 43),
}
ORDINARY = {
    "a digest": f'SHA256 = "{planted(HEX, 64)}"',
    "a commit": f'revision = "{planted(HEX, 40)}"',
    "a colour and a number": 'color = "#a1b2c3"; limit = "1234567890123456"',
    "a uuid": 'token_id = "123e4567-e89b-12d3-a456-426614174000"',
    "an encoded fixture": f'IMAGE = base64.b64decode("{planted(ALNUM + "+/", 120)}")',
    "an image": f'<img src="data:image/png;base64,{planted(ALNUM + "+/", 300)}">',
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


def test_the_standard_library_reads_as_ordinary_code() -> None:
    """Over a broad sample of real modules, at most one in a hundred is kept at home."""
    modules = sorted(Path(inspect.getfile(json)).parent.parent.glob("*.py"))
    files = [file for file in modules if file.stat().st_size < 30_000]
    found = [file.name for file in files if secrets.find([_source(file)])]
    assert len(files) > 100
    assert len(found) <= len(files) // 100, found


def test_secret_across_a_window_border_is_found() -> None:
    key = f"AKIA{planted(UPPER, 16)}"
    for shift in range(-24, 8, 4):
        text = "x = 1\n" * 10_000
        at = secrets.WINDOW_CHARS + shift
        assert secrets.find([text[:at] + key + text[at:]]), shift


def test_every_text_is_read_and_each_kind_is_named_once() -> None:
    key = f"AKIA{planted(UPPER, 16)}"
    assert secrets.find(["a = 1", key, key]) == ("AWS Access Key",)


def test_no_text_and_an_empty_text_have_no_secret() -> None:
    assert secrets.find([]) == ()
    assert secrets.find([""]) == ()


def test_text_over_the_limit_counts_as_unchecked() -> None:
    assert secrets.find(["a" * (secrets.LIMIT_CHARS + 1)]) == (secrets.UNCHECKED,)


@pytest.mark.parametrize("piece", ["a", "sk-", "eyJ", "password=", "://a:", "'", "key 'a1", "AP0", "\n", "-----BEGIN "])
def test_hostile_text_is_bounded_by_the_clock_and_counts_as_unchecked(piece: str) -> None:
    ticks = itertools.count()  # each look at the clock is a second
    text = (piece * 1_000_000)[:1_000_000]
    assert secrets.UNCHECKED in secrets.find([text], clock=lambda: float(next(ticks)))


def _source(file: Path) -> str:
    with tokenize.open(file) as opened:
        return opened.read()
