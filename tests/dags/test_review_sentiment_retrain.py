"""The DAG's policy: what it may cost to import, and what every task must have."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from airflow.sdk import TriggerRule

from sentiment_retrain.runs import run_end

if TYPE_CHECKING:
    from airflow.sdk import DAG

CHECKOUT = Path(__file__).resolve().parents[2]
DAG_ID = "review_sentiment_retrain"
HEAVY = ("awswrangler", "boto3", "great_expectations", "matplotlib", "numpy", "pandas", "sagemaker", "scipy")

#: Imports the DAG file with every socket forbidden, and says what that cost beyond Airflow itself.
PROBE = """
import json, socket, sys, time
import airflow.sdk, airflow.triggers.base
before = set(sys.modules)
def refuse(*arguments, **keywords):
    raise AssertionError("importing the DAG opened a socket")
socket.socket = refuse
began = time.process_time()
import review_sentiment_retrain
seconds = time.process_time() - began
print(json.dumps({"seconds": seconds, "modules": sorted(set(sys.modules) - before)}))
"""

#: Every task and what it waits for, nearest first. The picture of docs/DESIGN in one table.
UPSTREAM = {
    "plan": set(),
    "ingest.land_reviews": {"plan"},
    "ingest.register_tables": {"ingest.land_reviews"},
    "check.reviews": {"ingest.register_tables"},
    "check.drift": {"ingest.register_tables"},
    "prepare.datasets": {"check.reviews", "check.drift"},
    "analyze.bias": {"prepare.datasets"},
    "analyze.shap": {"prepare.datasets"},
    "train.autopilot": {"analyze.bias", "analyze.shap"},
    "train.blazingtext": {"analyze.bias", "analyze.shap"},
    "evaluate.autopilot": {"train.autopilot"},
    "evaluate.blazingtext": {"train.blazingtext"},
    "evaluate.champion": {"analyze.bias", "analyze.shap"},
    "select_best": {"evaluate.autopilot", "evaluate.blazingtext", "evaluate.champion"},
    "explain.bias": {"select_best"},
    "explain.shap": {"select_best"},
    "register_model": {"explain.bias", "explain.shap"},
    "approve": {"register_model"},
    "deploy.endpoint": {"approve"},
    "deploy.verify": {"deploy.endpoint"},
    "deploy.prune": {"deploy.verify"},
    "predict": {"deploy.prune", "select_best"},
    "rollback": {"plan"},
}


class TaskState(NamedTuple):
    """A task instance as far as Airflow's decision about a run's state reads it."""

    task_id: str
    state: str = "success"


@pytest.fixture(scope="module")
def dag() -> DAG:
    """The DAG as Airflow's own loader finds it."""
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(dag_folder=str(CHECKOUT / "dags"))
    assert bag.import_errors == {}
    return bag.dags[DAG_ID]


def test_import_opens_no_socket_and_is_cheap() -> None:
    paths = [str(CHECKOUT / "plugins"), str(CHECKOUT / "dags")]
    code = f"import sys; sys.path[:0] = {paths!r}\n{PROBE}"
    done = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", "-c", code],
        cwd="/",
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    probe = json.loads(done.stdout.splitlines()[-1])
    assert probe["seconds"] < 1.0
    assert [name for name in HEAVY if name in probe["modules"]] == []


def test_loader_finds_one_dag_and_no_helper(dag: DAG) -> None:
    from airflow.dag_processing.dagbag import DagBag

    assert set(DagBag(dag_folder=str(CHECKOUT / "dags")).dags) == {dag.dag_id}


def test_loader_leaves_the_package_alone() -> None:
    """Executed file by file, catalog.py and report.py would take the places of other packages' modules."""
    from airflow._shared.module_loading import find_path_from_directory

    found = find_path_from_directory(str(CHECKOUT / "plugins"), ".airflowignore")
    loaded = {Path(path).name for path in found if path.endswith(".py")}
    assert loaded == {"sentiment_retrain_plugin.py"}


def test_tasks_wait_for_what_they_need(dag: DAG) -> None:
    assert {
        task.task_id: set(task.upstream_task_ids) for task in dag.tasks if not task.is_teardown
    } == UPSTREAM


def test_report_runs_whatever_happened_and_excuses_nothing(dag: DAG) -> None:
    from airflow.models.dagrun import DagRun
    from airflow.serialization.serialized_objects import DagSerialization

    report = dag.get_task("report")
    assert report.is_teardown
    assert report.on_failure_fail_dagrun
    stored = DagSerialization.from_dict(DagSerialization.to_dict(dag))
    tasks = {TaskState(task.task_id) for task in dag.tasks}
    # Airflow's own choice of the tasks that decide the run's state.
    deciding = DagRun._tis_for_dagrun_state(DagRun(), dag=stored, tis=tasks)  # type: ignore[no-untyped-call]
    assert {task.task_id for task in deciding} == {"predict", "rollback", "report"}


#: How a run may go: the tasks that skip themselves in it.
COURSES = {
    "first": {"evaluate.champion", "rollback"},
    "next": {"rollback"},
    "one contender": {"train.blazingtext", "rollback"},
    "champion kept": {"register_model", "rollback"},
    "rejected": {"approve", "rollback"},
    "pinned": {"deploy.endpoint", "rollback"},
    "rollback": {"ingest.land_reviews"},
    "plan only": {"ingest.land_reviews", "rollback"},
}


def states_of(dag: DAG, skip_themselves: set[str], done: set[str]) -> dict[str, str]:
    """States at the end, when all but ``done`` waited at the moment the run was cancelled."""
    states: dict[str, str] = {}
    for name in UPSTREAM:
        before = [states[task] for task in UPSTREAM[name]]
        is_join = dag.get_task(name).trigger_rule == TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS
        follows = "success" not in before if is_join else "skipped" in before
        skipped = name not in done or name in skip_themselves or (follows and before)
        states[name] = "skipped" if skipped else "success"
    return states


@pytest.mark.parametrize("course", COURSES)
def test_a_cancelled_run_is_told_from_one_whose_tasks_skipped_themselves(dag: DAG, course: str) -> None:
    upstream = {task.task_id: task.upstream_task_ids for task in dag.tasks}
    joins = [task.task_id for task in dag.tasks if task.trigger_rule != TriggerRule.ALL_SUCCESS]

    def found(done: set[str]) -> list[str]:
        states = states_of(dag, COURSES[course], done)
        mine = COURSES[course] & done
        return run_end.skipped_from_outside(states, upstream, joins, mine.__contains__)

    assert found(set(UPSTREAM)) == []
    whole = states_of(dag, COURSES[course], set(UPSTREAM))
    names = list(UPSTREAM)
    for number, name in enumerate(names):
        # A task that a skipped one has skipped already cannot wait.
        if any(whole[later] == "success" or later in COURSES[course] for later in names[number:]):
            assert found(set(names[:number])), name


def test_only_tasks_that_pay_for_jobs_queue_in_their_pool(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.dag_processing.dagbag import DagBag

    from sentiment_retrain.settings import load_settings

    overlay = tmp_path / "overlay.yaml"
    overlay.write_text("job_pool: retrain-jobs\n")
    monkeypatch.setenv("SENTIMENT_RETRAIN_CONFIG", str(overlay))
    load_settings.cache_clear()
    tasks = DagBag(dag_folder=str(CHECKOUT / "dags")).dags[DAG_ID].tasks
    pooled = {task.task_id for task in tasks if task.pool == "retrain-jobs"}
    assert pooled == {
        name
        for name in UPSTREAM
        if name.split(".")[0] in {"analyze", "train", "evaluate", "explain", "predict"}
    }
    assert {task.pool for task in tasks if task.task_id not in pooled} == {"default_pool"}


def test_report_waits_for_everything(dag: DAG) -> None:
    assert dag.get_task("report").upstream_task_ids == {"all_ended"}
    ended = dag.get_task("all_ended")
    assert {task.task_id for task in ended.get_flat_relatives(upstream=True)} == set(UPSTREAM)
    # Siblings of a failed task may still run: the report must wait for each of the parallel ones itself.
    parallel = {name for name in UPSTREAM if name.split(".")[0] in {"check", "analyze", "train", "evaluate"}}
    assert parallel - set(ended.upstream_task_ids) <= {"train.autopilot", "train.blazingtext"}


def test_dag_says_who_owns_it_and_what_to_do(dag: DAG) -> None:
    assert dag.doc_md is not None
    assert "docs/runbook.md" in dag.doc_md
    assert {"sentiment", "retrain", "sagemaker"} <= set(dag.tags)
    assert dag.max_active_runs == 1
    assert dag.catchup is False
    assert dag.is_paused_upon_creation is True
    assert dag.dagrun_timeout is not None


@pytest.mark.parametrize("task_id", [*UPSTREAM, "report"])
def test_task_policy(dag: DAG, task_id: str) -> None:
    task = dag.get_task(task_id)
    assert task.owner not in ("", "airflow")
    assert (task.retries or 0) >= 1
    assert task.retry_exponential_backoff
    assert task.execution_timeout is not None


def test_parsing_twice_gives_the_same_dag() -> None:
    from airflow.dag_processing.dagbag import DagBag
    from airflow.serialization.serialized_objects import DagSerialization

    def parsed() -> str:
        bag = DagBag(dag_folder=str(CHECKOUT / "dags"))
        return json.dumps(DagSerialization.serialize_dag(bag.dags[DAG_ID]), sort_keys=True, default=str)

    assert parsed() == parsed()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mode", "train"),
        ("rollback_to", ""),
        ("approval", "perhaps"),
        ("deploy", "yes"),
        ("predict", "yes"),
        ("window_days", 0),
        ("budget_usd", 0),
        ("contenders", []),
        ("contenders", ["autopilot", "autopilot"]),
        ("contenders", ["bert"]),
        ("source_uri", "reviews.csv"),
        ("reuse", "maybe"),
    ],
)
def test_form_refuses(dag: DAG, name: str, value: object) -> None:
    from airflow.sdk.exceptions import ParamValidationError

    with pytest.raises(ParamValidationError):
        dag.params.get_param(name).resolve(value)


def test_form_accepts_its_defaults(dag: DAG) -> None:
    assert dag.params.validate()["contenders"] == ["autopilot", "blazingtext"]
