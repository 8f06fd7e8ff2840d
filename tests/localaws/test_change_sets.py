"""A stack that a change set makes or changes: `aws cloudformation deploy` knows no other way. And its end."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hosting import unique
from stand_in import JOB_SECONDS, refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TEMPLATE = {
    "Description": "A topic",
    "Parameters": {"Name": {"Type": "String"}, "Team": {"Type": "String", "Default": "nobody"}},
    "Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Ref": "Name"}}}},
    "Outputs": {
        "Arn": {"Value": {"Ref": "Topic"}},
        "Owner": {"Value": {"Fn::Sub": "${Name} of ${Team}"}},
    },
}
WAIT = {"Delay": 1, "MaxAttempts": JOB_SECONDS}


@pytest.fixture
def cloudformation(aws: Callable[[str], Any]) -> Any:
    """A client."""
    return aws("cloudformation")


@pytest.fixture
def stack(cloudformation: Any) -> Iterator[str]:
    """A name for a stack, which is deleted afterwards."""
    name = unique("stack")
    yield name
    cloudformation.delete_stack(StackName=name)


def propose(cloudformation: Any, stack: str, kind: str, **parameters: str) -> str:
    """A change set that can be executed; gives its ARN."""
    made: str = cloudformation.create_change_set(
        StackName=stack,
        ChangeSetName=unique("change"),
        ChangeSetType=kind,
        TemplateBody=json.dumps(TEMPLATE),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
    )["Id"]
    waiter = cloudformation.get_waiter("change_set_create_complete")
    waiter.wait(ChangeSetName=made, StackName=stack, WaiterConfig=WAIT)
    return made


def outputs(described: dict[str, Any]) -> dict[str, str]:
    return {found["OutputKey"]: found["OutputValue"] for found in described["Outputs"]}


def test_a_stack_of_a_change_set_has_all_that_its_template_says(cloudformation: Any, stack: str) -> None:
    made = propose(cloudformation, stack, "CREATE", Name=stack)
    cloudformation.execute_change_set(ChangeSetName=made, StackName=stack)
    cloudformation.get_waiter("stack_create_complete").wait(StackName=stack, WaiterConfig=WAIT)

    [described] = cloudformation.describe_stacks(StackName=stack)["Stacks"]
    assert outputs(described)["Arn"].endswith(f":{stack}")
    assert outputs(described)["Owner"] == f"{stack} of nobody"
    assert described["Description"] == "A topic"


def test_a_second_change_set_changes_the_outputs(cloudformation: Any, stack: str) -> None:
    first = propose(cloudformation, stack, "CREATE", Name=stack)
    cloudformation.execute_change_set(ChangeSetName=first, StackName=stack)
    cloudformation.get_waiter("stack_create_complete").wait(StackName=stack, WaiterConfig=WAIT)
    second = propose(cloudformation, stack, "UPDATE", Name=stack, Team="reviews")
    cloudformation.execute_change_set(ChangeSetName=second, StackName=stack)
    cloudformation.get_waiter("stack_update_complete").wait(StackName=stack, WaiterConfig=WAIT)

    [described] = cloudformation.describe_stacks(StackName=stack)["Stacks"]
    assert outputs(described)["Owner"] == f"{stack} of reviews"


def test_what_was_executed_or_never_was_is_refused(cloudformation: Any, stack: str) -> None:
    made = propose(cloudformation, stack, "CREATE", Name=stack)
    cloudformation.execute_change_set(ChangeSetName=made, StackName=stack)
    cloudformation.get_waiter("stack_create_complete").wait(StackName=stack, WaiterConfig=WAIT)

    code, _, _ = refusal(cloudformation.execute_change_set, ChangeSetName=made, StackName=stack)
    assert code in {"InvalidChangeSetStatus", "ChangeSetNotFound"}
    code, message, status = refusal(
        cloudformation.execute_change_set, ChangeSetName="never-was", StackName=stack
    )
    assert (code, status) == ("ChangeSetNotFound", 404)
    assert "never-was" in message


@pytest.mark.parametrize("policy", ["Retain", "RetainExceptOnCreate"])
def test_what_a_stack_keeps_outlives_it(cloudformation: Any, aws: Callable[[str], Any], policy: str) -> None:
    name, sns = unique("stack"), aws("sns")
    topic = TEMPLATE["Resources"]["Topic"] | {"DeletionPolicy": policy}  # type: ignore[index]
    body = json.dumps(TEMPLATE | {"Resources": {"Topic": topic}})
    parameters = [{"ParameterKey": "Name", "ParameterValue": name}]
    cloudformation.create_stack(StackName=name, TemplateBody=body, Parameters=parameters)
    cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig=WAIT)
    arn = outputs(cloudformation.describe_stacks(StackName=name)["Stacks"][0])["Arn"]

    cloudformation.delete_stack(StackName=name)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig=WAIT)

    assert sns.get_topic_attributes(TopicArn=arn)["Attributes"]["TopicArn"] == arn
    sns.delete_topic(TopicArn=arn)


def test_a_deletion_names_its_stack(unchecked: Callable[[str], Any]) -> None:
    code, message, status = refusal(unchecked("cloudformation").delete_stack)

    assert (code, status) == ("ValidationError", 400)
    assert "stackName" in message
