"""A cloud tier without encryption is allowed on the user's own networks only, or by the user's word."""

from __future__ import annotations

import pytest

from halfwatt.daemon.errors import ConfigError
from halfwatt.daemon.paths import Paths
from halfwatt.daemon.settings import file as settings_file
from halfwatt.daemon.settings import tiers as settings_tiers
from halfwatt.daemon.settings import values as settings_values
from halfwatt.daemon.settings.own_network import is_own
from halfwatt.daemon.settings.schema import TierConfig

OWN = [
    *("127.0.0.1", "127.8.8.8", "::1", "localhost", "LOCALHOST", "api.localhost"),
    *("10.1.2.3", "172.16.0.1", "172.31.255.254", "192.168.1.5", "fd7a:115c:a1e0::1", "::ffff:10.0.0.1"),
    *("169.254.3.4", "fe80::1", "fe80::1%eth0", "100.64.0.1", "100.127.255.254"),
    *("gpu", "gpu-2", "gpu.local", "gpu.local.", "llm.office.internal", "box.home.arpa"),
]
FOREIGN = [
    *("api.example.com", "8.8.8.8", "172.32.0.1", "192.169.0.1", "100.128.0.1", "100.63.255.255", "2001:4860::8888"),
    *("::ffff:8.8.8.8", "::", "local.example.com", "10.0.0.1.example.com", "134744072"),
    *("0x08080808", "8.8", "192.168.1.5.nip.io", ""),
]


@pytest.mark.parametrize("host", OWN)
def test_loopback_private_link_local_and_local_names_are_own(host: str) -> None:
    assert is_own(host)


@pytest.mark.parametrize("host", FOREIGN)
def test_every_other_name_and_address_is_foreign(host: str) -> None:
    assert not is_own(host)


def tier(base_url: str, kind: str = "cloud", allow: bool = False) -> TierConfig:
    return TierConfig(name="big", kind=kind, base_url=base_url, model="m", allow_unencrypted=allow)  # type: ignore[arg-type] # one of two words


def test_unencrypted_cloud_tier_outside_the_own_networks_is_refused_with_what_to_do(paths: Paths) -> None:
    with pytest.raises(ConfigError) as refusal:
        settings_tiers.add_tier(paths, {}, tier("http://api.example.com/v1"))
    assert "https://" in str(refusal.value)
    assert "allow_unencrypted = true" in str(refusal.value)
    assert not paths.config_file.exists()


def test_file_with_such_a_tier_is_refused_until_it_is_allowed(paths: Paths) -> None:
    row = '[[tiers]]\nname = "big"\nkind = "cloud"\nbase_url = "http://api.example.com/v1"\nmodel = "m"\n'
    paths.config.mkdir(parents=True)
    paths.config_file.write_text(row)
    with pytest.raises(ConfigError, match="unencrypted"):
        settings_file.load(paths, {})
    paths.config_file.write_text(row + "allow_unencrypted = true\n")
    assert settings_file.load(paths, {}).tiers == (tier("http://api.example.com/v1", allow=True),)


@pytest.mark.parametrize(
    "allowed",
    [
        tier("https://api.example.com/v1"),
        tier("http://10.0.0.2:8000/v1"),
        tier("http://[::1]:8000/v1"),
        tier("http://gpu.example.com/v1", kind="edge"),
        tier("http://api.example.com/v1", allow=True),
    ],
)
def test_encrypted_own_edge_and_allowed_addresses_stay_allowed(allowed: TierConfig) -> None:
    settings_values.check_tier(allowed, "here")
