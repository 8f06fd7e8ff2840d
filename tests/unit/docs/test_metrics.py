"""docs/metrics.md names metrics that Airflow sends, under the names that it sends them with."""

import re
from pathlib import Path

import airflow
import pytest
import yaml

PAGE = Path(__file__).parents[3] / "docs" / "metrics.md"
REGISTRY = Path(airflow.__file__).parent / "_shared/observability/metrics/metrics_template.yaml"


def known_metrics() -> dict[str, str]:
    """Airflow's own list: each name, with the name that StatsD sends besides, "-" where there is none."""
    metrics = yaml.safe_load(REGISTRY.read_text(encoding="utf-8"))["metrics"]
    return {metric["name"]: metric["legacy_name"] for metric in metrics}


def alert_rows() -> list[list[str]]:
    section = PAGE.read_text(encoding="utf-8").split("## Metrics of Airflow worth an alert")[1]
    rows = re.findall(r"^\| (`.+) \|$", section, flags=re.MULTILINE)
    return [[cell.strip() for cell in row.split("|")] for row in rows]


@pytest.mark.parametrize("row", alert_rows(), ids=lambda row: row[0])
def test_a_metric_to_alert_on_is_one_that_airflow_sends(row: list[str]) -> None:
    names = re.findall(r"`([\w.]+)`", row[0])
    assert names, row
    assert set(names) <= known_metrics().keys()


@pytest.mark.parametrize("row", alert_rows(), ids=lambda row: row[0])
def test_a_name_with_names_in_it_is_what_statsd_sends(row: list[str]) -> None:
    (name, *_), legacy = re.findall(r"`([\w.]+)`", row[0]), row[3].strip("`") or "-"
    assert known_metrics()[name] == legacy


def test_the_table_was_found() -> None:
    assert len(alert_rows()) > 10
