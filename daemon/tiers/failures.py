"""What went wrong with an edge or cloud tier, as a TierError with a sentence for the user.

It never repeats a server's own message, which may quote the key or the prompt; only its short error code.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from typing import TYPE_CHECKING

from halfwatt.daemon.errors import TierError
from halfwatt.daemon.settings.schema import TierConfig

if TYPE_CHECKING:
    import openai

CODE = re.compile(r"[a-z][a-z0-9_.-]{0,40}")
NOT_COMPATIBLE = "did not answer as an OpenAI-compatible server does"
CUT_OFF = "broke the connection in the middle of its answer"


def tier_error(tier: TierConfig, what: str, todo: str) -> TierError:
    """The error for `what` the tier did; `todo` tells the user what to do."""
    return TierError(f"The {tier.kind} tier “{tier.name}” {what}. No answer came from it; {todo}.")


def of_address(tier: TierConfig) -> str:
    return f"check base_url of the tier “{tier.name}” in the configuration"


def of_status(tier: TierConfig, error: openai.APIStatusError) -> TierError:
    """The error for a refusal by HTTP status."""
    status = error.status_code
    code = f" ({error.code})" if error.code and CODE.fullmatch(error.code) else ""
    what, todo = _by_status(tier, status)
    return tier_error(tier, f"{what}: HTTP {status}{code}", todo)


def _by_status(tier: TierConfig, status: int) -> tuple[str, str]:
    key = tier.key or tier.name
    if status == 401:
        return "refused the key", f"check it with `halfwatt key status {key}` and set it with `halfwatt key set {key}`"
    if status == 403:
        return "does not allow this key to use the model", "ask its owner for access, or name another model"
    if status == 404:
        return f"knows no model “{tier.model}” or has no such address", f"{of_address(tier)}, and its model"
    if status == 407:
        return "cannot be reached: the proxy wants a password", "put it into HTTPS_PROXY or HTTP_PROXY"
    if status == 413:
        return "finds the request too large", "ask about less text"
    if status == 429:
        return "has had too many requests or too little credit", "wait a little, or look at the account's limits"
    if 300 <= status < 400:
        return "sends the request elsewhere, which halfwatt does not follow", of_address(tier)
    if status >= 500:
        return "failed", "try again later"
    return "did not accept the request", f"{of_address(tier)}, and its model"


def of_time(tier: TierConfig) -> TierError:
    """The error for silence that lasts longer than the tier's limit."""
    return tier_error(
        tier,
        f"did not answer within {tier.timeout_s:g} seconds",
        "try again, or raise timeout_s of the tier in the configuration",
    )


def of_connection(tier: TierConfig, error: BaseException) -> TierError:
    """The error for no connection, or a broken one, by the cause at the end of the chain."""
    causes = list(_chain(error))
    names = {type(cause).__name__ for cause in causes}
    texts = " ".join(str(cause).lower() for cause in causes)
    if any(isinstance(cause, ssl.SSLError) for cause in causes) or "certificate" in texts:
        return tier_error(
            tier,
            "could not prove who it is (TLS)",
            "with a private certificate authority, name its file in SSL_CERT_FILE and restart the daemon",
        )
    if "ProxyError" in names:
        return tier_error(tier, "cannot be reached through the proxy", "check HTTPS_PROXY, HTTP_PROXY and NO_PROXY")
    if "gaierror" in names or "name or service" in texts or "getaddrinfo" in texts:
        return tier_error(tier, "has a host name that is not known here", f"{of_address(tier)}, and the network")
    if "ConnectError" in names:
        return tier_error(tier, "cannot be reached", f"start its server if it is yours, or {of_address(tier)}")
    if "UnsupportedProtocol" in names or "InvalidURL" in names:
        return tier_error(tier, "has an address that is none", of_address(tier))
    return tier_error(tier, CUT_OFF, "try again")


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
