"""The cheapest remote job there is, run by the operator base; as a program: one try of it in a process."""

from __future__ import annotations

import json
import logging
import signal
import sys
import time
import types
from typing import TYPE_CHECKING, Any

from airflow.sdk.bases.operator import ExecutorSafeguard

from sentiment_retrain import naming
from sentiment_retrain.aws import jobs
from sentiment_retrain.operators.job_request import JobRequest
from sentiment_retrain.operators.sagemaker_job import SageMakerJobOperator

if TYPE_CHECKING:
    from collections.abc import Mapping

ROLE = "arn:aws:iam::123456789012:role/sentiment-retrain"
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/test-image:1"
DAY = "2026-03-01"
STEP = "tiny"
#: Before the seconds that a worker's ``on_kill`` has taken, in its log.
KILL_TOOK = "on_kill took "


class TinyJobOperator(SageMakerJobOperator):
    """A processing job that copies the rows of one object, in upper case.

    :param data: part of the job's identity
    """

    # Airflow's own logger of a task is out of caplog's reach.
    log = logging.getLogger("drill")  # type: ignore[assignment]

    def __init__(self, *, data: str, **kwargs: Any) -> None:
        super().__init__(**{"task_id": STEP, **kwargs})
        self.data = data

    def request(self) -> JobRequest:
        """The job."""
        bucket = self.run["bucket"]
        source = {"S3Uri": f"s3://{bucket}/in", "S3DataType": "S3Prefix", "S3InputMode": "File"}

        def body(name: str) -> dict[str, Any]:
            target = {"S3Uri": f"s3://{bucket}/jobs/{name}/output", "S3UploadMode": "EndOfJob"}
            local = "/opt/ml/processing"
            output = {"OutputName": "rows", "S3Output": {**target, "LocalPath": f"{local}/output"}}
            cluster = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
            return {
                "RoleArn": ROLE,
                "AppSpecification": {"ImageUri": IMAGE, "ContainerArguments": ["copy"]},
                "ProcessingResources": {"ClusterConfig": cluster},
                "ProcessingInputs": [
                    {"InputName": "rows", "S3Input": {**source, "LocalPath": f"{local}/input"}}
                ],
                "ProcessingOutputConfig": {"Outputs": [output]},
            }

        return JobRequest(
            kind=jobs.PROCESSING,
            step=STEP,
            inputs={"data": self.data},
            body=body,
            data_until=DAY,
            instance_type="ml.m5.large",
            fallback_instance_types=("ml.m5.xlarge", "ml.c5.xlarge"),
            instance_count=1,
            timeout_seconds=600,
        )

    def first_name(self) -> str:
        """The name of the job's first attempt."""
        return naming.job_name(self.settings.prefix, STEP, DAY, self.request().fingerprint)

    def next_job(self, done: Mapping[str, dict[str, Any]]) -> JobRequest | None:
        """The one job."""
        return None if done else self.request()

    def parse(self, context: Any, done: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
        """The job itself."""
        del context
        return done[STEP]


class TaskInstance:
    """What a task sees of its instance.

    :param state: what Airflow says of the task when it is killed: failed, when a person has marked it
    """

    dag_id, run_id, task_id = "drill", "drill", STEP

    def __init__(self, try_number: int, max_tries: int, state: str) -> None:
        self.try_number = try_number
        self.max_tries = max_tries
        self.state = state
        self.pushed: dict[str, Any] = {}

    def xcom_push(self, key: str, value: Any) -> None:
        """Keep ``value`` as Airflow does, which refuses what is not JSON."""
        self.pushed[key] = json.loads(json.dumps(value))

    def get_task_states(self, dag_id: str, task_ids: list[str], run_ids: list[str]) -> dict[str, Any]:
        """As Airflow answers."""
        return {run_ids[0]: {task_ids[0]: self.state}} if dag_id == self.dag_id else {}


def context(try_number: int = 1, max_tries: int = 3, state: str = "failed") -> Any:
    """The part of Airflow's context that the operator reads."""
    return {
        "ti": TaskInstance(try_number, max_tries, state),
        "dag_run": types.SimpleNamespace(),
        "params": {},
    }


def main() -> None:
    """One try in a worker slot: ``tiny_job.py DATA RUN_JSON STATE``; prints the job."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    # The safeguard against calls outside a task would see that this is one.
    ExecutorSafeguard.test_mode = True
    operator = TinyJobOperator(data=sys.argv[1], run=json.loads(sys.argv[2]), deferrable=False)

    def kill(*_: Any) -> None:
        began = time.monotonic()
        operator.on_kill()
        sys.stderr.write(f"{KILL_TOOK}{time.monotonic() - began:.2f}\n")

    # As Airflow's task runner does.
    signal.signal(signal.SIGTERM, kill)
    sys.stdout.write(json.dumps(operator.execute(context(state=sys.argv[3]))) + "\n")


if __name__ == "__main__":
    main()
