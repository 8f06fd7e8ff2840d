"""CloudWatch Logs: moto's, with FilterLogEvents minding logStreamNamePrefix, which moto ignores."""

from __future__ import annotations

import json
from typing import Any

from moto.logs.responses import LogsResponse

from localaws.clients import client
from localaws.protocol import AwsError, StrictResponse


class Logs(StrictResponse, LogsResponse):
    """Every operation is moto's but FilterLogEvents."""

    region: str
    body: str

    def filter_log_events(self) -> str:
        """Events of the streams named or prefixed, in the order of time as AWS answers them."""
        request = self.request()
        prefix = request.pop("logStreamNamePrefix", None)
        if prefix is not None:
            if "logStreamNames" in request:
                message = "logStreamNames and logStreamNamePrefix cannot be specified together."
                raise AwsError("InvalidParameterException", message)
            request["logStreamNames"] = self._streams(request["logGroupName"], prefix)
            if not request["logStreamNames"]:
                return json.dumps({"events": [], "searchedLogStreams": []})
        self.body = json.dumps(request | {"interleaved": True})
        return super().filter_log_events()

    def _streams(self, group: str, prefix: str) -> list[str]:
        logs: Any = client("logs", self.region)
        try:
            pages = list(
                logs.get_paginator("describe_log_streams").paginate(
                    logGroupName=group, logStreamNamePrefix=prefix
                )
            )
        except logs.exceptions.ResourceNotFoundException as error:
            message = "The specified log group does not exist."
            raise AwsError("ResourceNotFoundException", message) from error
        return [stream["logStreamName"] for page in pages for stream in page["logStreams"]]
