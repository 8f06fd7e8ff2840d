"""Model packages of the registry: who they are, and what became of them.

``ModelApprovalStatus`` says whether a package may be deployed, ``ModelLifeCycle`` where it is now. Who
decided and why is in ``ApprovalDescription`` for people and in the metadata for programs.
"""

from __future__ import annotations

import datetime as dt
import itertools
import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sentiment_retrain.aws.hooks import Aws

log = logging.getLogger(__name__)

APPROVED, REJECTED, PENDING = "Approved", "Rejected", "PendingManualApproval"
DECIDED = frozenset({APPROVED, REJECTED})
#: (Stage, StageStatus) of ModelLifeCycle.
LIVE = ("Production", "Live")
SUPERSEDED = ("Archived", "Superseded")
ROLLED_BACK = ("Archived", "RolledBack")
NOT_DEPLOYED = ("Archived", "NotDeployed")
CANDIDATE = ("Staging", "Candidate")
FINGERPRINT_KEY = "model_fingerprint"
#: Metadata key of the run that has asked whether it may be deployed.
ASKED_BY = "approval_asked_by_run"
#: Metadata key of why a package is Rejected, and the reasons that nobody has decided.
BECAUSE = "rejected_because"
#: Metadata of a package that is not live; a rollback to it makes them untrue.
OF_THE_PAST = "superseded_by", BECAUSE
TIMEOUT, NEWER = "timeout", "superseded"
NOT_MEANT = frozenset({TIMEOUT, NEWER})
#: How far back packages are looked at.
LOOK_BACK = 20
#: The most that AWS lists at a time.
_PAGE = 100


def recent(aws: Aws, group: str, limit: int | None = LOOK_BACK) -> Iterator[dict[str, Any]]:
    """Descriptions of the newest packages of a group, newest first; none where there is no group.

    :param limit: how many at most; None: all there are, asked for page by page as they are wanted
    """
    for item in itertools.islice(_summaries(aws, group, min(limit or _PAGE, _PAGE)), limit):
        if found := describe(aws, item["ModelPackageArn"]):
            yield found


def _summaries(aws: Aws, group: str, page_size: int = _PAGE) -> Iterator[dict[str, Any]]:
    request = {
        "ModelPackageGroupName": group,
        "SortBy": "CreationTime",
        "SortOrder": "Descending",
        "MaxResults": page_size,
    }
    while True:
        listed = aws.find("list_model_packages", **request) or {}
        yield from listed.get("ModelPackageSummaryList", [])
        if not listed.get("NextToken"):
            return
        request["NextToken"] = listed["NextToken"]


def describe(aws: Aws, arn: str) -> dict[str, Any] | None:
    """One package, None when it is gone."""
    return aws.find("describe_model_package", ModelPackageName=arn)


def metadata(package: Mapping[str, Any]) -> dict[str, str]:
    """CustomerMetadataProperties, empty where there are none."""
    return dict(package.get("CustomerMetadataProperties") or {})


def of_model(
    aws: Aws,
    group: str,
    *,
    fingerprint: str | None = None,
    name: str | None = None,
    limit: int | None = LOOK_BACK,
) -> Any:
    """The newest package of a model, by its fingerprint or its name; None when there is none.

    :param limit: how far back is looked, as :func:`recent` takes it
    """
    wanted = {FINGERPRINT_KEY: fingerprint} if fingerprint else {"model_name": name}
    return next((one for one in recent(aws, group, limit) if wanted.items() <= metadata(one).items()), None)


def mark(
    aws: Aws,
    arn: str,
    *,
    status: str | None = None,
    description: str | None = None,
    stage: tuple[str, str] | None = None,
    forget: Sequence[str] = (),
    **properties: str,
) -> None:
    """Say what became of a package; what is not given stays as it is.

    :param forget: keys of metadata that are true no more
    """
    request: dict[str, Any] = {"ModelPackageArn": arn}
    if status:
        request["ModelApprovalStatus"] = status
    if description:
        request["ApprovalDescription"] = description[:1024]
    if stage:
        request["ModelLifeCycle"] = {"Stage": stage[0], "StageStatus": stage[1]}
    if properties:
        request["CustomerMetadataProperties"] = as_metadata(properties)
    if forget:
        request["CustomerMetadataPropertiesToRemove"] = list(forget)
    aws.sagemaker("update_model_package", **request)
    log.info("%s: %s %s", arn, status or "", description or (stage or ("", ""))[1])


def reject_rolled_back(aws: Aws, arn: str, words: str) -> None:
    """Mark a package whose model was taken off the endpoint: no run deploys it again by itself."""
    mark(aws, arn, status=REJECTED, description=words, stage=ROLLED_BACK, rejected_because="rolled back")


def as_metadata(properties: Mapping[str, Any]) -> dict[str, str]:
    """Values as CustomerMetadataProperties takes them: text of at most 256 characters, no empty ones."""
    allowed = set(" _.:/=+-@")
    cleaned = {
        key: "".join(sign if sign.isalnum() or sign in allowed else "_" for sign in str(value))[:256]
        for key, value in properties.items()
        if value not in (None, "")
    }
    return {key: value for key, value in cleaned.items() if value}


def decided_by(package: Mapping[str, Any]) -> str:
    """Who changed the package last, as the registry knows it."""
    last = package.get("LastModifiedBy") or {}
    return str(
        last.get("UserProfileName")
        or (last.get("IamIdentity") or {}).get("Arn")
        or "somebody in the registry"
    )


def _stage(package: Mapping[str, Any]) -> str | None:
    """StageStatus, of a description or of a listing."""
    return (package.get("ModelLifeCycle") or {}).get("StageStatus")


def supersede(aws: Aws, group: str, live_arn: str, run_key: str) -> list[str]:
    """Mark what the package that went live has taken the place of; ARNs of the marked ones.

    A package that was live keeps its approval, because a rollback may return to it. One that still waited
    for a decision is rejected: deciding on it now would replace a newer model by an older one.
    """
    marked: list[str] = []
    version = live_arn.rpartition("/")[2]
    # A backfill may have registered any number of candidates since; what was live is in the listing.
    older = itertools.islice(_summaries(aws, group), LOOK_BACK, None)
    live = [item for item in older if _stage(item) == LIVE[1]]
    for package in itertools.chain(recent(aws, group), live):
        arn = package["ModelPackageArn"]
        if arn == live_arn or package.get("ModelPackageVersion", 0) > int(version):
            continue
        stage = _stage(package)
        words = f"superseded by version {version} (run {run_key})"
        if stage == LIVE[1]:
            mark(aws, arn, description=words, stage=SUPERSEDED, superseded_by=live_arn)
        elif package["ModelApprovalStatus"] == PENDING:
            mark(
                aws,
                arn,
                status=REJECTED,
                description=words,
                stage=SUPERSEDED,
                superseded_by=live_arn,
                rejected_because=NEWER,
            )
        else:
            continue
        marked.append(arn)
    return marked


def now() -> str:
    """This moment, as metadata carries it."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
