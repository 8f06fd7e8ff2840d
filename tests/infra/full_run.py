"""Everything that a run can ask of AWS, done once in an installation of its own: what record.py records.

One function a scene, in the order in which they are played; each says what it expects of the run, so that a
recording of something else is not made.
"""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import httpx
import yaml
from fault_client import Faults
from installation import OVERLAY, Installation, balanced_slice

from launcher import airflow, first_data, localaws, processes
from launcher.places import CHECKOUT, Places
from launcher.rest import FINISHED, AirflowApi
from sentiment_retrain.cards.paths import DAG_ID, PREFIX
from sentiment_retrain.settings import merged

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DAY = "2026-03-01"
WAIT_SECONDS = 900.0
#: Longer than a cancelled run takes to let go of its jobs.
HELD_SECONDS = 600
TEXT = "I love it, it fits"
#: No model can answer both rightly.
IMPOSSIBLE = [{"text": TEXT, "expected": 1}, {"text": TEXT, "expected": -1}]
#: What of the configuration asks more of AWS than the shipped values do: scaling, capture, messages, pruning.
MORE: dict[str, Any] = {
    "deployment": {
        "autoscaling": {
            "minimum": 1,
            "maximum": 2,
            "target_invocations": 1000,
            "scale_in_seconds": 300,
            "scale_out_seconds": 60,
        },
        "data_capture": {"sampling_percent": 100},
        "keep": 2,
    },
    "jobs": {"autopilot": {"max_candidates": 1}},
    # Every run that trains is late.
    "notifications": {"late_after_minutes": 1},
    # A backfill has no say in what it compares, and one contender is enough for it.
    "defaults": {"contenders": ["blazingtext"]},
}
BOTH = {"contenders": ["autopilot", "blazingtext"]}


class FullRun:
    """The installation in which it is played.

    :param trail: where the stand-in writes down what it is asked
    """

    def __init__(self, installation: Installation, trail: Path) -> None:
        self.installation = installation
        self.trail = trail
        self.overlay = merged(OVERLAY, MORE)
        self.source_uri = ""
        self._api: AirflowApi | None = None

    @property
    def api(self) -> AirflowApi:
        """Airflow's REST API, signed in."""
        if self._api is None:
            places = self.installation.places
            server = processes.find(places, airflow.API_SERVER)
            if server is None:
                raise RuntimeError("Airflow is not running")
            self._api = AirflowApi(server.url, airflow.USER, airflow.password(places))
            self._api._http.timeout = httpx.Timeout(180)
        return self._api

    def configure(self, **changes: Any) -> None:
        """The settings from now on: each task reads them when it starts."""
        self.installation.config.write_text(yaml.safe_dump(merged(self.overlay, changes)))

    def command(self, *arguments: str) -> None:
        """One command of the launcher, which has to succeed."""
        done = self.installation.launch(*arguments, seconds=1800)
        if done.returncode:
            raise RuntimeError(f"{arguments}: {done.stdout}{done.stderr}")

    def start(self, run_id: str, conf: dict[str, Any]) -> None:
        """Start a run of the DAG."""
        self.api.trigger(DAG_ID, run_id, {"source_uri": self.source_uri, **conf})

    def run(self, run_id: str, conf: dict[str, Any], expected: str = "success") -> None:
        """A run of the DAG until its end."""
        self.start(run_id, conf)
        self.ended(run_id, expected)

    def ended(self, run_id: str, expected: str = "success") -> None:
        """Wait for a run's end, which has to be the expected one."""
        wait_until(lambda: self.api.run_state(DAG_ID, run_id) in {"success", "failed"})
        wait_until(lambda: all(state in FINISHED for state in self.states(run_id).values()))
        state = self.api.run_state(DAG_ID, run_id)
        if state != expected:
            raise RuntimeError(f"{run_id} is {state}, not {expected}: {self.states(run_id)}")

    def states(self, run_id: str) -> dict[str, Any]:
        """State of each task of a run."""
        return {one["task_id"]: one["state"] for one in self.api.task_instances(DAG_ID, run_id)}

    def jobs_in_progress(self, operation: str, key: str) -> bool:
        """Whether a job of the kind that the operation lists runs."""
        listed = getattr(self.installation.client("sagemaker"), operation)(StatusEquals="InProgress")
        return bool(listed[key])

    def as_airflow(self) -> dict[str, str]:
        """Environment of Airflow's processes."""
        installation = self.installation
        return airflow.environment(installation.places, self.api.url, installation.aws_url) | {
            "PYTHONPATH": f"{CHECKOUT / 'include'}:{CHECKOUT / 'plugins'}",
            "SENTIMENT_RETRAIN_CONFIG": str(installation.config),
        }


def wait_until(ready: Callable[[], Any]) -> None:
    """Wait for what takes minutes at most."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not ready():
        if time.monotonic() > deadline:
            raise TimeoutError("nothing came of it")
        time.sleep(1)


def begin(directory: Path) -> FullRun:
    """Start an installation whose stand-in writes its trail; put reviews into its inbox."""
    directory.mkdir(parents=True)
    os.environ["LOCALAWS_TRAIL"] = str(directory / "trail.jsonl")
    installation = Installation(Places(directory / "local"), directory / "overlay.yaml")
    made = FullRun(installation, directory / "trail.jsonl")
    made.configure()
    localaws.wait(localaws.start(installation.places))
    topic = installation.client("sns").create_topic(Name="sentiment-retrain")["TopicArn"]
    made.overlay = merged(
        made.overlay, {"approval": {"topic_arn": topic}, "notifications": {"topic_arn": topic}}
    )
    made.configure()
    made.command("up")
    reviews = balanced_slice(first_data.ensure(Places.here()), directory / "reviews.csv")
    rows = list(csv.reader(io.StringIO(reviews.read_text(encoding="utf-8"))))
    day = io.StringIO()
    # In another order they are other datasets; one of them is refused.
    csv.writer(day).writerows([rows[0], ["!!!", *rows[1][1:]], *reversed(rows[1:])])
    s3 = installation.client("s3")
    s3.put_object(Bucket=localaws.BUCKET, Key=f"inbox/dt={DAY}/day.csv", Body=day.getvalue().encode())
    s3.put_object(Bucket=localaws.BUCKET, Key="inbox/more/reviews.csv", Body=reviews.read_bytes())
    made.source_uri = f"s3://{localaws.BUCKET}/inbox/more/reviews.csv"
    return made


# --- Scenes -------------------------------------------------------------------------------------------------


def past_day(made: FullRun) -> None:
    """First, so that the run of today finds tables that are older than its data."""
    made.command("backfill", "--from", DAY, "--to", DAY)


def first_run(made: FullRun) -> None:
    made.run("first", BOTH | {"deploy": "force"})


def second_run(made: FullRun) -> None:
    made.run("second", BOTH)


def plan_only(made: FullRun) -> None:
    made.run("plan-only", {"mode": "plan_only"})


def approved_update(made: FullRun) -> None:
    """Somebody approves; two machines analyse; what is live then scores the reviews."""
    made.configure(
        jobs={"blazingtext": {"hyperparameters": {"epochs": 9}}, "analysis": {"instance_count": 2}}
    )
    made.start("approved", {"approval": "manual", "deploy": "force", "predict": "always"})
    wait_until(lambda: made.states("approved")["approve"] == "deferred")
    task = f"/api/v2/dags/{DAG_ID}/dagRuns/approved/taskInstances/approve/-1/hitlDetails"
    made.api._patch(task, {"chosen_options": ["Approve"], "params_input": {}})
    made.ended("approved")


def rolled_back_by_a_person(made: FullRun) -> None:
    made.command("rollback")
    made.command("rollback", "--unpin", "1")


def rolled_back_by_an_alarm(made: FullRun) -> None:
    """The new fleet answers golden requests wrongly."""
    made.configure(
        jobs={"blazingtext": {"hyperparameters": {"epochs": 10}}},
        gates={"golden": {"severity": "fail", "minimum_share_correct": 1.0}},
        golden_requests=IMPOSSIBLE,
    )
    made.run("alarm", {"deploy": "force"}, "failed")


def put_back_by_verification(made: FullRun) -> None:
    """As before, but no alarm looks at golden requests."""
    made.configure(
        jobs={"blazingtext": {"hyperparameters": {"epochs": 11}}},
        gates={"golden": {"severity": "fail", "minimum_share_correct": 1.0}},
        golden_requests=IMPOSSIBLE,
        deployment={"alarms": {"quality": False}},
    )
    made.run("put-back", {"deploy": "force"}, "failed")


def pruned_update(made: FullRun) -> None:
    """An update more, after which old models are deleted."""
    made.configure(jobs={"blazingtext": {"hyperparameters": {"epochs": 12}}})
    made.run("pruned", {"deploy": "force"})


def corrected_day(made: FullRun) -> None:
    """The past day is delivered again with a review less, whose rows take the place of the former."""
    made.configure()
    s3, delivery = (
        made.installation.client("s3"),
        {"Bucket": localaws.BUCKET, "Key": f"inbox/dt={DAY}/day.csv"},
    )
    lines = s3.get_object(**delivery)["Body"].read().splitlines(keepends=True)
    s3.put_object(**delivery, Body=b"".join(lines[:-1]))
    source = f"s3://{localaws.BUCKET}/inbox/dt={DAY}/day.csv"
    made.run("corrected", {"source_uri": source, "deploy": "never"})


def _cancelled(made: FullRun, run_id: str, held: dict[str, tuple[str, str]], **changes: Any) -> None:
    """A run that is marked failed while these jobs of it run."""
    made.configure(**changes)
    faults = Faults(made.installation.aws_url)
    for kind in held:
        faults.set("job_delay", job=kind, stage="Completing", seconds=HELD_SECONDS)
    made.start(run_id, BOTH | {"deploy": "never"})
    wait_until(lambda: all(made.jobs_in_progress(*listing) for listing in held.values()))
    # Their tasks have seen them too, and wait in the triggerer.
    wait_until(lambda: "deferred" in made.states(run_id).values())
    made.api.fail_run(DAG_ID, run_id)
    wait_until(lambda: not any(made.jobs_in_progress(*listing) for listing in held.values()))
    faults.call("DELETE")
    made.ended(run_id, "failed")


def cancelled_analysis(made: FullRun) -> None:
    listing = {"ProcessingJob": ("list_processing_jobs", "ProcessingJobSummaries")}
    _cancelled(made, "cancelled-analysis", listing, jobs={"analysis": {"seed": 7}})


def cancelled_training(made: FullRun) -> None:
    listings = {
        "AutoMLJob": ("list_auto_ml_jobs", "AutoMLJobSummaries"),
        "TrainingJob": ("list_training_jobs", "TrainingJobSummaries"),
    }
    changes: dict[str, Any] = {
        "autopilot": {"max_candidates": 2},
        "blazingtext": {"hyperparameters": {"epochs": 13}},
    }
    _cancelled(made, "cancelled-training", listings, jobs=changes)


def cancelled_evaluation(made: FullRun) -> None:
    listing = {"TransformJob": ("list_transform_jobs", "TransformJobSummaries")}
    _cancelled(made, "cancelled-evaluation", listing, jobs={"transform": {"max_payload_mb": 2}})


def pages(made: FullRun) -> None:
    """What the pages ask for; the API server is Airflow too."""
    # Autopilot's own training jobs are nobody's to look at.
    named = {"NameContains": "-blazingtext-", "StatusEquals": "Completed"}
    listed = made.installation.client("sagemaker").list_training_jobs(**named)
    job = listed["TrainingJobSummaries"][0]["TrainingJobName"]
    run = f"{PREFIX}/dags/{DAG_ID}/runs/first"
    for path in (
        f"{PREFIX}/dags/{DAG_ID}/timeline",
        f"{PREFIX}/dags/{DAG_ID}/reviews",
        f"{run}/card",
        f"{run}/reviews",
        f"{run}/compare?with=second",
        f"{run}/jobs/TrainingJob/{job}",
        f"{PREFIX}/dags/{DAG_ID}/runbook/SR-GATE-001",
    ):
        made.api._http.get(path).raise_for_status()


def preflight(made: FullRun) -> None:
    """With the workers' credentials; on the stand-in it ends with what that does not have."""
    done = subprocess.run(
        [sys.executable, "-m", "launcher", "preflight"],
        env=made.as_airflow(),
        capture_output=True,
        text=True,
        check=False,
    )
    if "credentials" not in done.stdout:
        raise RuntimeError(done.stdout + done.stderr)


SCENES: tuple[Callable[[FullRun], None], ...] = (
    past_day,
    first_run,
    second_run,
    plan_only,
    approved_update,
    rolled_back_by_a_person,
    rolled_back_by_an_alarm,
    put_back_by_verification,
    pruned_update,
    corrected_day,
    cancelled_analysis,
    cancelled_training,
    cancelled_evaluation,
    pages,
    preflight,
)


def play(directory: Path, tell: Callable[[str], None]) -> Path:
    """Play all scenes in a new directory; gives the trail.

    :param tell: is told of each scene and how long it took
    :raises RuntimeError: a run did not end as expected
    """
    made = begin(directory)
    try:
        for scene in SCENES:
            began = time.monotonic()
            scene(made)
            tell(f"{scene.__name__}: {time.monotonic() - began:.0f} s")
    finally:
        tell(json.dumps({run["dag_run_id"]: run["state"] for run in made.api.runs(DAG_ID)}))
        made.installation.launch("down")
    return made.trail
