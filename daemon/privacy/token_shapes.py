"""Keys and tokens that a provider gives a form of its own, found by that form alone.

The facts about forms come from public rule sets (gitleaks, detect-secrets, GitHub's list of supported patterns) and the
providers' pages. Each form has an anchor, a text that it always holds. The anchor is looked for first, then a pattern
of bounded length is tried there and nowhere else, so the time grows with the text's length and no faster.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .randomness import is_varied

PRIVATE_KEY = "private key"
EXAMPLE = re.compile(r"(?i)example|xxxx|placeholder|your[-_]|0{12}|1234567890|abcdefgh")


@dataclass(frozen=True)
class Shape:
    """`back`: signs of the form before its anchor. `bare`: a letter or digit may stand before it.

    `checked`: what the form finds must look varied and like no example."""

    kind: str
    anchor: str
    pattern: re.Pattern[str]
    back: int = 0
    checked: bool = True


def _shape(kind: str, anchor: str, rest: str, back: str = "", checked: bool = True) -> Shape:
    n_back = _length(back)
    return Shape(kind, anchor, re.compile(back + re.escape(anchor) + rest), n_back, checked)


def _length(back: str) -> int:
    """Signs that a pattern of fixed length matches."""
    return sum(int(count) for count in re.findall(r"\{(\d+)\}", back))


W = r"[\w-]"
AN = r"[A-Za-z0-9]"
END = r"(?![\w-])"
SHAPES = (
    *(
        _shape("AWS key", prefix, r"[A-Z0-9]{16}(?![A-Za-z0-9])")
        for prefix in ("AKIA", "ASIA", "ABIA", "ACCA")
    ),
    _shape("Azure client secret", "Q~", r"[\w.~-]{31,34}", back=r"[\w~.]{3}[0-9]{1}"),
    _shape("Azure storage key", "AccountKey=", r"[A-Za-z0-9+/]{40,88}"),
    _shape("Google key", "AIza", W + "{35}"),
    _shape("Google key", "GOCSPX-", W + "{20,40}"),
    _shape("Google token", "ya29.", W + "{20,400}"),
    *(_shape("GitHub token", f"gh{sign}_", AN + "{30,255}") for sign in "pousr"),
    _shape("GitHub token", "github_pat_", r"\w{22,100}"),
    *(
        _shape("GitLab token", prefix, r"[\w.-]{20,320}")
        for prefix in ("glpat-", "glrt-", "gldt-", "glft-", "glsoat-", "glimt-", "glagent-", "gloas-", "glcbt-")
    ),
    _shape("GitLab token", "glptt-", "[0-9a-f]{40}"),
    _shape("GitLab token", "GR1348941", W + "{20}"),
    _shape("Bitbucket password", "ATBB", AN + "{32}"),
    _shape("Atlassian token", "ATATT3", r"[\w=-]{60,250}"),
    *(_shape("Slack token", f"xox{sign}-", r"[A-Za-z0-9-]{20,250}") for sign in "baprseo"),
    _shape("Slack token", "xapp-", r"\d-[A-Z0-9]{6,20}-\d{6,20}-[a-f0-9]{30,80}"),
    _shape("Slack webhook", "hooks.slack.com/", r"(?:services|workflows|triggers)/[A-Za-z0-9+/]{30,100}"),
    _shape("Discord webhook", "/api/webhooks/", r"\d{15,20}/[\w-]{50,80}"),
    _shape("Telegram token", ":AA", W + "{33}" + END, back=r"\d{8}"),
    *(
        _shape("Stripe key", f"{start}_{mode}_", AN + "{16,120}")
        for start in ("sk", "rk")
        for mode in ("live", "test", "prod")
    ),
    _shape("Square token", "EAAA", W + "{58,62}" + END),
    *(_shape("Square token", prefix, W + "{22,60}") for prefix in ("sq0atp-", "sq0csp-")),
    *(_shape("Shopify token", f"shp{kind}_", "[a-fA-F0-9]{32}") for kind in ("at", "ca", "pa", "ss")),
    _shape("Twilio key", "SK", "[0-9a-f]{32}" + END),
    _shape("SendGrid key", "SG.", r"[\w-]{16,32}\.[\w-]{16,64}"),
    _shape("Mailgun key", "key-", "[0-9a-f]{32}" + END),
    _shape("Mailchimp key", "-us", r"\d{1,2}" + END, back=r"[0-9a-f]{32}"),
    _shape("npm token", "npm_", AN + "{36}"),
    _shape("PyPI token", "pypi-AgE", W + "{50,1000}"),
    _shape("RubyGems key", "rubygems_", "[0-9a-f]{48}"),
    _shape("Docker token", "dckr_pat_", W + "{20,40}"),
    _shape("Docker token", "dckr_oat_", W + "{20,40}"),
    _shape("Hugging Face token", "hf_", "[A-Za-z0-9]{30,40}" + END),
    _shape("Hugging Face token", "api_org_", "[A-Za-z0-9]{30,40}" + END),
    _shape("API key", "sk-", r"(?:[a-z0-9]{1,12}-){0,2}(?=[A-Za-z_-]{0,60}\d)[\w-]{16,250}"),
    *(_shape("DigitalOcean token", f"do{kind}_v1_", "[a-f0-9]{64}") for kind in "opr"),
    _shape("Heroku key", "HRKU-AA", W + "{50,64}"),
    _shape("Cloudflare key", "v1.0-", "[a-f0-9]{24}-[a-f0-9]{146}"),
    _shape("Databricks token", "dapi", "[a-f0-9]{32}"),
    *(_shape("New Relic key", prefix, r"[A-Za-z0-9-]{19,40}" + END) for prefix in ("NRAK-", "NRJS-", "NRII-")),
    *(_shape("Sentry token", prefix, r"[\w+/=-]{40,400}") for prefix in ("sntryu_", "sntrys_")),
    _shape("Grafana token", "glsa_", r"\w{32,50}"),
    _shape("Grafana token", "glc_", "[A-Za-z0-9+/]{32,400}"),
    _shape("Linear key", "lin_api_", AN + "{32,64}"),
    _shape("Notion token", "ntn_", AN + "{40,60}"),
    _shape("Notion token", "secret_", AN + "{43}" + END),
    _shape("Airtable token", "pat", AN + r"{14}\.[0-9a-f]{64}"),
    _shape("Figma token", "figd_", W + "{30,60}"),
    *(_shape("Vault token", f"hv{kind}.", W + "{24,320}") for kind in "sbr"),
    _shape("Terraform token", ".atlasv1.", r"[\w=-]{60,70}", back=r"[A-Za-z0-9]{14}"),
    _shape("Pulumi token", "pul-", "[a-f0-9]{40}"),
    *(_shape("PlanetScale password", f"pscale_{kind}_", r"[\w=.-]{32,64}") for kind in ("pw", "tkn", "oauth")),
    *(_shape("Doppler token", f"dp.{kind}.", r"[\w.-]{40,60}") for kind in ("pt", "st", "ct", "scim", "audit")),
    _shape("Artifactory key", "AKCp", AN + "{60,80}"),
    _shape("Artifactory key", "cmVmd", AN + "{59}"),
    _shape("JSON Web Token", "eyJ", r"[\w-]{8,4000}\.(?:eyJ[\w-]{4,8000})\.?"),
    _shape("age identity", "AGE-SECRET-KEY-1", "[A-Z0-9]{20,60}"),
    # a key in a text format, by its first line, and the same encoded once more, as in a kubeconfig
    _shape(PRIVATE_KEY, "-----BEGIN ", r"(?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY", checked=False),
    _shape(PRIVATE_KEY, "LS0tLS1CRUdJTi", r"(?!BDRVJU|BQVUJM|BQR1Ag|BYNTA5)[A-Za-z0-9+/]{60}", checked=False),
    # the first bytes of a key in DER, in Base64: PKCS#8 (RSA, elliptic curves), PKCS#1, SEC 1
    _shape(PRIVATE_KEY, "ANBgkqhkiG9w0BAQEFAASC", "[A-Za-z0-9+/]{20}", checked=False),
    _shape(PRIVATE_KEY, "AgEAMBMGByqGSM49", "[A-Za-z0-9+/]{20}", checked=False),
    _shape(PRIVATE_KEY, "IBAAKC", "[A-Za-z0-9+/]{20}", back=r"MII[A-Za-z0-9+/]{3}", checked=False),
    _shape(PRIVATE_KEY, "MHcCAQEEI", "[A-Za-z0-9+/]{20}", checked=False),
)  # fmt: skip
# The middle of a key, cut out: three lines of Base64 as wide as OpenSSL's (64) or OpenSSH's (70).
KEY_LINES = re.compile(
    r"(?<![A-Za-z0-9+/])(?:(?:[A-Za-z0-9+/]{64}(?![A-Za-z0-9+/=])[\s\"'+\\rn]{1,40}?){3}"
    r"|(?:[A-Za-z0-9+/]{70}(?![A-Za-z0-9+/=])[\s\"'+\\rn]{1,40}?){3})"
)
PUBLIC_HEADER = re.compile(r"BEGIN (?![A-Z0-9 ]{0,30}PRIVATE)")
HEADER_CHARS = 6_000  # a certificate is seldom longer


def tokens(text: str) -> Iterator[tuple[str, int]]:
    """(kind, offset) for each of the forms above in the text."""
    for shape in SHAPES:
        at = text.find(shape.anchor)
        while at >= 0:
            start = at - shape.back
            match = shape.pattern.match(text, start) if start >= 0 else None
            if match and not _goes_on(text, start) and (not shape.checked or _is_real(match.group())):
                yield shape.kind, start
            at = text.find(shape.anchor, at + len(shape.anchor))
    yield from _key_lines(text)


def _goes_on(text: str, start: int) -> bool:
    """Whether a letter or digit stands before, so that this is the middle of something else."""
    return start > 0 and text[start - 1].isalnum() and text[start].isalnum() and text[max(0, start - 2) : start] != "\\n"


def _is_real(value: str) -> bool:
    return EXAMPLE.search(value) is None and is_varied(value[-24:])


def _key_lines(text: str) -> Iterator[tuple[str, int]]:
    for match in KEY_LINES.finditer(text):
        before = text[max(0, match.start() - HEADER_CHARS) : match.start()]
        header = before.rfind("-----BEGIN ")
        is_public = header >= 0 and PUBLIC_HEADER.match(before, header + 5) and "-----END" not in before[header:]
        lines = match.group()
        if not is_public and is_varied(lines) and any(map(str.isdigit, lines)) and lines.upper() != lines:
            yield PRIVATE_KEY, match.start()
