"""Workgroups: where results go, and how much a query may read."""

from __future__ import annotations

from typing import Any

from localaws import state
from localaws.protocol import answer
from localaws.services.athena import models
from localaws.services.athena.errors import InvalidRequestError
from localaws.services.athena.paging import page

_MAXIMUM = 50
_REMOVALS = {
    "RemoveBytesScannedCutoffPerQuery": "BytesScannedCutoffPerQuery",
    "RemoveCustomerContentEncryptionConfiguration": "CustomerContentEncryptionConfiguration",
}


class WorkGroupOperations:
    """Create, get, list, update and delete workgroups."""

    request: Any
    athena_backend: Any

    def create_work_group(self) -> Any:
        """CreateWorkGroup."""
        request = self.request()
        name = request["Name"]
        models.workgroup("primary")
        try:
            state.store().create(models.WORKGROUPS, name, models.new_workgroup(name, request))
        except KeyError as error:
            raise InvalidRequestError("WorkGroup is already created.") from error
        # moto keeps tags, named queries and prepared statements, by workgroup.
        self.athena_backend.create_work_group(
            name,
            dict(request.get("Configuration") or {}),
            request.get("Description", ""),
            request.get("Tags") or [],
        )
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
        if used and not request.get("RecursiveDeleteOption"):
            raise InvalidRequestError(f"WorkGroup {name} is not empty")
        for item in used:
            state.store().delete(models.EXECUTIONS, item["QueryExecutionId"])
        state.store().delete(models.WORKGROUPS, name)
        self.athena_backend.delete_work_group(name)
        return answer({})
