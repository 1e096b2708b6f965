"""Keys on the way to a tier: one that cannot be used counts as missing and is told; no request waits twice for one."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from fake_api import serving

from halfwatt.daemon.energy.readings import Reading
from halfwatt.daemon.errors import ConfigError
from halfwatt.daemon.inference.answer import Cancellation
from halfwatt.daemon.inference.outgoing import outgoing
from halfwatt.daemon.inference.request import GenerationRequest, PromptShape
from halfwatt.daemon.paths import Paths
from halfwatt.daemon.settings.schema import Config, TierConfig
from halfwatt.daemon.tiers import keys
from halfwatt.daemon.tiers.keys import KeyFound
from halfwatt.daemon.tiers.remote import KEY_AGE_S, MISSING_KEY_AGE_S, RemoteTiers
from halfwatt.daemon.wire import RequestOptions

TIER = TierConfig(name="big", kind="cloud", base_url="https://cloud.example/v1", model="m", key="big")
FREE = TierConfig(name="lan", kind="edge", base_url="http://10.0.0.2/v1", model="m")


async def answered(tiers: RemoteTiers, tier: TierConfig) -> list[Reading]:
    """Ask a tier and read its whole answer; the joules that it used."""
    messages = ({"role": "user", "content": "write add"},)
    used: list[Reading] = []
    request = GenerationRequest("r1", "chat", "auto", RequestOptions(), messages)
    assert [item async for item in tiers.answer(request, tier, Cancellation(), used.append)]
    return used


def key_file(paths: Paths, mode: int) -> Path:
    file = keys.key_file("big", paths)
    file.parent.mkdir(parents=True, mode=0o700)
    file.write_text("planted-key-123")
    file.chmod(mode)
    return file


async def test_key_file_that_others_can_read_counts_as_no_key_and_is_told(
    paths: Paths, clean_environ: dict[str, str]
) -> None:
    key_file(paths, 0o644)
    tiers = RemoteTiers(paths, clean_environ)
    assert await tiers.has_key(Config(tiers=(TIER, FREE))) == {"big": False, "lan": True}
    (problem,) = tiers.problems
    assert "must be 0600" in problem
    assert "planted-key" not in problem + repr(vars(tiers))
    with pytest.raises(ConfigError):
        await answered(tiers, TIER)


async def test_tier_whose_joules_are_unknown_is_told_with_the_reason_until_they_are_known(
    paths: Paths, clean_environ: dict[str, str]
) -> None:
    tiers = RemoteTiers(paths, clean_environ)
    with serving() as api:
        here = msgspec.structs.replace(FREE, name="big", base_url=f"http://127.0.0.1:{api.port}/v1")
        (unknown,) = await answered(tiers, msgspec.structs.replace(here, model="a model of nobody"))
        (problem,) = tiers.problems
        assert unknown.j is None
        assert problem.startswith("The energy of tier big is unknown: EcoLogits")
        assert "joules_per_token" in problem
        (known,) = await answered(tiers, msgspec.structs.replace(here, model="gpt-4o-mini"))
        assert known.j is not None
        assert tiers.problems == ()
    await tiers.close()


class Counter:
    """Stands in for the clock and counts how often a key is looked for; each look takes `look_s`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, look_s: float, found: KeyFound | None) -> None:
        self.now_s, self.n_looks, self._look_s, self._found = 100.0, 0, look_s, found
        monkeypatch.setattr(keys, "find_key", self._find)
        monkeypatch.setattr(time, "monotonic", lambda: self.now_s)

    def _find(self, *_: object) -> KeyFound | None:
        self.n_looks += 1
        self.now_s += self._look_s
        return self._found


@pytest.mark.parametrize(
    ("look_s", "found", "asked_again_after_s"),
    [
        (0.1, None, MISSING_KEY_AGE_S),
        (15.0, None, KEY_AGE_S),
        (0.1, KeyFound("k", "keyring", "x"), KEY_AGE_S),
    ],
    ids=["missing", "locked keyring", "there"],
)
async def test_looking_for_a_key_is_not_repeated_at_every_request(
    paths: Paths, monkeypatch: pytest.MonkeyPatch, look_s: float, found: KeyFound | None, asked_again_after_s: float
) -> None:
    tiers = RemoteTiers(paths, {})
    clock = Counter(monkeypatch, look_s, found)
    for wait_s, n_looks in ((0.0, 1), (asked_again_after_s - 0.1, 1), (0.2, 2)):
        clock.now_s += wait_s
        await tiers.has_key(Config(tiers=(TIER,)))
        assert clock.n_looks == n_looks


def marked(shape: PromptShape) -> tuple[GenerationRequest, list[str]]:
    """A request with a text of its own in every field that can hold one, found by the field's type; and these texts."""
    marks: list[str] = []

    def mark() -> str:
        marks.append(f"mark{len(marks):03d}end")
        return marks[-1]

    options: dict[str, Any] = {
        each.name: mark()
        for each in msgspec.structs.fields(RequestOptions)
        if each.type in (str, str | None) or ("str" in str(each.type) and "Literal" not in str(each.type))
    }
    fields: dict[str, Any] = {}
    for each in dataclasses.fields(GenerationRequest):
        if "dict" in str(each.type):
            fields[each.name] = ({"role": "user", "content": mark()}, {"role": "user", "content": mark()})
        elif str(each.type).startswith("tuple[str"):
            fields[each.name] = tuple(mark() for _ in range(6))
        elif str(each.type) in ("str", "str | None"):
            fields[each.name] = mark()
    return GenerationRequest(**fields | {"shape": shape, "options": RequestOptions(**options)}), marks


@pytest.mark.parametrize("shape", get_args(PromptShape))
async def test_every_text_that_reaches_a_server_was_searched_for_secrets(
    shape: PromptShape, paths: Paths, clean_environ: dict[str, str]
) -> None:
    """Holds for fields that are added later, too: they are found by their types."""
    request, marks = marked(shape)
    searched = "\n".join(outgoing(request).texts())
    tiers = RemoteTiers(paths, clean_environ)
    with serving() as api:
        tier = msgspec.structs.replace(FREE, base_url=f"http://127.0.0.1:{api.port}/v1")
        assert [item async for item in tiers.answer(request, tier, Cancellation(), lambda reading: None)]
        sent = f"{api.seen[0].path} {api.seen[0].headers} {api.seen[0].body}"
    await tiers.close()
    arrived = [mark for mark in marks if mark in sent]
    assert len(arrived) >= 2
    assert [mark for mark in arrived if mark not in searched] == []
