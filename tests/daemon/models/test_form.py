"""The form of a model: its quantization and chat template, read off its file."""

from __future__ import annotations

import pytest

from halfwatt.daemon.models import catalog
from halfwatt.daemon.models.form import ModelForm, form_of


@pytest.mark.parametrize(
    ("file", "template", "form"),
    [
        ("qwen2.5-coder-0.5b-instruct-q4_k_m.gguf", "…<|im_start|>…", ModelForm("q4_k_m", "chatml")),
        ("Mine-IQ3_XS.gguf", None, ModelForm("iq3_xs", "")),
        ("llama-3-8b.Q8_0.gguf", "<|start_header_id|>", ModelForm("q8_0", "llama3")),
        ("model.gguf", "", ModelForm("", "")),
    ],
)
def test_form_of_a_model_is_read_off_its_file_and_template(file: str, template: str | None, form: ModelForm) -> None:
    assert form_of(file, template) == form


def test_catalog_models_have_the_form_that_drafts_were_learned_in() -> None:
    forms = {form_of(spec.file, spec.chat_template) for spec in catalog.load().values()}
    assert forms == {ModelForm("q4_k_m", "chatml")}
