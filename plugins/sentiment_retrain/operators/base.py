"""What all operators share: how they fail, how gates are settled, where AWS and the configuration are."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

from sentiment_retrain import errors
from sentiment_retrain.aws.hooks import Aws
from sentiment_retrain.operators.lineage_hooks import LineageHooks
from sentiment_retrain.operators.links import RunCardLink
from sentiment_retrain.runs.assets import event_extra
from sentiment_retrain.settings import load_settings
from sentiment_retrain.verdict import gates

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from airflow.sdk import BaseOperatorLink, Context

    from sentiment_retrain.settings import Settings

#: XCom key of what a failed task leaves behind for the report: the error, its gates and its result so far.
FAILURE_KEY = "failure"
#: XCom key of why a task skipped itself: Airflow does not tell it from one that a cancelled run never began.
SKIP_KEY = "skipped"


class RetrainOperator(LineageHooks):
    """Base of every operator here; subclasses implement :meth:`work`.

    :param run: output of the ``plan`` task
    """

    template_fields: Sequence[str] = ("run",)
    operator_extra_links: Sequence[BaseOperatorLink] = (RunCardLink(),)
    ui_color = "#e8f1f5"

    def __init__(self, *, run: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.run = run

    @cached_property
    def settings(self) -> Settings:
        """The installation's configuration, read on the worker."""
        return load_settings()

    @cached_property
    def aws(self) -> Aws:
        """AWS in the run's region."""
        return Aws((self.run or {}).get("region"))

    def work(self, context: Context) -> Any:
        """Do the task's work and give back what it hands on; raises RetrainError."""
        raise NotImplementedError

    def execute(self, context: Context) -> Any:
        """Run :meth:`work`; see :meth:`guarded` for how errors surface."""
        return self.guarded(context, lambda: self.work(context))

    def guarded(self, context: Context, work: Callable[[], Any]) -> Any:
        """``work()``, with its errors turned into what Airflow should do about them.

        :raises AirflowException: Airflow retries, because the error may pass
        :raises AirflowFailException: Airflow does not retry, because the next try would say the same
        :raises AirflowSkipException: as ``work`` did, with its reason left behind for the report
        """
        try:
            result = work()
            self.describe_outlets(context, result)
            self.outcome.result = result
            return result
        except AirflowSkipException as skip:
            context["ti"].xcom_push(key=SKIP_KEY, value=str(skip))
            raise
        except errors.RetrainError as error:
            failure = {
                **error.as_dict(),
                "task_id": self.task_id,
                "result": getattr(error, "result", None),
                "gates": getattr(error, "gates", []),
            }
            context["ti"].xcom_push(key=FAILURE_KEY, value=failure)
            # The exception carries the whole text, so that the log's last line, the UI and alerts have it.
            kind = AirflowException if error.retryable else AirflowFailException
            raised = kind(str(error))
            self.outcome.failed(raised, error)
            raise raised from None
        except Exception as unforeseen:
            self.outcome.failed(unforeseen)
            raise

    def describe_outlets(self, context: Context, result: Any) -> None:
        """Let the events of the task's assets say what has changed."""
        for outlet in self.outlets:
            if isinstance(outlet, Asset):
                context["outlet_events"][outlet].extra = event_extra(self.run, self.made(result))

    def made(self, result: Any) -> Any:
        """What is told of the task's assets; ``result`` is what the task hands on."""
        return result

    def settle(
        self, found: Iterable[gates.Gate | Mapping[str, Any]], result: dict[str, Any]
    ) -> dict[str, Any]:
        """``result`` with its gates, each logged.

        :raises GateFailed: when one failed, with all gates and ``result`` attached for the report
        """
        checked = [gate.as_dict() if isinstance(gate, gates.Gate) else dict(gate) for gate in found]
        for gate in checked:
            log = {"pass": self.log.info, "warn": self.log.warning}.get(gate["status"], self.log.error)
            log("gate %(gate)s: %(status)s | observed: %(observed)s | threshold: %(threshold)s", gate)
        result["gates"] = checked
        try:
            gates.raise_for_gates(checked)
        except errors.GateFailed as error:
            error.result = result  # type: ignore[attr-defined]
            error.gates = checked
            raise
        return result
