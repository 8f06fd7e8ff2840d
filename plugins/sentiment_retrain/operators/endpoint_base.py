"""What deploying and rolling back share: an endpoint that changes, waited for without a worker."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from sentiment_retrain import errors
from sentiment_retrain.aws import jobs
from sentiment_retrain.aws.jobs import JobState, read_state
from sentiment_retrain.endpoint.canary import Canary
from sentiment_retrain.endpoint.triggers import DeploymentTrigger
from sentiment_retrain.operators.links import JOB_KEY, LINK_KEY, console_url
from sentiment_retrain.operators.sagemaker_job import SageMakerJobOperator

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow.sdk import Context

#: How long a failed endpoint may take to disappear before a new one of its name is made.
DELETE_SECONDS = 600
#: In these the endpoint takes no update.
BUSY = frozenset({"Creating", "Updating", "SystemUpdating", "RollingBack"})
BEGIN, END = "begin", "end"


class EndpointOperator(SageMakerJobOperator):
    """Waits until the endpoint is free, changes it, waits again, and looks what it serves.

    Subclasses say :meth:`begin` and :meth:`end`.
    """

    def begin(self, context: Context) -> Any:
        """Change the endpoint, which is at rest, and give ``self.await_end(…)`` or the result."""
        raise NotImplementedError

    def end(self, context: Context, started: Mapping[str, Any]) -> Any:
        """What the task hands on, once the endpoint is at rest again."""
        raise NotImplementedError

    def resume(
        self, context: Context, event: dict[str, Any], done: dict[str, Any], started: dict[str, Any]
    ) -> Any:
        """Go on where the task was deferred."""
        del done
        if event.get("timed_out"):
            return self.guarded(context, lambda: self.give_up(started))
        if started["phase"] == BEGIN:
            return self.guarded(context, lambda: self.begin(context))
        return self.guarded(context, lambda: self.end(context, started))

    def when_free(self, context: Context) -> Any:
        """:meth:`begin`, after whatever changes the endpoint now (another run, autoscaling) has ended."""
        name = self.settings.endpoint_name
        link = console_url(
            self.aws.client("sagemaker").meta.endpoint_url, self.run["region"], jobs.ENDPOINT, name
        )
        context["ti"].xcom_push(key=LINK_KEY, value=link)
        context["ti"].xcom_push(key=JOB_KEY, value=f"{jobs.ENDPOINT.name}/{name}")
        current = self.describe()
        if current and current["EndpointStatus"] in BUSY and not self.is_ours(current):
            self.log.info("endpoint %s is %s: waiting until it is free", name, current["EndpointStatus"])
            self._wait({}, self._started(BEGIN))
        return self.begin(context)

    def is_ours(self, current: Mapping[str, Any]) -> bool:  # noqa: ARG002
        """Whether what is under way is this task's own change, begun by an earlier try."""
        return False

    def await_end(self, context: Context, **notes: Any) -> Any:
        """Wait for the change that was begun; ``notes`` reach :meth:`end`."""
        started = self._started(END) | notes
        state = self._look(started)
        if state is None or not state.is_done:
            self._wait({}, started)
        return self.end(context, started)

    def describe(self) -> dict[str, Any] | None:
        """The endpoint, None when there is none."""
        return self.aws.find("describe_endpoint", EndpointName=self.settings.endpoint_name)

    def describe_usable(self) -> dict[str, Any] | None:
        """The endpoint in service; one that failed is deleted first, as nothing else is allowed then."""
        name, current = self.settings.endpoint_name, self.describe()
        if current and current["EndpointStatus"] in {"Failed", "OutOfService"}:
            self.log.warning("endpoint %s failed earlier and is made anew", name)
            self.aws.sagemaker("delete_endpoint", EndpointName=name)
            current = self.describe()
        deadline = time.monotonic() + DELETE_SECONDS
        while current and current["EndpointStatus"] == "Deleting":
            if time.monotonic() > deadline:
                raise errors.DeploymentError(f"endpoint {name} is still being deleted", "its name to be free")
            time.sleep(min(5.0, self.settings.poll_seconds))
            current = self.describe()
        return current

    def _started(self, phase: str) -> dict[str, Any]:
        return {
            "kind": jobs.ENDPOINT.name,
            "name": self.settings.endpoint_name,
            "owned": False,
            "phase": phase,
            "deadline": time.time() + self.settings.deploy_timeout_seconds,
        }

    def _wait(self, done: dict[str, Any], started: dict[str, Any]) -> JobState:
        """Until the endpoint is at rest; does not come back when the task is deferred."""
        if self.deferrable:
            trigger = DeploymentTrigger(
                kind=started["kind"],
                name=started["name"],
                region=self.run["region"],
                poll_seconds=self.settings.poll_seconds,
                deadline=started["deadline"],
                stop_on_kill=False,
                canary_uri=started.get("canary_uri"),
            )
            self.defer(trigger=trigger, method_name="resume", kwargs={"done": done, "started": started})
        canary = Canary(self.aws, self.aws.get_json(uri)) if (uri := started.get("canary_uri")) else None
        while time.time() < started["deadline"]:
            if canary:
                self._ask(canary)
            description = self.aws.describe_job(jobs.ENDPOINT, started["name"])
            state = read_state(jobs.ENDPOINT, description) if description else None
            if state and state.is_done:
                return state
            self._pause(self.settings.poll_seconds)
        return self.give_up(started)  # type: ignore[no-any-return]

    def _ask(self, canary: Canary) -> None:
        try:
            canary.round()
        except errors.RetrainError as error:
            self.log.warning("the canary could not be asked: %s", error)
