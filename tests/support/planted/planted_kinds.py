"""Kinds of secrets as values made at random: by what name they go and what they look like.

The facts about formats come from the public rule sets of gitleaks (config/gitleaks.toml) and detect-secrets, and from the
providers' own pages. Nothing here is or was a real secret, and none stands in a file: they are made anew from a seed.
"""

from __future__ import annotations

import base64
import json
import string
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

LOWER = string.ascii_lowercase + string.digits
UPPER = string.ascii_uppercase + string.digits
ALNUM = string.ascii_letters + string.digits
URLSAFE = ALNUM + "-_"
BASE32 = string.ascii_uppercase + "234567"
BASE64 = ALNUM + "+/"
BASE58 = "".join(sign for sign in ALNUM if sign not in "0OIl")
HEX = "0123456789abcdef"
DIGITS = string.digits
BECH32 = "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L"
PASSWORD_SIGNS = "!#$&*+=?-_"
WORDS = tuple(
    "velvet orbit candle tusk meadow lantern pepper granite falcon ribbon walnut harbor cactus marble tundra violin "
    "saddle copper magnet jungle puzzle rocket winter summer dragon monkey shadow thunder silver coffee".split()
)
Make = Callable[[Random], str]


@dataclass(frozen=True)
class Kind:
    """`names` in snake case, one is taken. `spellings`: those that make sense; empty: all."""

    name: str
    names: tuple[str, ...]
    make: Make
    spellings: tuple[str, ...] = ()


def of(chance: Random, alphabet: str, n_chars: int) -> str:
    return "".join(chance.choices(alphabet, k=n_chars))


def shape(*parts: str | tuple[str, int]) -> Make:
    """Literal texts and (alphabet, length), one after the other."""
    return lambda chance: "".join(part if isinstance(part, str) else of(chance, *part) for part in parts)


def one_of(*makes: Make) -> Make:
    return lambda chance: chance.choice(makes)(chance)


def uuid(chance: Random) -> str:
    digits = of(chance, HEX, 32)
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def encoded(n_bytes: int) -> Make:
    return lambda chance: base64.b64encode(chance.randbytes(n_bytes)).decode()


def password(chance: Random) -> str:
    """As people choose them: a word with digits and signs, or random signs from a manager."""
    word = chance.choice(WORDS)
    return chance.choice(
        (
            f"{word.title()}{chance.randint(1990, 2026)}{chance.choice('!#$*?')}",
            f"{word}{chance.randint(10, 9999)}",
            f"{word.replace('e', '3').replace('o', '0').replace('a', '4')}-{chance.randint(10, 99)}",
            of(chance, ALNUM, 12) + str(chance.randint(0, 9)),
            of(chance, ALNUM + PASSWORD_SIGNS, 18) + str(chance.randint(0, 9)),
        )
    )


def passphrase(chance: Random) -> str:
    return chance.choice((" ", "-")).join(chance.sample(WORDS, k=chance.randint(4, 6)))


def json_web_token(chance: Random) -> str:
    claims = {"sub": of(chance, DIGITS, 9), "iat": chance.randint(1_600_000_000, 1_800_000_000), "name": "Jo"}
    parts = ({"alg": "HS256", "typ": "JWT"}, claims)
    told = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
    return ".".join([*told, of(chance, URLSAFE, 43)])


def key_body(chance: Random, n_lines: int = 12) -> str:
    """What stands between header and footer of a PKCS#8 key: lines of Base64 with the usual first bytes."""
    data = bytes.fromhex("308204bd020100300d06092a864886f70d0101010500048204a7308204a30201000282010100")
    text = base64.b64encode(data + chance.randbytes(48 * n_lines - len(data))).decode()
    return "\n".join(text[at : at + 64] for at in range(0, len(text), 64))


def private_key(chance: Random) -> str:
    word = chance.choice(("RSA ", "EC ", "OPENSSH ", "", "ENCRYPTED ", "DSA "))
    mark = "-" * 5
    return f"{mark}BEGIN {word}PRIVATE KEY{mark}\n{key_body(chance)}\n{mark}END {word}PRIVATE KEY{mark}"


def key_without_header(chance: Random) -> str:
    """The middle of a key's body, as a window cuts it out."""
    return "\n".join(key_body(chance, 16).split("\n")[chance.randint(0, 3) :][:10])


def encoded_private_key(chance: Random) -> str:
    return base64.b64encode(private_key(chance).encode()).decode()


def service_account(chance: Random) -> str:
    about = {
        "type": "service_account",
        "project_id": "demo",
        "private_key_id": of(chance, HEX, 40),
        "private_key": private_key(chance),
    }
    return json.dumps(about)


def database_url(chance: Random) -> str:
    scheme = chance.choice(("postgres", "postgresql+psycopg", "mysql", "mongodb+srv", "amqp"))
    return f"{scheme}://app:{password(chance)}@db{chance.randint(1, 9)}.internal/orders"


def netrc(chance: Random) -> str:
    return f"machine api.acme.test\nlogin deploy\npassword {password(chance)}"


ONE_LINE = ("env", "python", "typescript", "go", "rust", "c", "java", "yaml", "json", "ini", "shell", "comment")
KINDS: tuple[Kind, ...] = (
    Kind("aws-access-key-id", ("aws_access_key_id", "access_id"), shape("AKIA", (BASE32, 16))),
    Kind("aws-secret-access-key", ("aws_secret_access_key", "aws_secret_key"), shape((BASE64, 40))),
    Kind("azure-storage-account-key", ("account_key", "azure_storage_key"), encoded(64)),
    Kind("azure-ad-client-secret", ("client_secret", "azure_client_secret"), shape((ALNUM, 3), "8Q~", (URLSAFE + "~.", 34))),
    Kind("gcp-api-key", ("maps_key", "google_api_key"), shape("AIza", (URLSAFE, 35))),
    Kind("gcp-oauth-client-secret", ("oauth_client", "client_secret"), shape("GOCSPX-", (URLSAFE, 28))),
    Kind("gcp-service-account-key", ("google_credentials", "service_account"), service_account, ("json", "python", "env")),
    Kind("github-classic-token", ("github_token", "gh_pat"), shape("ghp_", (ALNUM, 36))),
    Kind("github-fine-grained-token", ("github_token", "deploy"), shape("github_pat_", (ALNUM, 22), "_", (ALNUM, 59))),
    Kind("github-app-token", ("installation_token", "github_app"), one_of(shape("ghs_", (ALNUM, 36)), shape("gho_", (ALNUM, 36)))),
    Kind("gitlab-personal-token", ("gitlab_token", "ci_access"), shape("glpat-", (URLSAFE, 20))),
    Kind("gitlab-runner-token", ("runner_token", "registration"), one_of(shape("glrt-", (URLSAFE, 20)), shape("GR1348941", (URLSAFE, 20)))),
    Kind("bitbucket-app-password", ("bitbucket_app_password", "app_password"), shape("ATBB", (ALNUM, 32))),
    Kind("slack-bot-token", ("slack_token", "bot"), shape("xoxb-", (DIGITS, 12), "-", (DIGITS, 12), "-", (ALNUM, 24))),
    Kind("slack-app-level-token", ("slack_app_token", "socket_mode"), shape("xapp-1-A", (UPPER, 10), "-", (DIGITS, 13), "-", (HEX, 64))),
    Kind("slack-webhook", ("webhook", "slack_url"), shape("https://hooks.slack.com/services/T", (UPPER, 10), "/B", (UPPER, 10), "/", (ALNUM, 24)), ONE_LINE),
    Kind("discord-bot-token", ("discord_token", "bot_token"), shape("M", (ALNUM, 23), ".", (URLSAFE, 6), ".", (URLSAFE, 38))),
    Kind("discord-webhook", ("webhook", "discord_url"), shape("https://discord.com/api/webhooks/", (DIGITS, 18), "/", (URLSAFE, 68)), ONE_LINE),
    Kind("telegram-bot-token", ("telegram_token", "bot"), shape((DIGITS, 10), ":AA", (URLSAFE, 33))),
    Kind("stripe-secret-key", ("stripe_key", "payments"), shape("sk_live_", (ALNUM, 24))),
    Kind("stripe-restricted-key", ("stripe_key", "payments"), shape("rk_live_", (ALNUM, 24))),
    Kind("square-access-token", ("square_token", "square"), one_of(shape("EAAA", (URLSAFE, 60)), shape("sq0atp-", (URLSAFE, 22)))),
    Kind("shopify-access-token", ("shopify_token", "shop"), shape("shpat_", (HEX, 32))),
    Kind("twilio-api-key", ("twilio_api_key", "twilio_key_secret"), shape("SK", (HEX, 32))),
    Kind("sendgrid-key", ("sendgrid_api_key", "mailer"), shape("SG.", (URLSAFE, 22), ".", (URLSAFE, 43))),
    Kind("mailgun-key", ("mailgun_key", "mailgun_api_key"), shape("key-", (HEX, 32))),
    Kind("mailchimp-key", ("mailchimp_api_key", "mailchimp_key"), shape((HEX, 32), "-us", ("12345678", 1))),
    Kind("postmark-server-token", ("postmark_server_token", "postmark_token"), uuid),
    Kind("npm-token", ("npm_token", "registry"), shape("npm_", (ALNUM, 36))),
    Kind("pypi-token", ("pypi_token", "twine_password"), shape("pypi-AgEIcHlwaS5vcmc", (URLSAFE, 120))),
    Kind("rubygems-key", ("rubygems_api_key", "gem_host"), shape("rubygems_", (HEX, 48))),
    Kind("docker-hub-token", ("docker_token", "registry"), shape("dckr_pat_", (URLSAFE, 27))),
    Kind("huggingface-token", ("hf_token", "hub"), shape("hf_", (string.ascii_letters, 34))),
    Kind("anthropic-key", ("anthropic_api_key", "claude"), shape("sk-ant-api03-", (URLSAFE, 93), "AA")),
    Kind("digitalocean-token", ("do_token", "droplets"), shape("dop_v1_", (HEX, 64))),
    Kind("heroku-key", ("heroku_api_key", "heroku_key"), one_of(uuid, shape("HRKU-AA", (URLSAFE, 58)))),
    Kind("cloudflare-api-token", ("cloudflare_api_token", "cf_api_token"), shape((URLSAFE, 40))),
    Kind("databricks-token", ("databricks_token", "workspace"), shape("dapi", (HEX, 32))),
    Kind("datadog-api-key", ("datadog_api_key", "dd_api_key"), shape((HEX, 32))),
    Kind("newrelic-key", ("new_relic_license", "newrelic_key"), shape("NRAK-", (UPPER, 27))),
    Kind("sentry-token", ("sentry_auth_token", "sentry"), shape("sntryu_", (HEX, 64))),
    Kind("grafana-service-account-token", ("grafana_token", "grafana"), shape("glsa_", (ALNUM, 32), "_", (HEX, 8))),
    Kind("pagerduty-token", ("pagerduty_token", "pagerduty_api_key"), shape("u+", (URLSAFE, 18))),
    Kind("linear-key", ("linear_key", "linear"), shape("lin_api_", (ALNUM, 40))),
    Kind("notion-token", ("notion_token", "notion"), one_of(shape("ntn_", (DIGITS, 11), (ALNUM, 35)), shape("secret_", (ALNUM, 43)))),
    Kind("airtable-token", ("airtable_token", "airtable"), shape("pat", (ALNUM, 14), ".", (HEX, 64))),
    Kind("figma-token", ("figma_token", "figma"), shape("figd_", (URLSAFE, 40))),
    Kind("hashicorp-vault-token", ("vault_token", "vault"), shape("hvs.", (URLSAFE, 95))),
    Kind("terraform-cloud-token", ("tfe_token", "terraform"), shape((ALNUM, 14), ".atlasv1.", (URLSAFE, 67))),
    Kind("pulumi-token", ("pulumi_access_token", "pulumi"), shape("pul-", (HEX, 40))),
    Kind("planetscale-password", ("planetscale_password", "planetscale"), shape("pscale_pw_", (URLSAFE, 43))),
    Kind("doppler-token", ("doppler_token", "doppler"), shape("dp.pt.", (ALNUM, 43))),
    Kind("atlassian-api-token", ("jira_api_token", "atlassian_token"), shape("ATATT3", (URLSAFE, 186))),
    Kind("artifactory-key", ("artifactory_api_key", "artifactory"), shape("AKCp", (ALNUM, 69))),
    Kind("json-web-token", ("session", "id_token"), json_web_token),
    Kind("bearer-header", ("authorization",), shape("Bearer ", (ALNUM, 40)), tuple(each for each in ONE_LINE if each != "java")),
    Kind("private-key-pem", ("private_key", "tls_key"), private_key, ("env", "python", "typescript", "go", "rust", "c", "java", "yaml", "json", "ini")),
    Kind("private-key-without-header", ("private_key", "tls_key"), key_without_header, ("yaml", "python", "go", "bare")),
    Kind("age-identity", ("age_key", "identity"), shape("AGE-SECRET-KEY-1", (BECH32, 58))),
    Kind("wireguard-private-key", ("private_key", "wg_private_key"), encoded(32)),
    Kind("kubeconfig-token", ("token",), one_of(json_web_token, shape((ALNUM, 48))), ("yaml", "json")),
    Kind("kubeconfig-client-key-data", ("client-key-data",), encoded_private_key, ("yaml", "json")),
    Kind("netrc-password", ("netrc",), netrc, ("bare", "shell_text", "comment")),
    Kind("pgpassword", ("PGPASSWORD",), password),
    Kind("database-url", ("database_url", "dsn"), database_url, ONE_LINE),
    Kind("redis-url", ("redis_url", "broker"), lambda chance: f"redis://:{password(chance)}@cache.internal:6379/0", ONE_LINE),
    Kind("flask-secret-key", ("secret_key", "flask_secret_key"), one_of(shape((HEX, 48)), shape((ALNUM + PASSWORD_SIGNS, 24)))),
    Kind("laravel-app-key", ("app_key",), lambda chance: f"base64:{encoded(32)(chance)}"),
    Kind("jwt-signing-secret", ("jwt_secret", "jwt_signing_key"), one_of(shape((ALNUM, 32)), shape((HEX, 64)), password)),
    Kind("hex-encryption-key", ("encryption_key", "aes_key"), one_of(shape((HEX, 64)), shape((HEX, 32)))),
    Kind("base64-encryption-key", ("encryption_key", "fernet_key"), encoded(32)),
    Kind("plain-password", ("password", "db_password", "smtp_passwd", "admin_pwd"), password),
    Kind("passphrase", ("passphrase", "key_passphrase"), passphrase),
    Kind("ethereum-private-key", ("private_key", "wallet_key"), shape("0x", (HEX, 64))),
    Kind("bitcoin-wif-key", ("wif", "wallet_key"), shape("K", (BASE58, 51))),
)  # fmt: skip
