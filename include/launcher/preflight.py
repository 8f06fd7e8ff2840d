"""`make preflight`: is the account ready for a run? Asked before any money, of the AWS the environment names.

Nothing is started. The one thing written is a few bytes at `runs/preflight` of the bucket, always the same.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from rich.table import Table
from rich.text import Text

from launcher import preflight_checks as checks
from launcher.failures import LauncherError
from launcher.preflight_checks import FAIL, OK, UNKNOWN, Check, Refusal
from launcher.preflight_permissions import wanted
from launcher.preflight_quotas import needs, quotas

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console

    from sentiment_retrain.settings.schema import Settings

PROBE_KEY = "runs/preflight"
STYLES = {OK: "green", UNKNOWN: "yellow", FAIL: "bold red"}
ROLE_ARN = re.compile(r"arn:(?P<partition>[\w-]+):sts::(?P<account>\d+):assumed-role/(?P<role>[^/]+)/.+")
PAST_JOBS = 10
_MISSING = {"404", "NoSuchBucket", "NotFound", "NoSuchEntity", "EntityNotFoundException"}


class Account:
    """One AWS account as boto3's own configuration names it (profile, environment, AWS_ENDPOINT_URL)."""

    def __init__(self) -> None:
        self._session = boto3.Session()
        self.region: str | None = self._session.region_name
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        """A client that gives up soon: a person waits."""
        if service not in self._clients:
            quick = Config(
                connect_timeout=5, read_timeout=20, retries={"total_max_attempts": 2, "mode": "standard"}
            )
            self._clients[service] = self._session.client(service, config=quick)
        return self._clients[service]

    def ask(self, question: Callable[[], Any]) -> Any:
        """What the question gives, or AWS's refusal to answer it."""
        try:
            return question()
        except ClientError as error:
            found = error.response.get("Error", {})
            code = str(found.get("Code", ""))
            return Refusal(code, str(found.get("Message", "")), is_missing=code in _MISSING)
        except BotoCoreError as error:
            return Refusal(type(error).__name__, str(error))

    def identity(self) -> Any:
        """Answer of sts:GetCallerIdentity."""
        return self.ask(lambda: self.client("sts").get_caller_identity())

    def bucket_region(self, name: str) -> Any:
        """Region of a bucket."""

        def question() -> str:
            answer = self.client("s3").head_bucket(Bucket=name)
            headers = answer["ResponseMetadata"]["HTTPHeaders"]
            return str(answer.get("BucketRegion") or headers.get("x-amz-bucket-region") or self.region)

        return self.ask(question)

    def written(self, name: str) -> Refusal | None:
        """Why the probe could not be written; None when it was."""
        body = b"make preflight was here\n"
        answer = self.ask(lambda: self.client("s3").put_object(Bucket=name, Key=PROBE_KEY, Body=body))
        return answer if isinstance(answer, Refusal) else None

    def role(self, arn: str) -> Any:
        """``Role`` of iam:GetRole."""
        name = arn.rpartition("/")[2]
        return self.ask(lambda: self.client("iam").get_role(RoleName=name)["Role"])

    def denied(self, caller_arn: str, questions: list[tuple[str, str]]) -> Any:
        """Those of (action, resource) that IAM's simulation does not allow the caller."""
        arn = self._simulated(caller_arn)

        def question() -> list[str]:
            simulate = self.client("iam").get_paginator("simulate_principal_policy").paginate
            by_resource: dict[str, list[str]] = {}
            for action, resource in questions:
                by_resource.setdefault(resource, []).append(action)
            return [
                f"{result['EvalActionName']} on {resource}"
                for resource, actions in by_resource.items()
                for page in simulate(
                    PolicySourceArn=arn, ActionNames=actions, ResourceArns=[resource], ContextEntries=PASSED
                )
                for result in page["EvaluationResults"]
                if result["EvalDecision"] != "allowed"
            ]

        return self.ask(question)

    def _simulated(self, caller_arn: str) -> str:
        """Whose policies are simulated: a session's role, with the path that its session does not tell."""
        found = ROLE_ARN.fullmatch(caller_arn)
        if not found:
            return caller_arn
        plain = "arn:{partition}:iam::{account}:role/{role}".format(**found.groupdict())
        role = self.role(plain)
        return plain if isinstance(role, Refusal) else str(role["Arn"])

    def quotas(self) -> Any:
        """The account's quotas on SageMaker by name."""

        def question() -> dict[str, float]:
            pages = self.client("service-quotas").get_paginator("list_service_quotas")
            return {
                quota["QuotaName"]: float(quota["Value"])
                for page in pages.paginate(ServiceCode="sagemaker")
                for quota in page["Quotas"]
            }

        return self.ask(question)

    def manifest_type(self, uri: str) -> Any:
        """Media type of an image's manifest in ECR, empty where ECR does not say, None without the image."""
        parts = checks.parse_image(uri)
        if parts is None:
            return None

        wanted = {"imageDigest": parts.digest} if parts.digest else {"imageTag": parts.tag}

        def question() -> str | None:
            answer = self.client("ecr").batch_get_image(
                registryId=parts.account, repositoryName=parts.repository, imageIds=[wanted]
            )
            return next((str(one.get("imageManifestMediaType", "")) for one in answer["images"]), None)

        return self.ask(question)

    def clarify_jobs(self, prefix: str) -> Any:
        """How many of this installation's newest completed jobs ran Clarify's image."""

        def question() -> int:
            sagemaker = self.client("sagemaker")
            listed = sagemaker.list_processing_jobs(
                NameContains=prefix, StatusEquals="Completed", MaxResults=PAST_JOBS
            )
            names = [job["ProcessingJobName"] for job in listed["ProcessingJobSummaries"]]
            described = (sagemaker.describe_processing_job(ProcessingJobName=name) for name in names)
            return sum(checks.CLARIFY in job["AppSpecification"]["ImageUri"] for job in described)

        return self.ask(question)

    def workgroup(self, name: str) -> Any:
        """``WorkGroup`` of athena:GetWorkGroup."""
        return self.ask(lambda: self.client("athena").get_work_group(WorkGroup=name)["WorkGroup"])

    def database(self, name: str) -> Any:
        """``Database`` of glue:GetDatabase."""
        return self.ask(lambda: self.client("glue").get_database(Name=name)["Database"])


PASSED = [
    {
        "ContextKeyName": "iam:PassedToService",
        "ContextKeyValues": [checks.SAGEMAKER],
        "ContextKeyType": "string",
    },
    {
        "ContextKeyName": "cloudwatch:namespace",
        "ContextKeyValues": ["SentimentRetrain"],
        "ContextKeyType": "string",
    },
]


def examine(account: Account, settings: Settings) -> Iterator[Check]:
    """Every check, in the order in which a person would repair them; stops where the rest cannot be asked."""
    identity = account.identity()
    yield checks.credentials(identity)
    uris, problem = _images(account.region)
    yield checks.region(account.region, problem)
    if isinstance(identity, Refusal) or not account.region:
        return
    yield _bucket(account, settings)
    for setting in ("role_arn", "model_role_arn"):
        arn = getattr(settings, setting)
        # Without one of their own, models run as role_arn.
        if arn or setting == "role_arn":
            yield checks.role(setting, arn, account.role(arn) if arn else Refusal("", ""))
    questions = wanted(settings, account.region, identity["Account"], identity["Arn"].split(":")[1])
    yield checks.permissions(account.denied(identity["Arn"], questions), len(questions))
    yield from quotas(needs(settings), account.quotas())
    for name, uri in _needed_images(settings, uris).items():
        found = account.manifest_type(uri) if uri else None
        yield checks.image(name, uri, found, identity["Account"], account.region)
    engine = settings.jobs.analysis.engine
    yield checks.clarify(engine, account.clarify_jobs(settings.prefix) if engine == "clarify" else 0)
    yield checks.workgroup(settings.workgroup, account.workgroup(settings.workgroup), settings.bucket)
    yield checks.database(settings.database, account.database(settings.database))


def run(console: Console) -> None:
    """Print the table.

    :raises ConfigError: the settings themselves are unusable
    :raises LauncherError: something must be repaired before a run
    """
    from sentiment_retrain.settings import load_settings

    account, found = Account(), []
    for check in examine(account, load_settings()):
        found.append(check)
    console.print(_table(found))
    failed = [check.name for check in found if check.status == FAIL]
    unknown = sum(check.status == UNKNOWN for check in found)
    if failed:
        raise LauncherError(
            "LOCAL_PREFLIGHT",
            f"not ready: {', '.join(failed)}.",
            "The last column of the table says it line by line; then `make preflight` again.",
        )
    console.print(f"Ready. {unknown} of {len(found)} checks could not be answered." if unknown else "Ready.")


def _images(region: str | None) -> tuple[dict[str, str], str | None]:
    """AWS's images of a region, and why there are none."""
    from sentiment_retrain.aws.images import image_uris
    from sentiment_retrain.errors import ConfigError

    if not region:
        return {}, None
    try:
        return image_uris(region), None
    except ConfigError as error:
        return {}, error.observed


def _needed_images(settings: Settings, uris: dict[str, str]) -> dict[str, str | None]:
    analysis = settings.jobs.analysis
    found: dict[str, str | None] = {name: uri for name, uri in uris.items() if name != "clarify"}
    if analysis.engine == "clarify":
        return found | {"clarify": analysis.image_uri or uris.get("clarify")}
    return found | {"analyzer": analysis.image_uri}


def _bucket(account: Account, settings: Settings) -> Check:
    name = settings.bucket
    found = account.bucket_region(name) if name else ""
    # A probe into somebody else's region or bucket would say nothing.
    reachable = name is not None and found == account.region
    return checks.bucket(name, found, account.region, account.written(name) if reachable and name else None)


def _table(found: list[Check]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("check", "", "observed", "expected", "what to do"):
        table.add_column(name, overflow="fold")
    for check in found:
        status = Text(check.status, style=STYLES[check.status])
        table.add_row(
            Text(check.name), status, Text(check.observed), Text(check.expected), Text(check.remedy)
        )
    return table
