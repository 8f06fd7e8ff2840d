"""The stack, linted, created and deleted on the stand-in."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from botocore.exceptions import ClientError

from sentiment_retrain.settings import load_settings, merged, parse_settings

from .template import PATH, REGION, STACK, Template

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stand_in import StandIn

# moto creates these and nothing else: it reports CREATE_COMPLETE for the other types and skips them. Both
# lists are compared with what is seen, so that neither a silent skip nor a new ability goes unnoticed.
EXECUTED = {
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::Policy",
    "AWS::IAM::Role",
    "AWS::S3::Bucket",
    "AWS::SNS::Topic",
}
NOT_EXECUTED = {
    "AWS::Athena::WorkGroup",
    "AWS::Budgets::Budget",
    "AWS::CloudWatch::Alarm",
    "AWS::Glue::Database",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::Subscription",
    "AWS::SNS::TopicPolicy",
}


@pytest.fixture(scope="module")
def stack(stand_in: StandIn) -> Iterator[dict[str, Any]]:
    """The created stack: its description, its resources by logical id."""
    cloudformation = stand_in.client("cloudformation")
    cloudformation.create_stack(
        StackName=STACK,
        TemplateBody=PATH.read_text(),
        Capabilities=["CAPABILITY_IAM"],
        Parameters=[{"ParameterKey": "NotificationEmail", "ParameterValue": "on-call@example.com"}],
    )
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName=STACK, WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )
    described = cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]
    listed = cloudformation.list_stack_resources(StackName=STACK)["StackResourceSummaries"]
    yield described | {"resources": {found["LogicalResourceId"]: found for found in listed}}
    cloudformation.delete_stack(StackName=STACK)


def outputs(stack: dict[str, Any]) -> dict[str, str]:
    return {found["OutputKey"]: found["OutputValue"] for found in stack["Outputs"]}


def test_the_template_is_clean() -> None:
    """cfn-lint: properties, enums, references, IAM actions and what their resources may be."""
    program = "import sys; from cfnlint.runner import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", program, "--include-checks", "I", "--", str(PATH)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


def test_what_the_stand_in_executes_is_what_is_said(stack: dict[str, Any], template: Template) -> None:
    used = {found["Type"] for found in template.resources.values()}

    assert used == EXECUTED | NOT_EXECUTED
    # What is skipped is listed without a type.
    assert {kind for found in stack["resources"].values() if (kind := found["ResourceType"])} == EXECUTED


def test_of_the_bucket_the_stand_in_executes_name_and_encryption(
    stack: dict[str, Any], stand_in: StandIn
) -> None:
    """Versioning, lifecycle and the public access block are read from the template below."""
    s3, bucket = stand_in.client("s3"), outputs(stack)["BucketName"]

    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)
    rules = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"


def test_sagemaker_may_assume_both_roles_and_no_other_account(
    stack: dict[str, Any], stand_in: StandIn
) -> None:
    iam = stand_in.client("iam")
    for key in ("RoleArn", "ModelRoleArn"):
        role = iam.get_role(RoleName=outputs(stack)[key].rpartition("/")[2])["Role"]

        [statement] = role["AssumeRolePolicyDocument"]["Statement"]
        assert statement["Principal"] == {"Service": "sagemaker.amazonaws.com"}
        assert statement["Condition"]["StringEquals"]["aws:SourceAccount"] == "123456789012"


def test_the_overlay_is_settings(stack: dict[str, Any]) -> None:
    """What is copied from the stack's outputs is a configuration, and names what the stack made."""
    overlay = yaml.safe_load(outputs(stack)["Overlay"])

    settings = parse_settings(merged(load_settings().model_dump(), overlay), "the stack")

    assert settings.bucket == outputs(stack)["BucketName"]
    assert settings.role_arn == outputs(stack)["RoleArn"]
    assert settings.model_role_arn == outputs(stack)["ModelRoleArn"]
    assert settings.approval.topic_arn == outputs(stack)["TopicArn"]


def test_a_deleted_stack_leaves_the_bucket_and_nothing_else(stand_in: StandIn) -> None:
    """A stack of its own: the shared one is still needed."""
    cloudformation, name = stand_in.client("cloudformation"), f"{STACK}-2"
    parameters = [
        {"ParameterKey": "Prefix", "ParameterValue": "other"},
        {"ParameterKey": "EndpointName", "ParameterValue": "other"},
    ]
    cloudformation.create_stack(
        StackName=name,
        TemplateBody=PATH.read_text(),
        Capabilities=["CAPABILITY_IAM"],
        Parameters=parameters,
    )
    made = outputs(cloudformation.describe_stacks(StackName=name)["Stacks"][0])

    cloudformation.delete_stack(StackName=name)

    iam = stand_in.client("iam")
    for key in ("RoleArn", "ModelRoleArn", "AirflowRoleArn"):
        with pytest.raises(ClientError, match="NoSuchEntity"):
            iam.get_role(RoleName=made[key].rpartition("/")[2])
    topics = [topic["TopicArn"] for topic in stand_in.client("sns").list_topics()["Topics"]]
    assert made["TopicArn"] not in topics
    assert stand_in.client("s3").head_bucket(Bucket=made["BucketName"])


# --- What the stand-in does not execute is read from the template -------------------------------------------


def test_the_bucket_is_private_and_speaks_tls_only(template: Template) -> None:
    assert all(template.properties("Bucket")["PublicAccessBlockConfiguration"].values())
    [statement] = template.properties("BucketPolicy")["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert len(statement["Resource"]) == 2


def test_nothing_expires_that_a_rollback_reads(template: Template) -> None:
    rules = template.properties("Bucket")["LifecycleConfiguration"]["Rules"]

    expiring = {
        rule.get("Prefix", "")
        for rule in rules
        if {"ExpirationInDays", "NoncurrentVersionExpiration"} & rule.keys()
    }

    assert expiring == {"athena/", "capture/", "timeline/"}
    # Not Retain: that leaves the bucket of a creation that failed, too, and its name stops the next one.
    assert template.resources["Bucket"]["DeletionPolicy"] == "RetainExceptOnCreate"
    assert template.resources["Bucket"]["UpdateReplacePolicy"] == "Retain"
    assert template.properties("Bucket")["VersioningConfiguration"] == {"Status": "Enabled"}


def test_no_query_scans_more_than_the_limit(template: Template) -> None:
    rules = template.properties("Workgroup")["WorkGroupConfiguration"]

    assert rules["EnforceWorkGroupConfiguration"] is True
    assert rules["BytesScannedCutoffPerQuery"] == 10 * 2**30
    assert rules["ResultConfiguration"]["OutputLocation"].endswith("/athena/")


def test_alarms_and_budget_tell_the_topic(template: Template) -> None:
    topic = template.arn("Topic")

    assert {tuple(a["AlarmActions"]) for a in template.of_type("AWS::CloudWatch::Alarm").values()} == {
        (topic,)
    }
    [budget] = template.of_type("AWS::Budgets::Budget").values()
    addresses = {
        subscriber["Address"]
        for notification in budget["NotificationsWithSubscribers"]
        for subscriber in notification["Subscribers"]
    }
    assert addresses == {topic}


def test_a_stack_in_another_region_finds_no_name_taken(template: Template) -> None:
    """Names of buckets, budgets and what IAM has are the account's or the world's, not a region's."""
    assert template.properties("Bucket")["BucketName"].endswith(REGION)
    [budget] = template.of_type("AWS::Budgets::Budget").values()
    assert budget["Budget"]["BudgetName"].endswith(REGION)
    for kind, name in (("Role", "RoleName"), ("ManagedPolicy", "ManagedPolicyName")):
        named = [one for one, found in template.of_type(f"AWS::IAM::{kind}").items() if name in found]
        assert named == []


def test_managed_policies_are_within_the_limit_of_aws(template: Template) -> None:
    """6,144 characters without white space; 10,240 for a role's inline policies."""
    for name, properties in template.of_type("AWS::IAM::ManagedPolicy").items():
        size = len(json.dumps(properties["PolicyDocument"], separators=(",", ":")))
        assert size < 6144, f"{name}: {size}"
    for name, properties in template.of_type("AWS::IAM::Role").items():
        documents = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
        assert sum(len(json.dumps(d, separators=(",", ":"))) for d in documents) < 10240, name
