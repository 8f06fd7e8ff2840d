"""CloudFormation: moto's, with ExecuteChangeSet leaving the stack as CreateStack does.

moto makes the resources of a change set and leaves the stack without its outputs, description and parameters;
`aws cloudformation deploy` knows no other way than a change set. And of AWS's two ways to keep what a stack
that is deleted had made, moto knows one.
"""

from __future__ import annotations

from typing import Any

from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.responses import CloudFormationResponse

from localaws.protocol import AwsError, StrictResponse


class CloudFormation(StrictResponse, CloudFormationResponse):
    """Every operation is moto's but ExecuteChangeSet, and DeleteStack of resources that stay."""

    cloudformation_backend: Any

    def execute_change_set(self) -> Any:
        """Do what a change set says, once."""
        change_set = self._change_set(self.request()["ChangeSetName"])
        if change_set.execution_status != "AVAILABLE":
            message = (
                f"ChangeSet [{change_set.change_set_id}] cannot be executed in its current status of "
                f"[{change_set.execution_status}]"
            )
            raise AwsError("InvalidChangeSetStatus", message)
        executed = super().execute_change_set()
        stack = self.cloudformation_backend.stacks[change_set.stack_id]
        stack._parse_template()
        stack.description = stack.template_description
        stack.parameters = change_set.parameters
        stack.output_map = stack._create_output_map()
        return executed

    def delete_stack(self) -> Any:
        """Delete a stack; what RetainExceptOnCreate keeps of one that was created stays, as with Retain."""
        name = self.request()["StackName"]
        for stack in self.cloudformation_backend.stacks.values():
            if name in {stack.name, stack.stack_id}:
                for resource in stack.resource_map._resource_json_map.values():
                    if resource.get("DeletionPolicy") == "RetainExceptOnCreate":
                        resource["DeletionPolicy"] = "Retain"
        return super().delete_stack()

    def _change_set(self, name: str) -> Any:
        try:
            return self.cloudformation_backend.describe_change_set(name)
        except ValidationError as error:
            raise AwsError("ChangeSetNotFound", f"ChangeSet [{name}] does not exist", 404) from error
