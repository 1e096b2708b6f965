"""The headers of a telemetry request, beside Host and Content-Length. Showing them loads no network code."""

HEADERS = {
    "Accept": "*/*",
    "Accept-Encoding": "identity",
    "Connection": "close",
    "Content-Type": "application/x-protobuf",
    "User-Agent": "halfwatt",
}
