"""The API of the stand-in that sets faults."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any


class Faults:
    """The faults API of a stand-in."""

    def __init__(self, url: str) -> None:
        """`url` of the stand-in."""
        self._url = f"{url}/_localaws/faults"

    def call(self, method: str, document: object = None, path: str = "") -> tuple[int, dict[str, Any]]:
        """Status and answer."""
        data = None if document is None else json.dumps(document).encode()
        request = urllib.request.Request(self._url + path, data, method=method)  # noqa: S310  it is http
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def set(self, action: str, **fault: Any) -> str:
        """Set one fault; return its id."""
        status, answer = self.call("POST", {"action": action, **fault})
        assert status == 201, answer
        return str(answer["faults"][0]["id"])

    def get(self, fault_id: str) -> dict[str, Any]:
        """One fault as listed."""
        return next(fault for fault in self.call("GET")[1]["faults"] if fault["id"] == fault_id)
