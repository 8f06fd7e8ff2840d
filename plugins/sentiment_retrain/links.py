"""The button on a task that leads to its job."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from airflow.sdk import BaseOperatorLink

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey

    from sentiment_retrain.jobs import JobKind

#: XCom key under which an operator leaves the address of the job it waits for.
LINK_KEY = "job_url"

_CONSOLE_DOMAINS = {"amazonaws.com": "aws.amazon.com", "amazonaws.com.cn": "amazonaws.cn"}


def console_url(endpoint_url: str, region: str, kind: JobKind, name: str) -> str:
    """Where a person sees the job: the console of AWS, or whatever answers at a custom endpoint.

    :param endpoint_url: endpoint of the SageMaker client that made the job
    """
    host = urlsplit(endpoint_url).hostname or ""
    domain = next((console for api, console in _CONSOLE_DOMAINS.items() if host.endswith(f".{api}")), None)
    if domain is None:
        return endpoint_url
    return (
        f"https://{region}.console.{domain}/sagemaker/home?region={region}#/{kind.console_path}/{quote(name)}"
    )


class SageMakerJobLink(BaseOperatorLink):
    """Link to the job in the SageMaker console."""

    name = "SageMaker job"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002
        """Address of the job that the task submitted, reused or reconnected to; empty before it did."""
        from airflow.sdk.bases.xcom import BaseXCom

        return BaseXCom.get_value(key=LINK_KEY, ti_key=ti_key) or ""  # type: ignore[arg-type]
