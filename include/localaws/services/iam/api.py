"""IAM: moto's, with SimulatePrincipalPolicy over the policies that a user, group or role really has."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from moto.iam.exceptions import NotFoundException
from moto.iam.responses import IamResponse

from localaws.protocol import AwsError, StrictResponse, answer, not_implemented
from localaws.services.iam.policy import Decision, Policy, decide

if TYPE_CHECKING:
    from collections.abc import Iterator

    from moto.core.responses import ActionResult

Document = dict[str, Any]

_PRINCIPAL = re.compile(r"arn:[\w-]+:iam::\d{12}:(?P<kind>user|group|role)/(?:.+/)?(?P<name>[^/]+)")
_ACTION = re.compile(r"[A-Za-z0-9-]+:[A-Za-z0-9*?]+|\*")
_PAGE = 100
#: What a simulation can be told besides and is not done here.
_NOT_DONE = (
    *("PermissionsBoundaryPolicyInputList", "PolicyExclusionList", "ResourcePolicy", "ResourceOwner"),
    *("CallerArn", "ResourceHandlingOption"),
)


class IAM(StrictResponse, IamResponse):
    """Every operation is moto's but SimulatePrincipalPolicy."""

    def simulate_principal_policy(self) -> ActionResult:
        """What the identity policies of a principal say to each action on each resource."""
        request = self.request()
        for name in _NOT_DONE:
            if request.get(name):
                raise not_implemented(f"SimulatePrincipalPolicy: {name}")
        for action in request["ActionNames"]:
            if not _ACTION.fullmatch(action):
                raise AwsError("InvalidInput", f"Invalid Action Name: {action}")
        policies = [*self._policies_of(request["PolicySourceArn"]), *_given(request)]
        context = {
            entry["ContextKeyName"].lower(): entry.get("ContextKeyValues", [])
            for entry in request.get("ContextEntries", [])
        }
        results = [
            _result(action, resource, decide(policies, action, resource, context))
            for action in request["ActionNames"]
            for resource in request.get("ResourceArns") or ["*"]
        ]
        return answer(_page(results, request))

    def _policies_of(self, arn: str) -> Iterator[Policy]:
        found = _PRINCIPAL.fullmatch(arn)
        if found is None:
            message = f"Invalid Entity Arn: {arn} does not clearly define entity type and name."
            raise AwsError("InvalidInput", message)
        holders = [self._holder(found["kind"], found["name"], arn)]
        if found["kind"] == "user":
            holders += self.backend.get_groups_for_user(found["name"])
        for holder in holders:
            for name, text in holder.policies.items():
                yield Policy.of(name, _document(text))
            for attached in holder.managed_policies.values():
                (default,) = [one for one in attached.versions if one.is_default]
                yield Policy.of(attached.name, _document(default.document))

    def _holder(self, kind: str, name: str, arn: str) -> Any:
        get: dict[str, Any] = {
            "user": self.backend.get_user,
            "group": self.backend.get_group,
            "role": self.backend.get_role,
        }
        try:
            holder = get[kind](name)
        except NotFoundException as error:
            raise _missing(arn) from error
        if holder.arn != arn:
            raise _missing(arn)
        return holder


def _missing(arn: str) -> AwsError:
    return AwsError("NoSuchEntity", f"The entity {arn} cannot be found.", 404)


def _document(text: Any) -> Document:
    """A policy as JSON; inline ones may come as they were sent, percent-encoded."""
    if isinstance(text, dict):
        return text
    return dict(json.loads(unquote(text) if text.lstrip().startswith("%7B") else text))


def _given(request: Document) -> Iterator[Policy]:
    for number, text in enumerate(request.get("PolicyInputList", []), start=1):
        try:
            yield Policy.of(f"PolicyInputList.{number}", json.loads(text))
        except ValueError as error:
            message = f"PolicyInputList.{number} is not JSON: {error}"
            raise AwsError("InvalidInput", message) from error


def _result(action: str, resource: str, decision: Decision) -> Document:
    return {
        "EvalActionName": action,
        "EvalResourceName": resource,
        "EvalDecision": decision.effect,
        "MatchedStatements": [
            {"SourcePolicyId": name, "SourcePolicyType": "IAM Policy"} for name in decision.matched
        ],
        "MissingContextValues": decision.missing,
    }


def _page(results: list[Document], request: Document) -> Document:
    marker = request.get("Marker", "0")
    if not marker.isdigit():
        raise AwsError("InvalidInput", f"Invalid Marker: {marker}")
    begin = int(marker)
    end = begin + int(request.get("MaxItems", _PAGE))
    found: Document = {"EvaluationResults": results[begin:end], "IsTruncated": end < len(results)}
    return found | ({"Marker": str(end)} if end < len(results) else {})
