"""Service Quotas of SageMaker: what a new account may use of each instance type, as AWS names the quotas.

Names are AWS's. Values are such as new accounts have, not those of any account in particular; the codes are
made of the names, because AWS publishes none.
"""

from __future__ import annotations

import hashlib
from typing import Any

from moto.core.responses import ActionResult, BaseResponse

from localaws import ACCOUNT_ID
from localaws.protocol import AwsError, StrictResponse, answer

Document = dict[str, Any]

SERVICE, SERVICE_NAME = "sagemaker", "Amazon SageMaker"
USES = (
    *("endpoint usage", "processing job usage", "spot training job usage"),
    *("training job usage", "transform job usage"),
)
#: By type: what a new account may use of it at a time.
VALUES: dict[str, float] = {
    **{f"ml.t3.{size}": 4.0 for size in ("medium", "large", "xlarge", "2xlarge")},
    **{f"ml.m5.{size}": 8.0 for size in ("large", "xlarge", "2xlarge", "4xlarge")},
    **{f"ml.c5.{size}": 8.0 for size in ("xlarge", "2xlarge", "4xlarge")},
    **{f"ml.m5.{size}": 0.0 for size in ("12xlarge", "24xlarge")},
    **{f"ml.c5.{size}": 0.0 for size in ("9xlarge", "18xlarge")},
    **{f"ml.{name}": 0.0 for name in ("g4dn.xlarge", "g5.xlarge", "p3.2xlarge")},
}
_PAGE = 100


class ServiceQuotas(StrictResponse, BaseResponse):
    """Quotas on SageMaker; other services have none here."""

    region: str

    def __init__(self) -> None:
        super().__init__(service_name="service-quotas")

    def list_service_quotas(self) -> ActionResult:
        """The account's quotas, by pages."""
        return self._listed()

    def list_aws_default_service_quotas(self) -> ActionResult:
        """AWS's default quotas, by pages; nobody has raised one here."""
        return self._listed()

    def get_service_quota(self) -> ActionResult:
        """One of the account's quotas by its code."""
        return self._one()

    def get_aws_default_service_quota(self) -> ActionResult:
        """One of AWS's default quotas by its code."""
        return self._one()

    def _listed(self) -> ActionResult:
        request = self.request()
        found = self._quotas(request["ServiceCode"])
        if "QuotaCode" in request:
            found = [quota for quota in found if quota["QuotaCode"] == request["QuotaCode"]]
        token = request.get("NextToken", "0")
        if not token.isdigit():
            raise AwsError("InvalidPaginationTokenException", "Invalid pagination token.")
        begin = int(token)
        end = begin + request.get("MaxResults", _PAGE)
        more = {"NextToken": str(end)} if end < len(found) else {}
        return answer({"Quotas": found[begin:end]} | more)

    def _one(self) -> ActionResult:
        request = self.request()
        for quota in self._quotas(request["ServiceCode"]):
            if quota["QuotaCode"] == request["QuotaCode"]:
                return answer({"Quota": quota})
        raise _no_such_resource()

    def _quotas(self, service: str) -> list[Document]:
        if service != SERVICE:
            raise _no_such_resource()
        return [self._quota(f"{kind} for {use}", value) for kind, value in VALUES.items() for use in USES]

    def _quota(self, name: str, value: float) -> Document:
        code = f"L-{hashlib.sha256(name.encode()).hexdigest()[:8].upper()}"
        return {
            "ServiceCode": SERVICE,
            "ServiceName": SERVICE_NAME,
            "QuotaArn": f"arn:aws:servicequotas:{self.region}:{ACCOUNT_ID}:{SERVICE}/{code}",
            "QuotaCode": code,
            "QuotaName": name,
            "Value": value,
            "Unit": "None",
            "Adjustable": True,
            "GlobalQuota": False,
        }


def _no_such_resource() -> AwsError:
    return AwsError("NoSuchResourceException", "The specified resource does not exist.")
