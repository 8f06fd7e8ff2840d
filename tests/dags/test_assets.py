"""Assets: what each task says of them, and that docs/metrics.md tells it as it is."""

from __future__ import annotations

import re
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from airflow import _shared
from airflow.sdk import Asset
from airflow.sdk.execution_time.context import OutletEventAccessors

from sentiment_retrain.operators import base, verify
from sentiment_retrain.runs import assets
from sentiment_retrain.settings import load_settings

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag

CHECKOUT = Path(__file__).resolve().parents[2]
PAGE = (CHECKOUT / "docs" / "metrics.md").read_text(encoding="utf-8")
DAG_ID = "review_sentiment_retrain"


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory) -> DagBag:
    """Our DAG, and the one that the page shows."""
    from airflow.dag_processing.dagbag import DagBag

    folder = tmp_path_factory.mktemp("dags")
    (shown,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    (folder / "after_a_new_model.py").write_text(shown)
    (folder / "ours.py").write_text((CHECKOUT / "dags" / f"{DAG_ID}.py").read_text())
    found = DagBag(dag_folder=str(folder))
    assert found.import_errors == {}
    return found


def emitted(bag: DagBag) -> dict[str, set[str]]:
    """By asset the tasks that say that it is new."""
    found: dict[str, set[str]] = {}
    for task in bag.dags[DAG_ID].tasks:
        for outlet in task.outlets:
            assert isinstance(outlet, Asset)
            found.setdefault(outlet.name, set()).add(task.task_id)
    return found


def test_page_names_every_asset_and_its_tasks(bag: DagBag) -> None:
    rows = re.findall(r"^\| `(sentiment-retrain-\w+)` \| (.+?) \|", PAGE, re.MULTILINE)
    assert {name: set(re.findall(r"`([\w.]+)`", tasks)) for name, tasks in rows} == emitted(bag)
    assert {name.rpartition("-")[2] for name, _ in rows} == set(assets.KINDS)


def test_dag_of_the_page_waits_for_an_asset_that_is_made(bag: DagBag) -> None:
    condition: Any = bag.dags["after_a_new_model"].timetable.asset_condition
    waited_for = {waited.name for waited in condition.objects}
    assert waited_for
    assert waited_for <= set(emitted(bag))


def test_task_of_the_page_reads_what_our_events_say(bag: DagBag) -> None:
    deployment = {"endpoint_name": "e", "model_name": "m", "outcome": "updated", "containers": [{}]}
    event = types.SimpleNamespace(extra=assets.event_extra({"run_key": "r"}, deployment))
    warm_up: Any = bag.dags["after_a_new_model"].get_task("warm_up")
    assert warm_up.python_callable({"sentiment-retrain-endpoint": [event]}) == ["e serves m (updated)"]


class Quick(base.RetrainOperator):
    """Hands on what a task might."""

    def work(self, context: Any) -> dict[str, Any]:
        """Something small, and something large."""
        del context
        return {"fingerprint": "f", "rows_accepted": 3, "reused": True, "partitions": ["2026-03-01"] * 365}


def test_an_event_says_which_run_and_what_is_small() -> None:
    made = assets.asset(load_settings(), "raw")
    events = OutletEventAccessors()
    surroundings: Any = {"outlet_events": events, "ti": None}
    task = Quick(task_id="x", run={"run_key": "r"}, outlets=[made])
    task.guarded(surroundings, lambda: task.work(surroundings))
    assert events[made].extra == {
        "run_key": "r",
        "fingerprint": "f",
        "rows_accepted": 3,
        "reused": True,
    }


def test_an_event_of_the_endpoint_says_what_serves() -> None:
    made = assets.asset(load_settings(), "endpoint")
    events = OutletEventAccessors()
    deployment = {"endpoint_name": "e", "outcome": "updated"}
    task = verify.VerifyEndpointOperator(
        task_id="v", run={"run_key": "r"}, datasets={}, verdict={}, deployment=deployment, outlets=[made]
    )
    surroundings: Any = {"outlet_events": events}
    task.describe_outlets(surroundings, {"gates": []})
    assert events[made].extra == {"run_key": "r", **deployment}


def test_metrics_of_the_page_are_airflows() -> None:
    """Against the registry of metrics of the installed Airflow, which makes its own documentation of it."""
    registry = Path(_shared.__path__[0]) / "observability" / "metrics" / "metrics_template.yaml"
    known = {one["name"]: one for one in yaml.safe_load(registry.read_text())["metrics"]}
    section = PAGE.partition("## Metrics of Airflow")[2]
    rows = [line.split("|")[1:-1] for line in section.splitlines() if line.startswith("| `")]
    assert len(rows) > 10
    for names, _, _, legacy in rows:
        for name in re.findall(r"`([^`]+)`", names.partition(" with ")[0]):
            assert name in known, name
            if legacy.strip():
                assert legacy.strip(" `") == known[name]["legacy_name"], name
