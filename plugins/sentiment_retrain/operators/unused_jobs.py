"""Jobs that a run has started and whose results no task of it handed on: they were paid for all the same.

Attempts that found no capacity half-way, were interrupted, failed or were stopped, and the job of a task that
was killed and never came back. Found by the tags that every job of ours carries.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sentiment_retrain.aws.jobs import (
    AUTOML,
    JOB_KINDS,
    instance_count_of,
    instance_type_of,
    read_state,
)
from sentiment_retrain.naming import compact_date, name_parts
from sentiment_retrain.operators.abandoned import OWNER_TAG, owner_of
from sentiment_retrain.operators.job_request import job_document
from sentiment_retrain.runs.costs import known_cost_usd

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sentiment_retrain.aws.hooks import Aws
    from sentiment_retrain.aws.jobs import JobKind, JobState
    from sentiment_retrain.settings import Settings

STEP_TAG = "retrain:step"


def unused_jobs(
    aws: Aws, settings: Settings, *, bucket: str, run_key: str, dates: Collection[str], used: Collection[str]
) -> list[dict[str, Any]]:
    """Each a ``job`` of docs/contracts.md section 2, with the ``task`` it was for; by kind and name.

    :param bucket: the installation's, as other installations of the account have runs of the same key
    :param dates: the newest data, ``YYYY-MM-DD``, of what the run works on: part of its jobs' names
    :param used: names of jobs that are on the card already
    """
    found: list[dict[str, Any]] = []
    for kind in JOB_KINDS.values():
        listed = sorted({pair for date in dates for pair in aws.jobs_named(kind, f"-{compact_date(date)}-")})
        for name, arn in listed:
            # Only names like ours are asked for their tags: the account is not ours alone.
            if name in used or not name_parts(name):
                continue
            tags = aws.tags(arn)
            description = aws.describe_job(kind, name) if owner_of(tags, bucket) == run_key else None
            if description:
                found.append(_job(settings, kind, description, tags))
    return found


def _job(
    settings: Settings, kind: JobKind, description: Mapping[str, Any], tags: Mapping[str, str]
) -> dict[str, Any]:
    state = read_state(kind, description)
    reason = "no task waited for it to the end" if state.succeeded else state.reason or "no reason given"
    job = job_document(
        kind,
        description,
        state,
        outcome="submitted",
        owner=tags[OWNER_TAG],
        why=f"{state.status}, its result was not used: {reason}",
        cost_usd=_cost(settings, kind, description, state),
    )
    return {"task": tags.get(STEP_TAG, ""), **job}


def _cost(settings: Settings, kind: JobKind, description: Mapping[str, Any], state: JobState) -> float | None:
    """US dollars, None for machines without a price."""
    if kind is AUTOML:
        rules = settings.jobs.autopilot
        machine, count = rules.instance_type, rules.max_candidates
    else:
        machine, count = instance_type_of(kind, description) or "", instance_count_of(kind, description)
    return known_cost_usd(state.billable_seconds, machine, count, settings.prices)
