"""Stopping a job that must not run on, and asking an AWS that does not answer again."""

from __future__ import annotations

import queue
import threading
import time
from typing import TYPE_CHECKING, Any, TypeVar

from sentiment_retrain import errors
from sentiment_retrain.aws import failures
from sentiment_retrain.aws.jobs import JOB_KINDS
from sentiment_retrain.operators.abandoned import owner_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow.sdk.types import Logger

    from sentiment_retrain.aws.hooks import Aws

Result = TypeVar("Result")

#: Airflow sends SIGKILL five seconds after SIGTERM; the stop must have been asked for by then.
KILL_SECONDS = 3.0
#: Of these five seconds, for how long Airflow is asked whether it runs the task again.
ASK_SECONDS = 1.5
#: States of a task that Airflow runs again by itself: it was reset, or waits for its next try.
_COMES_BACK = frozenset({"None", "scheduled", "queued", "up_for_retry"})
_NO_ANSWER = "no answer"
#: For how long a task asks an AWS that throttles or does not answer again, before Airflow's own retry.
PATIENCE_SECONDS = 180.0


def stop_held(aws: Aws, held: Mapping[str, Any], run: Mapping[str, Any], log: Logger) -> None:
    """Stop the job that a task holds, if it is the task's own.

    :param held: ``kind, name, owned``; ``is_sure`` false when it is not known whether the create request
        that is under way made the job, or another run did
    :param run: ``run_key, bucket`` of the task's run
    """
    kind, name = JOB_KINDS[held["kind"]], held["name"]
    if not held["owned"]:
        log.info("%s %s belongs to another run and goes on", kind.name, name)
        return
    try:
        if held.get("is_sure", True) or _is_of_run(aws, held, run):
            stopped = aws.stop_job(kind, name, KILL_SECONDS)
            log.info("%s %s: %s", kind.name, name, "stop requested" if stopped else "had ended already")
    except errors.RetrainError as error:
        # Said, because it costs money.
        log.error(  # noqa: TRY400 - a traceback would say nothing more
            "%s %s could not be stopped and runs on, at most until its time limit; the next run of this work "
            "finds it, or stop it in the console: %s",
            kind.name,
            name,
            error,
        )


def _is_of_run(aws: Aws, held: Mapping[str, Any], run: Mapping[str, Any]) -> bool:
    kind = JOB_KINDS[held["kind"]]
    description = aws.describe_job(kind, held["name"])
    tags = aws.tags(description[kind.arn_key]) if description else {}
    return owner_of(tags, run["bucket"]) == str(run["run_key"])


def patiently(act: Callable[[], Result], pause: Callable[[float], None], log: Logger) -> Result:
    """``act()``, again with full jitter while AWS throttles or does not answer.

    :param act: may be repeated without harm
    :param pause: waits so many seconds
    :raises ServiceUnavailable: when patience is at its end
    """
    deadline, attempt = time.monotonic() + PATIENCE_SECONDS, 0
    while True:
        try:
            return act()
        except errors.ServiceUnavailable as error:
            if time.monotonic() > deadline:
                raise
            seconds = failures.backoff_seconds(attempt)
            log.warning("asking AWS again in %.1f s: %s", seconds, error.observed)
            pause(seconds)
            attempt += 1


def is_tried_again(context: Any, error: Exception) -> bool:
    """Whether Airflow runs the task once more after this error, so that it finds its job again."""
    if isinstance(error, errors.RetrainError) and not error.retryable:
        return False
    task_instance = context["ti"]
    return bool(getattr(task_instance, "try_number", 0) <= getattr(task_instance, "max_tries", 0))


def comes_back(context: Any) -> bool:
    """Whether Airflow runs the task that is being killed again, without anybody having asked for it.

    A person's act shows in the task's state (failed, success, restarting); a restart of Airflow or of the
    worker does not. No answer in time means that Airflow itself is down, so that nobody has acted. Should
    that be wrong, ``report`` or the next ``plan`` stops the job (:mod:`.abandoned`).
    """
    answers: queue.Queue[str] = queue.Queue()
    # In a thread, because the signal may have come in the middle of a question to the supervisor.
    threading.Thread(target=lambda: answers.put(_state(context["ti"])), daemon=True).start()
    try:
        state = answers.get(timeout=ASK_SECONDS)
    except queue.Empty:
        state = _NO_ANSWER
    if state in {"running", _NO_ANSWER}:
        return is_tried_again(context, errors.JobInterrupted("a signal", "none"))
    return state in _COMES_BACK


def _state(task_instance: Any) -> str:
    """State of the task in Airflow's database."""
    try:
        dag_id, run_id, task_id = task_instance.dag_id, task_instance.run_id, task_instance.task_id
        states = task_instance.get_task_states(dag_id, task_ids=[task_id], run_ids=[run_id])
        state = states[run_id][task_id]
    except Exception:  # noqa: BLE001 - in a signal handler's thread nobody would see it
        return _NO_ANSWER
    return str(getattr(state, "value", state))
