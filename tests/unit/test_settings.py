"""Configuration: found anywhere, overridable, and clear about mistakes."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from sentiment_retrain import settings as module
from sentiment_retrain.error_base import runbook_entry
from sentiment_retrain.errors import ConfigError

from . import samples

INCLUDE = Path(__file__).resolve().parents[2] / "include"


@pytest.fixture(autouse=True)
def _fresh() -> None:
    module.load_settings.cache_clear()


def test_shipped_configuration_is_valid_and_has_no_account_in_it() -> None:
    shipped = module.load_settings()
    assert shipped.bucket is None
    assert shipped.role_arn is None
    assert shipped.jobs.blazingtext.wire_hyperparameters()["early_stopping"] == "False"


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        module.load_settings().bucket = "other"


def test_include_is_found_from_any_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert module.include_directory() == INCLUDE


def test_named_include_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(INCLUDE / "config", tmp_path / "config")
    monkeypatch.setenv("SENTIMENT_RETRAIN_INCLUDE", str(tmp_path))
    assert module.include_directory() == tmp_path


def test_wrong_include_says_where_it_looked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENTIMENT_RETRAIN_INCLUDE", str(tmp_path))
    with pytest.raises(ConfigError, match=str(tmp_path)):
        module.load_settings()


def test_environment_and_overlay_win_over_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text("poll_seconds: 2\nbucket: from-overlay\njobs: {autopilot: {max_candidates: 7}}\n")
    monkeypatch.setenv("SENTIMENT_RETRAIN_CONFIG", str(overlay))
    monkeypatch.setenv("SENTIMENT_RETRAIN_BUCKET", "from-environment")
    loaded = module.load_settings()
    assert (loaded.poll_seconds, loaded.bucket) == (2, "from-environment")
    assert loaded.jobs.autopilot.max_candidates == 7
    assert loaded.jobs.autopilot.objective == "F1macro"


def test_an_overlay_says_where_the_runbook_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text("runbook_url: https://wiki.example.com:8443/retrain?page=runbook\n")
    assert runbook_entry("SR-GATE-009") == "docs/runbook.md#sr-gate-009"
    monkeypatch.setenv("SENTIMENT_RETRAIN_CONFIG", str(overlay))
    module.load_settings()
    assert runbook_entry("SR-GATE-009") == "https://wiki.example.com:8443/retrain?page=runbook#sr-gate-009"
    monkeypatch.delenv("SENTIMENT_RETRAIN_CONFIG")
    module.load_settings.cache_clear()
    module.load_settings()
    assert runbook_entry(None) == "docs/runbook.md#sr-general-001"


def test_a_runbook_that_no_browser_may_open_is_refused() -> None:
    with pytest.raises(ConfigError, match="runbook_url"):
        samples.settings(runbook_url="javascript:alert(1)")


def test_gates_can_be_overlaid_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text("gates: {refused_rows: {fail: 0.5}}\n")
    monkeypatch.setenv("SENTIMENT_RETRAIN_CONFIG", str(overlay))
    assert module.load_settings().gates.refused_rows.fail == 0.5
    assert module.load_settings().gates.refused_rows.warn == 0.05


def test_of_several_overlays_the_later_one_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    first.write_text("poll_seconds: 2\nwindow_days: 7\n")
    second.write_text("poll_seconds: 3\n")
    monkeypatch.setenv("SENTIMENT_RETRAIN_CONFIG", f"{first}:{second}")
    assert (module.load_settings().poll_seconds, module.load_settings().window_days) == (3, 7)


def test_settings_are_read_once_a_process() -> None:
    assert module.load_settings() is module.load_settings()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"deployment": {"strategy": "quickly"}}, "use 'all_at_once', 'canary' or 'linear'"),
        ({"datasets": {"sed": 3}}, "no such setting; use seed"),
        ({"jobs": {"blazingtext": {"instance_typ": "x"}}}, "use instance_type"),
        ({"datasets": {"test_fraction": 0.95}}, "below 0.9"),
        ({"sentiment": {"star_rating": {"negative_max": 4}}}, "negative_max < positive_min"),
        ({"defaults": {"contenders": ["autopilot", "autopilot"]}}, "each contender once"),
        ({"prefix": "Has_Capitals"}, "prefix"),
    ],
)
def test_mistakes_are_answered_with_what_can_be_used(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        samples.settings(**changes)
    assert said in str(caught.value)


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ConfigError, match="2 unusable"):
        samples.settings(prefix="_", selection={"metric": "luck"})


@pytest.mark.parametrize("content", ["a: [", "- 1\n- 2\n", "\tx: 1"])
def test_unusable_overlay_is_named(content: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text(content)
    monkeypatch.setenv("SENTIMENT_RETRAIN_CONFIG", str(overlay))
    with pytest.raises(ConfigError, match="overlay.yaml"):
        module.load_settings()


def test_missing_overlay_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENTIMENT_RETRAIN_CONFIG", str(tmp_path / "none.yaml"))
    with pytest.raises(ConfigError, match="none.yaml cannot be read"):
        module.load_settings()


def test_needed_bucket_and_role_say_how_to_give_them() -> None:
    shipped = module.load_settings()
    with pytest.raises(ConfigError, match="SENTIMENT_RETRAIN_BUCKET"):
        module.required_bucket(shipped)
    with pytest.raises(ConfigError, match="SENTIMENT_RETRAIN_ROLE_ARN"):
        module.required_role_arn(shipped)
    assert module.required_bucket(samples.settings(bucket="reviews")) == "reviews"


def test_merging_replaces_lists_and_merges_mappings() -> None:
    base = {"a": {"x": 1, "y": [1, 2]}, "b": 1}
    assert module.merged(base, {"a": {"y": [3]}, "c": None}) == {"a": {"x": 1, "y": [3]}, "b": 1, "c": None}
    assert base == {"a": {"x": 1, "y": [1, 2]}, "b": 1}


@pytest.mark.parametrize("path", sorted((INCLUDE / "config").glob("*.yaml")), ids=lambda path: path.name)
def test_every_file_explains_itself(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# ")
    assert isinstance(yaml.safe_load(text), dict)
