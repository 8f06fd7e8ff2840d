"""Workgroups: where results go, and how much a query may read."""

from __future__ import annotations

from typing import Any

from localaws import state
from localaws.protocol import AwsError, answer
from localaws.services.athena import models, stored_queries
from localaws.services.athena.errors import InvalidRequestError
from localaws.services.athena.paging import page

_MAXIMUM = 50
_MAXIMUM_TAGS = 50
_TAGS = "athena-tags"
_REMOVALS = {
    "RemoveBytesScannedCutoffPerQuery": "BytesScannedCutoffPerQuery",
    "RemoveCustomerContentEncryptionConfiguration": "CustomerContentEncryptionConfiguration",
}


class WorkGroupOperations:
    """Create, get, list, update, delete and tag workgroups."""

    request: Any

    def create_work_group(self) -> Any:
        """CreateWorkGroup."""
        request = self.request()
        name = request["Name"]
        models.workgroup("primary")
        try:
            state.store().create(models.WORKGROUPS, name, models.new_workgroup(name, request))
        except KeyError as error:
            raise InvalidRequestError("WorkGroup is already created.") from error
        _tag(name, request.get("Tags") or [])
        return answer({})

    def get_work_group(self) -> Any:
        """GetWorkGroup."""
        return answer({"WorkGroup": models.workgroup(self.request()["WorkGroup"])})

    def list_work_groups(self) -> Any:
        """ListWorkGroups, by name."""
        models.workgroup("primary")
        groups = sorted(state.store().items(models.WORKGROUPS), key=lambda group: group["Name"])
        summaries = [
            {
                **{key: group[key] for key in ("Name", "State", "Description", "CreationTime")},
                "EngineVersion": group["Configuration"]["EngineVersion"],
            }
            for group in groups
        ]
        return answer(page("WorkGroups", summaries, self.request(), _MAXIMUM))

    def update_work_group(self) -> Any:
        """UpdateWorkGroup: what is not mentioned stays."""
        request = self.request()
        group = models.workgroup(request["WorkGroup"])
        configuration = group["Configuration"]
        updates = request.get("ConfigurationUpdates") or {}
        for flag, key in _REMOVALS.items():
            if updates.pop(flag, False):
                configuration.pop(key, None)
        result_updates = updates.pop("ResultConfigurationUpdates", {})
        current = configuration.get("ResultConfiguration") or {}
        for key in [key for key in result_updates if key.startswith("Remove")]:
            if result_updates.pop(key):
                current.pop(key.removeprefix("Remove"), None)
        updates.pop("EngineVersion", None)
        configuration |= updates | {"ResultConfiguration": current | result_updates}
        changes = {key: request[key] for key in ("Description", "State") if key in request}
        state.store().update(models.WORKGROUPS, group["Name"], Configuration=configuration, **changes)
        return answer({})

    def delete_work_group(self) -> Any:
        """DeleteWorkGroup: not `primary`, and only an empty one unless RecursiveDeleteOption."""
        request = self.request()
        name = request["WorkGroup"]
        if name == "primary":
            raise InvalidRequestError("The primary workgroup cannot be deleted.")
        models.workgroup(name)
        used = [item for item in state.store().items(models.EXECUTIONS) if item["WorkGroup"] == name]
        if (used or stored_queries.any_of(name)) and not request.get("RecursiveDeleteOption"):
            raise InvalidRequestError(f"WorkGroup {name} is not empty")
        for item in used:
            state.store().delete(models.EXECUTIONS, item["QueryExecutionId"])
        stored_queries.forget(name)
        state.store().delete(_TAGS, name)
        state.store().delete(models.WORKGROUPS, name)
        return answer({})

    def tag_resource(self) -> Any:
        """TagResource, of workgroups."""
        request = self.request()
        _tag(_workgroup_of(request["ResourceARN"]), request["Tags"])
        return answer({})

    def untag_resource(self) -> Any:
        """UntagResource, of workgroups; a key that is not there is no error."""
        request = self.request()
        name = _workgroup_of(request["ResourceARN"])
        kept = {key: value for key, value in _tags(name).items() if key not in request["TagKeys"]}
        state.store().put(_TAGS, name, {"tags": kept})
        return answer({})

    def list_tags_for_resource(self) -> Any:
        """ListTagsForResource, of workgroups."""
        request = self.request()
        tags = _tags(_workgroup_of(request["ResourceARN"]))
        items = [{"Key": key, "Value": value} for key, value in tags.items()]
        return answer(page("Tags", items, request, _MAXIMUM_TAGS))


def _tags(workgroup: str) -> dict[str, str]:
    return dict((state.store().get(_TAGS, workgroup) or {"tags": {}})["tags"])


def _tag(workgroup: str, tags: list[dict[str, str]]) -> None:
    merged = _tags(workgroup) | {tag["Key"]: tag.get("Value", "") for tag in tags}
    if len(merged) > _MAXIMUM_TAGS:
        raise InvalidRequestError(f"A resource has at most {_MAXIMUM_TAGS} tags")
    state.store().put(_TAGS, workgroup, {"tags": merged})


def _workgroup_of(arn: str) -> str:
    """The workgroup with this ARN; raise ResourceNotFoundException."""
    name = arn.rpartition(":workgroup/")[2]
    known = name == "primary" or state.store().get(models.WORKGROUPS, name) is not None
    if ":workgroup/" not in arn or not known:
        raise AwsError("ResourceNotFoundException", f"Athena Resource, {arn} Does Not Exist")
    return name
