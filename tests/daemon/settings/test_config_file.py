"""Rules of the settings: file, environment, overrides, and writing one."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from halfwatt.daemon.errors import ConfigError
from halfwatt.daemon.paths import Paths
from halfwatt.daemon.settings import file as settings_file
from halfwatt.daemon.settings import tiers as settings_tiers
from halfwatt.daemon.settings.schema import Config, TierConfig

COMMENTED = """\
# my settings
[routing]
dial = "eco"  # save

[local]
threads = 3
"""
TIER = """
[[tiers]]
name = "lan"
kind = "edge"
base_url = "http://192.168.1.5:8000/v1"
model = "qwen"
"""


def write(paths: Paths, text: str) -> Path:
    paths.config.mkdir(parents=True, exist_ok=True)
    paths.config_file.write_text(text, encoding="utf-8")
    return paths.config_file


def cloud(name: str = "cloud", **fields: object) -> TierConfig:
    values: dict[str, object] = {"kind": "cloud", "base_url": "https://api.test/v1", "model": "m", **fields}
    return TierConfig(name=name, **values)  # type: ignore[arg-type] # the fields of one test


def test_without_a_file_everything_is_default_and_nothing_is_made(paths: Paths) -> None:
    assert settings_file.load(paths, {}) == Config()
    assert not paths.config.exists()


def test_override_goes_before_environment_before_file(paths: Paths) -> None:
    write(paths, '[routing]\ndial = "eco"\nroute = "local"\n[local]\nthreads = 3\n')
    environ = {"HALFWATT_ROUTING_DIAL": "quality", "HALFWATT_LOCAL_THREADS": "2", "PATH": "/bin"}
    loaded = settings_file.load_with_origins(paths, environ, {"local.threads": "1"})
    routing, local = loaded.config.routing, loaded.config.local
    assert (routing.route, routing.dial, local.threads) == ("local", "quality", 1)
    assert loaded.origins == {
        "routing.route": str(paths.config_file),
        "routing.dial": "environment variable HALFWATT_ROUTING_DIAL",
        "local.threads": "command line",
    }


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("HALFWATT_ROUTING_DIAL", "1.5", 1.5),
        ("HALFWATT_ROUTING_OFFLINE", "true", True),
        ("HALFWATT_LOCAL_CONTEXT_TOKENS", " 2048 ", 2048),
        ("HALFWATT_PRIVACY_EXCLUDE", "*.key, secret/", ("*.key", "secret/")),
        ("HALFWATT_ENERGY_RETENTION_DAYS", "none", None),
        ("HALFWATT_DAEMON_IDLE_EXIT_MIN", "2", 2.0),
    ],
)
def test_environment_gives_each_kind_of_value(paths: Paths, name: str, text: str, value: object) -> None:
    section, _, key = name.removeprefix("HALFWATT_").lower().partition("_")
    config = settings_file.load(paths, {name: text})
    assert getattr(getattr(config, section), key) == value


def test_folders_are_no_settings(clean_environ: dict[str, str], paths: Paths) -> None:
    clean_environ["HALFWATT_MODELS_DIR"] = "/x"
    assert settings_file.load(paths, clean_environ) == Config()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[routing]\ndial = "turbo"\n', "routing.dial cannot be “turbo” ({file}). Allowed: one of eco, balanced, "),
        ("[routing]\ndial = -1\n", "routing.dial cannot be “-1”"),
        ("[routing]\ndial = nan\n", "routing.dial cannot be “nan”"),
        ("[routing]\ndial = inf\n", "routing.dial cannot be “inf”"),
        ("[routing]\nleaving_price = 2.0\n", "cannot be “2.0” ({file}). Allowed: a number from 0 to 1."),
        ('[local]\nthreads = "3"\n', "local.threads cannot be “3” ({file}). Allowed: a whole number from 0 to 256."),
        ("[local]\nthreads = 3.5\n", "Allowed: a whole number"),
        ("[local]\nthreads = true\n", "Allowed: a whole number"),
        ("[routing]\noffline = 1\n", "Allowed: true or false"),
        ("[privacy]\nexclude = [1]\n", "Allowed: a list of texts"),
        ("[energy]\nwatts_per_thread = 0\n", "Allowed: a number greater than 0, or none"),
        ("[routing]\ndail = 1\n", "There is no setting “routing.dail” ({file}). Did you mean routing.dial?"),
        ("[rooting]\ndial = 1\n", "There is no section “rooting” ({file}). Did you mean routing?"),
        ("[zzzzzz]\n", "Known are: routing, local, privacy, energy, completion, telemetry, daemon, tiers."),
        ("routing = 1\n", "routing must be a table ({file})"),
        ("[routing]\ndial = \n", "{file}, line 2: this is not TOML"),
        ("[routing\n", "{file}, line 1: this is not TOML"),
        ('a = """', "{file}, line 1: this is not TOML"),
        ("[tiers]\n", "tiers must be a list of tables"),
        ("tiers = [1]\n", "tiers must be a list of tables"),
        ('[[tiers]]\nname = "a"\nkind = "cloud"\n', "tiers.a has no base_url and no model ({file})"),
        ('[[tiers]]\nname = "a"\nkind = "local"\n', "tiers.a.kind cannot be “local” ({file}). Allowed: one of "),
        ('[[tiers]]\nname = 1\n', "tiers[1].name cannot be “1”"),
        ('[[tiers]]\nname = "a"\nurl = ""\n', "no setting “tiers.a.url” ({file}). Did you mean tiers.a.base_url?"),
        (TIER + TIER, "Two tiers are named “lan” ({file})"),
        (TIER.replace("lan", "local"), "A tier cannot be named “local”"),
        (TIER.replace("lan", "a b"), "A tier cannot be named “a b”"),
        (TIER.replace("http:", "ftp:"), "The base_url of tier “lan” is not an address"),
        (TIER.replace(":8000", ":80000"), "The base_url of tier “lan” is not an address"),
        (TIER.replace('"qwen"', '""'), "Tier “lan” has no model"),
    ],
)  # fmt: skip
def test_bad_file_names_the_setting_the_place_and_what_is_allowed(paths: Paths, text: str, message: str) -> None:
    file = write(paths, text)
    with pytest.raises(ConfigError) as caught:
        settings_file.load(paths, {})
    assert message.format(file=file) in str(caught.value)


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        (
            {"HALFWATT_LOCAL_THREADS": "many"},
            "local.threads cannot be “many” (environment variable HALFWATT_LOCAL_THREADS). "
            "Allowed: a whole number from 0 to 256.",
        ),
        ({"HALFWATT_ROUTING_DAIL": "eco"}, "(environment variable HALFWATT_ROUTING_DAIL). Did you mean routing.dial?"),
        ({"HALFWATT_ROUTING_DIAL": "inf"}, "routing.dial cannot be “inf”"),
    ],
)
def test_bad_environment_names_the_variable(paths: Paths, environ: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        settings_file.load(paths, environ)
    assert message in str(caught.value)


def test_file_that_is_not_utf8_names_the_line(paths: Paths) -> None:
    paths.config.mkdir(parents=True)
    paths.config_file.write_bytes(b"[routing]\ndial = '\xff'\n")
    with pytest.raises(ConfigError, match=r"config\.toml, line 2: the settings file is not UTF-8"):
        settings_file.load(paths, {})


def test_folder_in_place_of_the_file_is_an_error(paths: Paths) -> None:
    paths.config_file.mkdir(parents=True)
    with pytest.raises(ConfigError, match="cannot be read"):
        settings_file.load(paths, {})


@pytest.mark.parametrize("field", ["key", "base_url"])
def test_key_in_the_settings_is_refused_and_not_repeated(paths: Paths, field: str) -> None:
    planted = "sk-planted0123456789"
    line = f'key = "{planted}"\n' if field == "key" else ""
    text = TIER + line if line else TIER.replace("http://", f"http://user:{planted}@")
    write(paths, text)
    with pytest.raises(ConfigError, match="halfwatt key set lan") as caught:
        settings_file.load(paths, {})
    assert planted not in str(caught.value)


# Writing


def test_set_keeps_comments_and_order(paths: Paths) -> None:
    file = write(paths, COMMENTED)
    assert settings_file.set_value(paths, "routing.dial", "0.5") == 0.5
    assert file.read_text() == COMMENTED.replace('"eco"', "0.5")


def test_set_keeps_windows_line_ends(paths: Paths) -> None:
    paths.config.mkdir(parents=True)
    paths.config_file.write_bytes(b"\xef\xbb\xbf" + COMMENTED.replace("\n", "\r\n").encode())
    settings_file.set_value(paths, "local.threads", "4")
    assert paths.config_file.read_bytes() == COMMENTED.replace("3", "4").replace("\n", "\r\n").encode()


def test_set_makes_folder_file_and_table(paths: Paths) -> None:
    settings_file.set_value(paths, "privacy.exclude", "*.key,*.pem")
    assert settings_file.load(paths, {}).privacy.exclude == ("*.key", "*.pem")


def test_set_none_takes_the_line_out(paths: Paths) -> None:
    settings_file.set_value(paths, "energy.retention_days", "30")
    settings_file.set_value(paths, "energy.retention_days", "none")
    assert "retention_days" not in paths.config_file.read_text()


def test_set_changes_one_field_of_one_tier(paths: Paths) -> None:
    write(paths, "# mine" + TIER + TIER.replace("lan", "other"))
    settings_file.set_value(paths, "tiers.other.timeout_s", "5")
    assert [tier.timeout_s for tier in settings_file.load(paths, {}).tiers] == [60.0, 5.0]
    assert paths.config_file.read_text().startswith("# mine")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("routing.dial", "turbo", "routing.dial cannot be “turbo” (command line)"),
        ("routing.dail", "eco", "Did you mean routing.dial?"),
        ("dial", "eco", "is no setting. Write it as SECTION.KEY"),
        ("tiers.lan", "eco", "There is no setting “tiers.lan”"),
        ("tiers.lan.modle", "m", "Did you mean tiers.lan.model?"),
        ("tiers.wan.model", "m", "There is no tier “wan”. Tiers: lan."),
        ("tiers.lan.name", "auto", "A tier cannot be named “auto”"),
        ("tiers.lan.base_url", "nowhere", "is not an address"),
    ],
)
def test_refused_set_leaves_the_file_alone(paths: Paths, name: str, value: str, message: str) -> None:
    file = write(paths, COMMENTED + TIER)
    with pytest.raises(ConfigError) as caught:
        settings_file.set_value(paths, name, value)
    assert message in str(caught.value)
    assert file.read_text() == COMMENTED + TIER


def test_set_in_a_broken_file_leaves_it_alone(paths: Paths) -> None:
    file = write(paths, "[routing]\ndial = \n")
    with pytest.raises(ConfigError, match="line 2: this is not TOML"):
        settings_file.set_value(paths, "routing.dial", "eco")
    assert file.read_text() == "[routing]\ndial = \n"


def test_set_keeps_mode_and_link(paths: Paths, tmp_path: Path) -> None:
    target = tmp_path / "dotfiles.toml"
    target.write_text(COMMENTED)
    target.chmod(0o640)
    paths.config.mkdir(parents=True)
    paths.config_file.symlink_to(target)
    settings_file.set_value(paths, "routing.dial", "quality")
    assert paths.config_file.is_symlink()
    assert 'dial = "quality"' in target.read_text()
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert list(tmp_path.glob(".*")) == []


def test_set_where_nothing_can_be_written_is_an_error(paths: Paths) -> None:
    paths.config.parent.mkdir(parents=True)
    paths.config.write_text("a file where the folder should be")
    with pytest.raises(ConfigError, match=r"cannot be (read|written)"):
        settings_file.set_value(paths, "routing.dial", "eco")


# Tiers


def test_first_cloud_tier_brings_the_offered_consent(paths: Paths) -> None:
    added = settings_tiers.add_tier(paths, {}, cloud(key="cloud"))
    assert added.escalation == "ask"
    config = settings_file.load(paths, {})
    assert config == added.config
    assert config.routing.escalation == "ask"
    assert config.tiers == (cloud(key="cloud"),)


@pytest.mark.parametrize("source", ["file", "environment"])
def test_chosen_consent_is_not_overwritten(paths: Paths, source: str) -> None:
    environ = {}
    if source == "file":
        write(paths, '[routing]\nescalation = "never"\n')
    else:
        environ = {"HALFWATT_ROUTING_ESCALATION": "never"}
    assert settings_tiers.add_tier(paths, environ, cloud()).escalation is None
    assert settings_file.load(paths, environ).routing.escalation == "never"


def test_consent_given_with_the_tier_is_written(paths: Paths) -> None:
    settings_tiers.add_tier(paths, {}, cloud(), escalation="auto")
    assert settings_file.load(paths, {}).routing.escalation == "auto"


def test_edge_tier_brings_no_consent(paths: Paths) -> None:
    edge = TierConfig(name="lan", kind="edge", base_url="http://10.0.0.2/v1", model="m")
    assert settings_tiers.add_tier(paths, {}, edge).escalation is None
    assert settings_tiers.add_tier(paths, {}, cloud()).escalation == "ask"


def test_second_cloud_tier_changes_no_consent(paths: Paths) -> None:
    write(paths, TIER.replace('"edge"', '"cloud"'))
    assert settings_tiers.add_tier(paths, {}, cloud()).escalation is None
    assert settings_file.load(paths, {}).routing.escalation == "never"


def test_tiers_keep_the_files_comments_and_come_in_order(paths: Paths) -> None:
    write(paths, COMMENTED + TIER)
    settings_tiers.add_tier(paths, {}, cloud())
    settings_tiers.add_tier(paths, {}, cloud("large", joules_per_token=0.4))
    text = paths.config_file.read_text()
    assert text.startswith("# my settings") and "# save" in text
    tiers = settings_file.load(paths, {}).tiers
    assert [(tier.name, tier.joules_per_token) for tier in tiers] == [("lan", None), ("cloud", None), ("large", 0.4)]


def test_tiers_written_in_one_line_can_be_edited_too(paths: Paths) -> None:
    write(paths, 'tiers = [{name = "lan", kind = "edge", base_url = "http://h/v1", model = "m"}]\n')
    settings_tiers.add_tier(paths, {}, cloud())
    assert [tier.name for tier in settings_file.load(paths, {}).tiers] == ["lan", "cloud"]
    settings_tiers.remove_tier(paths, "lan")
    assert [tier.name for tier in settings_file.load(paths, {}).tiers] == ["cloud"]


def test_removed_tier_is_gone_and_the_rest_stays(paths: Paths) -> None:
    write(paths, COMMENTED + TIER)
    settings_tiers.add_tier(paths, {}, cloud())
    assert [tier.name for tier in settings_tiers.remove_tier(paths, "lan").tiers] == ["cloud"]
    assert settings_tiers.remove_tier(paths, "cloud").tiers == ()
    assert "# my settings" in paths.config_file.read_text()
    with pytest.raises(ConfigError, match=r"There is no tier “lan”\. Tiers: none; add one"):
        settings_tiers.remove_tier(paths, "lan")


@pytest.mark.parametrize(
    ("tier", "escalation", "message"),
    [
        (cloud("lan"), None, "There is a tier “lan” already"),
        (cloud("auto"), None, "A tier cannot be named “auto”"),
        (cloud(base_url="api.test"), None, "is not an address"),
        (cloud(key="sk-planted"), None, "must be the name of a stored key"),
        (cloud(), "perhaps", "routing.escalation cannot be “perhaps”"),
    ],
)
def test_refused_tier_leaves_the_file_alone(
    paths: Paths, tier: TierConfig, escalation: str | None, message: str
) -> None:
    file = write(paths, TIER)
    with pytest.raises(ConfigError) as caught:
        settings_tiers.add_tier(paths, {}, tier, escalation)
    assert message in str(caught.value)
    assert file.read_text() == TIER
