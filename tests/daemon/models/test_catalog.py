"""Rules of the catalog and of the choice behind `auto`."""

from __future__ import annotations

from pathlib import Path

import pytest

from halfwatt.daemon.errors import ModelError
from halfwatt.daemon.models import catalog, hardware
from halfwatt.daemon.models.catalog import HubSource, LocalSource, WheelSource

GIB = 1 << 30


def test_each_default_model_is_pinned_and_licensed() -> None:
    models = catalog.load()
    assert list(models) == ["qwen2.5-coder-0.5b", "qwen2.5-coder-1.5b"]
    for spec in models.values():
        assert spec.licence == "Apache-2.0"
        assert spec.sha256 and len(spec.sha256) == 64
        assert spec.path is None


def test_each_default_model_has_three_kinds_of_sources_in_order() -> None:
    for spec in catalog.load().values():
        assert [type(source) for source in spec.sources] == [LocalSource, HubSource, WheelSource]


def test_parts_of_wheels_add_up_to_the_file() -> None:
    for spec in catalog.load().values():
        wheels = next(source for source in spec.sources if isinstance(source, WheelSource))
        assert spec.bytes is not None
        assert (wheels.n_parts - 1) * wheels.part_bytes < spec.bytes <= wheels.n_parts * wheels.part_bytes


def test_chat_template_renders_as_chatml() -> None:
    jinja2 = pytest.importorskip("jinja2")
    template = catalog.load()["qwen2.5-coder-0.5b"].chat_template
    messages = [{"role": "system", "content": "be brief"}, {"role": "user", "content": "  add "}]
    text = jinja2.Template(template).render(messages=messages, add_generation_prompt=True)
    assert text == (
        "<|im_start|>system\nbe brief<|im_end|>\n<|im_start|>user\n  add <|im_end|>\n<|im_start|>assistant\n"
    )


@pytest.mark.parametrize(
    ("memory_bytes", "cores", "expected"),
    [
        (16 * GIB, 8, "qwen2.5-coder-1.5b"),
        (16 * GIB, 2, "qwen2.5-coder-0.5b"),
        (4 * GIB, 8, "qwen2.5-coder-0.5b"),
        (1 * GIB, 1, "qwen2.5-coder-0.5b"),
    ],
)
def test_auto_takes_the_largest_model_that_suits(memory_bytes: int, cores: int, expected: str) -> None:
    assert catalog.choose_model(catalog.load().values(), memory_bytes, cores).id == expected


def test_memory_is_what_the_control_group_allows(tmp_path: Path) -> None:
    limit = tmp_path / "memory.max"
    limit.write_text("1000000\n")
    assert hardware.memory_bytes((str(limit), str(tmp_path / "missing"))) == 1_000_000
    limit.write_text("max\n")
    assert hardware.memory_bytes((str(limit),)) > 1_000_000
    assert hardware.cores() >= 1


def test_unknown_model_names_the_near_one() -> None:
    with pytest.raises(ModelError, match=r"qwen2.5-coder-0.5c.*Did you mean qwen2.5-coder-0.5b\?"):
        catalog.find_model(catalog.load(), "qwen2.5-coder-0.5c")
    with pytest.raises(ModelError, match=r"Known are: qwen2.5-coder-0.5b, qwen2.5-coder-1.5b"):
        catalog.find_model(catalog.load(), "zzz")


def test_own_gguf_leaves_its_templates_to_its_metadata(tmp_path: Path) -> None:
    path = tmp_path / "mine.gguf"
    path.write_bytes(b"GGUF\x03\0\0\0rest")
    spec = catalog.own_model(str(path))
    assert (spec.id, spec.path, spec.bytes) == ("mine", path, 12)
    assert spec.sha256 is None
    assert spec.chat_template is None
    assert spec.fim is None


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"GGUF", "not a GGUF file"), (b"PK\x03\x04 zip", "not a GGUF file"), (b"GGUF\x09\0\0\0", "GGUF version 9")],
)
def test_own_file_that_cannot_be_a_model_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "mine.gguf"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=message):
        catalog.own_model(str(path))


def test_own_file_that_is_missing_says_what_to_correct(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"cannot be read: No such file.*halfwatt config set local.model"):
        catalog.own_model(str(tmp_path / "none.gguf"))


@pytest.mark.parametrize(
    ("name", "expected"),
    [("qwen2.5-coder-0.5b", False), ("auto", False), ("m.gguf", True), ("~/m", True), ("/x/y", True), ("..\\m", True)],
)
def test_a_path_is_told_from_an_id(name: str, expected: bool) -> None:
    assert catalog.is_path(name) is expected
