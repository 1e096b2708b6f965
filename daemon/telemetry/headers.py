"""The headers of a telemetry request, besides Host and Content-Length.

They are apart from send.py, so that `halfwatt telemetry preview` shows them without loading network code.
"""

HEADERS = {
    "Accept": "*/*",
    "Accept-Encoding": "identity",
    "Connection": "close",
    "Content-Type": "application/x-protobuf",
    "User-Agent": "halfwatt",
}
