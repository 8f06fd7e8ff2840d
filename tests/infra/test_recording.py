"""The recording is of a full run, and equal to the next one of the same code."""

from __future__ import annotations

import json

import pytest

from .calls import AIRFLOW, JOB, MODEL
from .general import general
from .test_policies import RECORDING

ROWS = json.loads(RECORDING.read_text())
#: What only one scene of full_run.py asks, by role, so that none can be left out unnoticed.
SCENES = {
    "past_day": ("s3:PutObject", "/runs/digests/"),
    "first_run": ("sagemaker:CreateAutoMLJobV2", "automl-job/"),
    "first_run's endpoint": ("sagemaker:CreateEndpoint", "endpoint/sentiment-retrain"),
    "a run after the past day's": ("glue:UpdateTable", "table/"),
    "approved_update": ("s3:PutObject", "/told/asked"),
    "approved_update's prediction": ("s3:PutObject", "/predictions/"),
    "approved_update's exchange of instances": ("s3:DeleteObject", "/.exchange/"),
    "rolled_back_by_a_person": ("s3:PutObject", "/endpoints/sentiment-retrain/pin.json"),
    "rolled_back_by_an_alarm": ("cloudwatch:DescribeAlarmHistory", "-golden"),
    "an update of a scaled endpoint": ("application-autoscaling:DeregisterScalableTarget", ""),
    "put_back_by_verification": ("sagemaker:UpdateModelPackage", "model-package/"),
    "pruned_update": ("sagemaker:DeleteModel", "model/"),
    "corrected_day": ("s3:DeleteObject", "/_manifest.json"),
    "cancelled_analysis": ("sagemaker:StopProcessingJob", ""),
    "cancelled_training of Autopilot": ("sagemaker:StopAutoMLJob", ""),
    "cancelled_training of BlazingText": ("sagemaker:StopTrainingJob", ""),
    "cancelled_evaluation": ("sagemaker:StopTransformJob", ""),
    "late and failed runs": ("sns:Publish", ""),
    "pages": ("logs:GetLogEvents", "/TrainingJobs"),
    "preflight": ("iam:GetRole", ""),
    "refused rows": ("s3:PutObject", "/quarantine/"),
    "captured requests": ("s3:PutObject", "/capture/"),
}


@pytest.mark.parametrize(("action", "part"), SCENES.values(), ids=SCENES.keys())
def test_every_scene_was_played(action: str, part: str) -> None:
    assert any(row[1] == action and part in row[2] for row in ROWS)


def test_every_role_has_calls() -> None:
    assert {role for roles, *_ in ROWS for role in roles} == {AIRFLOW, JOB, MODEL}


def test_nothing_in_it_differs_from_recording_to_recording() -> None:
    lines = RECORDING.read_text().splitlines()[1:-1]

    assert [row for row in ROWS if general(row[2]) != row[2]] == []
    assert lines == sorted(set(lines), key=lambda line: line.rstrip(","))


BUCKET = "arn:aws:s3:::b-123456789012-us-east-1"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            "runs/20261123-rollback-20261123t045703-24d34531/card.json",
            "runs/20270101-first-0a1b2c3d/card.json",
        ),
        ("runs/digests/dag/20261123-a-24d34531.json", "runs/digests/dag/20270101-b-0a1b2c3d.json"),
        ("runs/20261123-a-24d34531/told/failed-0.json", "runs/20261123-a-24d34531/told/failed-2.json"),
        ("capture/e/AllTraffic/2026/11/23/04/55-07-766-0-0.jsonl", "capture/e/AllTraffic/2027/01/1.jsonl"),
        (
            "athena/7aa9e4a0-6c5d-4a55-8d1a-0c2f9ddc1c3e.csv",
            "athena/0aa9e4a0-6c5d-4a55-8d1a-0c2f9ddc1c3f.csv",
        ),
        ("datasets/0a1b2c3d4e5f0a1b/manifest.json", "datasets/ffffffffffffffff/manifest.json"),
        ("jobs/sr-automl-20261123-0a1b2c3d4e/tuning/a/model", "jobs/sr-automl-20270101-ffffffffff/tuning/b"),
        ("jobs/x-bias-20261123-0a1b2c3d4e/output/a", "jobs/x-bias-20270101-ffffffffff-r1/output/a"),
        ("jobs/x-shap-20261123-0a1b2c3d4e/.exchange/a/b", "jobs/x-shap-20261123-0a1b2c3d4e/.exchange/c"),
    ],
)
def test_keys_of_two_recordings_are_equal(one: str, other: str) -> None:
    assert general(f"{BUCKET}/{one}") == general(f"{BUCKET}/{other}")


def test_what_tells_resources_apart_stays() -> None:
    """The account, the bucket, the kind of a job and the file are what policies are about."""
    for key in (
        "jobs/x-bias-20261123-0a1b2c3d4e/output/a",
        "runs/latest.json",
        "inbox/dt=2026-03-01/day.csv",
    ):
        assert general(f"{BUCKET}/{key}").startswith(f"{BUCKET}/{key.partition('/')[0]}/")
    kinds = [general(f"{BUCKET}/jobs/x-{kind}-20261123-0a1b2c3d4e/output/a") for kind in ("bias", "shap")]
    assert len(set(kinds)) == 2
    endpoints = "arn:aws:sagemaker:us-east-1:123456789012:endpoint"
    assert general(f"{endpoints}/sentiment-retrain") == f"{endpoints}/sentiment-retrain"
    shadow = [general(f"{endpoints}/sm-clarify-m-{end}") for end in ("1795409684-88c8", "1795409755-b872")]
    assert shadow[0] == shadow[1] != f"{endpoints}/sentiment-retrain"
