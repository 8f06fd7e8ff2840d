"""The shipped roles may do what a full run does, and nothing that is neither done nor justified."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from .calls import AIRFLOW, JOB, MODEL, Call, read, resource_types
from .policy import Access, applies, is_allowed, listed
from .template import CHECKOUT, Template

RECORDING = Path(__file__).with_name("full_run.json")

# The recorded account has no stack: there the run makes the database itself, here the stack has made it.
MADE_BY_THE_STACK = {"glue:CreateDatabase"}

PARTS = "large objects go in parts, which awswrangler and Athena do by themselves"
TRANSFER = "what SageMaker does as the role around a container; the stand-in does it as itself"
AUTOPILOT = (
    "Autopilot's own jobs, which AWS starts as this role: the minimum of CreateAutoMLJob's execution role in "
    "https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html, the rest after "
    "AmazonSageMakerFullAccess, held to the job's names"
)
SCALING = (
    "https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-prerequisites.html: asked for "
    "by RegisterScalableTarget and PutScalingPolicy"
)
CODE = "in the code, on a path that no recorded run takes"
#: Granted actions that the recording does not show; those of CODE are looked for in the sources.
JUSTIFIED: dict[tuple[str, str], str] = {
    (AIRFLOW, "athena:StopQueryExecution"): f"{CODE}: a query that takes too long",
    (AIRFLOW, "sagemaker:DeleteEndpoint"): f"{CODE}: a first endpoint that failed is made anew",
    (AIRFLOW, "sagemaker:DeleteModelPackage"): f"{CODE}: two runs register the same model at once",
    # Of the alarms that autoscaling makes; those of deployments are recorded.
    (AIRFLOW, "cloudwatch:DeleteAlarms"): SCALING,
    (AIRFLOW, "cloudwatch:PutMetricAlarm"): SCALING,
    (AIRFLOW, "glue:BatchGetPartition"): "Athena's reading of the partitions of a query, as whoever asks it",
    (AIRFLOW, "glue:GetPartition"): "Athena's reading of one partition, as whoever asks it",
    (AIRFLOW, "s3:GetBucketLocation"): "Athena refuses a result location whose region it may not ask for",
    (AIRFLOW, "s3:ListBucketMultipartUploads"): PARTS,
    (AIRFLOW, "s3:AbortMultipartUpload"): PARTS,
    (AIRFLOW, "s3:ListMultipartUploadParts"): PARTS,
    (AIRFLOW, "iam:CreateServiceLinkedRole"): SCALING,
    (AIRFLOW, "iam:GetRole"): "preflight of the caller itself, whom the recording does not know as a role",
    (AIRFLOW, "sagemaker:UpdateEndpointWeightsAndCapacities"): SCALING,
    **{
        (role, action): TRANSFER
        for role in (JOB, MODEL)
        for action in (
            "cloudwatch:PutMetricData",
            "ecr:BatchCheckLayerAvailability",
            "ecr:BatchGetImage",
            "ecr:GetAuthorizationToken",
            "ecr:GetDownloadUrlForLayer",
            "logs:DescribeLogStreams",
            "s3:AbortMultipartUpload",
            "s3:GetBucketLocation",
        )
    },
    (JOB, "sagemaker:AddTags"): AUTOPILOT,
    (JOB, "iam:PassRole"): AUTOPILOT,
    **{
        (JOB, f"sagemaker:{operation}"): AUTOPILOT
        for operation in (
            "CreateEndpoint",
            "CreateEndpointConfig",
            "CreateHyperParameterTuningJob",
            "CreateModel",
            "CreateProcessingJob",
            "CreateTrainingJob",
            "CreateTransformJob",
            "DeleteEndpoint",
            "DeleteEndpointConfig",
            "DeleteModel",
            "DescribeEndpoint",
            "DescribeEndpointConfig",
            "DescribeHyperParameterTuningJob",
            "DescribeModel",
            "DescribeProcessingJob",
            "DescribeTrainingJob",
            "DescribeTransformJob",
            "InvokeEndpoint",
            "ListTags",
            "ListTrainingJobsForHyperParameterTuningJob",
            "StopHyperParameterTuningJob",
            "StopProcessingJob",
            "StopTrainingJob",
            "StopTransformJob",
        )
    },
    (MODEL, "cloudwatch:DescribeAlarms"): "SageMaker looks at the alarms of an update",
}


@pytest.fixture(scope="module")
def calls() -> list[Call]:
    """The distinct calls of the recorded run."""
    rows = json.loads(RECORDING.read_text())
    return [
        Call(tuple(roles), Access(action, resource, tuple((k, v) for k, v in context)))
        for roles, action, resource, context in rows
    ]


@pytest.fixture(scope="module")
def statements(template: Template) -> dict[str, list[dict[str, Any]]]:
    return {role: template.statements(role) for role in (AIRFLOW, JOB, MODEL)}


def denied(calls: list[Call], statements: dict[str, list[dict[str, Any]]]) -> list[Call]:
    """Calls that no role of theirs allows."""
    return [
        call
        for call in calls
        if call.access.action not in MADE_BY_THE_STACK
        and not any(is_allowed(statements[role], call.access) for role in call.roles)
    ]


def test_every_call_is_allowed(calls: list[Call], statements: dict[str, list[dict[str, Any]]]) -> None:
    assert denied(calls, statements) == []


def test_every_granted_action_is_used_or_justified(
    calls: list[Call], statements: dict[str, list[dict[str, Any]]]
) -> None:
    """Statement by statement: an action that one statement needs is not thereby needed in another."""
    unused = {
        (role, action)
        for role, granted in statements.items()
        for statement in granted
        for action in listed(statement["Action"])
        if not any(
            role in call.roles and applies(statement | {"Action": action}, call.access) for call in calls
        )
    }

    assert unused - JUSTIFIED.keys() == set()
    # Nor is there a reason for what is seen.
    assert JUSTIFIED.keys() - unused == set()


def test_no_reason_is_for_an_action_that_is_not_granted(
    statements: dict[str, list[dict[str, Any]]],
) -> None:
    granted = {
        (role, action)
        for role, found in statements.items()
        for statement in found
        for action in listed(statement["Action"])
    }

    assert JUSTIFIED.keys() - granted == set()


def test_what_is_justified_by_code_is_in_the_code() -> None:
    sources = "\n".join(path.read_text() for path in (CHECKOUT / "plugins").rglob("*.py"))
    for (_, action), reason in JUSTIFIED.items():
        if reason.startswith(CODE):
            operation = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=ML)(?=[A-Z])", "_", action.partition(":")[2]).lower()
            operation = operation.replace("auto_mljob", "auto_ml_job").replace("automl_job", "auto_ml_job")
            assert re.search(rf"\b{operation}\b", sources), operation


def test_every_action_exists_and_stands_with_resources_that_it_takes(
    statements: dict[str, list[dict[str, Any]]],
) -> None:
    """By AWS's service authorization reference; an action without resources is granted on ``*`` alone."""
    for role, found in statements.items():
        for statement in found:
            for action in listed(statement["Action"]):
                assert "*" not in action, (role, action)
                types = resource_types(action)
                assert types is not None, f"{role}: AWS knows no {action}"
                if not types:
                    assert statement["Resource"] == "*", (role, action)


# What each role must never be able to do.
TO_SAGEMAKER = (("iam:PassedToService", "sagemaker.amazonaws.com"),)
OF_SAGEMAKER = "arn:aws:sagemaker:us-east-1:123456789012"
ALARM = "arn:aws:cloudwatch:us-east-1:123456789012:alarm"
LOGS = "arn:aws:logs:us-east-1:123456789012:log-group"
FORBIDDEN = [
    Access("s3:DeleteObject", "{bucket}/jobs/sentiment-retrain-x/output/model.tar.gz"),
    Access("s3:DeleteObject", "{bucket}/raw/reviews/dt=2026-03-01/0123/reviews.csv"),
    Access("s3:DeleteObject", "{bucket}/runs/20260301-run/card.json"),
    Access("s3:DeleteObjectVersion", "{bucket}/curated/reviews/dt=2026-03-01/0123.parquet"),
    Access("s3:PutObject", "{bucket}/inbox/reviews.csv"),
    Access("s3:GetObject", "{bucket}/capture/sentiment-retrain/AllTraffic/requests.jsonl"),
    Access("s3:GetObject", "arn:aws:s3:::another-bucket/key"),
    Access("s3:PutObject", "arn:aws:s3:::another-bucket/key"),
    Access("s3:ListBucket", "arn:aws:s3:::another-bucket"),
    Access("s3:GetObject", "{bucket}-2/jobs/key"),
    Access("s3:DeleteBucket", "{bucket}"),
    Access("s3:PutBucketPolicy", "{bucket}"),
    Access("iam:PassRole", "{airflow}", TO_SAGEMAKER),
    Access("iam:PassRole", "{job}", (("iam:PassedToService", "ec2.amazonaws.com"),)),
    Access("iam:PassRole", "{model}", ()),
    Access("iam:PassRole", "arn:aws:iam::123456789012:role/Admin", TO_SAGEMAKER),
    # The role of a stack of the same name in another region.
    Access("iam:PassRole", "arn:aws:iam::123456789012:role/sentiment-retrain-JobRole-2", TO_SAGEMAKER),
    Access("iam:PutRolePolicy", "{job}"),
    Access("sts:AssumeRole", "arn:aws:iam::123456789012:role/Admin"),
    Access("kms:Decrypt", "arn:aws:kms:us-east-1:123456789012:key/0-0"),
    Access("sagemaker:DeleteEndpoint", f"{OF_SAGEMAKER}:endpoint/payments"),
    Access("sagemaker:UpdateEndpoint", f"{OF_SAGEMAKER}:endpoint/payments"),
    Access("sagemaker:InvokeEndpoint", f"{OF_SAGEMAKER}:endpoint/payments"),
    Access("sagemaker:CreateEndpoint", f"{OF_SAGEMAKER}:endpoint/sentiment-retrain-2"),
    Access("sagemaker:DeleteModel", f"{OF_SAGEMAKER}:model/payments"),
    Access("sagemaker:StopTrainingJob", f"{OF_SAGEMAKER}:training-job/payments"),
    Access("sagemaker:UpdateModelPackage", f"{OF_SAGEMAKER}:model-package/payments/1"),
    Access("sagemaker:CreateTrainingJob", f"{OF_SAGEMAKER}:training-job/mining"),
    Access("sagemaker:CreatePipeline", f"{OF_SAGEMAKER}:pipeline/x"),
    Access("glue:GetTable", "arn:aws:glue:us-east-1:123456789012:table/payroll/salaries"),
    Access("glue:GetDatabase", "arn:aws:glue:us-east-1:123456789012:database/payroll"),
    Access("glue:CreateDatabase", "arn:aws:glue:us-east-1:123456789012:database/payroll"),
    Access("glue:DeleteTable", "arn:aws:glue:us-east-1:123456789012:table/sentiment_retrain/reviews"),
    Access("athena:StartQueryExecution", "arn:aws:athena:us-east-1:123456789012:workgroup/primary"),
    Access("sns:Publish", "arn:aws:sns:us-east-1:123456789012:pager"),
    Access("logs:GetLogEvents", f"{LOGS}:/aws/sagemaker/TrainingJobs:log-stream:payments/algo-1"),
    Access("logs:GetLogEvents", f"{LOGS}:/aws/lambda/payments:log-stream:x"),
    Access("cloudwatch:PutMetricData", "*", (("cloudwatch:namespace", "AWS/EC2"),)),
    Access("cloudwatch:DeleteAlarms", f"{ALARM}:billing"),
    # The stack's own, which wake somebody: their names start as those of deployments do.
    Access("cloudwatch:DeleteAlarms", f"{ALARM}:sentiment-retrain-oncall-errors"),
    Access("cloudwatch:PutMetricAlarm", f"{ALARM}:sentiment-retrain-oncall-latency"),
    Access("cloudwatch:PutMetricAlarm", f"{ALARM}:sentiment-retrain-oncall-scanned-bytes"),
]
# What one role may and no other.
RESERVED = [
    (JOB, Access("s3:DeleteObject", "{bucket}/jobs/sentiment-retrain-x/output/.exchange/x/alive-0")),
    (AIRFLOW, Access("s3:DeleteObject", "{bucket}/curated/reviews/dt=2026-03-01/0123.parquet")),
    (AIRFLOW, Access("s3:DeleteObject", "{bucket}/raw/reviews/dt=2026-03-01/0123/_manifest.json")),
    (AIRFLOW, Access("s3:GetObject", "{bucket}/raw/reviews/dt=2026-03-01/0123/reviews.csv")),
    (AIRFLOW, Access("s3:GetObject", "{bucket}/datasets/0123/test/labels.csv")),
    (AIRFLOW, Access("s3:GetObject", "{bucket}/runs/20260301-run/attributions.json")),
    (AIRFLOW, Access("s3:PutObject", "{bucket}/containers/0123/sourcedir.tar.gz")),
    (AIRFLOW, Access("s3:PutObject", "{bucket}/datasets/0123/autopilot/train.csv")),
    (AIRFLOW, Access("iam:PassRole", "{model}", TO_SAGEMAKER)),
    (AIRFLOW, Access("sagemaker:UpdateEndpoint", f"{OF_SAGEMAKER}:endpoint/sentiment-retrain")),
    (MODEL, Access("s3:PutObject", "{bucket}/capture/sentiment-retrain/AllTraffic/requests.jsonl")),
    (JOB, Access("sagemaker:CreateEndpoint", f"{OF_SAGEMAKER}:endpoint/sm-clarify-x")),
]
FORBIDDEN_OF_MODELS = [
    Access("s3:GetObject", "{bucket}/raw/reviews/dt=2026-03-01/0123/reviews.csv"),
    Access("s3:PutObject", "{bucket}/datasets/0123/autopilot/train.csv"),
    Access("s3:GetObject", "{bucket}/datasets/0123/test/labels.csv"),
    Access("s3:GetObject", "{bucket}/datasets/0123/autopilot/train.csv"),
    Access("sagemaker:InvokeEndpoint", "arn:aws:sagemaker:us-east-1:123456789012:endpoint/sentiment-retrain"),
    Access("sagemaker:CreateTrainingJob", "arn:aws:sagemaker:us-east-1:123456789012:training-job/sr-x"),
]  # fmt: skip


def allowing(access: Access, statements: dict[str, list[dict[str, Any]]], template: Template) -> set[str]:
    """The roles that may; names of the stack's resources are filled in."""
    names = {"bucket": template.arn("Bucket"), "airflow": template.arn(AIRFLOW)}
    names |= {"job": template.arn(JOB), "model": template.arn(MODEL)}
    named = access._replace(resource=access.resource.format(**names))
    return {role for role, found in statements.items() if is_allowed(found, named)}


@pytest.mark.parametrize("access", FORBIDDEN, ids=lambda a: f"{a.action} {a.resource}")
def test_no_role_can_do_more(
    access: Access, statements: dict[str, list[dict[str, Any]]], template: Template
) -> None:
    assert allowing(access, statements, template) == set()


@pytest.mark.parametrize(("role", "access"), RESERVED, ids=str)
def test_one_role_can_and_the_others_cannot(
    role: str, access: Access, statements: dict[str, list[dict[str, Any]]], template: Template
) -> None:
    assert allowing(access, statements, template) == {role}


@pytest.mark.parametrize("access", FORBIDDEN_OF_MODELS, ids=lambda a: f"{a.action} {a.resource}")
def test_a_model_reads_no_raw_reviews_and_starts_nothing(
    access: Access, statements: dict[str, list[dict[str, Any]]], template: Template
) -> None:
    named = access._replace(resource=access.resource.format(bucket=template.arn("Bucket")))

    assert not is_allowed(statements[MODEL], named)


def test_the_check_sees_a_missing_permission(
    calls: list[Call], statements: dict[str, list[dict[str, Any]]]
) -> None:
    """The tests above can fail: without the registry's statement, the registry's calls are denied."""
    without = [statement for statement in statements[AIRFLOW] if statement["Sid"] != "Registry"]

    missed = {call.access.action for call in denied(calls, statements | {AIRFLOW: without})}

    assert "sagemaker:CreateModelPackage" in missed


def test_a_trail_is_read_as_questions(template: Template) -> None:
    base = {"source": "client", "application": "", "path": "/", "query": "", "request": {}}
    launcher = {"application": "sentiment-retrain-launcher"}
    create = {"ModelName": "sentiment-retrain-m", "ExecutionRoleArn": "x", "Tags": [1]}
    entries = [
        base | launcher | {"service": "s3", "operation": "CreateBucket", "path": "/b"},
        base | {"service": "s3", "operation": "HeadObject", "path": "/b/raw/a%20b"},
        base | {"service": "sagemaker", "operation": "CreateModel", "request": create},
        base
        | {"source": "container", "service": "sagemaker-runtime", "operation": "InvokeEndpoint"}
        | {"path": "/endpoints/sm-clarify-model-1795409684-88c8/invocations"},
    ]
    model = "arn:aws:sagemaker:us-east-1:123456789012:model/sentiment-retrain-m"
    endpoint = (
        "arn:aws:sagemaker:us-east-1:123456789012:endpoint/sm-clarify-sentiment-retrain-model-0123456789-0123"
    )
    passed = (("iam:PassedToService", "sagemaker.amazonaws.com"),)

    assert read(map(json.dumps, entries), template) == {
        Call((AIRFLOW,), Access("s3:GetObject", f"{template.arn('Bucket')}/raw/a b")),
        Call((AIRFLOW,), Access("sagemaker:CreateModel", model)),
        Call((AIRFLOW,), Access("sagemaker:AddTags", model)),
        Call((AIRFLOW,), Access("iam:PassRole", template.arn(MODEL), passed)),
        Call((JOB,), Access("sagemaker:InvokeEndpoint", endpoint)),
    }
