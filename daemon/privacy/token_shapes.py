"""Keys and tokens that a provider gives a form of its own, found by that form alone.

The facts about forms come from public rule sets (gitleaks, detect-secrets, GitHub's list of supported patterns) and the
providers' pages. Each form has an anchor, a text that it always holds. The anchor is looked for first, then a pattern
of bounded length is tried there and nowhere else, so the time grows with the text's length and no faster.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from .randomness import is_varied

PRIVATE_KEY = "private key"
EXAMPLE = re.compile(r"(?i)example|xxxx|placeholder|your[-_]|0{12}|1234567890|abcdefgh")


@dataclass(frozen=True)
class Shape:
    """`rest` and `back`: patterns of what stands behind the anchor and, `n_back` signs long, before it.

    `checked`: what the form finds must look varied and like no example."""

    kind: str
    anchor: str
    rest: str
    back: str = ""
    n_back: int = 0
    checked: bool = True

    @property
    def pattern(self) -> re.Pattern[str]:
        return _compiled(self.back + re.escape(self.anchor) + self.rest)


_compiled = functools.cache(re.compile)  # a hundred patterns, most of which are never needed


W = r"[\w-]"
AN = r"[A-Za-z0-9]"
END = r"(?![\w-])"
SHAPES = (
    *(
        Shape("AWS key", prefix, "[A-Z0-9]{16}(?![A-Z0-9])")
        for prefix in ("AKIA", "ASIA", "ABIA", "ACCA")
    ),
    Shape("Azure client secret", "Q~", r"[\w.~-]{31,34}", r"[\w~.]{3}[0-9]", 4),
    Shape("Azure storage key", "AccountKey=", r"[A-Za-z0-9+/]{40,88}"),
    Shape("Google key", "AIza", W + "{35}"),
    Shape("Google key", "GOCSPX-", W + "{20,40}"),
    Shape("Google token", "ya29.", W + "{20,400}"),
    *(Shape("GitHub token", f"gh{sign}_", AN + "{30,255}") for sign in "pousr"),
    Shape("GitHub token", "github_pat_", r"\w{22,100}"),
    *(
        Shape("GitLab token", prefix, r"[\w.-]{20,320}")
        for prefix in ("glpat-", "glrt-", "gldt-", "glft-", "glsoat-", "glimt-", "glagent-", "gloas-", "glcbt-")
    ),
    Shape("GitLab token", "glptt-", "[0-9a-f]{40}"),
    Shape("GitLab token", "GR1348941", W + "{20}"),
    Shape("Bitbucket password", "ATBB", AN + "{32}"),
    Shape("Atlassian token", "ATATT3", r"[\w=-]{60,250}"),
    *(Shape("Slack token", f"xox{sign}-", r"[A-Za-z0-9-]{20,250}") for sign in "baprseo"),
    Shape("Slack token", "xapp-", r"\d-[A-Z0-9]{6,20}-\d{6,20}-[a-f0-9]{30,80}"),
    Shape("Slack webhook", "hooks.slack.com/", r"(?:services|workflows|triggers)/[A-Za-z0-9+/]{30,100}"),
    Shape("Discord webhook", "/api/webhooks/", r"\d{15,20}/[\w-]{50,80}"),
    Shape("Telegram token", ":AA", W + "{33}" + END, r"\d{8}", 8),
    *(
        Shape("Stripe key", f"{start}_{mode}_", AN + "{16,120}")
        for start in ("sk", "rk")
        for mode in ("live", "test", "prod")
    ),
    Shape("Square token", "EAAA", W + "{58,62}" + END),
    *(Shape("Square token", prefix, W + "{22,60}") for prefix in ("sq0atp-", "sq0csp-")),
    *(Shape("Shopify token", f"shp{kind}_", "[a-fA-F0-9]{32}") for kind in ("at", "ca", "pa", "ss")),
    Shape("Twilio key", "SK", "[0-9a-f]{32}" + END),
    Shape("SendGrid key", "SG.", r"[\w-]{16,32}\.[\w-]{16,64}"),
    Shape("Mailgun key", "key-", "[0-9a-f]{32}" + END),
    Shape("Mailchimp key", "-us", r"\d{1,2}" + END, r"[0-9a-f]{32}", 32),
    Shape("npm token", "npm_", AN + "{36}"),
    Shape("PyPI token", "pypi-AgE", W + "{50,1000}"),
    Shape("RubyGems key", "rubygems_", "[0-9a-f]{48}"),
    Shape("Docker token", "dckr_pat_", W + "{20,40}"),
    Shape("Docker token", "dckr_oat_", W + "{20,40}"),
    Shape("Hugging Face token", "hf_", "[A-Za-z0-9]{30,40}" + END),
    Shape("Hugging Face token", "api_org_", "[A-Za-z0-9]{30,40}" + END),
    Shape("API key", "sk-", r"(?:[a-z0-9]{1,12}-){0,2}(?=[A-Za-z_-]{0,60}\d)[\w-]{16,250}"),
    *(Shape("DigitalOcean token", f"do{kind}_v1_", "[a-f0-9]{64}") for kind in "opr"),
    Shape("Heroku key", "HRKU-AA", W + "{50,64}"),
    Shape("Cloudflare key", "v1.0-", "[a-f0-9]{24}-[a-f0-9]{146}"),
    Shape("Databricks token", "dapi", "[a-f0-9]{32}"),
    *(Shape("New Relic key", prefix, r"[A-Za-z0-9-]{19,40}" + END) for prefix in ("NRAK-", "NRJS-", "NRII-")),
    *(Shape("Sentry token", prefix, r"[\w+/=-]{40,400}") for prefix in ("sntryu_", "sntrys_")),
    Shape("Grafana token", "glsa_", r"\w{32,50}"),
    Shape("Grafana token", "glc_", "[A-Za-z0-9+/]{32,400}"),
    Shape("Linear key", "lin_api_", AN + "{32,64}"),
    Shape("Notion token", "ntn_", AN + "{40,60}"),
    Shape("Notion token", "secret_", AN + "{43}" + END),
    Shape("Airtable token", "pat", AN + r"{14}\.[0-9a-f]{64}"),
    Shape("Figma token", "figd_", W + "{30,60}"),
    *(Shape("Vault token", f"hv{kind}.", W + "{24,320}") for kind in "sbr"),
    Shape("Terraform token", ".atlasv1.", r"[\w=-]{60,70}", AN + "{14}", 14),
    Shape("Pulumi token", "pul-", "[a-f0-9]{40}"),
    *(Shape("PlanetScale password", f"pscale_{kind}_", r"[\w=.-]{32,64}") for kind in ("pw", "tkn", "oauth")),
    *(Shape("Doppler token", f"dp.{kind}.", r"[\w.-]{40,60}") for kind in ("pt", "st", "ct", "scim", "audit")),
    Shape("Artifactory key", "AKCp", AN + "{60,80}"),
    Shape("Artifactory key", "cmVmd", AN + "{59}"),
    Shape("Azure shared access signature", "sig=", "(?:[A-Za-z0-9+/]|%2[BbFf]){43}(?:=|%3[Dd])"),
    *(
        Shape("Braintree token", f"access_token${place}$", r"[a-z0-9]{16}\$[a-f0-9]{32}")
        for place in ("production", "sandbox")
    ),
    Shape("Django key", "django-insecure-", r"[^\s\"'`\\]{40,60}"),
    Shape("Replicate token", "r8_", AN + "{37}" + END),
    Shape("Supabase key", "sbp_", "[a-f0-9]{40}"),
    Shape("Supabase key", "sb_secret_", W + "{30,40}"),
    Shape("JSON Web Token", "eyJ", r"[\w-]{8,1000}\.eyJ[\w-]{4}"),
    Shape("Amazon Bedrock key", "ABSK", "[A-Za-z0-9+/]{100,270}"),
    Shape("Facebook token", "EAA", "[A-Z]" + AN + "{80,260}"),
    Shape("Sourcegraph token", "sgp_", "(?:[a-fA-F0-9]{16}_|local_)?[a-fA-F0-9]{40}"),
    Shape("42 Intra secret", "s-s4t2", "(?:ud|af)-[a-f0-9]{64}"),
    Shape("Teams webhook", ".webhook.office.com/webhookb2/", r"[\w-]{30,40}@[\w/-]{30,160}"),
    Shape("age identity", "AGE-SECRET-KEY-1", "[A-Z0-9]{20,60}"),
    # a key in a text format, by its first line, and the same encoded once more, as in a kubeconfig
    Shape(PRIVATE_KEY, "-----BEGIN ", r"(?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY", checked=False),
    Shape(PRIVATE_KEY, "LS0tLS1CRUdJTi", r"(?!BDRVJU|BQVUJM|BQR1Ag|BYNTA5)[A-Za-z0-9+/]{60}", checked=False),
    # the first bytes of a key in DER, in Base64: PKCS#8 (RSA, elliptic curves), PKCS#1, SEC 1
    Shape(PRIVATE_KEY, "ANBgkqhkiG9w0BAQEFAASC", "[A-Za-z0-9+/]{20}", checked=False),
    Shape(PRIVATE_KEY, "AgEAMBMGByqGSM49", "[A-Za-z0-9+/]{20}", checked=False),
    Shape(PRIVATE_KEY, "IBAAKC", "[A-Za-z0-9+/]{20}", "MII[A-Za-z0-9+/]{3}", 6, checked=False),
    Shape(PRIVATE_KEY, "b3BlbnNzaC1rZXktdjE", "[A-Za-z0-9+/]{20}", checked=False),  # OpenSSH's own format
    Shape(PRIVATE_KEY, "MHcCAQEEI", "[A-Za-z0-9+/]{20}", checked=False),
)  # fmt: skip
# The middle of a key, cut out: three lines of Base64 as wide as OpenSSL's (64) or OpenSSH's (70).
KEY_LINES = re.compile(
    r"(?:[A-Za-z0-9+/]{64}(?![A-Za-z0-9+/=])[\s\"'+\\rn]{1,40}?){3}"
    r"|(?:[A-Za-z0-9+/]{70}(?![A-Za-z0-9+/=])[\s\"'+\\rn]{1,40}?){3}"
)
LONG_RUN = re.compile(r"[A-Za-z0-9+/]++")
PUBLIC_HEADER = re.compile(r"BEGIN (?![A-Z0-9 ]{0,30}PRIVATE)")
KEY_WIDTHS = (64, 70)
HEADER_CHARS = 6_000  # a certificate is seldom longer


def tokens(text: str) -> Iterator[tuple[str, int]]:
    """(kind, offset) for each of the forms above in the text."""
    for shape in SHAPES:
        at = text.find(shape.anchor)
        while at >= 0:
            start = at - shape.n_back
            match = shape.pattern.match(text, start) if start >= 0 else None
            if match and not _goes_on(text, start) and (not shape.checked or _is_real(match.group())):
                yield shape.kind, start
            at = text.find(shape.anchor, at + len(shape.anchor))
    yield from _key_lines(text)


def _goes_on(text: str, start: int) -> bool:
    """Whether a letter or digit stands before, so that this is the middle of something else."""
    return (
        start > 0 and text[start - 1].isalnum() and text[start].isalnum() and text[max(0, start - 2) : start] != "\\n"
    )


def _is_real(value: str) -> bool:
    return EXAMPLE.search(value) is None and is_varied(value[-24:])


def _key_lines(text: str) -> Iterator[tuple[str, int]]:
    for run in LONG_RUN.finditer(text):
        start, end = run.span()
        match = KEY_LINES.match(text, start) if end - start in KEY_WIDTHS else None
        if match is not None and _is_private(text, start, match.group()):
            yield PRIVATE_KEY, start


def _is_private(text: str, start: int, lines: str) -> bool:
    """Whether lines of a key or a certificate come after no header, or that of a private key."""
    before = text[max(0, start - HEADER_CHARS) : start]
    header = before.rfind("-----BEGIN ")
    is_public = header >= 0 and PUBLIC_HEADER.match(before, header + 5) and "-----END" not in before[header:]
    return not is_public and is_varied(lines) and any(map(str.isdigit, lines)) and lines.upper() != lines
