"""Random sequences of faults, the same ones for the same seed: never a second job, never an orphan."""

from __future__ import annotations

import os
from random import Random
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from sentiment_retrain.aws.hooks import Aws

from .world import Row, World

if TYPE_CHECKING:
    from collections.abc import Callable

SEQUENCES = 200 if os.environ.get("DRILLS") == "long" else 10
SEED = 20261122
PER_TEST = 10

REQUEST_FAULTS: list[dict[str, Any]] = [
    {"action": "throttle", "service": "sagemaker"},
    {"action": "lost_response", "service": "sagemaker"},
    {"action": "lost_request", "service": "sagemaker"},
    {"action": "error", "service": "sagemaker"},
    {"action": "lost_response", "service": "sagemaker", "operation": "CreateProcessingJob"},
    {"action": "latency", "service": "sagemaker", "seconds": 0.3},
    {"action": "throttle", "service": "logs"},
    {"action": "resource_limit", "service": "sagemaker", "operation": "CreateProcessingJob"},
]
# Each ends one job at AWS, so that one more is needed.
JOB_FAULTS: list[dict[str, Any]] = [
    {"action": "capacity", "job": "ProcessingJob"},
    {"action": "job_failure", "job": "ProcessingJob", "message": "InternalServerError: sorry"},
]


def sequence(random: Random) -> list[dict[str, Any]]:
    """One to four request faults and at most one that ends a job."""
    faults = [
        {**fault, "count": random.randint(1, 2), "after": random.randint(0, 2)}
        for fault in random.sample(REQUEST_FAULTS, random.randint(1, 4))
    ]
    faults += [{**fault, "count": 1} for fault in random.sample(JOB_FAULTS, random.randint(0, 1))]
    random.shuffle(faults)
    return faults


@pytest.fixture(scope="module")
def session() -> boto3.Session:
    """One session for all sequences: most of their time would go into reading AWS's service models anew."""
    return boto3.Session(region_name="us-east-1")


@pytest.mark.parametrize("first", range(0, SEQUENCES, PER_TEST))
def test_random_faults(
    new_world: Callable[[], World],
    record: Callable[[Row], None],
    monkeypatch: pytest.MonkeyPatch,
    session: boto3.Session,
    first: int,
) -> None:
    monkeypatch.setattr(Aws, "session", session)
    rows = []
    for number in range(first, first + PER_TEST):
        random = Random(SEED + number)  # noqa: S311 - not a secret
        world, faults = new_world(), sequence(random)
        for fault in faults:
            world.faults.set(**fault)
        state, job = world.finish(deferrable=random.random() < 0.5)
        assert state == "success", (number, faults, str(job))
        listed = world.faults.call("GET")[1]["faults"]
        ended_by_aws = sum(
            fault["used"] for fault in listed if fault["action"] in {"capacity", "job_failure"}
        )
        rows.append(world.row(f"sequence {number}", needed=1 + ended_by_aws, state=state))
        world.require_all_rows(job)
    event = f"random fault sequences {first} to {first + PER_TEST - 1}, seed {SEED}"
    needed, created = sum(row.jobs_needed for row in rows), sum(row.jobs_created for row in rows)
    lost = round(sum(row.seconds_lost for row in rows), 1)
    record(Row(event, needed, created, sum(row.orphans for row in rows), "success", lost))
