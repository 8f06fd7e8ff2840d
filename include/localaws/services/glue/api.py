"""Glue's catalog: moto keeps it; here is what moto does not check."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.glue.responses import GlueResponse

from localaws.protocol import AwsError, StrictResponse, answer

if TYPE_CHECKING:
    from moto.core.responses import ActionResult

Document = dict[str, Any]

WRONG_COUNT = "The number of partition keys do not match the number of partition values"


class Glue(StrictResponse, GlueResponse):
    """moto's Glue, whose partitions have one value for each key of their table."""

    glue_backend: Any

    def create_partition(self) -> ActionResult:
        """CreatePartition."""
        request = self.request()
        if not self._fits(request, request["PartitionInput"]):
            raise AwsError("InvalidInputException", WRONG_COUNT)
        return super().create_partition()

    def batch_create_partition(self) -> ActionResult:
        """BatchCreatePartition: what cannot be created comes back under Errors, the rest is created."""
        request = self.request()
        fitting = [item for item in request["PartitionInputList"] if self._fits(request, item)]
        detail = {"ErrorCode": "InvalidInputException", "ErrorMessage": WRONG_COUNT}
        errors = [
            {"PartitionValues": item.get("Values", []), "ErrorDetail": detail}
            for item in request["PartitionInputList"]
            if item not in fitting
        ]
        errors += (
            self.glue_backend.batch_create_partition(request["DatabaseName"], request["TableName"], fitting)
            or []
        )
        return answer({"Errors": errors} if errors else {})

    def _fits(self, request: Document, partition: Document) -> bool:
        table = self.glue_backend.get_table(request["DatabaseName"], request["TableName"])
        keys = table.as_dict().get("PartitionKeys") or []
        return len(keys) == len(partition.get("Values", []))
