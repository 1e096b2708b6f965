"""Whether an address lies on the user's own networks, judged by its text alone. It asks no name server."""

from __future__ import annotations

import ipaddress
import re

OWN_NETWORKS = tuple(
    map(
        ipaddress.ip_network,
        (
            *("127.0.0.0/8", "::1/128"),  # this machine
            *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"),  # private: RFC 1918, RFC 4193
            *("169.254.0.0/16", "fe80::/10"),  # link-local: RFC 3927, RFC 4291
            "100.64.0.0/10",  # shared by carriers and by private overlays: RFC 6598
        ),
    )
)
# localhost: RFC 6761. local: RFC 6762. home.arpa: RFC 8375. internal: reserved for private use in 2024.
OWN_DOMAINS = ("localhost", "local", "home.arpa", "internal")
SINGLE_LABEL = re.compile(r"[a-z][a-z0-9-]*")  # a number would be an address in another spelling


def is_own(host: str) -> bool:
    """Whether `host`, a name or an IP address, is this machine or one on the user's own networks.

    A name without dots counts: only a local resolver knows it."""
    host = host.lower().rstrip(".")
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return SINGLE_LABEL.fullmatch(host) is not None or host.endswith(tuple(f".{each}" for each in OWN_DOMAINS))
    mapped = getattr(address, "ipv4_mapped", None)
    return any((mapped or address) in network for network in OWN_NETWORKS)
