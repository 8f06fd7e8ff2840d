"""docs/configuration.md says what the settings model and the YAML files say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import BaseModel, Field

from launcher import reference
from sentiment_retrain.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

YAML = """\
# --- Names ----------------------------------------------------------------
# Two lines,
# one meaning.
name: x
bounds: {least: 1}   # of both sides
deep:
  inner: null  # beside
               # and below
"""


class Deep(BaseModel):
    inner: int | None = Field(default=None, ge=0, description="In the model.")


class Small(BaseModel):
    name: str
    deep: Deep


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    load_settings.cache_clear()
    yield
    load_settings.cache_clear()


def test_page_is_what_make_docs_writes() -> None:
    assert reference.page() == reference.TARGET.read_text(encoding="utf-8"), "stale: run `make docs`"


def test_comments_above_beside_and_below_belong_to_their_key() -> None:
    found = reference.entries(YAML)
    assert found["name"] == ("Names", "x", "Two lines, one meaning.")
    assert found["bounds"].meaning == "of both sides"
    assert found["bounds.least"] == ("Names", 1, "")
    assert found["deep.inner"].meaning == "beside and below"


def test_rows_join_what_model_and_file_say() -> None:
    found = list(reference.rows(Small, reference.entries(YAML)))
    assert found[0] == ("name", "text", "`x`", "Two lines, one meaning.")
    kind = "integer or null at least 0"
    assert found[1] == ("deep.inner", kind, "`null`", "In the model. beside and below")


def test_a_setting_that_nobody_describes_is_refused() -> None:
    with pytest.raises(ValueError, match="name is described nowhere"):
        list(reference.rows(Small, reference.entries("name: x\n")))
