"""The life of AutoML jobs: definitions only, bad data, stop, limits, a validation channel."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from hosting import unique
from reviews import as_csv, reviews
from stand_in import wait_for

if TYPE_CHECKING:
    from autopilot import Autopilot


def test_definitions_only_in_the_first_version(autopilot: Autopilot) -> None:
    """No candidate is trained; both Describe operations show the job, each in its own form."""
    request = autopilot.request_v1(
        GenerateCandidateDefinitionsOnly=True,
        ProblemType="MulticlassClassification",
        AutoMLJobObjective={"MetricName": "F1macro"},
    )
    name = request["AutoMLJobName"]
    autopilot.sagemaker.create_auto_ml_job(**request)
    second = autopilot.ended(name)
    first = autopilot.sagemaker.describe_auto_ml_job(AutoMLJobName=name)
    assert first["AutoMLJobStatus"] == "Completed", first.get("FailureReason")
    assert first["AutoMLJobSecondaryStatus"] == "CandidateDefinitionsGenerated"
    assert first["InputDataConfig"] == request["InputDataConfig"]
    assert first["ResolvedAttributes"]["AutoMLJobObjective"] == {"MetricName": "F1macro"}
    tabular = second["AutoMLProblemTypeConfig"]["TabularJobConfig"]
    assert tabular["TargetAttributeName"] == "sentiment"
    assert tabular["GenerateCandidateDefinitionsOnly"] is True
    assert "BestCandidate" not in first
    assert autopilot.candidates(name) == []


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (as_csv(reviews(499)), "has 499 rows with a target; Autopilot needs at least 500"),
        (
            b"label,text\n" + b"1,fine\n" * 600,
            "Target column 'sentiment' is not in the data; its columns are: label, text",
        ),
        (b"sentiment,review_body\n" + b"1,fine\n" * 600, "The target has 1 different value(s)"),
        (b"", "The input data cannot be read"),
    ],
)
def test_unsuitable_data_fails_with_a_reason(autopilot: Autopilot, body: bytes, reason: str) -> None:
    """Failed, with what was observed and what was expected."""
    uri = autopilot.put(f"{unique('bad')}/data.csv", body)
    ended = autopilot.run(autopilot.request_v2(AutoMLJobInputDataConfig=[autopilot.channel(uri)]))
    assert (ended["AutoMLJobStatus"], ended["AutoMLJobSecondaryStatus"]) == ("Failed", "Failed")
    assert ended["FailureReason"].startswith("ClientError: ")
    assert reason in ended["FailureReason"]


def test_missing_data_fails(autopilot: Autopilot) -> None:
    """Nothing below the prefix."""
    channel = autopilot.channel(f"s3://{autopilot.bucket}/nothing-here/")
    ended = autopilot.run(autopilot.request_v2(AutoMLJobInputDataConfig=[channel]))
    assert ended["AutoMLJobStatus"] == "Failed"
    assert "No S3 objects found" in ended["FailureReason"]


def test_a_stopped_job_keeps_its_candidates(autopilot: Autopilot) -> None:
    """Stopping, then Stopped; no candidate stays in progress; stopping again is refused."""
    request = autopilot.request_v2({"CompletionCriteria": {"MaxCandidates": 200}})
    name = request["AutoMLJobName"]
    autopilot.sagemaker.create_auto_ml_job_v2(**request)
    wait_for(lambda: {"best": "BestCandidate" in autopilot.describe(name)}, "best", True)
    autopilot.sagemaker.stop_auto_ml_job(AutoMLJobName=name)
    assert autopilot.describe(name)["AutoMLJobStatus"] in ("Stopping", "Stopped")
    ended = autopilot.ended(name)
    assert (ended["AutoMLJobStatus"], ended["AutoMLJobSecondaryStatus"]) == ("Stopped", "Stopped")
    statuses = {candidate["CandidateStatus"] for candidate in autopilot.candidates(name)}
    assert "Completed" in statuses
    assert "InProgress" not in statuses
    assert ended["BestCandidate"]["CandidateStatus"] == "Completed"
    with pytest.raises(ClientError) as caught:
        autopilot.sagemaker.stop_auto_ml_job(AutoMLJobName=name)
    assert caught.value.response["Error"]["Code"] == "ValidationException"


def test_the_runtime_ends_the_search_and_keeps_the_best(
    autopilot: Autopilot, watched_automl_job: tuple[dict[str, Any], Any]
) -> None:
    """Far more candidates than the time allows, which is measured in first candidates of this machine."""
    measured = watched_automl_job[0]
    first = min(item["EndTime"] for item in autopilot.candidates(measured["AutoMLJobName"]))
    seconds = max(6, round(2 * (first - measured["CreationTime"]).total_seconds()))
    criteria = {"MaxCandidates": 750, "MaxAutoMLJobRuntimeInSeconds": seconds}
    ended = autopilot.run(autopilot.request_v2({"CompletionCriteria": criteria}))
    assert (ended["AutoMLJobStatus"], ended["AutoMLJobSecondaryStatus"]) == (
        *("Completed", "MaxAutoMLJobRuntimeReached"),
    ), ended.get("FailureReason")
    assert ended["BestCandidate"]["CandidateStatus"] == "Completed"
    assert 1 <= len(autopilot.candidates(ended["AutoMLJobName"])) < 750


def test_a_validation_channel_is_what_candidates_are_measured_on(autopilot: Autopilot) -> None:
    """Rows of the validation channel alone are in the model's quality report."""
    uri = autopilot.put("validation/reviews.csv", as_csv(reviews(90, seed=5)))
    channels = [autopilot.channel(), autopilot.channel(uri, ChannelType="validation")]
    ended = autopilot.run(autopilot.request_v2(AutoMLJobInputDataConfig=channels))
    assert ended["AutoMLJobStatus"] == "Completed", ended.get("FailureReason")
    best = ended["BestCandidate"]
    insights = best["CandidateProperties"]["CandidateArtifactLocations"]["ModelInsights"]
    quality = json.loads(autopilot.read(f"{insights}/{best['CandidateName']}/statistics.json"))
    assert quality["dataset"]["item_count"] == 90
