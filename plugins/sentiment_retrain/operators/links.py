"""The buttons on a task: to its job in the console, to the job's state and log, to the card of the run."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from airflow.sdk import BaseOperatorLink

from sentiment_retrain.cards.paths import PREFIX, Links

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey

    from sentiment_retrain.aws.jobs import JobKind

#: XCom key under which an operator leaves the address of the job it waits for.
LINK_KEY = "job_url"
#: XCom key under which it leaves ``<kind>/<name>`` of the same job.
JOB_KEY = "job_name"

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


class JobLogLink(BaseOperatorLink):
    """Link to the page with the job's state and the end of its log, wherever the job runs."""

    name = "Job and log"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002
        """Address of the page; empty before the task has a job."""
        from airflow.sdk.bases.xcom import BaseXCom

        job = BaseXCom.get_value(key=JOB_KEY, ti_key=ti_key)  # type: ignore[arg-type]
        return _pages_of(ti_key).job(*str(job).split("/", 1)) if job else ""


class RunCardLink(BaseOperatorLink):
    """Link to the card of the run, which is there once the task ``report`` has written it."""

    name = "Run card"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002
        """Address of the page."""
        return _pages_of(ti_key).card_of(ti_key.run_id)


def _pages_of(ti_key: TaskInstanceKey) -> Links:
    """Addresses for the run of a task, below the path that people reach Airflow at."""
    from airflow.configuration import conf

    airflow = urlsplit(conf.get("api", "base_url", fallback="") or "").path.rstrip("/")
    return Links(airflow + PREFIX, ti_key.dag_id, ti_key.run_id)
