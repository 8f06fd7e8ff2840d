"""Jobs that nobody waits for any more: found by their tags, and stopped.

A task stops its own job when it ends without it. Where none of its code runs at its end (a worker that was
killed before the run was cancelled, a triggerer that was down), the job runs on. ``report`` of that run stops
it here; where there was no report either (``dagrun_timeout``), the next ``plan`` of any run does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowRuntimeError

from sentiment_retrain import errors
from sentiment_retrain.aws.jobs import JOB_KINDS
from sentiment_retrain.naming import name_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from airflow.sdk.types import Logger

    from sentiment_retrain.aws.hooks import Aws
    from sentiment_retrain.aws.jobs import JobKind

OWNER_TAG = "retrain:run"
#: Tells installations apart that share an account: their scheduled runs have the same keys.
BUCKET_TAG = "retrain:bucket"
#: Key of the tag by which a run that joined another run's job says so, before the run's key.
GUEST_TAG = "retrain:guest:"
_ENDED_STATES = frozenset({"success", "failed"})


def register_guest(aws: Aws, arn: str, run_key: str, log: Logger) -> None:
    """Say on the job that this run waits for it too, so that it is not stopped while it does."""
    try:
        aws.add_tag(arn, f"{GUEST_TAG}{run_key}", "waits")
    except errors.RetrainError as error:
        # Without the tag the job may be stopped with its owner's run; this run then begins the next attempt.
        log.warning("%s could not be tagged as joined: %s", arn, error.observed)


def owner_of(tags: Mapping[str, str], bucket: str) -> str:
    """Key of the run of the installation in ``bucket`` that started a job with these tags, else empty."""
    return tags.get(OWNER_TAG, "") if tags.get(BUCKET_TAG) == bucket else ""


def interested_runs(tags: Mapping[str, str], bucket: str) -> set[str]:
    """Keys of the runs that wait, or waited, for a job with these tags; empty when it is none of ours."""
    owner = owner_of(tags, bucket)
    guests = {key.removeprefix(GUEST_TAG) for key in tags if key.startswith(GUEST_TAG)}
    return {owner, *guests} if owner else set()


def stop_abandoned(
    aws: Aws, bucket: str, task_instance: Any, log: Logger, ended: Collection[str] = ()
) -> list[str]:
    """Stop every running job all of whose runs have ended; gives the names.

    A job is left alone when one of its runs goes on, or is not known to this Airflow and this bucket.

    :param task_instance: asks Airflow for the state of a run
    :param ended: keys of runs that count as ended whatever Airflow says (the one whose report asks)
    """
    known = dict.fromkeys(ended, True)

    def is_over(run_key: str) -> bool:
        if run_key not in known:
            known[run_key] = _is_over(aws, bucket, task_instance, run_key)
        return known[run_key]

    stopped = []
    try:
        for kind, name in _abandoned(aws, bucket, is_over):
            if aws.stop_job(kind, name):
                log.warning("%s %s was stopped: every run that waited for it has ended", kind.name, name)
                stopped.append(name)
    except errors.RetrainError as error:
        # Whoever asked has work of its own to do; the next plan looks again.
        log.warning("jobs that nobody waits for could not be looked for: %s", error)
    return stopped


def _abandoned(aws: Aws, bucket: str, is_over: Callable[[str], bool]) -> Iterator[tuple[JobKind, str]]:
    for kind in JOB_KINDS.values():
        for name, arn in list(aws.running_jobs(kind)):
            # Only names like ours are asked for their tags: the account is not ours alone.
            runs = interested_runs(aws.tags(arn), bucket) if name_parts(name) else set()
            if runs and all(is_over(run_key) for run_key in runs):
                yield kind, name


def _is_over(aws: Aws, bucket: str, task_instance: Any, run_key: str) -> bool:
    plan = aws.find_json(f"s3://{bucket}/runs/{run_key}/plan.json")
    if plan is None:
        return False
    try:
        state = task_instance.get_dagrun_state(plan["dag_id"], plan["run_id"])
    except AirflowRuntimeError:
        return False
    return str(getattr(state, "value", state)) in _ENDED_STATES
