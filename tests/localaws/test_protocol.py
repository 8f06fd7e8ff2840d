"""Requests are refused as AWS refuses them, and what does not work here says so."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
from stand_in import CHECKOUT, PYTHON, ROLE, TEST_IMAGE, job_name, processing_request, refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from stand_in import StandIn


def post(url: str, target: str, body: str) -> tuple[int, dict[str, Any]]:
    """A request that boto3 would not send; status and parsed body."""
    service = {"SageMaker": "sagemaker", "AWSGlue": "glue"}[target.partition(".")[0]]
    credential = (
        f"AWS4-HMAC-SHA256 Credential=AKIATEST/20261122/us-east-1/{service}/aws4_request, Signature=x"
    )
    headers = {
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": target,
        "Authorization": credential,
    }
    request = urllib.request.Request(f"{url}/", body.encode(), headers)  # noqa: S310  it is http
    try:
        with urllib.request.urlopen(request, timeout=20) as response:  # noqa: S310
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_health_names_services_and_what_is_missing(stand_in: StandIn) -> None:
    health = stand_in.health()
    assert health["status"] == "running"
    assert health["services"]["sagemaker"] == "works"
    assert "NotImplemented" in health["not_implemented"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"ProcessingJobName": "under_score"},
            "Value 'under_score' at 'processingJobName' failed to satisfy constraint: Member must satisfy "
            "regular expression pattern: [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}",
        ),
        (
            {"ProcessingJobName": "a" * 64},
            "at 'processingJobName' failed to satisfy constraint: "
            "Member must have length less than or equal to 63",
        ),
        ({"RoleArn": "not-an-arn-but-long-enough"}, "at 'roleArn' failed to satisfy constraint"),
        (
            {
                "ProcessingResources": {
                    "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.z9.huge", "VolumeSizeInGB": 1}
                }
            },
            "Value 'ml.z9.huge' at 'processingResources.clusterConfig.instanceType' failed to satisfy "
            "constraint: Member must satisfy enum value set: [",
        ),
        (
            {"StoppingCondition": {"MaxRuntimeInSeconds": 777_601}},
            "Value '777601' at 'stoppingCondition.maxRuntimeInSeconds' failed to satisfy constraint: "
            "Member must have value less than or equal to 777600",
        ),
        (
            {"Environment": {"A": "x" * 257}},
            "Map value must satisfy constraint: [Member must have length less",
        ),
        ({"Tags": [{"Key": "a!", "Value": ""}]}, "Value 'a!' at 'tags.1.member.key' failed"),
    ],
)
def test_constraints_of_the_service_model_are_enforced(
    aws: Callable[[str], Any], changes: dict[str, Any], expected: str
) -> None:
    code, message, status = refusal(aws("sagemaker").create_processing_job, **processing_request(**changes))
    assert (code, status) == ("ValidationException", 400)
    assert message.startswith("1 validation error detected: ") or "2 validation errors" in message
    assert expected in message


def test_several_violations_are_counted(aws: Callable[[str], Any]) -> None:
    request = processing_request(ProcessingJobName="under_score", RoleArn="arn:aws:iam::12:role/someone")
    _, message, _ = refusal(aws("sagemaker").create_processing_job, **request)
    assert message.startswith("2 validation errors detected: ")


def test_missing_required_members_are_named(endpoint_url: str) -> None:
    status, body = post(endpoint_url, "SageMaker.DescribeTrainingJob", "{}")
    assert status == 400
    assert body["__type"] == "ValidationException"
    assert "Value null at 'trainingJobName' failed to satisfy constraint: Member must not be null" in (
        body.get("message") or body["Message"]
    )


def test_wrong_json_types_cannot_be_read(endpoint_url: str) -> None:
    status, body = post(endpoint_url, "SageMaker.DescribeTrainingJob", '{"TrainingJobName": 7}')
    assert (status, body["__type"]) == (400, "SerializationException")
    status, body = post(endpoint_url, "SageMaker.CreateTrainingJob", '{"StoppingCondition": 5}')
    assert (status, body["__type"]) == (400, "SerializationException")
    status, body = post(endpoint_url, "SageMaker.DescribeTrainingJob", "{not json")
    assert (status, body["__type"]) == (400, "SerializationException")


def test_operations_unknown_to_aws_are_unknown_here(endpoint_url: str) -> None:
    status, body = post(endpoint_url, "SageMaker.MakeCoffee", "{}")
    assert (status, body["__type"]) == (404, "UnknownOperationException")


@pytest.mark.parametrize(
    ("service", "operation", "request_"),
    [
        ("sagemaker", "create_hub", {"HubName": "hub", "HubDescription": "a hub"}),
        ("sagemaker", "list_notebook_instances", {}),
        ("glue", "list_blueprints", {}),
        ("logs", "list_anomalies", {}),
    ],
)
def test_what_does_not_work_says_so(
    aws: Callable[[str], Any], service: str, operation: str, request_: dict[str, Any]
) -> None:
    code, message, status = refusal(getattr(aws(service), operation), **request_)
    name = aws(service).meta.method_to_api_mapping[operation]
    assert (code, status) == ("NotImplementedException", 501)
    assert message.startswith(f"NotImplemented: {name}.")


def test_unsupported_parameters_say_so(aws: Callable[[str], Any]) -> None:
    cluster = {"InstanceCount": 9, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
    request = processing_request(ProcessingResources={"ClusterConfig": cluster})
    code, message, _ = refusal(aws("sagemaker").create_processing_job, **request)
    assert code == "NotImplementedException"
    assert "CreateProcessingJob: ProcessingResources.ClusterConfig.InstanceCount" in message


def test_moto_services_are_strict_too(aws: Callable[[str], Any]) -> None:
    code, message, _ = refusal(
        aws("glue").create_table, DatabaseName="d", TableInput={"Name": "t", "TableType": "x" * 256}
    )
    assert code == "ValidationException"
    assert "tableInput.tableType" in message
    code, message, _ = refusal(
        aws("application-autoscaling").register_scalable_target,
        ServiceNamespace="sagemaker",
        ResourceId="endpoint/e/variant/v",
        ScalableDimension="sagemaker:variant:Speed",
    )
    assert (code, "scalableDimension" in message) == ("ValidationException", True)


def test_moto_services_still_work(aws: Callable[[str], Any]) -> None:
    name = job_name()
    aws("glue").create_database(DatabaseInput={"Name": name, "Description": "für Tests"})
    assert aws("glue").get_database(Name=name)["Database"]["Description"] == "für Tests"
    topic = aws("sns").create_topic(Name=name)["TopicArn"]
    aws("sns").publish(TopicArn=topic, Message="hello")
    trust = {"Version": "2012-10-17", "Statement": []}
    aws("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
    assert aws("iam").get_role(RoleName=name)["Role"]["Arn"].endswith(f":role/{name}")
    assert aws("sts").get_caller_identity()["Account"] == "123456789012"
    alarm = {"AlarmName": name, "EvaluationPeriods": 1, "ComparisonOperator": "GreaterThanThreshold"}
    metric = {"MetricName": "m", "Namespace": "n", "Period": 60, "Statistic": "Sum", "Threshold": 1.0}
    aws("cloudwatch").put_metric_alarm(**alarm, **metric)
    assert aws("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["Threshold"] == 1.0


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.org"])  # noqa: S104
def test_only_loopback_is_listened_on(host: str, tmp_path: Any) -> None:
    command = [str(PYTHON), "-m", "localaws", "--host", host, "--port", "0", "--state", str(tmp_path)]
    ended = subprocess.run(command, cwd=CHECKOUT / "include", capture_output=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert f"Refusing to listen on {host}" in ended.stderr.decode()


@pytest.fixture(scope="module")
def coverage() -> str:
    """What the command prints."""
    command = [str(PYTHON), "-m", "localaws", "--coverage"]
    ended = subprocess.run(command, cwd=CHECKOUT / "include", capture_output=True, timeout=90, check=True)
    return ended.stdout.decode()


def test_coverage_lists_every_operation_once(coverage: str) -> None:
    sagemaker = coverage.partition("## sagemaker\n")[2].partition("\n## ")[0]
    works = sagemaker.partition("**Works here**")[2].partition("**moto**")[0]
    for operation in ("CreateTrainingJob", "CreateProcessingJob", "StopTrainingJob", "AddTags"):
        assert f"`{operation}`" in works
        assert sagemaker.count(f"`{operation}`") == 1
    assert "`CreatePipeline`" in sagemaker.partition("**Not implemented**")[2]


def test_log_events_are_filtered_by_stream_prefix(aws: Callable[[str], Any]) -> None:
    logs, group = aws("logs"), job_name()
    logs.create_log_group(logGroupName=group)
    for number, stream in enumerate(("a/1", "a/2", "b/1")):
        logs.create_log_stream(logGroupName=group, logStreamName=stream)
        event = {"timestamp": 1_795_000_000_000 - number, "message": stream}
        logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=[event])

    def messages(**request: str) -> list[str]:
        events = logs.filter_log_events(logGroupName=group, **request)["events"]
        return [event["message"] for event in events]

    assert messages(logStreamNamePrefix="a/") == ["a/2", "a/1"]
    assert messages(logStreamNamePrefix="c/") == []
    assert messages() == ["b/1", "a/2", "a/1"]
    code, _, _ = refusal(logs.filter_log_events, logGroupName="no-such-group", logStreamNamePrefix="a")
    assert code == "ResourceNotFoundException"


def test_coverage_file_is_what_the_classes_say(coverage: str) -> None:
    kept = (CHECKOUT / "include" / "localaws" / "COVERAGE.md").read_text(encoding="utf-8")
    assert coverage == kept, (
        "renew it: cd include && ../.venv-localaws/bin/python -m localaws --coverage > localaws/COVERAGE.md"
    )


def test_every_kind_of_resource_has_its_tags(aws: Callable[[str], Any], bucket: str) -> None:
    sagemaker, name, tags = aws("sagemaker"), job_name(), [{"Key": "retrain:run", "Value": "r1"}]
    group = sagemaker.create_model_package_group(ModelPackageGroupName=name, Tags=tags)
    content = {"Bucket": bucket, "Key": "model.tar.gz", "Body": b"anything"}
    aws("s3").put_object(**content)
    container = {"Image": TEST_IMAGE, "ModelDataUrl": f"s3://{bucket}/model.tar.gz"}
    model = sagemaker.create_model(
        ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer=container, Tags=tags
    )
    variant = {
        "VariantName": "all",
        "ModelName": name,
        "InitialInstanceCount": 1,
        "InstanceType": "ml.m5.large",
    }
    config = sagemaker.create_endpoint_config(
        EndpointConfigName=name, ProductionVariants=[variant], Tags=tags
    )
    for arn in (group["ModelPackageGroupArn"], model["ModelArn"], config["EndpointConfigArn"]):
        assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == tags
