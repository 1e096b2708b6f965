"""`halfwatt doctor` finds what is wrong, says what to do, and changes nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from running_daemon import environ_for, halfwatt, running

from halfwatt.daemon.paths import user_paths

CLOUD = '[[tiers]]\nname = "big"\nkind = "cloud"\nbase_url = "https://cloud.example/v1"\nmodel = "m"\nkey = "big"\n'


def checks(environ: dict[str, str]) -> dict[str, dict[str, Any]]:
    done = halfwatt(environ, "doctor", "--json")
    report = json.loads(done.stdout)
    assert report["ok"] == (done.returncode == 0)
    return {check["name"]: check for check in report["checks"]}


def write_settings(environ: dict[str, str], text: str) -> None:
    paths = user_paths(environ)
    paths.config.mkdir(parents=True, exist_ok=True)
    paths.config_file.write_text(text)


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return environ_for(tmp_path / "home")


def test_fresh_machine_lacks_a_model_and_is_told_how_to_get_one(environ: dict[str, str]) -> None:
    found = checks(environ)
    assert found["model"]["verdict"] == "fail"
    assert "halfwatt models pull" in found["model"]["to_do"]
    assert found["config"]["verdict"] == found["python"]["verdict"] == found["daemon"]["verdict"] == "ok"


def test_looking_changes_nothing(environ: dict[str, str]) -> None:
    home = Path(environ["HALFWATT_HOME"])
    halfwatt(environ, "doctor")
    assert [path for path in home.rglob("*") if path.is_file()] == []


def test_real_model_is_found_and_verified(environ: dict[str, str], model_path: Path) -> None:
    environ |= {"HALFWATT_MODELS_DIR": str(model_path.parent), "HALFWATT_LOCAL_MODEL": "qwen2.5-coder-0.5b"}
    assert checks(environ)["model"] == {
        "name": "model",
        "verdict": "ok",
        "found": "qwen2.5-coder-0.5b, verified",
        "to_do": "",
    }


def test_broken_settings_are_named_and_the_other_checks_go_on(environ: dict[str, str]) -> None:
    write_settings(environ, '[local]\nthreads = "many"\n')
    found = checks(environ)
    assert found["config"]["verdict"] == "fail"
    assert "local.threads" in found["config"]["found"]
    assert "disk" in found


def test_tier_without_its_key_is_named(environ: dict[str, str]) -> None:
    write_settings(environ, CLOUD)
    found = checks(environ)
    assert (found["tiers"]["verdict"], found["keyring"]["verdict"]) == ("warn", "warn")
    assert "halfwatt key set big" in found["tiers"]["to_do"]


def test_tier_whose_joules_cannot_be_estimated_is_named_with_the_reason(environ: dict[str, str]) -> None:
    assert checks(environ)["estimates"]["verdict"] == "ok"
    write_settings(environ, CLOUD)
    found = checks(environ)["estimates"]
    assert found["verdict"] == "warn"
    assert "no joules for big" in found["found"]
    assert "does not know this model" in found["found"]
    write_settings(environ, CLOUD + "joules_per_token = 0.5\n")
    assert checks(environ)["estimates"]["verdict"] == "ok"


def test_damaged_ledger_is_found(environ: dict[str, str]) -> None:
    paths = user_paths(environ)
    paths.data.mkdir(parents=True)
    paths.ledger_file.write_bytes(b"this is not SQLite, whatever its name says" * 50)
    found = checks(environ)
    assert found["ledger"]["verdict"] == "fail"
    assert paths.ledger_file.read_bytes().startswith(b"this is not SQLite")


def test_running_daemon_is_found(environ: dict[str, str]) -> None:
    with running(environ) as daemon:
        assert f"process {daemon.pid}" in checks(environ)["daemon"]["found"]


def test_report_for_a_person_has_a_line_each(environ: dict[str, str]) -> None:
    said = halfwatt(environ, "doctor").stdout.splitlines()
    assert sum(line.startswith(("✓", "!", "✗")) for line in said) >= 11
    assert all(line.startswith(("✓ ", "! ", "✗ ", "    → ", "    · ")) for line in said)


def test_report_names_every_meter_candidate_and_which_were_only_simulated(environ: dict[str, str]) -> None:
    candidates = [line for line in halfwatt(environ, "doctor").stdout.splitlines() if line.startswith("    · ")]
    assert [candidate.split(":")[0].strip(" ·") for candidate in candidates] == [
        "NVIDIA NVML (not run on hardware)",
        "Apple Silicon (not run on hardware)",
        "Windows EMI (not run on hardware)",
        "RAPL (not run on hardware)",
        "CPU-time model",
    ]
    assert sum("in use" in candidate for candidate in candidates) >= 1
