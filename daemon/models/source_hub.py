"""Model bytes from the model hub over HTTPS, resumed with a Range request after a cut.

Proxies and certificate authorities come from the usual environment variables; HF_ENDPOINT names a mirror. It sends no
token, because the catalog's models are public.
"""

from __future__ import annotations

import httpx2

from .catalog import HubSource
from .source import Download, SourceError

ENDPOINT = "https://huggingface.co"
TIMEOUT = httpx2.Timeout(30.0, connect=10.0)
TRIES_WITHOUT_PROGRESS = 4


def describe(source: HubSource) -> str:
    return f"hub repository {source.repository}"


def fetch(source: HubSource, download: Download) -> None:
    """Append what is missing, and continue after each cut. SourceError after several tries without a new byte."""
    url = address(source, download.environ.get("HF_ENDPOINT") or ENDPOINT)
    begun, failures = download.done, 0
    with httpx2.Client(timeout=TIMEOUT, follow_redirects=True) as client:
        while download.done < download.total:
            before = download.done
            cut = _append(client, url, download, begun)
            if not cut:
                continue
            failures = 0 if download.done > before else failures + 1
            if failures == TRIES_WITHOUT_PROGRESS:
                raise SourceError(f"the transfer broke off {failures} times without a byte ({cut})")
            download.pause(2.0**failures)


def address(source: HubSource, endpoint: str) -> str:
    return f"{endpoint.rstrip('/')}/{source.repository}/resolve/{source.revision}/{source.file}"


def _append(client: httpx2.Client, url: str, download: Download, begun: int) -> str:
    """One request for what is missing, written as it arrives; why it was cut, or "" where everything arrived."""
    try:
        _request(client, url, download)
    except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
        if download.done == begun:  # never reached: the next source gets its turn at once
            raise SourceError(f"it cannot be reached ({error})") from error
        return str(error)
    except httpx2.TransportError as error:
        return str(error) or type(error).__name__
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise SourceError(f"the request failed ({error})") from error
    return "" if download.done >= download.total else "it ended early"


def _request(client: httpx2.Client, url: str, download: Download) -> None:
    done = download.done
    # Without "identity" a server may compress, and then its ranges count compressed bytes.
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={done}-"} if done else {})
    with client.stream("GET", url, headers=headers) as response:
        if response.status_code == httpx2.codes.OK:
            done = 0  # this server knows no ranges and sends the file from its start
        _check(response, done, download.total)
        download.truncate(done)
        with download.partial.open("ab") as file:
            # unbuffered, so that a cut loses no byte that has arrived
            for chunk in response.iter_raw():
                file.write(chunk)
                done += len(chunk)
                if done > download.total:
                    raise SourceError(f"it sends more than {download.total} bytes")
                download.report(done)


def _check(response: httpx2.Response, done: int, total: int) -> None:
    """SourceError unless the answer is the missing rest of a file of `total` bytes."""
    if response.status_code not in (httpx2.codes.OK, httpx2.codes.PARTIAL_CONTENT):
        raise SourceError(f"it answered {response.status_code} {response.reason_phrase}".rstrip())
    if response.status_code == httpx2.codes.PARTIAL_CONTENT:
        expected = f"bytes {done}-{total - 1}/{total}"
        if response.headers.get("Content-Range") != expected:
            raise SourceError(f"it sent {response.headers.get('Content-Range')} when asked for {expected}")
    if response.headers.get("Content-Type", "").startswith("text/"):
        raise SourceError("it answered with a page of text instead of the file")
    length = response.headers.get("Content-Length")
    if length is not None and int(length) != total - done:
        raise SourceError(f"its file has {int(length) + done} bytes instead of {total}")
