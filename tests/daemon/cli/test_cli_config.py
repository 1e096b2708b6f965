"""Rules of `halfwatt config`: what it prints, where, and with which exit code."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner, Result

from halfwatt.daemon.cli.config import app
from halfwatt.daemon.paths import Paths
from halfwatt.daemon.settings import file as settings_file

CLOUD = ("add-tier", "cloud", "--kind", "cloud", "--base-url", "https://api.test/v1", "--model", "small")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def test_path_names_the_file_and_makes_none(paths: Paths) -> None:
    assert run("path").stdout == f"{paths.config_file}\n"
    assert json.loads(run("path", "--json").stdout) == {"file": str(paths.config_file), "exists": False}
    assert not paths.config.exists()


def test_show_names_where_a_setting_came_from(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    run("set", "routing.dial", "eco")
    monkeypatch.setenv("HALFWATT_LOCAL_THREADS", "2")
    shown = run("show").stdout
    assert f'dial = "eco"    # {paths.config_file}' in shown
    assert "threads = 2    # environment variable HALFWATT_LOCAL_THREADS" in shown
    assert "queue = 8\n" in shown


def test_show_json_is_one_object(paths: Paths) -> None:
    run(*CLOUD)
    shown = json.loads(run("show", "--json").stdout)
    assert shown["file"] == str(paths.config_file)
    assert shown["settings"]["tiers"][0]["base_url"] == "https://api.test/v1"
    assert shown["settings"]["energy"]["retention_days"] is None
    assert shown["origins"] == {"routing.escalation": str(paths.config_file)}


def test_broken_file_is_one_sentence_and_exit_code_2(paths: Paths) -> None:
    paths.config.mkdir(parents=True)
    paths.config_file.write_text("[routing]\ndial = \n")
    for arguments in (["show"], ["show", "--json"], ["set", "routing.dial", "eco"]):
        result = run(*arguments)
        assert (result.exit_code, result.stdout) == (2, "")
        assert f"{paths.config_file}, line 2: this is not TOML" in result.stderr
        assert result.stderr.count("\n") == 1


def test_set_writes_and_says_what(paths: Paths) -> None:
    assert run("set", "routing.offline", "true").stdout == "routing.offline = true\n"
    assert json.loads(run("set", "privacy.exclude", "a,b", "--json").stdout)["value"] == ["a", "b"]
    assert settings_file.load(paths, {}).privacy.exclude == ("a", "b")


def test_set_refuses_a_bad_value_with_what_is_allowed(paths: Paths) -> None:
    for value in ("-1", "turbo"):
        result = run("set", "routing.dial", value)
        assert result.exit_code == 2
        assert "Allowed: one of eco, balanced, quality, or a number from 0." in result.stderr
    assert not paths.config_file.exists()


def test_set_warns_where_the_environment_goes_first(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HALFWATT_ROUTING_DIAL", "quality")
    assert "HALFWATT_ROUTING_DIAL is set and goes before the file" in run("set", "routing.dial", "eco").stderr


def test_first_cloud_tier_says_what_consent_it_brings_and_where_the_key_goes(paths: Paths) -> None:
    shown = run(*CLOUD).stdout
    assert "Consent to leave this machine is “ask”" in shown
    assert "halfwatt key set cloud" in shown
    assert settings_file.load(paths, {}).tiers[0].key == "cloud"


def test_tier_without_a_key_can_be_asked_for(paths: Paths) -> None:
    assert "key set" not in run(*CLOUD, "--key", "", "--escalation", "never").stdout
    config = settings_file.load(paths, {})
    assert (config.tiers[0].key, config.routing.escalation) == ("", "never")


def test_refused_tier_is_exit_code_2(paths: Paths) -> None:
    run(*CLOUD)
    before = paths.config_file.read_text()
    for arguments in (CLOUD, CLOUD[:-2], (*CLOUD[:-1], ""), ("remove-tier", "lan")):
        assert run(*arguments).exit_code == 2
    assert paths.config_file.read_text() == before


def test_remove_tier_takes_it_out(paths: Paths) -> None:
    run(*CLOUD)
    assert json.loads(run("remove-tier", "cloud", "--json").stdout) == {"removed": "cloud", "tiers": []}
    assert settings_file.load(paths, {}).tiers == ()
