"""What an account must have before a run may spend money, judged from what was observed. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


Status = Literal["ok", "not known", "FAIL"]
OK: Status = "ok"
UNKNOWN: Status = "not known"
FAIL: Status = "FAIL"

#: SageMaker takes ``registry/repository[:tag]`` and ``registry/repository[@digest]``.
IMAGE = (
    r"(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/([^:@]+)(?::([^:@]+)|@(sha256:[0-9a-f]{64}))?"
)
SAGEMAKER = "sagemaker.amazonaws.com"
CLARIFY = "sagemaker-clarify-processing"
#: What Docker builds by default, and SageMaker refuses: `Unsupported manifest media type`.
OCI = "application/vnd.oci."
STACK = "Deploy include/infra/sentiment-retrain.yaml (docs/aws.md) and use its output Overlay."


class Check(NamedTuple):
    """One line of the table; ``remedy`` is empty where nothing is to be done."""

    name: str
    status: Status
    observed: str
    expected: str
    remedy: str = ""


@dataclass(frozen=True)
class Refusal:
    """AWS's answer where it did not answer the question: its error code and message.

    :param is_missing: the thing asked for does not exist
    """

    code: str
    message: str
    is_missing: bool = False

    def __str__(self) -> str:
        # What stands between us and AWS may answer in HTML.
        words = " ".join(re.sub(r"<[^>]*>", " ", self.message).split())
        return f"{self.code}: {words}"[:160]


class Image(NamedTuple):
    """The parts of an ECR image's URI; one with a digest has no tag."""

    account: str
    region: str
    repository: str
    tag: str
    digest: str = ""


def parse_image(uri: str) -> Image | None:
    """``<account>.dkr.ecr.<region>.amazonaws.com/<repository>`` with a tag or digest; None for others."""
    found = re.fullmatch(IMAGE, uri)
    if not found:
        return None
    digest = found[5] or ""
    return Image(found[1], found[2], found[3], found[4] or ("" if digest else "latest"), digest)


def credentials(identity: Mapping[str, Any] | Refusal) -> Check:
    """Whether AWS knows who asks.

    :param identity: answer of sts:GetCallerIdentity
    """
    expected = "credentials that AWS knows"
    if isinstance(identity, Refusal):
        remedy = (
            "Sign in (`aws sso login`, `aws configure`), or run where a role is attached; see docs/aws.md."
        )
        return Check("credentials", FAIL, str(identity), expected, remedy)
    return Check("credentials", OK, str(identity["Arn"]), expected)


def region(name: str | None, problem: str | None) -> Check:
    """Whether a region is set, and AWS's images are known in it.

    :param problem: why they are not, None when they are
    """
    expected = "a region whose SageMaker images are known"
    if not name:
        return Check("region", FAIL, "none", expected, "Set AWS_DEFAULT_REGION, e.g. to us-east-1.")
    if problem:
        return Check(
            "region", FAIL, f"{name}: {problem}"[:160], expected, "Set AWS_DEFAULT_REGION to another."
        )
    return Check("region", OK, name, expected)


def bucket(name: str | None, found: str | Refusal, region_name: str | None, written: Refusal | None) -> Check:
    """Whether the bucket is there, in this region, and can be written to.

    :param found: the region it is in, or why it cannot be looked at
    :param written: why a few bytes could not be written, None when they were
    """
    expected = f"a bucket in {region_name} that can be written to"
    if not name:
        return Check("bucket", FAIL, "none is set", expected, f"Set SENTIMENT_RETRAIN_BUCKET. {STACK}")
    if isinstance(found, Refusal):
        remedy = STACK if found.is_missing else "Give these credentials s3:ListBucket on it."
        return Check("bucket", FAIL, f"{name}: {found}", expected, remedy)
    if found != region_name:
        remedy = f"Set AWS_DEFAULT_REGION={found}, or use a bucket in {region_name}."
        return Check("bucket", FAIL, f"{name} is in {found}", expected, remedy)
    if written:
        remedy = "Give these credentials s3:PutObject on its runs/ (AirflowDataPolicy of the stack)."
        return Check("bucket", FAIL, f"{name}: {written}", expected, remedy)
    return Check("bucket", OK, f"{name}, written to", expected)


def role(setting: str, arn: str | None, found: Mapping[str, Any] | Refusal) -> Check:
    """Whether a role exists and SageMaker may assume it.

    :param found: ``Role`` of iam:GetRole
    """
    expected = "a role that trusts SageMaker"
    if not arn:
        return Check(setting, FAIL, "none is set", expected, f"Set `{setting}`. {STACK}")
    if isinstance(found, Refusal):
        if found.is_missing:
            return Check(setting, FAIL, f"{arn}: {found}", expected, STACK)
        remedy = "Give these credentials iam:GetRole on it to have it checked."
        return Check(setting, UNKNOWN, f"{arn}: {found}", expected, remedy)
    if found.get("Arn") != arn:
        return Check(setting, FAIL, f"{arn} is {found.get('Arn')}", expected, f"Correct `{setting}`.")
    if not trusts_sagemaker(found.get("AssumeRolePolicyDocument")):
        remedy = f'Let {{"Service": "{SAGEMAKER}"}} do sts:AssumeRole in its trust policy.'
        return Check(setting, FAIL, f"{arn} does not trust SageMaker", expected, remedy)
    return Check(setting, OK, arn, expected)


def trusts_sagemaker(policy: Any) -> bool:
    """Whether a trust policy lets SageMaker assume its role; conditions are not judged."""
    statements = policy.get("Statement", []) if isinstance(policy, dict) else []
    for statement in statements if isinstance(statements, list) else [statements]:
        principal = statement.get("Principal")
        services = _listed(principal.get("Service", [])) if isinstance(principal, dict) else []
        actions = {"sts:AssumeRole", "sts:*", "*"} & set(_listed(statement.get("Action", [])))
        if statement.get("Effect") == "Allow" and actions and (principal == "*" or SAGEMAKER in services):
            return True
    return False


def permissions(denied: Sequence[str] | Refusal, asked: int) -> Check:
    """Whether IAM's simulation lets the caller do what a run does.

    :param denied: ``action on resource`` of what it does not let
    """
    expected = f"all of {asked} kinds of request"
    if isinstance(denied, Refusal):
        # Roles of IAM Identity Center and of MWAA have a path, which a session's ARN leaves out.
        missing = "iam:GetRole" if denied.is_missing else "iam:SimulatePrincipalPolicy"
        remedy = f"Give these credentials {missing} on themselves to have it checked."
        return Check("permissions", UNKNOWN, str(denied), expected, remedy)
    if denied:
        shown = ", ".join(denied[:4]) + (f" and {len(denied) - 4} more" if len(denied) > 4 else "")
        remedy = "Attach the stack's policies (output AirflowPolicyArns) to whoever runs Airflow."
        return Check("permissions", FAIL, f"denied: {shown}", expected, remedy)
    return Check("permissions", OK, "allowed, by IAM's simulation", expected)


def image(name: str, uri: str | None, found: str | Refusal | None, account: str, region_name: str) -> Check:
    """Whether an image can be pulled.

    :param found: media type of its manifest (empty: not told), None without the tag, or ECR's refusal
    :param account: the caller's; another's registry may be open to SageMaker and not to the caller
    """
    check, expected = f"image: {name}", "an image that ECR has"
    parts = parse_image(uri) if uri else None
    if parts is None:
        remedy = "Push include/containers/analyzer to ECR and set jobs.analysis.image_uri."
        return Check(check, FAIL, uri or "none is set", "the URI of an image in ECR", remedy)
    if parts.region != region_name:
        remedy = f"Push it to ECR in {region_name}, and name that: SageMaker pulls from no other region."
        return Check(check, FAIL, f"{uri} is in {parts.region}", f"an image in {region_name}", remedy)
    is_own = parts.account == account
    if isinstance(found, str) and found.startswith(OCI) and is_own:
        remedy = "Build it again as docs/aws.md says: --provenance=false --output type=docker."
        return Check(check, FAIL, f"{uri}: {found}", "a Docker manifest: SageMaker takes no other", remedy)
    if isinstance(found, str):
        return Check(check, OK, str(uri), expected)
    observed = f"{uri}: {found or ('no such digest' if parts.digest else 'no such tag')}"
    if is_own:
        wanted = f"{parts.repository}@{parts.digest}" if parts.digest else f"{parts.repository}:{parts.tag}"
        return Check(check, FAIL, observed, expected, f"Push {wanted} to ECR.")
    remedy = "Only SageMaker may look into this registry; the first job that uses it will tell."
    return Check(check, UNKNOWN, observed, expected, remedy)


def clarify(engine: str, past: int | Refusal) -> Check:
    """Whether Clarify, which AWS closed to new customers, is open to this account.

    :param past: this installation's completed jobs on Clarify's image
    """
    expected = "an account that has used Clarify"
    if engine != "clarify":
        return Check("Clarify", OK, f"not used: engine {engine}", "nothing")
    if isinstance(past, int) and past:
        return Check("Clarify", OK, f"{past} completed job(s)", expected)
    observed = str(past) if isinstance(past, Refusal) else "no completed job yet"
    remedy = (
        "AWS closed Clarify to new customers and offers no way to ask. Unless this account used it, set "
        "jobs.analysis.engine: analyzer and jobs.analysis.image_uri (docs/aws.md)."
    )
    return Check("Clarify", UNKNOWN, observed, expected, remedy)


def workgroup(name: str, found: Mapping[str, Any] | Refusal, bucket_name: str | None) -> Check:
    """Whether queries can run, into our bucket, up to a limit.

    :param found: ``WorkGroup`` of athena:GetWorkGroup
    """
    expected = "an enabled workgroup with a scan limit"
    if isinstance(found, Refusal):
        return Check("workgroup", FAIL, f"{name}: {found}", expected, STACK)
    rules = found.get("Configuration", {})
    location = rules.get("ResultConfiguration", {}).get("OutputLocation", "")
    if found.get("State") != "ENABLED":
        return Check("workgroup", FAIL, f"{name} is {found.get('State')}", expected, "Enable it in Athena.")
    if rules.get("EnforceWorkGroupConfiguration") and not location.startswith(f"s3://{bucket_name}/"):
        remedy = f"Let it write to s3://{bucket_name}/athena/, or not enforce its configuration."
        return Check("workgroup", FAIL, f"{name} writes to {location or 'nowhere'}", expected, remedy)
    limit = rules.get("BytesScannedCutoffPerQuery")
    if not limit:
        return Check("workgroup", UNKNOWN, f"{name} has no scan limit", expected, STACK)
    return Check("workgroup", OK, f"{name}, at most {limit / 2**30:g} GiB a query", expected)


def database(name: str, found: Mapping[str, Any] | Refusal) -> Check:
    """Whether the Glue database is there, and IAM alone decides about its tables.

    :param found: ``Database`` of glue:GetDatabase, which may tell who may use new tables by default
    """
    expected = "a Glue database"
    if not isinstance(found, Refusal):
        principals = [one["Principal"] for one in found.get("CreateTableDefaultPermissions", [])]
        named = {principal.get("DataLakePrincipalIdentifier") for principal in principals}
        if "CreateTableDefaultPermissions" in found and "IAM_ALLOWED_PRINCIPALS" not in named:
            remedy = (
                "Grant Airflow's role in Lake Formation: Create table and Describe on the database, Select "
                "on its tables; or let IAM decide alone (IAMAllowedPrincipals)."
            )
            return Check("database", UNKNOWN, f"{name}: Lake Formation decides", expected, remedy)
        return Check("database", OK, name, expected)
    if found.is_missing:
        remedy = f"The first run makes it where glue:CreateDatabase is allowed. {STACK}"
        return Check("database", UNKNOWN, f"{name} does not exist", expected, remedy)
    return Check(
        "database", FAIL, f"{name}: {found}", expected, "Give these credentials glue:GetDatabase on it."
    )


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]
