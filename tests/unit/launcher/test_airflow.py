from __future__ import annotations

import json
import os
import stat
from typing import TYPE_CHECKING

import pytest

from launcher import airflow, localaws
from launcher.failures import RefusedError

if TYPE_CHECKING:
    from pathlib import Path

    from launcher.places import Places

API, AWS = "http://127.0.0.1:8081", "http://127.0.0.1:4567"


def test_no_setting_of_the_users_own_aws_or_airflow_reaches_a_task(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "real")
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "CeleryExecutor")
    monkeypatch.setenv("PYTHONPATH", "/somewhere")

    environment = airflow.environment(places, API, AWS)

    assert environment["AWS_ENDPOINT_URL"] == AWS
    assert environment["AIRFLOW__CORE__EXECUTOR"] == "LocalExecutor"
    assert not {"AWS_PROFILE", "AWS_SESSION_TOKEN", "PYTHONDONTWRITEBYTECODE"} & set(environment)
    assert "/somewhere" not in environment["PYTHONPATH"]


def test_who_watches_runs_is_the_users_own_choice(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    wishes = {
        "AIRFLOW_CONN_PAGER": "http://hooks.example",
        "AIRFLOW__METRICS__OTEL_ON": "True",
        "AIRFLOW__OPENLINEAGE__TRANSPORT": '{"type": "console"}',
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318",
    }
    for name, value in wishes.items():
        monkeypatch.setenv(name, value)

    assert wishes.items() <= airflow.environment(places, API, AWS).items()


def test_everything_listens_and_talks_on_loopback(places: Places) -> None:
    environment = airflow.environment(places, API, AWS)

    assert environment["AIRFLOW__API__HOST"] == "127.0.0.1"
    assert environment["AIRFLOW__API__PORT"] == "8081"
    assert environment["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == f"{API}/execution/"


def test_secrets_are_made_once_differ_and_belong_to_their_owner_alone(places: Places) -> None:
    first = airflow.environment(places, API, AWS)
    again = airflow.environment(places, API, AWS)
    word = airflow.password(places)

    assert first["AIRFLOW__API_AUTH__JWT_SECRET"] == again["AIRFLOW__API_AUTH__JWT_SECRET"]
    secrets = {first["AIRFLOW__API_AUTH__JWT_SECRET"], first["AIRFLOW__API__SECRET_KEY"], word}
    assert len(secrets) == 3
    assert all(len(secret) >= 32 for secret in secrets)
    assert json.loads((places.airflow_home / "passwords.json").read_text()) == {"admin": word}
    for path in places.airflow_home.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_overlay_of_the_users_own_is_laid_over_the_laptops(
    places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sentiment_retrain.settings import load_settings

    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text("deployment: {bake_seconds: 1}\n")
    monkeypatch.setenv("SENTIMENT_RETRAIN_CONFIG", "mine.yaml")

    files = airflow.environment(places, API, AWS)["SENTIMENT_RETRAIN_CONFIG"]

    ours, theirs = files.split(os.pathsep)
    assert ours.endswith("include/launcher/laptop.yaml")
    assert theirs == str(tmp_path / "mine.yaml")
    monkeypatch.setenv("SENTIMENT_RETRAIN_CONFIG", files)
    assert airflow.overlay() == files
    load_settings.cache_clear()
    assert (load_settings().deployment.bake_seconds, load_settings().deployment.instance_count) == (1, 1)
    load_settings.cache_clear()


def test_an_overlay_that_is_not_there_is_refused_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SENTIMENT_RETRAIN_CONFIG", "/nowhere/mine.yaml")
    with pytest.raises(RefusedError, match="/nowhere/mine.yaml"):
        airflow.overlay()


def test_the_overlay_for_a_laptop_is_a_valid_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    from sentiment_retrain.settings import load_settings

    load_settings.cache_clear()
    production = load_settings()
    load_settings.cache_clear()
    monkeypatch.setenv("SENTIMENT_RETRAIN_CONFIG", airflow.overlay())

    laptop = load_settings()

    assert laptop.poll_seconds < production.poll_seconds
    assert laptop.gates == production.gates


def test_the_stand_in_runs_without_any_aws_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "real")
    monkeypatch.setenv("AWS_CA_BUNDLE", "bundle.pem")

    environment = localaws.server_environment()

    assert [name for name in environment if name.startswith("AWS_")] == ["AWS_EC2_METADATA_DISABLED"]


def test_a_run_is_refused_while_airflow_has_other_settings(
    places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_migration(_places: Places, _env: dict[str, str]) -> None:
        pass

    one, other = tmp_path / "one.yaml", tmp_path / "other.yaml"
    one.write_text("window_days: 1\n")
    other.write_text("window_days: 1\n")
    places.airflow_home.mkdir(parents=True)
    monkeypatch.setattr(airflow, "migrate", no_migration)
    monkeypatch.setattr(airflow, "_is_warm", bool)
    monkeypatch.setattr(airflow, "_airflow", lambda *_arguments: ["sleep", "60"])
    monkeypatch.setenv("SENTIMENT_RETRAIN_CONFIG", str(one))
    airflow.start(places, AWS)
    try:
        airflow.require_same_settings(places)
        monkeypatch.setenv("SENTIMENT_RETRAIN_CONFIG", str(other))
        with pytest.raises(RefusedError, match=r"with the settings \S+one.yaml, .*other.yaml") as caught:
            airflow.require_same_settings(places)
        assert (caught.value.code, "make down" in caught.value.remedy) == ("LOCAL_CONFIG", True)
        monkeypatch.setenv("SENTIMENT_RETRAIN_CONFIG", str(one))
        one.write_text("window_days: 2\n")
        with pytest.raises(RefusedError, match="changed since Airflow was started"):
            airflow.require_same_settings(places)
    finally:
        airflow.stop(places)
    airflow.require_same_settings(places)
