"""Sending one telemetry request: the only code of the export that uses the network.

export.py loads it only with consent and with something to send.
"""

from __future__ import annotations

from dataclasses import dataclass

import httpx2

from .headers import HEADERS

LIMIT_S = 10.0


@dataclass(frozen=True)
class SendResult:
    """What became of one request. One that is neither `accepted` nor to be sent `again_later` was refused for good."""

    accepted: bool
    again_later: bool
    sentence: str


def send(endpoint: str, body: bytes) -> SendResult:
    """Post one request. It never raises; a failure is a sentence. The usual proxy and certificate variables apply."""
    try:
        with httpx2.Client(timeout=LIMIT_S, follow_redirects=False) as client:
            client.headers.clear()
            reply = client.post(endpoint, content=body, headers=HEADERS)
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
        return SendResult(
            False, True, f"The endpoint could not be reached ({type(error).__name__}); it is tried again later."
        )
    if reply.is_success:
        return SendResult(True, False, "")
    again = reply.status_code in (408, 429) or reply.status_code >= 500
    what = "it is tried again later" if again else "this hour was dropped"
    return SendResult(False, again, f"The endpoint answered with HTTP {reply.status_code}; {what}.")
