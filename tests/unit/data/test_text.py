"""The text normalisation that training and serving share."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentiment_retrain.data import text
from sentiment_retrain.errors import ConfigError


def test_it_is_the_file_of_the_serving_container() -> None:
    import text_normalization

    assert text.normalization_path().samefile(Path(text_normalization.__file__))
    sample = "Didn't fit!  Cost $3.50\n"
    assert text.normalize(sample) == text_normalization.normalize(sample) == "did n't fit ! cost $ 3.50"


@given(st.text())
def test_normalising_twice_changes_nothing_and_is_never_empty(review: str) -> None:
    once = text.normalize(review)
    assert once
    assert "\n" not in once
    assert text.normalize(once) == once


@given(st.text())
def test_folded_text_is_one_line(review: str) -> None:
    folded = text.fold_white_space(review)
    assert folded == folded.strip()
    assert len(folded.splitlines()) <= 1


def test_missing_file_is_a_configuration_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "retrain.yaml").touch()
    monkeypatch.setenv("SENTIMENT_RETRAIN_INCLUDE", str(tmp_path))
    text._module.cache_clear()
    with pytest.raises(ConfigError, match="text_normalization.py"):
        text.normalize("x")
